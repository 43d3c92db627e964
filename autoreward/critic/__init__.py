"""The Critic: verifies candidates before any training is paid for."""
