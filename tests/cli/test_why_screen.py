"""`why`: one screen, whatever a run holds."""

import json
import shutil
from pathlib import Path

import pytest
from rich.cells import cell_len

from autoreward.cli import main
from autoreward.testing.folder import example_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_run(tmp_path_factory.mktemp("why") / "runs" / "run")


def screen(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["why", *map(str, arguments)]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert len(lines) <= 40
    assert all(cell_len(line) <= 100 for line in lines if not line.startswith("next"))
    return said


def test_the_best_one_is_told_of_where_none_is_named(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = screen(capsys, "--runs", finished.parent)
    assert said.startswith("why       candidate 1.1 of run: trained")
    assert said == screen(capsys, finished, "1.1")
    assert "candidate 0.0" in screen(capsys, finished, "0.0")


def test_a_stopped_run_tells_that_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = example_run(tmp_path / "run", finished=False)
    said = screen(capsys, path)
    assert said.index("stopped   its process ended") < said.index(f"next      autoreward resume {path}\n")
    assert "candidate 0.0" in said


def test_a_book_and_marks_that_turn_text_around_stay_within_the_screen(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run"
    shutil.copytree(finished, path)
    text = "\x1b]0;title\x07[red]markup[/red] \u202e 火 " + "火" * 1_000_000
    proposal = path / "rounds" / "01" / "candidates" / "1" / "proposal.json"
    data = json.loads(proposal.read_text())
    proposal.write_text(json.dumps(data | {"proposal": data["proposal"] | {"note": text}}))
    analysis = path / "rounds" / "00" / "analysis.json"
    found = json.loads(analysis.read_text())
    for finding in found["candidates"]["0"]["findings"]:
        finding |= {"text": text, "suggestion": text}
    analysis.write_text(json.dumps(found))
    said = screen(capsys, path, "1.1")
    assert "[red]markup[/red] \\u202e" in said
    assert not any(mark in said for mark in ("\x1b", "\x07", "\u202e"))
    assert "end " in said, "no part is lost where another one is long"


def test_what_is_not_there_is_told_with_what_to_type(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, said in (
        ([finished, "1.7"], "unknown candidate '1.7'. Closest: 1.2"),
        ([finished, "1.7"], f"`autoreward inspect {finished}` shows them"),
        (["nothing", "--runs", finished.parent], "unknown run 'nothing'"),
        ([tmp_path], "has no run.json"),
    ):
        assert main(["why", *map(str, arguments)]) == 2
        assert said in capsys.readouterr().err
    path = tmp_path / "damaged"
    shutil.copytree(finished, path)
    (path / "rounds" / "01" / "analysis.json").write_text("{")
    assert main(["why", str(path)]) == 2
    assert "analysis.json does not read as RoundAnalysis" in capsys.readouterr().err
