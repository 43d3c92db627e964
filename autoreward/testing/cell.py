"""Programs and inputs for tests of a `Cell`; what every cell must do with them is `testing.conformance`."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.sandbox.contract import Cell, Memory, Scores
from autoreward.schema import ActionSpec, EnvSchema, Field

Array = NDArray[Any]

SCHEMA = EnvSchema(
    env_id="conformance",
    fields=(
        Field(name="tip", shape=(2,), unit="m", meaning="position of the tip"),
        Field(name="goal", shape=(2,), unit="m", meaning="position of the goal"),
        Field(name="height", unit="m", meaning="height of the tip"),
        Field(name="kind", dtype="int64", meaning="an id"),
        Field(name="fallen", dtype="bool", meaning="whether it lies on the ground"),
    ),
    action=ActionSpec(kind="continuous", shape=(2,), low=-1.0, high=1.0),
    step_limit=50,
)
"""Fields of every dtype, for tests of reward programs."""

PLAIN = """
IDEA = "Be near the goal with little effort."
WEIGHTS = {"near": 1.0, "effort": 0.1}

def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["tip"] - next_state["goal"], axis=-1)
    return {"near": -distance, "effort": -np.sum(np.square(action), axis=-1)}
"""

BEST = """
IDEA = "Every new best distance pays."
WEIGHTS = {"progress": 1.0, "steps": 0.0}

def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["tip"] - next_state["goal"], axis=-1)
    best = memory.get("best", distance)
    steps = memory.get("steps", 0)
    memory["best"] = np.minimum(best, distance)
    memory["steps"] = steps + 1
    return {"progress": np.maximum(best - distance, 0.0), "steps": steps}
"""

SIGNS = """
IDEA = "Reach the goal; approach it until then."

def sparse(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["tip"] - next_state["goal"], axis=-1)
    return {"reached": (distance < 0.5) & ~memory.get("seen", False)}

def dense(state, action, next_state, memory):
    before = np.linalg.norm(state["tip"] - state["goal"], axis=-1)
    after = np.linalg.norm(next_state["tip"] - next_state["goal"], axis=-1)
    memory["seen"] = memory.get("seen", False) | (after < 0.5)
    return {"approach": before - after}
"""


def sample(steps: int, rows: int, seed: int = 0) -> dict[str, Array]:
    """Random inputs of `SCHEMA`, [T, N, ...]."""
    rng = np.random.default_rng(seed)
    inputs: dict[str, Array] = {"action": rng.uniform(-1, 1, (steps, rows, 2)).astype(np.float32)}
    for side in ("state", "next_state"):
        inputs[f"{side}.tip"] = rng.normal(size=(steps, rows, 2)).astype(np.float32)
        inputs[f"{side}.goal"] = rng.normal(size=(steps, rows, 2)).astype(np.float32)
        inputs[f"{side}.height"] = rng.uniform(0, 2, (steps, rows)).astype(np.float32)
        inputs[f"{side}.kind"] = rng.integers(0, 5, (steps, rows))
        inputs[f"{side}.fallen"] = rng.random((steps, rows)) < 0.2
    return inputs


def episodes(steps: int, rows: int, seed: int = 0) -> NDArray[np.bool_]:
    """`begun` [T, N]: every row begins at the first step, and some begin again later."""
    begun = np.random.default_rng(seed).random((steps, rows)) < 0.1
    begun[:1] = True
    return begun


def score_in_chunks(
    cell: Cell, inputs: dict[str, Array], begun: NDArray[np.bool_], cuts: list[int]
) -> tuple[dict[str, Array], Memory]:
    """Score [T, N] cut before the given steps; the terms joined again, and the memory at the end."""
    parts: list[Scores] = []
    memory = Memory()
    bounds = [0, *cuts, len(begun)]
    for low, high in itertools.pairwise(bounds):
        parts.append(cell.score({name: array[low:high] for name, array in inputs.items()}, begun[low:high], memory))
        memory = parts[-1].memory
    return {name: np.concatenate([part.terms[name] for part in parts]) for name in parts[0].terms}, memory
