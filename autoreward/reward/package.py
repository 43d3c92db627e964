"""Reading an exported reward package: what its own `__init__.py` calls."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.wrappers import TimeLimit

from autoreward.envs.registry import make_single
from autoreward.errors import RunDamaged
from autoreward.language.program import Grammar
from autoreward.records import Record, read_record
from autoreward.reward.reward import Reward, read_source
from autoreward.sandbox.isolation import Level
from autoreward.schema import EnvSchema
from autoreward.task import Task

PACKAGE_VERSION = 1
REWARD = "reward.py"
MANIFEST = "manifest.json"


class Manifest(Record):
    """`manifest.json` of a reward package: what the reward is, what it is for, and how well it did."""

    version: int = PACKAGE_VERSION
    """Of this record."""
    name: str
    autoreward: str
    """Version that wrote the package."""
    sha256: str
    """Of `reward.py`, hexadecimal."""
    grammar: Grammar
    idea: str
    task: Task
    env_schema: EnvSchema
    evidence: dict[str, Any] = {}
    """What was measured: run, seeds, success with interval, isolation."""


def fingerprint(source: str) -> str:
    """SHA-256 of a program's text, hexadecimal."""
    return hashlib.sha256(source.encode()).hexdigest()


def load_environment(folder: Path) -> gymnasium.Env[Any, Any]:
    """The environment that an exported package's reward was designed for, with its step limit.

    Raises:
        RunDamaged: the manifest is missing or damaged.
        UserError: the environment does not construct; the message says why.
    """
    manifest = read_record(folder / MANIFEST, Manifest)
    return TimeLimit(make_single(manifest.task.env), manifest.env_schema.step_limit)


def load_package(folder: Path, trusted: bool = False, isolation: Level = "B") -> Reward:
    """The reward of an exported package; `trusted` and `isolation` as in `load_reward`.

    Raises:
        RunDamaged: a file is missing or damaged, or the program is not the one that the evidence is about.
        RewardRefused: the program breaks a rule of this version's reward language.
    """
    manifest = read_record(folder / MANIFEST, Manifest)
    source = read_source(folder / REWARD)
    if fingerprint(source) != manifest.sha256:
        advice = f"its evidence does not hold for it; load it as a file: load_reward({str(folder / REWARD)!r}, env=...)"
        raise RunDamaged(f"{folder / REWARD} was changed after its export, so {advice}")
    return Reward(source, manifest.env_schema, manifest.grammar, trusted, isolation)
