"""Meta-World's tasks, in the interpreter of their own: what its own scripts and random actions do there, and a run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from autoreward.cli import main
from autoreward.critic.stored import Stored
from autoreward.critic.verify import verify
from autoreward.envs.contract import Transitions
from autoreward.envs.episodes import EpisodeJudge
from autoreward.envs.registry import describe, make_env
from autoreward.errors import UserError
from autoreward.records import read_record, write_bytes
from autoreward.sandbox.process import ProcessCell
from autoreward.store.folder import RunFolder
from autoreward.task import EnvSpec, load_task, task_names
from autoreward.training.contract import TrainingResult
from autoreward.training.statistics import npz_bytes

PACK = [name for name in task_names() if name.startswith("metaworld/")]
EPISODES = 6
"""By the script, and as many by chance."""
GOOD = """
IDEA = "Bring the fingers to the object, and the object to the target."
WEIGHTS = {"reach": 1.0, "move": 5.0}

def compute_reward(state, action, next_state, memory):
    reach = np.linalg.norm(next_state["object_position"] - next_state["fingers_position"], axis=-1)
    move = np.linalg.norm(next_state["object_position"] - next_state["target_position"], axis=-1)
    return {"reach": -reach, "move": -move}
"""
BAD = GOOD.replace('"move": -move', '"move": move').replace('"reach": -reach', '"reach": reach')


@pytest.fixture(scope="module", params=PACK)
def played(
    request: pytest.FixtureRequest, interpreter: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, NDArray[Any]]]:
    """A task, and the episodes there: the first half by Meta-World's script, the others by chance."""
    name, out = request.param, tmp_path_factory.mktemp("metaworld") / "played.npz"
    script = Path(__file__).with_name("experts.py")
    subprocess.run([interpreter, script, name.partition("/")[2], out, str(EPISODES)], check=True)
    with np.load(out) as found:
        return name, dict(found)


def test_the_pack_is_there_without_the_interpreter() -> None:
    assert [name.partition("/")[2] for name in PACK] == ["drawer_open", "window_close", "button_press", "door_close"]
    for name in PACK:
        task = load_task(name)
        assert task.env.python is not None
        assert task.env.python.endswith("/.venv-metaworld/bin/python")
        assert "/../" not in task.env.python
        missing = task.env.model_copy(update={"python": task.env.python + "-gone"})
        with pytest.raises(
            UserError, match=r"python-gone .* is not there; type: make metaworld \(in a checkout of autoreward\)$"
        ):
            describe(missing)


@pytest.mark.slow
def test_success_is_metaworlds_own(played: tuple[str, dict[str, NDArray[Any]]]) -> None:
    """In every step, of episodes in which it happens and of others."""
    name, found = played
    task = load_task(name)
    schema = describe(task.env)
    judge = EpisodeJudge(task, schema, 2 * EPISODES)
    for step in range(schema.step_limit):
        verdict = judge.step({field: found[f"field.{field}"][:, step + 1] for field in schema.names})
        assert np.array_equal(verdict.success_now, found["success"][:, step] == 1), step
    assert judge.finish(np.ones(2 * EPISODES, np.bool_)).success.tolist() == [True] * EPISODES + [False] * EPISODES


@pytest.mark.slow
def test_rewards_put_its_scripts_before_chance(played: tuple[str, dict[str, NDArray[Any]]], tmp_path: Path) -> None:
    """The V2 reward does, and so does a good program, which the Critic says; a bad one is refused for it."""
    name, found = played
    returns = found["reward"].sum(axis=1)
    assert returns[:EPISODES].min() > 1.5 * returns[EPISODES:].max()
    task = load_task(name)
    schema = describe(task.env)
    store = Stored.of(tmp_path, task, schema)
    parts = {key: values for key, values in found.items() if key == "action" or key.startswith("field.")}
    for row in range(0, 2 * EPISODES, 2):
        kind, origin = ("success", "human") if row < EPISODES else ("failure", "random")
        two = {"length": np.full(2, schema.step_limit), "score": np.zeros(2)}
        two |= {key: values[row : row + 2] for key, values in parts.items()}
        write_bytes(store.folder / f"{kind}-{origin}-{row}.npz", npz_bytes(two))
    inputs = {f"state.{field}": found[f"field.{field}"][:, :-1].swapaxes(0, 1) for field in schema.names}
    inputs |= {f"next_state.{field}": found[f"field.{field}"][:, 1:].swapaxes(0, 1) for field in schema.names}
    inputs["action"] = found["action"].swapaxes(0, 1)
    begun = np.zeros((schema.step_limit, 2 * EPISODES), np.bool_)
    begun[0] = True
    transitions = Transitions(inputs, begun, found["success"].T == 1)
    good, bad = (
        verify(source, schema, "terms", transitions, ProcessCell, task, seconds=30, stored=store)
        for source in (GOOD, BAD)
    )
    assert good.status == "accepted", good.reason
    ordered = next(check for check in good.checks if check.name == "ordering")
    assert ordered.verdict == "pass", ordered.message
    assert "in 100% of the pairs (100% undiscounted)" in ordered.message
    assert bad.status == "invalid"
    assert bad.checks[-1].name == "ordering"
    assert "in 0% of the pairs" in bad.checks[-1].message


@pytest.mark.slow
def test_seeds_and_observations(interpreter: str) -> None:
    """The same seed gives the same episode; what is seen first is where it is."""
    env = make_env(load_task("metaworld/drawer_open").env, 2)
    runs = []
    for _ in range(2):
        env.action_space.seed(0)
        obs, _ = env.reset(seed=3)
        first = env.read(["object_position", "target_position"])
        runs.append([obs, *(env.step(env.random_actions())[0] for _ in range(20))])
    assert np.array_equal(*runs)
    assert not np.array_equal(runs[0][0][0], runs[0][0][1])
    assert np.allclose(runs[0][0][:, 4:7], runs[0][1][:, 4:7], atol=1e-6)
    assert np.allclose(first["object_position"] - first["target_position"], [0, 0.19, 0], atol=1e-3)
    env.close()
    with pytest.raises(UserError, match=r"unknown task of Meta-World 'drawer-opens-v3'.*Closest: drawer-open-v3"):
        describe(EnvSpec(id="autoreward/MetaWorld-v0", python=interpreter, kwargs={"task": "drawer-opens-v3"}))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hopper", "balancer"])
def test_our_own_packs_run_on_its_older_mujoco(name: str, interpreter: str) -> None:
    """Stepped one by one there, and together here; the same episode, but for what MuJoCo has changed since."""
    spec = load_task(name).env
    here, there = (make_env(spec.model_copy(update={"python": python}), 2) for python in (None, interpreter))
    assert here.together and not there.together
    told = []
    for env in (here, there):
        env.action_space.seed(0)
        env.reset(seed=0)
        told.append([env.read(env.schema.names), *(env.step(env.random_actions())[0] for _ in range(5))])
        env.close()
    assert all(np.allclose(told[0][0][field], told[1][0][field], atol=1e-5) for field in told[0][0])
    assert np.allclose(told[0][1:], told[1][1:], atol=1e-3)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # 11 minutes on two cores with a load of 17
def test_a_run(interpreter: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From schema to report, with two thousand steps a training: composer, Critic, workers, evaluation, pictures."""
    given = "--rounds 1 --candidates 1 --search-seeds 1 --selection-seeds 1 --report-seeds 1 --report-episodes 2"
    given += " --steps 2000 --trainer.num-envs 8 --trainer.rollout 100 --trainer.evaluation-episodes 2"
    given += " --trainer.evaluations 1 --probe-seconds 3 --designer composer"
    assert main(["run", "metaworld/drawer_open", *given.split(), "--runs", str(tmp_path / "runs")]) == 0
    folder = RunFolder(next((tmp_path / "runs").glob("*_metaworld_*")))
    report = folder.report()
    assert report is not None
    assert [row.name for row in report.rows] == ["random", "sparse", "human", "designed"]
    results = [read_record(path, TrainingResult) for path in folder.path.glob("trainings/*/result-*.json")]
    assert len(results) >= 4
    assert {(result.status, result.versions["mujoco"]) for result in results} == {("ok", "3.3.0")}
    assert f"interpreter of autoreward/MetaWorld-v0: {interpreter}" in (folder.path / "environment.txt").read_text()
    capsys.readouterr()
    assert main(["play", "metaworld/drawer_open", "--policy", str(folder.path), "--out", str(tmp_path / "a.png")]) == 0
    assert "200 steps, no success" in capsys.readouterr().out
    with Image.open(tmp_path / "a.png") as picture:
        assert np.ptp(np.asarray(picture)) > 100
