"""The arm that the files of the corpus are written for: its schema, its inputs, and the files themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.contract import Transitions
from autoreward.schema import ActionSpec, EnvSchema, Field

CORPUS = Path(__file__).parents[1] / "language" / "corpus"
RANGES: dict[str, tuple[tuple[int, ...], float, float]] = {
    "qpos": ((7,), -2.0, 2.0),
    "qvel": ((6,), -4.0, 4.0),
    "ee_pos": ((3,), -2.0, 2.0),
    "obj_pos": ((3,), -2.0, 3.0),
    "goal_pos": ((3,), -2.0, 2.0),
    "height": ((), 0.0, 2.0),
    "contact_force": ((), 0.0, 5.0),
    "time": ((), 0.0, 20.0),
}
ARM = EnvSchema(
    env_id="arm",
    fields=(
        *(Field(name=name, shape=shape, low=low, high=high) for name, (shape, low, high) in RANGES.items()),
        Field(name="fallen", dtype="bool"),
    ),
    action=ActionSpec(kind="continuous", shape=(4,), low=-1.0, high=1.0),
    step_limit=50,
)
Batch = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """One file of the corpus."""

    name: str
    source: str
    category: str
    expect: str
    strip_text: bool


def cases(folder: Path = CORPUS) -> list[Case]:
    found = []
    for path in sorted(folder.glob("*.txt")):
        source = path.read_bytes().decode()
        head = {
            key: value.split()[0]
            for key in ("category", "expect", "check")
            for value in [source.partition(f"# {key}: ")[2]]
            if value
        }
        found.append(Case(path.stem, source, head["category"], head["expect"], head.get("check") == "strip-text"))
    return found


def batch(steps: int, rows: int, kind: str) -> Batch:
    """Inputs [T, N, ...]: `random` as early in an episode, `edge` at zeros and at the ends of the ranges, `late`."""
    rng = np.random.default_rng(1)
    inputs: Batch = {"action": rng.uniform(-1, 1, (steps, rows, 4)).astype(np.float32)}
    for side in ("state", "next_state"):
        for name, (shape, low, high) in RANGES.items():
            lowest = 10.1 if kind == "late" and name == "time" else low
            highest = {"time": 5.0, "obj_pos": 2.0}.get(name, high) if kind == "random" else high
            values = rng.uniform(lowest, highest, (steps, rows, *shape))
            if kind == "edge":
                ends = np.array([0.0, low, high])[np.arange(rows) % 3]
                values = np.broadcast_to(ends.reshape(rows, *[1] * len(shape)), (steps, rows, *shape))
            inputs[f"{side}.{name}"] = values.astype(np.float32)
        inputs[f"{side}.fallen"] = rng.random((steps, rows)) < 0.3
    return inputs


def begun(steps: int, rows: int) -> NDArray[np.bool_]:
    first = np.zeros((steps, rows), np.bool_)
    first[0] = True
    return first


def recorded() -> Transitions:
    return Transitions(batch(16, 8, "random"), begun(16, 8), np.zeros((16, 8), np.bool_))


def digest(inputs: Batch) -> str:
    return hashlib.sha256(b"".join(name.encode() + inputs[name].tobytes() for name in sorted(inputs))).hexdigest()
