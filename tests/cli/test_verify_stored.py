"""`verify --runs`: the episodes that trainings in a folder have left are put in order by the file."""

from pathlib import Path

import pytest

from autoreward.cli import main
from autoreward.critic.stored import Stored
from autoreward.envs.registry import describe
from autoreward.task import load_task
from tests.critic.checks.conftest import program
from tests.critic.checks.test_ordering import keep


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stored:
    monkeypatch.chdir(tmp_path)
    Path("far.py").write_text(program(far="distance"))
    task = load_task("reacher")
    store = Stored.of(tmp_path / "runs", task, describe(task.env))
    for number in range(4):
        keep(store, "success", f"s{number}", [0.01, 0.012, 0.013, 0.014])
        keep(store, "failure", f"f{number}", [0.1, 0.15, 0.2, 0.25], origin="random")
    return store


def test_a_file_that_pays_failure_is_refused_where_episodes_show_it(
    store: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged file among them is named and skipped."""
    path = next(store.folder.glob("failure-*-f1.npz"))
    path.write_bytes(b"\x1b[31mno episodes")
    assert main(["verify", "far.py", "--env", "reacher", "--probe-seconds", "60"]) == 2
    said = capsys.readouterr()
    told = " ".join(said.out.split())
    assert "far.py refused: ordering: a success earns more than a failure in 0% of the pairs" in told
    assert "failure: episode 3 of training f" in told
    lines = said.err.strip().splitlines()
    assert len(lines) == 1 and path.name in lines[0] and "\x1b" not in lines[0]


def test_those_of_another_folder_say_nothing(store: Stored) -> None:
    assert main(["verify", "far.py", "--env", "reacher", "--probe-seconds", "1.5", "--runs", "elsewhere"]) == 0
    assert not Path("elsewhere").exists()
