"""Executable checks, one file a check.

A check takes the `Trial` of a candidate and says what is wrong, in words that a Designer can act on, or nothing. It may
also let `CellFailed` through: the cell's messages name term and line, and hold nothing that the program chose.
"""
