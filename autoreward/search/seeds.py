"""Training seeds, split in three: what the search saw, what selected the winner, and what is reported."""

from __future__ import annotations

from autoreward.config import RunConfig

SEARCH, SELECTION, REPORT, SPAN = 1000, 2000, 3000, 10_000


def search_seeds(config: RunConfig) -> tuple[int, ...]:
    """Seeds that candidates train on."""
    return _seeds(config, SEARCH, config.search_seeds)


def selection_seeds(config: RunConfig) -> tuple[int, ...]:
    """Seeds that the finalists are compared on."""
    return _seeds(config, SELECTION, config.selection_seeds)


def report_seeds(config: RunConfig) -> tuple[int, ...]:
    """Seeds that the search and the selection never saw."""
    return _seeds(config, REPORT, config.report_seeds)


def _seeds(config: RunConfig, offset: int, count: int) -> tuple[int, ...]:
    first = SPAN * config.seed + offset
    return tuple(range(first, first + count))
