"""A loop with a smoke test for a Critic and means for an Analyzer, to compare with."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.critic.verify import DRY_RUN, PROBES
from autoreward.llm.contract import CallName, Message
from autoreward.llm.scripted import ScriptedChat
from autoreward.records import read_record
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.training.contract import TrainingJob
from autoreward.training.files import JOB

ANALYSED = ("Label, computed by rules", "Findings:", "told from the record", "findings and episodes", "Seen here.")
Run = tuple[RunFolder, dict[str, str]]
"""And what each call was told, by its role and round."""


def model(name: CallName, messages: tuple[Message, ...]) -> str:
    if name.role == "critic":
        return '{"verdict": "approve", "findings": []}'
    if name.role == "analyzer":
        return '{"findings": [{"text": "Seen here.", "suggestion": "Change it.", "term": null}]}'
    return f"Idea: climb\n\n```python\n{CLIMB.replace('2.0', f'{2 + name.round}.0')}```\n"


def carried_out(runs: Path, **changes: object) -> Run:
    """Of two rounds."""
    chat = ScriptedChat(model)
    config = small_run(runs, rounds=2, stop_when_hopeless=False, **changes)
    folder = start(line_task(), config, Observer(), chat=chat, engine=InProcessEngine())
    asked = {f"{name.role} {name.round}": messages[-1].content for name, messages in chat.asked}
    return RunFolder.open(folder), asked


def made(folder: RunFolder) -> list[str]:
    """Names of the first candidate's checks."""
    verdict = folder.verdict(0, 0)
    assert verdict is not None
    return [check.name for check in verdict.checks]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return carried_out(tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def less(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return carried_out(tmp_path_factory.mktemp("less"), critic="smoke", analyzer="statistics")


def test_the_designer_is_told_nothing_that_was_analysed(full: Run, less: Run) -> None:
    assert all(word in full[1]["designer 1"] for word in ANALYSED)
    assert not any(word in less[1]["designer 1"] for word in ANALYSED)
    assert "success rate 0, score -4.205" in less[1]["designer 1"]
    analysis = less[0].analysis(0)
    assert analysis and analysis.candidates[0].label, "what is computed is recorded all the same, for people"


def test_a_smoke_test_is_the_dry_run_alone(full: Run, less: Run) -> None:
    dry, probes = [name for name, _ in DRY_RUN], [name for name, _ in PROBES]
    assert made(less[0]) == ["contract", *dry]
    assert made(full[0]) == ["contract", *dry, *probes, "review"]


def test_only_the_full_analyzer_stops_trainings(full: Run, less: Run) -> None:
    for (folder, _), stops in ((full, True), (less, False)):
        hashes = folder.candidates(0)[0].trainings.values()
        jobs = [read_record(folder.training_folder(each) / JOB, TrainingJob) for each in hashes]
        assert [job.stop_when_hacked for job in jobs] == [stops]


def test_neither_review_nor_analysis_is_paid_for(full: Run, less: Run) -> None:
    assert set(full[1]) == {f"{role} {round_}" for role in ("designer", "critic", "analyzer") for round_ in (0, 1)}
    assert set(less[1]) == {"designer 0", "designer 1"}


def test_runs_of_before_read_as_full(less: Run, tmp_path: Path) -> None:
    text = (less[0].path / "run.json").read_text()
    for line in ('"critic": "smoke",', '"analyzer": "statistics",', '"episodes": "all",'):
        assert text.count(line) == 1
        text = text.replace(line, "")
    (tmp_path / "run.json").write_text(text)
    config = RunFolder.open(tmp_path).run().config
    assert (config.critic, config.analyzer, config.episodes) == ("full", "full", "own")
