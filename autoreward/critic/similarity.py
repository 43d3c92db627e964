"""How alike two rewards are: their text with names left out, what they pay, and distances that shaping does not move.

- `digest`: equal for programs that differ in names, comments, spacing and the form of numbers alone.
- EPIC (Gleave et al., 2021, "Quantifying differences in reward functions", definitions 4.1 to 4.3): the Pearson
  distance of rewards from which the expected shaping is taken. It draws states, actions and next
  states apart, so it is not defined where a reward keeps something in memory.
- STARC (Skalse et al., 2024, "STARC: a general framework for quantifying differences between reward functions"): the
  distance of normalised canonical rewards. Canonical is here what least squares leave of a reward beside all potentials
  that are linear in the fields and their squares (their minimal canonicalisation, within that family), on recorded
  episodes, memory included.

Both are in [0, 1] and 0 for rewards that differ by potential shaping and a positive factor, which have the same optimal
policies; how fast a learner finds these is another matter, so only equal pay counts as the same reward.

Not covered: what happens in states outside of the coverage set, and what potentials do where an episode terminates.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.language.clean import clean
from autoreward.language.lexical import parse
from autoreward.language.nodes import is_docstring
from autoreward.language.program import FUNCTIONS, Program
from autoreward.language.tables import BUILTINS

Array = NDArray[Any]

STATES, DRAWS = 256, 64
"""Transitions that EPIC compares, and actions with next states that each expectation is a mean of."""
TOLERANCE = 1e-4
"""Of equal pay, as a share of the largest: float32 sums differ so much by their order."""
DIMENSIONS = 64
"""Numbers of a state that potentials are made of, at most."""


def digest(program: Program) -> str:
    """A hash of what a program computes, as it is written: without names, comments, docstrings and IDEA."""
    tree = clean(parse(program.source))
    kept = [node for node in tree.body if isinstance(node, ast.FunctionDef) or _assigns_other_than_idea(node)]
    fields = {*program.state_fields, *program.next_state_fields}
    tree = _Nameless({*FUNCTIONS[program.grammar], "WEIGHTS"}, fields).visit(ast.Module(kept, []))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def numbers(program: Program) -> frozenset[float]:
    """All numbers that stand in a program, without their signs."""
    constants = (node.value for node in ast.walk(parse(program.source)) if isinstance(node, ast.Constant))
    return frozenset(float(value) for value in constants if isinstance(value, int | float))


def factor(first: Mapping[str, Array], second: Mapping[str, Array]) -> float | None:
    """What a reward is times another one in every step, by chunk of steps; None where they differ by more than that."""
    if first.keys() != second.keys():
        return None
    one, two = (
        np.concatenate([each[name].astype(np.float64).reshape(-1) for name in first]) for each in (first, second)
    )
    size = float(two @ two)
    times = float(one @ two) / size if size else 1.0
    same = float(np.abs(one - times * two).max()) <= TOLERANCE * float(np.abs(one).max())
    return times if same and times > 0 else None


@dataclass(frozen=True)
class Expectations:
    """Rows that EPIC needs of a program: transitions, and each of their states with drawn actions and next states."""

    transitions: dict[str, Array]
    """Inputs [1, STATES, ...]."""
    before: dict[str, Array]
    """Inputs [1, STATES x DRAWS, ...]: the state before, then what was drawn."""
    after: dict[str, Array]
    """The same of the state after."""

    @classmethod
    def of(cls, inputs: Mapping[str, Array]) -> Expectations:
        """Drawn from transitions [T, N, ...], which hold each field both before and after the step."""
        generator = np.random.default_rng(3)
        rows = {name: array.reshape(-1, *array.shape[2:]) for name, array in inputs.items()}
        total = len(next(iter(rows.values())))
        chosen, drawn = generator.integers(total, size=STATES), generator.integers(total, size=DRAWS)
        first, then = np.repeat(chosen, DRAWS), np.tile(drawn, STATES)
        transitions = {name: array[chosen][None] for name, array in rows.items()}
        before = {name: array[first if name.startswith("state.") else then][None] for name, array in rows.items()}
        after = dict(before)
        for name in before:
            if name.startswith("state."):
                after[name] = rows[f"next_{name}"][first][None]
        return cls(transitions, before, after)


def canonical_epic(transitions: Array, before: Array, after: Array, gamma: float) -> NDArray[np.float64]:
    """A reward with its expected shaping taken off, [STATES]; the constant of the paper's definition drops out later.

    Args:
        transitions: rewards [STATES].
        before: rewards [STATES x DRAWS] of the states before with drawn actions and next states.
        after: the same of the states after.
        gamma: discount.
    """
    means = [array.astype(np.float64).reshape(STATES, DRAWS).mean(axis=1) for array in (before, after)]
    found: NDArray[np.float64] = transitions.astype(np.float64).reshape(STATES) + gamma * means[1] - means[0]
    return found


def pearson_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """sqrt((1 - correlation) / 2), in [0, 1]; of a constant 0 to another constant, else 1."""
    spreads = [float(values.std()) for values in (first, second)]
    if min(spreads) < 1e-12:
        return 0.0 if max(spreads) < 1e-12 else 1.0
    correlation = float(np.mean((first - first.mean()) * (second - second.mean()))) / (spreads[0] * spreads[1])
    return float(np.sqrt(max(0.0, 1.0 - correlation) / 2.0))


def canonical_starc(reward: Array, inputs: Mapping[str, Array], gamma: float) -> NDArray[np.float64]:
    """What least squares leave of a reward [T, N] beside potential shaping, divided by its norm: [T x N].

    Args:
        reward: of recorded steps.
        inputs: all fields of these steps before and after, [T, N, ...].
        gamma: discount.
    """
    values = reward.astype(np.float64).reshape(-1)
    shaping = gamma * _features(inputs, "next_state.") - _features(inputs, "state.")
    left = values - shaping @ np.linalg.lstsq(shaping, values, rcond=None)[0]
    norm = float(np.linalg.norm(left))
    # What is left of a reward that is all shaping is noise, which must not be blown up.
    return left / norm if norm > 1e-6 * float(np.linalg.norm(values)) else np.zeros_like(left)


def starc_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Half of the Euclidean distance of canonical rewards, in [0, 1]."""
    return float(np.linalg.norm(first - second)) / 2.0


def _features(inputs: Mapping[str, Array], prefix: str) -> NDArray[np.float64]:
    """1, each number of a state, and its square: [T x N, F]. Scaled by what is seen before steps, so both fit."""
    columns = []
    for name in inputs:
        if name.startswith("state."):
            array = inputs[prefix + name.removeprefix("state.")].astype(np.float64)
            scale = float(np.abs(inputs[name].astype(np.float64)).max()) or 1.0
            columns.append(array.reshape(array.shape[0] * array.shape[1], -1) / scale)
    found = np.concatenate(columns, axis=1)[:, :DIMENSIONS]
    return np.concatenate([np.ones((len(found), 1)), found, found**2], axis=1)


def _assigns_other_than_idea(node: ast.stmt) -> bool:
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return isinstance(target, ast.Name) and target.id != "IDEA"


class _Nameless(ast.NodeTransformer):
    """Names and texts in the order in which they come, numbers as floats; what means something by its name stays."""

    def __init__(self, names: set[str], fields: set[str]) -> None:
        self._kept, self._fields = names | {"np", "math", "state", "next_state", "action", "memory"}, fields
        self._names: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def _name(self, name: str) -> str:
        kept = name in self._kept or name in BUILTINS
        return name if kept else self._names.setdefault(name, f"name{len(self._names)}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._name(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self._name(node.arg))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._name(node.name)
        node.body = [part for part in node.body if not is_docstring(part)] or node.body
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value = node.value
        if isinstance(value, str) and value not in self._fields:
            return ast.Constant(self._texts.setdefault(value, f"text{len(self._texts)}"))
        if isinstance(value, int) and not isinstance(value, bool):
            return ast.Constant(float(value))
        return ast.Constant(value)
