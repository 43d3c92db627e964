"""Executable checks, one file a check."""
