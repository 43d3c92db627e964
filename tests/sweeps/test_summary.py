"""What a sweep's record comes to: the numbers, the tables and the page."""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import fmean

import pytest
from rich.console import Console

from autoreward.sweeps.files import write_tables
from autoreward.sweeps.page import write_page
from autoreward.sweeps.records import SweepRecord, SweepRun
from autoreward.sweeps.statistics import better, overall
from autoreward.sweeps.summary import summarise
from autoreward.sweeps.tables import MOST_RUNS, summary_tables
from tests.sweeps.example import example, run


def changed(record: SweepRecord, name: str, **changes: object) -> SweepRecord:
    runs = tuple(one.model_copy(update=changes) if one.name == name else one for one in record.runs)
    return record.model_copy(update={"runs": runs})


def means(record: SweepRecord, arm: str, task: str) -> list[float]:
    """A run counts with the mean of its reward's trainings on fresh seeds."""
    chosen: list[SweepRun] = [one for one in record.runs if (one.arm, one.task) == (arm, task)]
    return [fmean(one.designed.success) for one in chosen if one.designed]


def test_a_summary_is_of_the_means_of_runs() -> None:
    record = example()
    found = summarise(record)
    assert (found.arms, found.baselines) == (("composer", "llm-m"), ("random", "sparse", "human or reference"))
    strata = {arm: [means(record, arm, task) for task in found.tasks] for arm in found.arms}
    assert found.overall["llm-m"] == overall(strata["llm-m"])
    assert found.by_task["composer", "reacher"] == overall([strata["composer"][0]])
    assert found.overall["sparse"].value == pytest.approx(0.3)
    pair = next(pair for pair in found.pairs if (pair.first, pair.second) == ("composer", "llm-m"))
    assert pair.estimate == better(strata["composer"], strata["llm-m"])
    assert (found.comparisons, found.planned, found.uneven) == (10, 10, False)
    assert found.profiles["composer"][0].value == 1.0 and found.profiles["composer"][-1].value == 0.0


def test_a_comparison_counts_when_every_arm_of_it_is_finished() -> None:
    whole, record = summarise(example(seeds=4)), example()
    for status in ("unfinished", "failed", "waiting"):
        for task in ("reacher", "hopper <b>"):
            record = changed(record, f"{task}_seed4_llm-m", status=status, rows=())
        found = summarise(record)
        assert (found.overall, found.comparisons, found.planned) == (whole.overall, 8, 10)


def test_a_run_that_found_no_reward_counts_as_no_success() -> None:
    record = changed(example(), "reacher_seed0_composer", rows=(), error="no candidate could be trained")
    values = summarise(record).values["composer"]["reacher"]
    assert values[0] == 0.0 and len(values) == 5
    assert summarise(record).values["sparse"]["reacher"][0] == pytest.approx(0.3), "the other arm measured it"


def test_success_by_cost_is_the_mean_of_the_best_so_far() -> None:
    record = example()
    found = summarise(record)
    best = [max(one.designed.success) for one in record.runs if one.arm == "llm-m" and one.designed]
    assert found.by_steps["llm-m"] == (
        (0.0, 0.0),
        (1000.0, pytest.approx(fmean(best) / 2)),
        (2000.0, pytest.approx(fmean(best))),
    )
    assert list(found.by_usd) == ["llm-m"], "the composer spends none"
    at = [usd for usd, _ in found.by_usd["llm-m"]]
    assert at == sorted(at) and at[-1] == pytest.approx(0.1)
    values = [value for _, value in found.by_usd["llm-m"]]
    assert values == sorted(values)


def test_arms_with_other_tasks_are_told_apart() -> None:
    record = example()
    runs = tuple(one for one in record.runs if one.arm == "composer" or one.task == "reacher")
    found = summarise(record.model_copy(update={"runs": runs}))
    assert found.uneven and found.comparisons == 10
    shown = _shown(record.model_copy(update={"runs": runs}))
    assert "Arms do not have the same tasks and seeds" in " ".join(shown.split())


def _shown(record: SweepRecord) -> str:
    console = Console(width=160, record=True, file=None, force_terminal=False, markup=False)
    with console.capture() as capture:
        for part in summary_tables(record, summarise(record)):
            console.print(part)
    return capture.get()


def test_the_terminal_shows_intervals_or_why_there_is_nothing() -> None:
    shown = _shown(example())
    assert "all tasks" in shown and "llm-m" in shown and "10 of 10 comparisons count" in shown
    one = overall([means(example(), "composer", task) for task in ("reacher", "hopper <b>")])
    assert one is not None and one.interval is not None
    assert f"{one.value:.1%} [{one.interval[0]:.1%}, {one.interval[1]:.1%}]" in shown
    nothing = SweepRecord(file="s.yaml", runs=(run("a", 0, "b", (1.0,), status="waiting", rows=(), path=()),))
    assert "nothing to compare" in " ".join(_shown(nothing).split())
    many = SweepRecord(file="s.yaml", runs=tuple(run("a", seed, "b", (1.0,)) for seed in range(MOST_RUNS + 3)))
    assert "3 more runs stand in runs.csv" in _shown(many)


def test_the_tables_hold_every_number(tmp_path: Path) -> None:
    record = changed(example(), "reacher_seed0_composer", status="failed", rows=(), path=(), error="=cmd()\nx")
    summary = summarise(record)
    write_tables(tmp_path, record, summary)
    with (tmp_path / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(record.runs)
    assert rows[0]["success"] == "" and rows[0]["error"] == "'=cmd() x"
    assert float(rows[1]["sparse"]) == pytest.approx(0.3) and rows[1]["env_steps"] == "2000"
    with (tmp_path / "summary.csv").open() as file:
        lines = {(row["task"], row["arm"]): row for row in csv.DictReader(file)}
    found = lines["(all tasks)", "llm-m"]
    assert found["runs"] == "9" and float(found["success_iqm"]) == pytest.approx(summary.overall["llm-m"].value)
    assert float(found["low"]) <= float(found["success_iqm"]) <= float(found["high"])


def test_the_page_shows_it_all_escaped_and_without_a_network(tmp_path: Path) -> None:
    record = changed(example(), "reacher_seed0_composer", status="failed", rows=(), error="<script>alert(1)</script>")
    (tmp_path / record.runs[2].name).mkdir()
    (tmp_path / record.runs[2].name / "report.html").write_text("")
    page = write_page(tmp_path, record, summarise(record)).read_text()
    assert "19 of 20 runs" in page and "hopper &lt;b&gt;" in page and "hopper <b>" not in page
    assert "&lt;script&gt;" in page and "<script" not in page
    assert page.count("data:image/svg+xml;base64,") == 5
    assert page.count('<a href="hopper') == 1, "only a page that is there is linked to"
    assert 'src="http' not in page and "default-src 'none'" in page


def test_a_sweep_that_has_just_begun_has_a_page_too(tmp_path: Path) -> None:
    record = SweepRecord(file="s.yaml", runs=(run("a", 0, "b", (1.0,), status="waiting", rows=(), path=()),))
    page = write_page(tmp_path, record, summarise(record)).read_text()
    assert "0 of 1 runs" in page and "nothing to compare" in page and "data:image" not in page
