"""Image encoders; all return the same four maps."""
