"""Public data sets in the layouts of their authors."""
