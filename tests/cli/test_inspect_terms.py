"""`inspect --terms`, and that `inspect` starts light."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autoreward.analyzer.contract import Anatomy
from autoreward.cli import main
from autoreward.report.terms import FILE, heading, readings
from autoreward.store.folder import RunFolder
from autoreward.testing.folder import WINNER, example_run

HEAVY = {"torch", "numba", "matplotlib", "openai", "gymnasium", "mujoco", "numpy", "pygments", "jinja2", "typeguard"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_run(tmp_path_factory.mktemp("runs") / "example", episodes=True)


def said(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    assert main(["inspect", *map(str, arguments)]) == code
    shown = capsys.readouterr()
    return " ".join((shown.err if code else shown.out).split())


def as_data(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    data = json.loads(said(capsys, *arguments, "--terms", "--json"))
    assert isinstance(data, dict)
    return data


def test_terms_of_the_best_reward(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown, data = said(capsys, run, "--terms"), as_data(capsys, run)
    assert (data.pop("folder"), data.pop("candidate")) == (str(run), "1.1")
    found = Anatomy.model_validate_json(json.dumps(data))
    assert found == Anatomy.model_validate_json((RunFolder(run).candidate_path(*WINNER) / FILE).read_text())
    assert heading(found) in shown
    for one in readings(found):
        assert one.term.name in shown
        assert one.text.split("; ")[0] in shown
    assert "with all terms" in shown
    assert "a typical success (candidate 1.1" in shown
    assert f"by step {found.shown[0].happened[0].step} " in shown
    assert "█" in shown


def test_of_another_candidate_they_are_computed_in_a_cell(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = as_data(capsys, run, "--candidate", "1.2", "--isolation", "C")
    assert data["candidate"] == "1.2"
    assert [term["name"] for term in data["terms"]] == ["on_target"]  # type: ignore[attr-defined]
    assert not (RunFolder(run).candidate_path(1, 2) / FILE).exists(), "looking at a run writes nothing into it"
    assert "the only term" in said(capsys, run, "--terms", "--candidate", "1.2", "--isolation", "C")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--candidate", "0.1"), "type: autoreward inspect {run} --terms --candidate 0.1"),
        (("--terms", "--candidate", "7.7"), "unknown candidate '7.7'"),
        (("--terms", "--candidate", "0.2"), "candidate 0.2 is refused, so there is no training of it to look at; try"),
    ],
)
def test_what_cannot_be_shown_says_what_to_type(
    run: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert told.format(run=run) in said(capsys, run, *arguments, code=2)


def test_a_run_without_recorded_episodes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = example_run(tmp_path / "run")
    shown = said(capsys, path, "--terms", code=2)
    assert "candidate 1.1 has no recorded episodes" in shown
    assert f"autoreward why {path} 1.1" in shown


@pytest.mark.parametrize("arguments", [("inspect", "RUN"), ("inspect", "RUN", "--json"), ("--help",), ("why", "RUN")])
def test_what_only_reads_records_imports_nothing_heavy(run: Path, arguments: tuple[str, ...]) -> None:
    code = "import sys; from autoreward.cli import main; sys.exit(main() or ' '.join(sys.modules))"
    command = [sys.executable, "-c", code, *(str(run) if each == "RUN" else each for each in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "autoreward" in loaded, done.stderr
    assert not loaded & HEAVY
