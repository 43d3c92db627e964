"""Behaviours that the Critic plays itself, to find what a candidate pays for without the task being done."""
