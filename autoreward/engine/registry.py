"""Engines by name."""

from __future__ import annotations

import importlib.util
from typing import cast

from autoreward import plugins
from autoreward.config import EngineConfig
from autoreward.engine.contract import Engine, Resources
from autoreward.engine.local import LocalEngine
from autoreward.errors import UnknownName, UserError
from autoreward.records import validate

ENGINES = ("local", "ray", "slurm")
NEEDED = {"ray": "ray", "slurm": "submitit"}
"""Engine -> the package that its extra installs."""


def find_engine(settings: EngineConfig, slots: int, timeout: float) -> Engine:
    """The engine that a configuration names; whoever asks for it shuts it down.

    Args:
        settings: its name is one of `ENGINES`, or `module:attr` of what is called with these same arguments.
        slots: trainings at once; 0: what there is.
        timeout: seconds without any progress after which a training is ended.

    Raises:
        UnknownName: there is no such engine.
        UserError: its extra is not installed, a setting is not for it, it does not answer, or is too small for a job.
    """
    given = {
        "cpus": settings.cpus,
        "gpus": settings.gpus,
        "memory": None if settings.memory is None else round(settings.memory * 1e9),
        "seconds": None if settings.minutes is None else settings.minutes * 60,
    }
    resources = validate(Resources, given, "engine")
    if ":" in settings.name:
        return _load(settings, slots, timeout)
    _check(settings)
    if settings.name == "ray":
        from autoreward.engine.on_ray import RayEngine

        return RayEngine(slots, timeout, resources, settings.address)
    if settings.name == "slurm":
        from autoreward.engine.on_slurm import SlurmEngine

        return SlurmEngine(slots, timeout, resources, settings.partition, settings.options)
    return LocalEngine(slots, timeout, resources)


def _check(settings: EngineConfig) -> None:
    """Refuse names that are not there, and settings that would do nothing."""
    if settings.name not in ENGINES:
        raise UnknownName("engine", settings.name, ENGINES, f"Type {', '.join(ENGINES)}, or module:attr of your own.")
    given = settings.model_dump(exclude_defaults=True)
    for setting, engine in {"address": "ray", "partition": "slurm", "options": "slurm"}.items():
        if setting in given and settings.name != engine:
            raise UserError(f"--engine.{setting} is for --engine {engine}, and the engine is {settings.name}")
    if (package := NEEDED.get(settings.name)) and importlib.util.find_spec(package) is None:
        raise UserError(
            f"engine {settings.name} needs the package {package}; type pip install 'autoreward[{settings.name}]'"
        )


def _load(settings: EngineConfig, slots: int, timeout: float) -> Engine:
    factory = plugins.find("engine", settings.name)
    try:
        engine = factory(settings, slots, timeout)
    except TypeError as error:
        raise UserError(f"engine {settings.name!r} cannot be made from (settings, slots, timeout): {error}") from None
    if not (callable(getattr(engine, "submit", None)) and callable(getattr(engine, "shutdown", None))):
        raise UserError(f"engine {settings.name!r} has no submit(request, progress) and shutdown()")
    return cast("Engine", engine)
