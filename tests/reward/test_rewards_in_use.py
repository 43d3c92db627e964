import copy
import json
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from autoreward.envs.registry import describe
from autoreward.errors import RewardRefused, RunDamaged, UnknownName, UserError
from autoreward.reward.export import export_package
from autoreward.reward.load import Reward, load_reward
from autoreward.reward.total import total
from autoreward.reward.wrapper import DesignedReward
from autoreward.sandbox.contract import Memory
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import ActionSpec, EnvSchema, Field
from autoreward.task import EnvSpec, SuccessRule, Task, load_task
from autoreward.testing.cell import SIGNS
from tests.weak import weak

PENDULUM = EnvSchema(
    env_id="Pendulum-v1",
    fields=(Field(name="cosine", source="obs[0]"), Field(name="speed", source="obs[2]")),
    action=ActionSpec(kind="continuous", shape=(1,), low=-2.0, high=2.0),
    step_limit=200,
)
CARTPOLE = EnvSchema(
    env_id="CartPole-v1",
    fields=(Field(name="angle", source="obs[2]"),),
    action=ActionSpec(kind="discrete", choices=2),
    step_limit=500,
)
SOURCE = """
IDEA = "Every new best height pays."
WEIGHTS = {"best": 2.0, "rise": 1.0, "effort": 0.1}

def compute_reward(state, action, next_state, memory):
    height = next_state["cosine"]
    best = memory.get("best", state["cosine"])
    memory["best"] = np.maximum(best, height)
    return {
        "best": np.maximum(height - best, 0.0),
        "rise": height - state["cosine"],
        "effort": -np.sum(np.square(action), axis=-1),
    }
"""
TASK = Task(
    name="pendulum",
    text="Hold the pendulum up.\n# A heading <script>",
    env=EnvSpec(id="Pendulum-v1"),
    success=SuccessRule(expression="cosine > 0.95", rule="held", steps=20),
)
ROW = {"label": "designed | best", "success_iqm": 0.9, "success_interval": [0.8, 1.0], "success": [1, 1], "steps": 1000}


@pytest.fixture
def reward_file(tmp_path: Path) -> Path:
    path = tmp_path / "my_reward.py"
    path.write_text(SOURCE)
    return path


def rollout(env: gymnasium.Env, steps: int = 30) -> tuple[list[float], list[dict]]:
    env.action_space.seed(3)
    env.reset(seed=3)
    results = [env.step(env.action_space.sample()) for _ in range(steps)]
    return [result[1] for result in results], [result[4] for result in results]


def by_hand(steps: int = 30) -> list[float]:
    """The same reward, computed by hand on the same rollout."""
    env = gymnasium.make("Pendulum-v1")
    env.action_space.seed(3)
    before = env.reset(seed=3)[0][0]
    best, rewards = before, []
    for _ in range(steps):
        action = env.action_space.sample()
        height = env.step(action)[0][0]
        rewards.append(2.0 * max(height - best, 0.0) + height - before - 0.1 * float(action[0]) ** 2)
        best, before = max(best, height), height
    env.close()
    return rewards


@pytest.mark.parametrize("trusted", [False, True])
def test_a_wrapped_environment_pays_the_designed_reward(reward_file: Path, trusted: bool) -> None:
    env = DesignedReward(gymnasium.make("Pendulum-v1"), load_reward(reward_file, PENDULUM, trusted=trusted))
    rewards, infos = rollout(env)
    np.testing.assert_allclose(rewards, by_hand(), atol=1e-5)
    again, _ = rollout(env)
    assert again == rewards, "an episode that begins anew forgets the last one"
    env.close()
    assert set(infos[0]["reward_terms"]) == {"best", "rise", "effort"}
    assert infos[0]["reward_terms"]["best"] + infos[0]["reward_terms"]["rise"] == pytest.approx(
        rewards[0] - infos[0]["reward_terms"]["effort"], abs=1e-6
    )
    own = gymnasium.make("Pendulum-v1")
    own.reset(seed=3)
    own.action_space.seed(3)
    assert infos[0]["environment_reward"] == pytest.approx(float(own.step(own.action_space.sample())[1]))


@pytest.mark.parametrize(("schema", "trusted"), [(PENDULUM, False), (CARTPOLE, True)], ids=["cell", "trusted"])
def test_the_wrapper_passes_gymnasiums_checker(schema: EnvSchema, trusted: bool) -> None:
    source = SOURCE if schema is PENDULUM else SOURCE.replace('"cosine"', '"angle"').replace(", axis=-1", ", axis=()")
    env = DesignedReward(gymnasium.make(schema.env_id), Reward(source, schema, trusted=trusted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(env, skip_render_check=True)
    env.close()


def test_vector_environments_in_processes_start_cells_of_their_own(reward_file: Path) -> None:
    reward = load_reward(reward_file, PENDULUM)
    reward.start()  # so that workers forked from here see a cell that is not theirs
    make = lambda: DesignedReward(gymnasium.make("Pendulum-v1"), reward)  # noqa: E731 - as users write it
    envs = gymnasium.vector.AsyncVectorEnv([make, make])
    envs.reset(seed=[3, 3])
    action = np.zeros((2, 1), np.float32)
    first = [envs.step(action)[1] for _ in range(10)]
    envs.close()
    single = make()
    single.reset(seed=3)
    np.testing.assert_allclose(np.array(first)[:, 0], [single.step(action[0])[1] for _ in range(10)], atol=1e-6)
    np.testing.assert_array_equal(np.array(first)[:, 0], np.array(first)[:, 1])
    single.close()


def test_a_wrapper_below_that_changes_observations_is_refused(reward_file: Path) -> None:
    env = gymnasium.wrappers.TimeAwareObservation(gymnasium.make("Pendulum-v1"))
    with pytest.raises(UserError, match="around the environment first"):
        DesignedReward(env, load_reward(reward_file, PENDULUM))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda reward: pickle.loads(pickle.dumps(reward))])
def test_rewards_can_be_copied_and_score_chunks(reward_file: Path, copied: object) -> None:
    rng = np.random.default_rng(0)
    with load_reward(reward_file, PENDULUM) as reward:
        inputs = {name: rng.normal(size=(4, 2)).astype(np.float32) for name in reward.inputs}
        inputs["action"] = inputs["action"][..., None]
        begun = np.array([[True, True], *[[False, False]] * 3])
        terms = reward.score(inputs, begun).terms
        assert total(reward.program, terms).shape == (4, 2)
        with copied(reward) as other:  # type: ignore[operator]
            for name, term in other.score(inputs, begun, Memory()).terms.items():
                np.testing.assert_array_equal(term, terms[name])
    assert "Every new best height" in repr(reward)


def test_a_file_that_cannot_be_used_is_told_in_one_message(tmp_path: Path, reward_file: Path) -> None:
    with pytest.raises(UserError, match=r"missing\.py does not exist"):
        load_reward(tmp_path / "missing.py", PENDULUM)
    with pytest.raises(UserError, match=r"env=\.\.\."):
        load_reward(reward_file)
    broken = tmp_path / "broken.py"
    broken.write_text(SOURCE.replace('"cosine"', '"cosin"'))
    with pytest.raises(RewardRefused, match=r"broken\.py: line 6, column 14: unknown field 'cosin'\. Closest: cosine"):
        load_reward(broken, PENDULUM)
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not UTF-8"):
        load_reward(broken, PENDULUM)
    with pytest.raises(UnknownName, match="CartPole-v1"):
        load_reward(reward_file, "CartPol-v1")


def test_the_grammar_is_told_by_the_file(tmp_path: Path) -> None:
    path = tmp_path / "signs.py"
    path.write_text(SIGNS.replace('"tip"', '"cosine"').replace('"goal"', '"speed"').replace(", axis=-1", ""))
    assert load_reward(path, PENDULUM).program.grammar == "signs"


def test_an_exported_package_can_be_imported_from_anywhere(tmp_path: Path) -> None:
    folder = export_package(
        tmp_path / "pendulum_reward",
        name="pendulum",
        source=SOURCE,
        task=TASK,
        schema=PENDULUM,
        evidence={"run": "r1", "rows": [ROW]},
    )
    script = """
import gymnasium, pendulum_reward
env = pendulum_reward.wrap(gymnasium.make("Pendulum-v1"))
env.action_space.seed(3); env.reset(seed=3)
print([env.step(env.action_space.sample())[1] for _ in range(5)])
env.close()
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    np.testing.assert_allclose(json.loads(done.stdout), by_hand(5), atol=1e-5)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["version"] == 1 and manifest["evidence"]["run"] == "r1"
    assert manifest["env_schema"]["env_id"] == manifest["task"]["env"]["id"] == "Pendulum-v1"
    readme = (folder / "README.md").read_text()
    assert 'pendulum_reward.wrap(gymnasium.make("Pendulum-v1"))' in readme
    assert "| designed / best | 0.90 | 0.80 to 1.00 | 2 | 1,000 |" in readme
    assert "\n# A heading" not in readme
    assert load_reward(folder).program.weights == {"best": 2.0, "rise": 1.0, "effort": 0.1}


def test_the_package_of_a_robot_that_is_data_only_brings_its_environment(tmp_path: Path) -> None:
    task = load_task("balancer/spin")
    assert task.reference
    schema = describe(task.env)
    folder = export_package(
        tmp_path / "spin_reward", name="s", source=task.reference, task=task, schema=schema, evidence={}
    )
    assert "spin_reward.wrap(spin_reward.environment())" in (folder / "README.md").read_text()
    program = (
        "import spin_reward as it\nenv = it.wrap(it.environment(), trusted=True)\nenv.reset(seed=0)\n"
        "_, paid, *_, info = env.step(env.action_space.sample())\n"
        "print(sorted(info['reward_terms']), abs(paid) > 0)"
    )
    shown = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert shown.stdout.startswith("['effort', 'stay', 'turn'] True"), shown.stderr


def test_a_package_whose_program_was_changed_is_refused(tmp_path: Path) -> None:
    folder = export_package(tmp_path / "mine", name="x", source=SOURCE, task=TASK, schema=PENDULUM, evidence={})
    (folder / "reward.py").write_text(SOURCE.replace("2.0", "3.0"))
    with pytest.raises(RunDamaged, match="changed after its export"):
        load_reward(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(RunDamaged, match=r"manifest\.json is missing"):
        load_reward(folder)


def test_an_export_never_lands_on_other_files(tmp_path: Path) -> None:
    def export(folder: Path) -> Path:
        return export_package(folder, name="x", source=SOURCE, task=TASK, schema=PENDULUM, evidence={})

    with pytest.raises(UserError, match="cannot be imported"):
        export(tmp_path / "my-reward")
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        export(tmp_path / "notes")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="something other than a reward package"):
        export(tmp_path / "folder")
    assert export(export(tmp_path / "again")).is_dir(), "a package can be written again"


WEAK = """
import sys
import gymnasium, numpy as np
from autoreward.reward.load import load_reward
from autoreward.reward.wrapper import DesignedReward
from autoreward.sandbox.isolation import IsolationTooWeak
sys.path.insert(0, sys.argv[2])
import weak_reward

def step(env):
    env.reset(seed=0)
    return type(env.step(env.action_space.sample())[1])

made = lambda: gymnasium.make("Pendulum-v1")
for name, use in {
    "load_reward": lambda **how: step(DesignedReward(made(), load_reward(sys.argv[1], **how))),
    "package": lambda **how: step(weak_reward.wrap(made(), **how)),
}.items():
    try:
        use()
    except IsolationTooWeak as error:
        assert "isolation='C'" in str(error), error
        print(name, "refused", use(isolation="C").__name__, use(trusted=True).__name__)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is weakened by a filter on system calls")
def test_a_reward_is_not_scored_with_less_isolation_unless_told(tmp_path: Path) -> None:
    folder = export_package(tmp_path / "weak_reward", name="w", source=SOURCE, task=TASK, schema=PENDULUM, evidence={})
    done = subprocess.run(
        weak("seccomp", sys.executable, "-c", WEAK, str(folder), str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split("\n")[:2] == ["load_reward refused float float", "package refused float float"], (
        done.stderr
    )


def test_a_reward_runs_in_a_cell_unless_it_is_trusted(reward_file: Path) -> None:
    reward = load_reward(reward_file, PENDULUM)
    with reward:
        reward.start()
        cell = reward._cell
        assert isinstance(cell, ProcessCell) and cell.pid
        assert cell.isolation and cell.isolation.level in ("A", "B")
    with load_reward(reward_file, PENDULUM, isolation="A") as strict, copy.deepcopy(strict) as copied:
        assert copied.isolation == "A"
