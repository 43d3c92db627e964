"""Engines as the tests make them, here and in processes of their own."""

from __future__ import annotations

from autoreward.engine.contract import Engine
from autoreward.engine.local import LocalEngine


def local() -> LocalEngine:
    return LocalEngine(slots=2, timeout=60)


def ray() -> Engine:
    from autoreward.engine.on_ray import RayEngine

    return RayEngine(slots=2, timeout=60)


def slurm() -> Engine:
    from autoreward.engine.on_slurm import SlurmEngine

    return SlurmEngine(slots=2, timeout=60)
