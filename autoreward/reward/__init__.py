"""The reward program as users meet it: load, wrap, export."""
