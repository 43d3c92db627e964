"""The Analyzer: what the trainings and trajectories say, and what to change."""
