"""The earlier candidates of a run, as a new one is compared with them. Kept in memory only: soon made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autoreward.critic import similarity
from autoreward.critic.twin import twin
from autoreward.language.static import grammar_of
from autoreward.reward.total import total
from autoreward.sandbox.contract import Inputs, Memory

if TYPE_CHECKING:
    from autoreward.critic.checks.trial import Trial

GAMMA = 0.99
"""Discount where no task gives one."""


@dataclass(frozen=True)
class Measured:
    """What is compared of one program."""

    digest: str
    numbers: frozenset[float]
    smooth: bool
    """Whether it has no branch, and each of its terms is other than 0 somewhere."""
    seen: bool
    """Whether each of its terms is other than 0 in some recorded step, where EPIC and STARC look."""
    pays: Mapping[str, NDArray[np.float32]]
    """Chunk -> reward [T, N]."""
    epic: NDArray[np.float64] | None
    """Canonical reward of EPIC; None where the program keeps something in memory."""
    starc: NDArray[np.float64]
    """Canonical, normalised reward of STARC."""


@dataclass(frozen=True)
class Earlier:
    """The candidates that a new one must differ from."""

    sources: Mapping[str, str] = field(default_factory=dict)
    """Name such as `0.1` -> program, oldest first; all of them accepted."""
    measured: dict[str, Measured] = field(default_factory=dict)
    """Program -> what was measured of it, on the same recorded transitions; it is added to."""


def measure(trial: Trial, source: str) -> Measured:
    """What is compared of a program, measured in the trial's cell; that has this program loaded afterwards.

    Raises:
        CellFailed: as `Cell.score`.
        RewardRefused: as `Cell.load`.
    """
    if found := trial.earlier.measured.get(source):
        return found
    program = trial.cell.load(source, trial.schema, grammar_of(source))
    own = trial if program == trial.program else trial.of_another(program)
    gamma = trial.task.trainer.gamma if trial.task else GAMMA

    def pays(inputs: Inputs) -> NDArray[np.float32]:
        begun = np.ones(next(iter(inputs.values())).shape[:2], np.bool_)
        return total(program, trial.cell.score(inputs, begun, Memory()).terms)

    epic = None
    if not program.uses_memory:
        rows = similarity.Expectations.of(trial.inputs)
        parts = [pays(part) for part in (rows.transitions, rows.before, rows.after)]
        epic = similarity.canonical_epic(parts[0], parts[1], parts[2], gamma)
    chunks = {name: total(program, terms) for name, terms in own.everywhere.items()}
    found = Measured(
        digest=similarity.digest(program),
        numbers=similarity.numbers(program),
        smooth=twin(program) is None and all(map(_fires, _by_term(own.everywhere).values())),
        seen=all(bool(term.any()) for term in own.recorded.terms.values()),
        pays=chunks,
        epic=epic,
        starc=similarity.canonical_starc(chunks["recorded"], trial.inputs, gamma),
    )
    trial.earlier.measured[source] = found
    return found


def _by_term(everywhere: Mapping[str, Mapping[str, NDArray[Any]]]) -> dict[str, list[NDArray[Any]]]:
    found: dict[str, list[NDArray[Any]]] = {}
    for terms in everywhere.values():
        for name, values in terms.items():
            found.setdefault(name, []).append(values)
    return found


def _fires(parts: list[NDArray[Any]]) -> bool:
    return any(bool(part.any()) for part in parts)
