"""The recorded replies of a live model: what they hold, and a run that is replayed from them with real trainings."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.config import RunConfig
from autoreward.critic.verify import verify
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.llm.cassette import read_cassette
from autoreward.llm.reading import program_in
from autoreward.llm.replay import ReplayChat
from autoreward.sandbox.process import ProcessCell
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.task import load_task

CASSETTES = sorted((Path(__file__).parent / "cassettes").glob("*.jsonl"))


def first(path: Path) -> bool:
    """Whether it is of the first pass; the later ones hold twice as many programs, of which many are dear to check."""
    return "-" not in path.stem and "__" not in path.stem


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=() if first(path) else pytest.mark.slow, id=path.stem) for path in CASSETTES],
)
def test_recorded_programs_are_accepted_still(path: Path) -> None:
    """The last attempt of each candidate; earlier ones were refused when they were recorded."""
    label, takes = read_cassette(path)
    assert "model" in label.made and label.calls == len(takes)
    task = load_task(path.stem.partition("-")[0].replace("__", "/"))
    schema, transitions = describe(task.env), record_transitions(task, 0)
    last = {(take.name.round, take.name.candidate): take for take in takes if take.name.role == "designer"}
    assert last
    for take in last.values():
        verdict = verify(program_in(take.reply.text, task.grammar), schema, task.grammar, transitions, ProcessCell)
        assert verdict.status == "accepted", (take.name, [check for check in verdict.checks if not check.passed])


def test_a_recorded_run_is_replayed_with_real_trainings(tmp_path: Path) -> None:
    """Offline, and from replies alone: programs, reviews and analyses come from the file, everything else is done."""
    path = next(path for path in CASSETTES if path.stem == "mountain_car_continuous")
    config = RunConfig(
        designer="llm",
        rounds=2,
        candidates=3,
        steps=20_480,
        search_seeds=1,
        finalists=1,
        selection_seeds=1,
        report_seeds=1,
        report_episodes=10,
        probe_seconds=1.5,
        runs=tmp_path,
    )
    told: list[str] = []
    chat = ReplayChat(path, told.append)
    folder = RunFolder.open(start(load_task(path.stem), config, Observer(), chat=chat))
    candidates = [folder.candidate(round_, index) for round_ in range(2) for index in range(3)]
    assert [record.status for record in candidates] == ["trained"] * 6
    report = folder.report()
    assert report is not None and report.winner is not None
    assert max(record.success_rate or 0.0 for record in candidates) >= 0.5
    assert told, "shorter trainings give other records, and so other prompts, than were recorded: that is told"
