"""A report's rows seed by seed: success with an interval over its episodes, and how the episodes ended."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autoreward.store.folder import RunFolder
from autoreward.store.records import Row

Z = 1.959964
"""Of 95%."""


@dataclass(frozen=True)
class SeedResult:
    """The final evaluation of one training."""

    seed: int
    success: float | None
    """None where the training gave no result."""
    interval: tuple[float, float]
    """95% of the success rate, over the episodes of this one policy."""


@dataclass(frozen=True)
class RowBySeed:
    """One reward's trainings on the report seeds."""

    name: str
    label: str
    seeds: tuple[SeedResult, ...]
    outcomes: dict[str, float]
    """Outcome -> share of the episodes, mean over the seeds; empty where no training gave a result."""


def by_seed(folder: RunFolder, row: Row, steps: int) -> RowBySeed:
    """A row's trainings one by one.

    Args:
        folder: the run.
        row: of its report.
        steps: under which a training's result is found where the row itself was not trained (random actions).

    Raises:
        RunDamaged: a result does not read.
    """
    seeds, shares = [], []
    for seed, training in row.trainings.items():
        result = folder.result(training, row.steps or steps)
        final = result.final if result else None
        if final is None:
            seeds.append(SeedResult(seed, None, (0.0, 1.0)))
            continue
        shares.append(final.outcomes)
        successes = round(final.success_rate * final.episodes)
        seeds.append(SeedResult(seed, final.success_rate, wilson(successes, final.episodes)))
    names = dict.fromkeys(name for share in shares for name in share)
    outcomes = {name: sum(share.get(name, 0.0) for share in shares) / len(shares) for name in names}
    return RowBySeed(row.name, row.label, tuple(seeds), outcomes)


def wilson(successes: int, episodes: int) -> tuple[float, float]:
    """95% interval of a success rate over so many episodes (Wilson 1927, Journal of the ASA 22); 0 to 1 without any.

    It is about the episodes alone: seeds vary more.
    """
    if not episodes:
        return 0.0, 1.0
    share = successes / episodes
    middle = share + Z * Z / (2 * episodes)
    half = Z * math.sqrt(share * (1 - share) / episodes + Z * Z / (4 * episodes**2))
    whole = 1 + Z * Z / episodes
    # At no success and at nothing else the end is 0 or 1; rounding makes it exactly that.
    return round(max(0.0, (middle - half) / whole), 12), round(min(1.0, (middle + half) / whole), 12)
