"""The tables of a run: each grows by whole rows, readable after any crash."""
