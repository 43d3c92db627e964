"""Prompt templates, one folder a role. A user folder overrides single files."""
