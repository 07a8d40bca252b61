"""Lexicons, one folder each."""
