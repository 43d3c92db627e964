"""The smallest configuration of a whole run, for tests of what a run does."""

from __future__ import annotations

from pathlib import Path

from autoreward.config import RunConfig


def small_run(runs: Path, **changes: object) -> RunConfig:
    """A run of one round with one candidate, on one seed of each kind, that trains nothing.

    Args:
        runs: folder of the run folder.
        **changes: fields of `RunConfig` that replace these, such as `rounds=2` or `trainer={"name": "batch"}`.
    """
    small = {
        "designer": "llm",
        "rounds": 1,
        "candidates": 1,
        "search_seeds": 1,
        "selection_seeds": 1,
        "report_seeds": 1,
        "report_episodes": 2,
        "probe_seconds": 1.5,  # too few for the probe that plays, and enough for all others
        "runs": runs,
        "trainer": {"name": "autoreward.testing.trainer:NoTrainer"},
    }
    return RunConfig.model_validate(small | changes)
