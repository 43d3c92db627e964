"""Many runs that are compared: their matrix, the pool that carries them out, and what they show together."""
