from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoreward.training.statistics import EpisodeLog, curves, term_statistics


def finish(log: EpisodeLog, step: int, success: list[bool]) -> None:
    mask = np.ones(len(success), dtype=np.bool_)
    log.finish(mask, np.array(success), None, {}, step)


def play(log: EpisodeLog, step: int, near: list[float], success: list[bool]) -> None:
    """One episode of two steps in each of two environments."""
    for _ in range(2):
        terms = {"near": np.array(near, np.float32), "alive": np.ones(2, np.float32)}
        log.add_step(terms["near"] + terms["alive"], terms)
    finish(log, step, success)


def test_sums_and_curves_are_those_computed_by_hand(tmp_path: Path) -> None:
    log = EpisodeLog(2)
    play(log, 4, [1.0, 2.0], [False, False])
    play(log, 100, [3.0, 4.0], [False, True])
    log.write(tmp_path / "episodes.npz")
    episodes = dict(np.load(tmp_path / "episodes.npz"))
    assert episodes["own_return"].tolist() == [4.0, 6.0, 8.0, 10.0]
    assert episodes["term.near"].tolist() == [2.0, 4.0, 6.0, 8.0]
    assert episodes["length"].tolist() == [2, 2, 2, 2]
    assert episodes["step"].tolist() == [4, 4, 100, 100]
    course = curves(episodes, 100)
    assert course.points == (10, 100)
    assert course.own_return == (5.0, 9.0)
    assert course.success == (0.0, 0.5)
    near = term_statistics(episodes, 100, log.constant_terms())["near"]
    assert near.curve == (3.0, 7.0)
    assert near.mean == 5.0
    assert near.share == pytest.approx(7 / 9)
    assert near.success_correlation == pytest.approx(np.corrcoef([2, 4, 6, 8], [0, 0, 0, 1])[0, 1])
    assert near.score_correlation is None
    assert not near.constant


def test_a_term_that_never_changes_is_constant_though_episodes_differ_in_length() -> None:
    log = EpisodeLog(1)
    for step, length in ((1, 1), (4, 3)):
        for _ in range(length):
            log.add_step(np.ones(1, np.float32), {"alive": np.ones(1, np.float32)})
        finish(log, step, [False])
    alive = term_statistics(log.arrays(), 10, log.constant_terms())["alive"]
    assert alive.constant
    assert alive.success_correlation is None
    assert alive.std == 1.0


def test_the_recent_return_looks_at_the_last_episodes_only() -> None:
    log = EpisodeLog(2)
    assert log.recent_return(3) is None
    play(log, 4, [0.0, 0.0], [False, False])
    play(log, 8, [9.0, 10.0], [False, False])
    assert log.recent_return(2) == pytest.approx(21.0)
    assert log.recent_return(100) == pytest.approx(11.5)


def test_recent_means_are_of_the_last_episodes_and_finite() -> None:
    log = EpisodeLog(2)
    assert log.recent(3) == {}
    play(log, 4, [0.0, 0.0], [False, False])
    play(log, 8, [9.0, 10.0], [False, True])
    assert log.recent(2) == {"length": 2, "own_return": 21.0, "success": 0.5, "term.near": 19.0, "term.alive": 2.0}
    assert log.recent(100)["success"] == 0.25


def test_a_training_without_finished_episodes_has_empty_statistics(tmp_path: Path) -> None:
    log = EpisodeLog(2)
    log.write(tmp_path / "episodes.npz")
    episodes = dict(np.load(tmp_path / "episodes.npz"))
    assert len(episodes["step"]) == 0
    assert curves(episodes, 100).points == ()
    assert term_statistics(episodes, 100, set()) == {}
