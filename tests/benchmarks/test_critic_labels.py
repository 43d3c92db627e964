"""Whether trainings confirm the labels of the Critic's set: the rule, the jobs, and what was found so far."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autoreward.records import read_record
from autoreward.task import load_task
from autoreward.training.contract import TrainingResult

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from _critic_set import Label, members
from critic_labels import OUTCOMES, Options, Outcomes, bar_of, chosen_files, holds, jobs_of, measure, success_of

TOLD = read_record(OUTCOMES, Outcomes)


@pytest.mark.parametrize(
    ("reference", "bar"), [((1.0, 1.0), 0.5), ((0.6, 0.8), 0.35), ((0.3, 0.0), 0.25), ((0.0, 0.0), 0.25)]
)
def test_the_bar_is_half_of_the_reference_but_no_less_than_a_quarter(reference: tuple[float, ...], bar: float) -> None:
    assert bar_of(reference) == pytest.approx(bar)


@pytest.mark.parametrize(
    ("label", "success", "expected"),
    [
        ("good", (1.0, 0.0), True),
        ("good", (0.9, 0.0), False),
        ("bad", (0.0, 0.48), True),
        ("bad", (0.0, 0.5), False),
        ("bad", (0.0, 1.0), False),
    ],
)
def test_between_half_of_the_bar_and_the_bar_neither_label_holds(
    label: Label, success: tuple[float, ...], expected: bool
) -> None:
    assert holds(label, success, 0.5) is expected


def test_a_program_that_ended_its_training_has_no_success_and_a_machine_says_nothing() -> None:
    ended = TrainingResult(hash="0" * 16, steps=100, status="failed", error="term `x` is not finite", failure="reward")
    assert success_of(ended) == 0.0
    with pytest.raises(SystemExit, match="ended by this machine"):
        success_of(ended.model_copy(update={"failure": "machine"}))


def test_a_packs_reference_is_trained_once_though_it_is_in_the_set() -> None:
    name = "half_cheetah/run_backward"
    jobs = jobs_of(load_task(name), chosen_files((name,), ())[name], (1, 2), quick=False)
    assert [job.hash for job in jobs["reference"]] == [job.hash for job in jobs[f"{name}/reference"]]
    assert len({job.hash for own in jobs.values() for job in own}) == 2 * (len(jobs) - 1)
    assert {job.task.steps for own in jobs.values() for job in own} == {150_000}


def test_a_file_is_trained_in_its_own_grammar_and_cheap_tasks_come_first() -> None:
    chosen = chosen_files((), ("voxel/hunt_cow/reference", "acrobot/signs_levels", "reacher/gentle"))
    assert list(chosen) == ["acrobot", "reacher", "voxel/hunt_cow"]
    (job,) = jobs_of(load_task("acrobot"), chosen["acrobot"], (1,), quick=False)["acrobot/signs_levels"]
    assert (job.reward.grammar, job.task.grammar) == ("signs", "terms")


def test_a_misspelt_name_is_told() -> None:
    with pytest.raises(SystemExit, match="not in the set: reacher/gentler, recher"):
        chosen_files(("recher",), ("reacher/gentler",))


def test_what_was_found_is_of_the_programs_as_they_are_and_is_heeded() -> None:
    by_key = {member.key: member for member in members()}
    assert TOLD.files and set(TOLD.files) <= set(by_key), "a renamed file is trained anew"
    for key, outcome in TOLD.files.items():
        member = by_key[key]
        jobs = jobs_of(load_task(member.task), [member], TOLD.seeds, quick=False)[key]
        assert outcome.trainings == tuple(job.hash for job in jobs), f"{key} has changed since: train it anew"
        assert outcome.bar == bar_of(TOLD.references[member.task])
        assert outcome.confirmed == holds(member.entry.label, outcome.success, outcome.bar)
        assert outcome.confirmed or member.disputed, f"{key} is to be added to `disputed`"


@pytest.mark.slow
def test_trainings_are_kept_and_outcomes_of_other_files_stay(tmp_path: Path) -> None:
    """Slow: real trainings, of a twentieth of the budget, in workers."""
    first = Options(files=("mountain_car_continuous/on_the_road",), out=tmp_path / "t", json_=tmp_path / "found.json")
    first = replace(first, quick=True, seeds=1)
    found = measure(first)
    assert found.files["mountain_car_continuous/on_the_road"].label == "bad"
    results = {path: path.stat().st_mtime_ns for path in (tmp_path / "t").glob("*/result-*.json")}
    assert len(results) == 2
    second = measure(replace(first, files=("mountain_car_continuous/energy_gain",)))
    assert set(second.files) == {"mountain_car_continuous/on_the_road", "mountain_car_continuous/energy_gain"}
    assert {path: path.stat().st_mtime_ns for path in results} == results
    assert read_record(tmp_path / "found.json", Outcomes) == second
