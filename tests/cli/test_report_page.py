"""`autoreward report`."""

from pathlib import Path

import pytest

from autoreward.cli import main
from autoreward.testing.folder import example_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_run(tmp_path_factory.mktemp("runs") / "2026-11-01T1200_reacher_aaaa")


def test_it_writes_the_page_again_and_says_where(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "report.html").unlink(missing_ok=True)
    assert main(["report", "2026-11-01", "--runs", str(run.parent)]) == 0
    assert str(run / "report.html") in capsys.readouterr().out.replace("\n", "")
    assert "</html>" in (run / "report.html").read_text()


def test_or_to_another_place(run: Path, tmp_path: Path) -> None:
    assert main(["report", str(run), "--out", str(tmp_path / "for my mail.html")]) == 0
    assert "</html>" in (tmp_path / "for my mail.html").read_text()


@pytest.mark.parametrize("name", ["report.json", "rounds/00/analysis.json", "rounds/01/candidates/0/verify.json"])
def test_a_damaged_record_is_named(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = example_run(tmp_path / "run")
    (run / name).write_text('{"half": ')
    assert main(["report", str(run)]) == 2
    said = capsys.readouterr().err
    assert str(run / name) in said.replace("\n", "")
    assert "Traceback" not in said


def test_what_is_no_run_or_cannot_be_written(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "no run.json" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["report", str(run), "--out", str(tmp_path / "file" / "page.html")]) == 2
    assert "--out FILE" in capsys.readouterr().err
