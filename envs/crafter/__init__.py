"""Crafter, an open world seen from above with 22 achievements, as an environment with fields."""
