"""The loop: generations, selection, statistics."""
