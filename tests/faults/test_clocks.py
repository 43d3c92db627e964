"""A clock that jumps between two starts of a sweep: its files and records are dated years ahead, or years behind."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from sweeping import begin, damaged, finished, kill, results, wait_until_alone, write_sweep

from autoreward.records import read_record
from autoreward.store.find import find_run
from autoreward.sweeps.records import SweepRecord

AHEAD = time.time() + 40 * 365 * 86_400.0
MANY_YEARS = 365 * 86_400.0
SHAPE: dict[str, Any] = {"overrides": [{"name": "one"}, {"name": "two", "candidates": 2}]}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("date", [AHEAD, 1.0], ids=["ahead", "behind"])
def test_a_clock_that_jumps_between_two_starts(tmp_path: Path, date: float) -> None:
    write_sweep(tmp_path / "alone", **SHAPE)
    process = begin(tmp_path / "alone")
    process.join(300)
    assert process.exitcode == 0
    write_sweep(tmp_path / "jumped", **SHAPE)
    sweep, process = tmp_path / "jumped" / "sweep", begin(tmp_path / "jumped")
    while len(list(sweep.glob("*/trainings/*/result-*.json"))) < 2:
        assert process.exitcode is None, (tmp_path / "jumped" / "said").read_text()
        time.sleep(0.01)
    assert process.pid is not None and kill(process.pid)
    process.join(30)
    assert process.exitcode == -signal.SIGKILL and not wait_until_alone([process.pid])
    for path in sweep.glob("*/run.json"):
        record = {
            **json.loads(path.read_bytes()),
            "created": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(date)),
        }
        path.write_text(json.dumps(record))
    for path in sweep.rglob("*"):
        os.utime(path, (date, date))
    before = finished(sweep)
    process = begin(tmp_path / "jumped")
    process.join(300)
    assert process.exitcode == 0, (tmp_path / "jumped" / "said").read_text()
    assert results(sweep) == results(tmp_path / "alone" / "sweep")
    assert all(path.read_bytes() == data for path, data in before.items())
    assert not damaged(sweep)
    spent = read_record(sweep / "sweep.json", SweepRecord).spent
    assert 0 < spent.wall_seconds < MANY_YEARS, "seconds are counted by a clock that does not jump"
    assert find_run(None, sweep).parent == sweep
