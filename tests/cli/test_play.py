"""`play`: films and what happened in them; one clear message where there can be none."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import pytest
from PIL import Image

from autoreward.cli import main
from autoreward.envs.registry import make_env
from autoreward.task import EnvSpec, load_task
from autoreward.testing.folder import example_run
from autoreward.testing.trainer import random_policy
from tests.conftest import Unprivileged

COW = load_task("voxel/hunt_cow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on reacher, and policies for the voxel world and for CartPole."""
    path = tmp_path_factory.mktemp("play")
    example_run(path / "runs" / "2026-11-01T1200_reacher_aaaa")
    example_run(path / "runs" / "2026-11-02T1200_reacher_bbbb", finished=False)
    env = make_env(COW.env, 1)
    policy = random_policy(env.single_observation_space, env.single_action_space, seed=0)
    policy.save(path / "training" / "policy.safetensors")
    env.close()
    cart = gymnasium.make("CartPole-v1")
    random_policy(cart.observation_space, cart.action_space, seed=0).save(path / "cart.safetensors")
    return path


@pytest.fixture
def here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def played(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["play", *arguments]) == 0, capsys.readouterr().err
    return " ".join(capsys.readouterr().out.split()).replace(" voxel/", "\nvoxel/").splitlines()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["play", *arguments]) == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert captured.err.count("\n") == 1 and captured.err.startswith("error: ")
    return captured.err


def test_uniform_actions_are_filmed_and_told_in_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (said,) = played(capsys, "voxel/hunt_cow", "--random", "--seed", "4", "--frames", "6")
    assert re.fullmatch(
        r"voxel/hunt_cow, seed 4: \d+ steps?, no success, timeout; wrote voxel-hunt_cow-4\.gif \(0\.\d MB\)", said
    )
    with Image.open(here / "voxel-hunt_cow-4.gif") as read:
        assert read.n_frames == 6  # type: ignore[attr-defined]


def test_a_training_plays_several_episodes_with_a_rewards_terms(
    folder: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert COW.reference
    (here / "reward.py").write_text(COW.reference)
    arguments = ("voxel/hunt_cow", "--policy", str(folder / "training"), "--episodes", "2", "--frames", "4")
    said = played(capsys, *arguments, "--reward", "reward.py", "--isolation", "C", "--out", "with.png")
    assert [line.partition(":")[0] for line in said] == ["voxel/hunt_cow, seed 0", "voxel/hunt_cow, seed 1"]
    assert "wrote" not in said[0] and "wrote with.png" in said[1]
    played(capsys, *arguments, "--out", "without.png")
    with Image.open("with.png") as terms, Image.open("without.png") as plain:
        assert terms.height > plain.height, "a row for each term"


def test_any_environment_that_draws_is_filmed(here: Path, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (said,) = played(capsys, "CartPole-v1", "--policy", str(folder / "cart.safetensors"), "--out", "a/b.gif")
    assert re.fullmatch(r"CartPole-v1, seed 0: \d+ steps; wrote a/b\.gif \(0\.\d MB\)", said)
    (said,) = played(capsys, "CartPole-v1", "--random", "--success", "abs(pole_angle) < 1", "--out", "c.png")
    assert "success" in said


def test_a_tier_changes_the_world(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for tier in ("easy", "hard"):
        played(capsys, "voxel/approach_tree", "--tier", tier, "--random", "--frames", "2", "--out", f"{tier}.png")
    assert (here / "easy.png").read_bytes() != (here / "hard.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["voxel/hunt_cow"], "who plays"),
        (["voxel/hunt_cow", "--random", "--policy", "x"], "not both"),
        (["voxel/hunt_cow", "--policy", "none.safetensors"], "none.safetensors does not exist"),
        (["voxel/hunt_cow", "--policy", "2030"], "unknown run '2030'"),
        (["voxel/hunt_cow", "--policy", "{cart}"], "policy for another environment"),
        (["voxel/hunt_cow", "--policy", "2026-11-01"], "is a run on Reacher-v5"),
        (["reacher", "--policy", "2026-11-02"], "has no trained policy"),
        (["voxel/hunt_cow", "--policy", "{script}"], "does not read as safetensors"),
        (["voxel/hunt_cow", "--random", "--out", "film.avi"], "end its name with .gif"),
        (["voxel/hunt_cow", "--random", "--out", "{script}/film.gif"], "cannot be written"),
        (["voxel/hunt_cow", "--random", "--reward", "none.py"], "none.py does not exist"),
        (["voxel/hunt_cow", "--random", "--reward", "{script}"], "script.py"),
        (["voxel/hunt_cow", "--random", "--tier", "hrd"], "unknown tier 'hrd'. Closest: hard"),
        (["hunt_cow", "--random"], "unknown environment 'hunt_cow'. Closest: voxel/hunt_cow"),
        (["voxel/diamond_lav", "--random"], "Closest: voxel/diamond_lava"),
        (["reachr", "--random"], "unknown environment 'reachr'. Closest: reacher,"),
        (["CartPole-v1", "--random", "--success", "speed > 1"], "unknown field in expression 'speed > 1'"),
        (["voxel/hunt_cow", "--random", "--episodes", "0"], "--episodes 0"),
        (["voxel/hunt_cow", "0.1", "--random"], "a candidate goes with a run"),
        (["CartPole-v1"], "who plays"),
        (["2030"], "unknown run '2030'"),
        (["2026-11-01", "7.7"], "unknown candidate '7.7'"),
        (["2026-11-01", "0.0"], "train it again: autoreward train"),
        (["2026-11-01", "--training", "3"], "not trained with the seed 3"),
        (["2026-11-02"], "has no trained policy"),
        (["{run}", "--random"], "--random goes with a task"),
        (["{run}", "--tier", "easy"], "--tier goes with a task"),
        (["2026-11-01", "--out", "film.avi"], "end its name with .gif"),
        (["2026-11-01", "--reward", "none.py"], "none.py does not exist"),
    ],
)
def test_bad_input(
    arguments: list[str], told: str, folder: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = here / "script.py"
    script.write_text("import os\n")
    names = {"{cart}": str(folder / "cart.safetensors"), "{script}": str(script)}
    names["{run}"] = str(folder / "runs" / "2026-11-01T1200_reacher_aaaa")
    for name, value in names.items():
        arguments = [part.replace(name, value) for part in arguments]
    assert told in refused(capsys, *arguments, "--runs", str(folder / "runs"))
    assert [path.name for path in here.iterdir()] == ["script.py"]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, list[list[str]]]:
    """What `play RUN` says around its table, and the table's rows."""
    assert main(["play", *arguments]) == 0, capsys.readouterr().err
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    return " ".join(line for line in lines if line[:1] not in "┏┃┡│└"), rows


def test_a_run_without_opengl_has_its_terms_and_the_command_that_makes_an_episode_again(
    folder: Path, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "disable")
    run = here / "run"
    shutil.copytree(folder / "runs" / "2026-11-01T1200_reacher_aaaa", run)
    said, rows = told(capsys, str(run), "--episodes", "3", "--isolation", "C")
    assert re.search(r"reacher, candidate 1\.1, training seed \d+: playing \d of 3 episodes succeeded; filming 3", said)
    assert "MuJoCo needs OpenGL" in said and "apt install" in said
    assert [row[0].partition(",")[0] for row in rows] == ["best", "median", "worst"]
    assert all((run / "rollouts" / "1.1" / f"{name}.png").is_file() for name in ("best", "median", "worst"))
    again = shlex.split(said.partition("one of them again: autoreward play ")[2])
    assert again == [str(run), "1.1", "--training", again[3], "--seed", rows[0][1], "--isolation", "C"]
    _, one = told(capsys, *again, "--out", "again.gif")
    assert one[0][1:4] == rows[0][1:4] and one[0][4] == rows[0][4], "seed, steps, end and score are the same"
    assert (here / "again.png").is_file()


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user may enter, which none of pytest's is."""
    with tempfile.TemporaryDirectory(prefix="play-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_another_user_plays_a_run_that_he_may_only_read(
    folder: Path, open_place: Path, unprivileged: Unprivileged
) -> None:
    """With whatever OpenGL there is for him, or without."""
    run, his = open_place / "run", open_place / "his"
    shutil.copytree(folder / "runs" / "2026-11-01T1200_reacher_aaaa", run)
    his.mkdir()
    his.chmod(0o777)
    code = "import sys; from autoreward.cli import main; sys.exit(main(['play', *sys.argv[1:]]))"
    if os.geteuid() == 0:
        done = unprivileged(code, str(run), "--episodes", "2", "--isolation", "C")
        assert done.returncode == 2
        assert "cannot be written: Permission denied; name a film with --out" in done.stderr
    film = his / "film.gif"
    done = unprivileged(code, str(run), "--seed", "3", "--isolation", "C", "--frames", "2", "--out", str(film))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in his.iterdir()] in (["film.gif"], ["film.png"])
    assert f"wrote {his}/film." in done.stdout


def test_python_that_a_run_names_is_not_imported_before_the_user_names_it(
    folder: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = here / "run"
    shutil.copytree(folder / "runs" / "2026-11-01T1200_reacher_aaaa", run)
    record = (run / "run.json").read_text().replace('"Reacher-v5"', '"nowhere:Env"')
    (run / "run.json").write_text(record)
    said = refused(capsys, str(run))
    assert "wants Python to be imported" in said and f"autoreward play {run} 1.1 --trust nowhere:Env" in said
    assert main(["play", str(run), "--trust", "nowhere:Env"]) == 2
    assert "module 'nowhere' does not import" in capsys.readouterr().err, "then it is looked for"


def test_a_machine_without_opengl_is_told_in_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "disable")
    said = refused(capsys, "reacher", "--random")
    assert "MuJoCo needs OpenGL" in said and said.count("cannot be drawn") == 1
    assert not list(here.iterdir())


def test_an_environment_without_pictures_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    env = EnvSpec(id="autoreward.testing.trainer:LineEnv")
    assert "cannot draw pictures" in refused(capsys, env.id, "--random")
