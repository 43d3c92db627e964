"""A local page over all runs: a table of them, each run's report, and runs side by side. It only reads."""
