"""The language model: one contract, its implementations, and the record of every call."""
