from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.prompts import Options, main


def test_the_figures_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Candidate 0 has an unknown field, then verifies and is rejected; candidate 1 never holds a program again."""
    main(Options(quick=True, json=tmp_path / "f.json"))
    (run,) = json.loads((tmp_path / "f.json").read_text())["runs"]
    assert (run["designs"], run["parsed"]) == (6, 4)
    assert run["verified"] == {"1": 1, "never": 1}
    assert run["failed_checks"] == {"contract": 3, "reply": 1, "review": 1}
    assert run["reviews"] == {"unreadable": 1, "reject": 1, "approve": 1}
    (candidates,) = [round_["candidates"] for round_ in run["rounds"].values()]
    assert (len(candidates["0.0"]), candidates["0.1"]) == (1, [])
    assert set(run["report"]) >= {"random policy", "sparse reward", "designed (0.0)"}
    assert run["spent"]["calls"] == 6 + 3 + 1 == sum(size["calls"] for size in run["sizes"].values())
    said = capsys.readouterr().out
    assert "| 4 of 6 | 0 | 1 | 0 | 0 | 1 | contract 3, reply 1, review 1 | approve 1, reject 1, unreadable 1 |" in said
