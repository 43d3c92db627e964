"""The cell: where reward programs run, and nowhere else."""
