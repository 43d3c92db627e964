"""The run folder: typed records, written atomically."""
