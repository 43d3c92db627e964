"""Why a candidate was kept or dropped, and what stopped a run."""

import fcntl
import json
from pathlib import Path
from typing import NoReturn

import pytest

from autoreward.designer.contract import Finding
from autoreward.records import write_record
from autoreward.report.run import Run
from autoreward.report.why import Paragraph, failure, why
from autoreward.search.log import LoggedObserver
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.store.records import Report, Spent
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.folder import example_run
from autoreward.testing.run import small_run
from autoreward.testing.trainer import line_task
from autoreward.training.contract import HackingAlarm
from autoreward.training.files import result_name


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(example_run(tmp_path_factory.mktemp("why") / "run"))


def parts(told: list[Paragraph]) -> dict[str, str]:
    """Label -> the text of its part."""
    found: dict[str, str] = {}
    for paragraph in told:
        label = paragraph.label or label  # noqa: F821 - the first one has a label
        found[label] = " ".join((found.get(label, ""), paragraph.text)).strip()
    return found


def test_the_winner(run: Run) -> None:
    told = parts(why(run, run.candidate("1.1")))
    assert told["why"].startswith(f"candidate 1.1 of {run.record.id}: trained, success ")
    assert "round 1, by the composer, made from 0.0 (trained" in told["from"]
    assert "lines added" in told["from"]
    assert run.candidate("1.1").idea in told["from"]
    assert "advice (reach): The arm reaches the target and swings past it" in told["finding"]
    assert told["critic"].startswith("accepted; ")
    assert all(f"seed {seed} " in told["training"] for seed in run.candidate("1.1").results)
    assert "kept: the best after round 1" in told["end"]
    assert "no later candidate of the search beat it" in told["end"]
    assert "finalist: " in told["end"] and "chosen" in told["end"]
    assert "environment's own reward" in told["end"]


def test_who_was_replaced_who_never_was_kept_and_who_was_refused(run: Run) -> None:
    ends = {candidate.name: parts(why(run, candidate))["end"] for candidate in run.candidates}
    assert "replaced after round 1 by 1.1" in ends["0.0"]
    dropped = next(one for one in run.candidates if one.status == "trained" and not one.incumbent and one.round == 0)
    assert ends[dropped.name].startswith("dropped: 0.0 was the best after round 0 (trained, success")
    refused = next(one for one in run.candidates if one.status == "refused")
    assert ends[refused.name] == "dropped: the Critic refused it, so it was not trained"
    told = parts(why(run, refused))
    assert refused.verdict and refused.verdict.reason in told["critic"]
    assert "none: it was refused" in told["training"]


def test_a_training_that_was_stopped_for_hacking_is_told_with_its_numbers(tmp_path: Path) -> None:
    folder = RunFolder(example_run(tmp_path / "run"))
    record = folder.candidate(1, 0)
    assert record
    stopped = "stopped after 90,000 of 100,000 steps on 1 of 2 seeds: own return rose, and the aim did not follow"
    folder.write_candidate(record.model_copy(update={"stopped": stopped}))
    seed, training = next(iter(record.trainings.items()))
    result = folder.result(training, record.steps)
    alarm = HackingAlarm(
        step=90_000,
        since=40_000,
        kind="fell",
        aim="success",
        own_return=(3.0, 9.5),
        success=(0.5, 0.125),
        correlation=(0.6, -0.2),
        term="speed",
    )
    assert result
    hacked = result.model_copy(update={"stopped": alarm})
    write_record(folder.training_folder(training) / result_name(record.steps), hacked)
    told = parts(why(Run(folder.path), Run(folder.path).candidate("1.0")))["training"]
    assert stopped in told
    assert f"seed {seed}: stopped at step 90,000: own return went from 3 to 9.5, success from 50.0% to 12.5%" in told
    assert "without the term speed it would follow" in told


def test_a_finished_run_has_no_failure(run: Run) -> None:
    assert failure(run) == []


def test_a_fault_is_in_the_log_and_told_with_the_command_that_goes_on(tmp_path: Path) -> None:
    """A real run that breaks off in its first round: the engine's machine has no room."""

    class Broken(InProcessEngine):
        def submit(self, *given: object, **named: object) -> NoReturn:
            raise MemoryError("no room for a training")

    config = small_run(tmp_path, designer="composer")
    with pytest.raises(MemoryError):
        start(line_task(), config, Observer(), engine=Broken())
    (path,) = (found.parent for found in tmp_path.glob("*/run.json"))
    told = parts(failure(Run(path)))
    assert told["stopped"] == "MemoryError: no room for a training"
    assert told["next"] == f"autoreward resume {path}"
    resume(path, Observer(), engine=InProcessEngine())
    assert parts(failure(Run(path)))["failed"].startswith("not the reward: ")  # a trainer that learns nothing
    assert parts(failure(Run(path)))["next"] == f"autoreward inspect {path}"


def test_a_killed_run_and_one_that_is_at_work(tmp_path: Path) -> None:
    path = example_run(tmp_path / "a run", finished=False)
    told = parts(failure(Run(path)))
    assert "killed, or the machine went down" in told["stopped"]
    assert told["last"] == "2026-11-21T03:14:00Z started: task reacher, designer composer"
    assert told["next"] == f"autoreward resume '{path}'", "the command can be pasted"
    (path / "run.log").unlink()
    assert parts(failure(Run(path)))["stopped"] == "run.log does not say"
    with (path / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert parts(failure(Run(path)))["state"] == "a process is at work on it"


def test_an_interrupt_is_told(tmp_path: Path) -> None:
    path = example_run(tmp_path / "run", finished=False)
    LoggedObserver(path / "run.log", Observer()).run_stopped("interrupted")
    with (path / "run.log").open("a") as file:
        file.write("Traceback (most recent call last):\n  1 + 1\n")
    assert parts(failure(Run(path)))["stopped"] == "interrupted"


def test_a_cap_a_hopeless_task_and_a_run_without_any_training(tmp_path: Path) -> None:
    folder = RunFolder(example_run(tmp_path / "run"))
    report = folder.report()
    assert report
    cap = "budget.env_steps = 9 is reached: a candidate costs 20 steps"
    folder.write_report(report.model_copy(update={"stopped": cap}))
    told = parts(failure(Run(folder.path)))
    assert (told["stopped"], told["next"]) == (cap, f"autoreward resume {folder.path} --budget.env-steps none")
    hopeless = Finding(diagnosis="not_the_reward", text="all fail", suggestion="give more steps")
    given_up = {"hopeless": hopeless, "stopped": "the reward is not the problem: all fail"}
    folder.write_report(report.model_copy(update=given_up))
    told = parts(failure(Run(folder.path)))
    assert told["stopped"] == "the reward is not the problem: all fail"
    assert told["next"] == f"autoreward resume {folder.path} --no-stop-when-hopeless"
    folder.write_report(Report(winner=None, rows=(), spent=Spent()))
    told = parts(failure(Run(folder.path)))
    assert told["failed"].startswith("no candidate could be trained")
    assert told["next"] == f"autoreward inspect {folder.path}"


def test_a_parent_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = example_run(tmp_path / "run")
    proposal = path / "rounds" / "01" / "candidates" / "1" / "proposal.json"
    data = json.loads(proposal.read_text())
    proposal.write_text(json.dumps(data | {"proposal": data["proposal"] | {"parent": [7, 7]}}))
    told = parts(why(Run(path), Run(path).candidate("1.1")))
    assert "made from 7.7, which is not in the run" in told["from"]
