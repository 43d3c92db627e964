"""Environments: the batched contract, adapters and packs."""
