"""Bad input: one clear message with what to type next, exit code 2, no traceback, nothing spent."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from autoreward.cli import main

GOOD = """\
IDEA = "Come closer."
WEIGHTS = {"near": 1.0}

def compute_reward(state, action, next_state, memory):
    return {"near": -np.linalg.norm(next_state["target_offset"], axis=-1)}
"""
CARTPOLE = ["--env", "CartPole-v1", "--text", "Balance the pole."]


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    """What `autoreward ARGUMENTS` says on stderr; it must exit with `code`, without a traceback."""
    assert main(arguments) == code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "bug" not in said
    return " ".join(said.split())


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["inspec"], "Closest: inspect"),
        (["run"], "autoreward run reacher"),
        (["run", "reachr"], "Closest: reacher"),
        (["run", "reacher", "--env", "CartPole-v1"], "not both"),
        (["run", "reacher", "--success", "True"], "--env ID"),
        (["run", "--env", "CartPol-v1", "--text", "x", "--success", "True"], "CartPole-v1"),
        (["run", *CARTPOLE], "--success"),
        (["run", "--env", "CartPole-v1", "--success", "abs(pole_angle) < 1"], "--text"),
        (["run", *CARTPOLE, "--success", "abs(pole_angel) < 1"], "pole_angle"),
        (["run", *CARTPOLE, "--success", "abs(pole_angle <"], "expression"),
        (["run", *CARTPOLE, "--success", "True", "--success-rule", "hold:3"], "held:K"),
        (["run", *CARTPOLE, "--success", "True", "--env-kwargs", "{a"], "JSON"),
        (["run", *CARTPOLE, "--success", "True", "--env-kwargs", '{"pole": 1}'], "pole"),
        (["run", *CARTPOLE, "--success", "True", "--env-kwargs", "[1]"], "env_kwargs"),
        (["envs", "show", "CartPole-v1", "--env-kwargs", "[1]"], "env_kwargs"),
        (["run", "--env", "balancer", "--success", "True", "--env-kwargs", '{"frame_skip": 2}'], "takes none"),
        (["run", *CARTPOLE, "--success", "True", "--step-limit", "0"], "--step-limit 0"),
        (["run", "reacher", "--rounds", "0"], "--rounds 0"),
        (["run", "reacher", "--rounds", "three"], "--rounds"),
        (["run", "reacher", "--budget.env-steps", "-5"], "--budget.env-steps -5"),
        (["run", "reacher", "--round", "3"], "--rounds"),
        (["run", "reacher", "--halvings", "5"], "--halvings 5"),
        (["run", "reacher", "--config", "none.yaml"], "none.yaml does not exist"),
        (["run", "reacher", "--designer", "compser", "--dry-run"], "composer"),
        (["run", "reacher", "--start-from", "none.py", "--dry-run"], "none.py does not exist"),
        (["inspect"], "autoreward run"),
        (["inspect", "nothing"], "unknown run 'nothing'"),
        (["resume", "nothing"], "unknown run 'nothing'"),
        (["export", "nothing"], "unknown run 'nothing'"),
        (["sweep", "none.yaml"], "none.yaml does not exist"),
        (["verify", "none.py", "--env", "reacher"], "none.py does not exist"),
        (["verify", "none.py"], "--env"),
        (["train", "none.py", "--env", "reacher", "--seeds", "0"], "--seeds 0"),
        (["envs", "show", "Raecher-v5"], "Reacher-v5"),
        (["prompts", "show", "designer/frist"], "designer/first"),
    ],
)
def test_the_message_says_what_to_type(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert told in complaint(capsys, *arguments)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--trainer.hidden"], "--trainer.hidden (): a policy needs a hidden layer at least"),
        (["--trainer.name", "bach"], "unknown trainer 'bach'. Closest: batch"),
        (["--trainer.algorithm", "SAC"], "add --trainer.name sb3"),
        (["--trainer.use-sde"], "trainer batch has no gSDE; type --trainer.name sb3"),
        (["--trainer.name", "sb3", "--trainer.algorithm", "SAK"], "unknown algorithm 'SAK'. Closest: SAC"),
        (
            ["--trainer.name", "sb3", "--trainer.algorithm", "DQN"],
            "DQN cannot choose the continuous actions of Reacher-v5; type --trainer.algorithm with one of PPO,",
        ),
    ],
)
@pytest.mark.parametrize(
    "command", [["run", "reacher"], ["run", "reacher", "--dry-run"], ["train", "reward.py", "--env", "reacher"]]
)
def test_a_trainer_that_cannot_train_the_task(
    capsys: pytest.CaptureFixture[str], command: list[str], flags: list[str], told: str
) -> None:
    Path("reward.py").write_text(GOOD)
    assert told in complaint(capsys, *command, *flags)
    assert not list(Path().glob("runs/*")), "something was begun"


def test_a_race_that_cannot_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    short = complaint(capsys, "run", "reacher", "--halvings", "3", "--steps", "5000")
    assert "a rung is a whole number of rollouts of 1,600" in short
    assert "leave one of the two out" in complaint(capsys, "run", "reacher", "--halvings", "1", "--trainer.name", "sb3")
    assert not list(Path().glob("runs/*")), "something was begun"


def test_a_gpu_that_is_not_there(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # where there is one, it is hidden
    Path("reward.py").write_text(GOOD)
    for command in (["run", "reacher"], ["train", "reward.py", "--env", "reacher"]):
        told = complaint(capsys, *command, "--trainer.device", "cuda")
        assert "torch finds no CUDA GPU; type --trainer.device cpu" in told
    assert not list(Path().glob("runs/*")), "something was begun"


def test_worlds_that_cannot_simulate_the_task(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for worlds in ("batch", "warp"):
        told = complaint(capsys, "run", "acrobot", "--trainer.worlds", worlds)
        assert "Acrobot-v1 cannot be simulated together" in told and "type --trainer.worlds auto" in told
    monkeypatch.setitem(sys.modules, "mujoco_warp", None)
    assert "pip install 'autoreward[gpu]'" in complaint(capsys, "run", "reacher", "--trainer.worlds", "warp")
    assert not list(Path().glob("runs/*")), "something was begun"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("roundss: 2", "did you mean 'rounds'"),
        ("budget: {env_step: 2}", "did you mean 'env_steps'"),
        ("rounds: 0", "rounds: Input should be greater than 0"),
        ("trainer: {hidden: []}", "trainer.hidden: a policy needs a hidden layer at least; give its width, such as 64"),
        ("rounds: [", "not valid YAML"),
        ("- rounds", "mapping"),
    ],
)
def test_a_wrong_configuration_file(capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    Path("config.yaml").write_text(text)
    assert told in complaint(capsys, "run", "reacher", "--config", "config.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("task: [reacher]", "did you mean 'tasks'"),
        ("tasks: [reachr]", "Closest: reacher"),
        ("tasks: [{env: CartPole-v1, text: x, succes: x}]", "did you mean 'success'"),
        ("tasks: [reacher]\nconfig: {roundss: 1}", "did you mean 'rounds'"),
        ("tasks: [reacher]\noverrides: [{rounds: 1}]", "name"),
        ("tasks: [reacher]\noverrides: [{name: a}, {name: a}]", "twice"),
        ("tasks: [reacher]\noverrides: [{name: a, trainer: {gama: 1}}]", "did you mean 'gamma'"),
        ("tasks: [reacher]\nseeds: []", "seeds"),
    ],
)
def test_a_wrong_sweep_file(capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    Path("sweep.yaml").write_text(text)
    assert told in complaint(capsys, "sweep", "sweep.yaml")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (GOOD.replace("return", "retrun"), "broken.py:5"),
        (GOOD.replace("target_offset", "target_ofset"), "Closest: target_offset"),
        ("import os\n" + GOOD, "broken.py:1"),
        (GOOD.replace("-np", "np.nan * np"), "finite"),
    ],
)
def test_a_refused_reward_file(capsys: pytest.CaptureFixture[str], source: str, told: str) -> None:
    Path("broken.py").write_text(source)
    assert main(["verify", "broken.py", "--env", "reacher"]) == 2
    assert told in " ".join(capsys.readouterr().out.split())


def test_a_good_reward_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("good.py").write_text(GOOD)
    assert main(["verify", "good.py", "--env", "reacher", "--probe-seconds", "1"]) == 0
    assert "passes; terms: near" in capsys.readouterr().out
    assert main(["verify", "good.py", "--env", "reacher", "--probe-seconds", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "accepted"


def test_a_runs_folder_that_cannot_be_made(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("in the way")
    assert "--runs FOLDER" in complaint(capsys, "run", "reacher", "--runs", "file/runs")


def test_shared_trainings_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("in the way")
    said = complaint(capsys, "run", "reacher", "--designer", "composer", "--shared-trainings", "file/shared")
    assert "--shared-trainings file/shared" in said
    assert not list(Path("runs").iterdir())


# The package may lie where only root can look, so the ordinary user may read, but not write, everywhere.
READS_ALL = [f"--{kind}-caps=-all,+dac_read_search" for kind in ("inh", "ambient")]


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="needs root, to become an ordinary user")
def test_a_runs_folder_that_is_read_only() -> None:
    """Root may write anywhere, so an ordinary user asks."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        check = f"from autoreward.api import *; check_writable(Path({folder!r}) / 'runs')"
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *READS_ALL, sys.executable, "-c", check],
            capture_output=True,
            text=True,
            check=False,
        )
    assert f"runs cannot be written to {folder}/runs (Permission denied); give another" in done.stderr, done.stderr


def test_a_language_model_without_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert "OPENAI_API_KEY" in complaint(capsys, "run", "reacher", "--designer", "llm")
    assert not list(Path("runs").glob("*/run.json"))


def test_what_a_file_is_named_drives_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "runs/\x1b]0;mine\x07\u202eelif"]) == 2
    said = capsys.readouterr().err
    assert "]0;mine" in said and not {"\x1b", "\x07", "\u202e"} & set(said)
