"""Trainers by name."""

from __future__ import annotations

import importlib

from autoreward.errors import UnknownName, UserError
from autoreward.training.contract import Trainer

BUILT_IN = {"batch": "autoreward.training.batch:BatchTrainer", "sb3": "autoreward.training.sb3:SB3Trainer"}


def find_trainer(name: str) -> Trainer:
    """The trainer of that name: a built-in one, or `module:attr`, a class or factory without arguments.

    Raises:
        UserError: there is no such module or attribute.
        UnknownName: the name is neither built in nor of that form.
    """
    path = BUILT_IN.get(name, name)
    module_name, colon, attribute = path.partition(":")
    if not colon:
        raise UnknownName("trainer", name, BUILT_IN, "Type batch, sb3, or module:attr for a trainer of your own.")
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UserError(f"trainer {name!r} cannot be loaded: {error}") from None
    trainer: Trainer = factory()
    return trainer
