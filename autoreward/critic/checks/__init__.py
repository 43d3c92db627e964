"""Executable checks, one file a check.

A check takes the `Trial` of a candidate and gives an `Outcome`. It may also let `CellFailed` and `RewardRefused`
through: the cell's messages name term and line, and hold nothing that the program chose.
"""
