"""`compare` in the terminal."""

import json
import shutil
from pathlib import Path

import pytest

from autoreward.cli import main
from autoreward.testing.folder import example_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs whose names and programs differ."""
    folder = tmp_path_factory.mktemp("compare") / "runs"
    one = example_run(folder / "2026-11-01T1200_reacher_aaaa")
    two = folder / "2026-11-02T1200_reacher_bbbb"
    shutil.copytree(one, two)
    source = two / "rounds" / "01" / "candidates" / "1" / "reward.py"
    source.write_text(source.read_text() + "# [red]markup[/red]\n")
    return folder


def test_runs_side_by_side(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "2026-11-01", "2026-11-02", "--runs", str(runs)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "the probability that B succeeds more often than A is 50.0% ([" in said
    assert "STARC 0.00" in said
    assert "5 report seeds x" in said
    assert "the settings are the same" in said
    assert "from the best reward of A to that of B" in said
    assert "+# [red]markup[/red]" in said


def test_text_of_a_run_cannot_drive_the_terminal(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, path = sorted(runs.iterdir())[0], tmp_path / "run"
    shutil.copytree(one, path)
    source = path / "rounds" / "01" / "candidates" / "1" / "reward.py"
    source.write_text(source.read_text() + "# \x1b[31m \u202e\n")
    assert main(["compare", str(one), str(path)]) == 0
    said = capsys.readouterr().out
    assert "+# [31m \\u202e" in said
    assert not any(mark in said for mark in ("\x1b", "\u202e"))
    assert "not measured: line " in said, "such a program is refused"


def test_as_json(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *map(str, runs.iterdir()), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [side["candidate"] for side in data["sides"]] == ["1.1", "1.1"]
    assert data["pairs"][0]["improvement"] == 0.5


def test_as_a_page(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "compared.html"
    assert main(["compare", *map(str, runs.iterdir()), "--html", str(page)]) == 0
    assert capsys.readouterr().out == f"wrote {page}\n"
    assert "<h1>Runs side by side</h1>" in page.read_text()
    assert main(["compare", *map(str, runs.iterdir()), "--html", str(page), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"], "nothing but JSON is printed"
    assert main(["compare", *map(str, runs.iterdir()), "--html", "/dev/null/page.html"]) == 2
    assert "name another place with --html FILE" in capsys.readouterr().err


def test_bad_input_says_what_to_type(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        ([], "autoreward compare RUN RUN"),
        (["2026-11-01"], "compare takes 2 to 26 runs, not 1"),
        (["2026-11-01", "reacher"], "unknown run 'reacher'"),
        (["2026-11", "2026-11"], "begins the names of 2 runs"),
    ):
        assert main(["compare", *arguments, "--runs", str(runs)]) == 2
        assert said in capsys.readouterr().err
