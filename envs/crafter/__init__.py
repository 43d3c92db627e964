"""Crafter, an open world in two dimensions with 22 achievements, as an environment with fields."""
