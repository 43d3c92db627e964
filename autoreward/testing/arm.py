"""Two collections of hostile, faulty and good programs, and the arm that one of them is written for.

`corpus/arm` is for the arm of this module; `corpus/own` for the schema of `autoreward.testing.cell`, and its good
programs for tasks. The header of each file says what must become of it: `reject` (refused before anything of it runs),
`contain` and `fault` (stopped at the latest by the Critic's dry run), `accept`. Data, never imported: whoever runs the
hostile ones does so in a cell, under limits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.contract import Transitions
from autoreward.schema import ActionSpec, EnvSchema, Field

FOLDER = Path(__file__).parent / "corpus"
"""The collections `arm` and `own`."""
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
    """One file of a collection, with what its header says."""

    name: str
    source: str
    expect: Literal["reject", "contain", "fault", "accept"]
    category: str = ""
    task: str = ""
    """For a good program of `own`: the task that it is for; `conformance` is the schema of `testing.cell`."""
    strip_text: bool = False
    """Whether it has words for a reader, which no other model may see."""


def cases(collection: str = "arm") -> list[Case]:
    """The files of a collection, by name."""
    found = []
    for path in sorted((FOLDER / collection).glob("*.txt")):
        source = path.read_bytes().decode()
        head = {
            key: value.split()[0]
            for key in ("category", "expect", "check", "task")
            for value in [source.partition(f"# {key}: ")[2]]
            if value
        }
        expect = cast(Literal["reject", "contain", "fault", "accept"], head["expect"])
        words = head.get("check") == "strip-text"
        found.append(Case(path.stem, source, expect, head.get("category", ""), head.get("task", ""), words))
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
    """[T, N]: every row begins at the first step."""
    first = np.zeros((steps, rows), np.bool_)
    first[0] = True
    return first


def recorded() -> Transitions:
    """Transitions [16, 8] for a dry run."""
    return Transitions(batch(16, 8, "random"), begun(16, 8), np.zeros((16, 8), np.bool_))


def digest(inputs: Batch) -> str:
    """What changes where a byte of the inputs does."""
    return hashlib.sha256(b"".join(name.encode() + inputs[name].tobytes() for name in sorted(inputs))).hexdigest()
