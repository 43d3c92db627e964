"""Simulations on mujoco-warp, on its CPU device here, beside MuJoCo's own. Most tests need the extra `gpu`.

Kernels are compiled when they are first used, for a minute or two on two cores; warp keeps them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray
from v5 import TASKS, actions, assert_same, play

from autoreward.envs.mujoco.env import MujocoBatchEnv
from autoreward.envs.mujoco.worlds import BatchWorlds
from autoreward.envs.registry import MANY, make_env, picks_warp
from autoreward.errors import UserError
from autoreward.task import EnvSpec, load_task
from autoreward.testing.env import check_batch_env
from autoreward.training.batch import BatchTrainer
from autoreward.training.contract import RewardSpec, TrainingJob

Array = NDArray[Any]

CLOSE = 2e-4
"""Largest difference over five control steps, as a share of 1 + the value. Measured: 4e-5 (velocities of HalfCheetah);
`benchmarks/gpu.md` has the other tasks, and longer stretches."""


def spec_of(name: str, step_limit: int = 30) -> EnvSpec:
    return EnvSpec(id=f"{name}-v5", step_limit=step_limit)


def on_warp(spec: EnvSpec, count: int) -> MujocoBatchEnv:
    env = make_env(spec, count, "warp")
    assert isinstance(env, MujocoBatchEnv)
    return env


def worlds_of(model: mujoco.MjModel, count: int, frame_skip: int = 1, forces: bool = False) -> Any:
    from autoreward.envs.mujoco.warp import WarpWorlds

    return WarpWorlds(model, count, frame_skip, forces)


def apart(one: Array, other: Array) -> float:
    """The largest difference, as a share of 1 + the value."""
    return float((np.abs(one - other) / (1.0 + np.abs(one))).max())


MISSING = """
import sys
sys.modules["mujoco_warp"] = None
from autoreward.envs.registry import make_env, picks_warp
from autoreward.task import EnvSpec
make_env(EnvSpec(id="Hopper-v5"), 2, "auto")
make_env(EnvSpec(id="Hopper-v5"), 2, "warp")
"""


def test_without_the_extra_the_message_says_what_to_type() -> None:
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=False)
    assert "pip install 'autoreward[gpu]'" in done.stderr.splitlines()[-1]
    assert "UserError" in done.stderr.splitlines()[-1]


def test_only_many_environments_are_put_on_a_gpu_by_themselves() -> None:
    assert not picks_warp(MANY - 1)


def test_what_is_not_mujocos_is_refused() -> None:
    with pytest.raises(UserError, match="cannot be simulated together"):
        make_env(EnvSpec(id="Acrobot-v1"), 2, "warp")


@pytest.mark.slow
def test_without_a_gpu_many_environments_stay_on_mujoco_batch() -> None:
    from autoreward.envs.mujoco.warp_device import has_gpu

    env = make_env(spec_of("InvertedPendulum"), MANY, "auto")
    assert isinstance(env, MujocoBatchEnv)
    assert isinstance(env._robot.worlds, BatchWorlds) is not has_gpu()


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_every_task_of_gymnasiums_is_accepted(name: str) -> None:
    from autoreward.envs.mujoco.warp import DeviceModel

    model = gymnasium.make(f"{name}-v5").unwrapped.model  # type: ignore[attr-defined]
    solved = DeviceModel(model, 2, "cpu").solved
    assert solved.opt.solver == mujoco.mjtSolver.mjSOL_NEWTON
    assert (solved is model) is not name.startswith("Humanoid"), "whose own solver mujoco-warp does not have"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["HalfCheetah", "Hopper", "Humanoid"])
def test_steps_are_mujocos_up_to_float32(name: str) -> None:
    ours, exact = on_warp(spec_of(name), 16), make_env(spec_of(name), 16, "batch")
    assert apart(exact.reset(seed=3)[0], ours.reset(seed=3)[0]) < 1e-6
    for step in range(5):
        expected, rewards, terminated, _, _ = exact.step(actions(exact, step))
        obs, found, ended, _, _ = ours.step(actions(exact, step))
        assert apart(expected, obs) < CLOSE
        assert apart(rewards, found) < CLOSE
        np.testing.assert_array_equal(terminated, ended)
        fields = ours.read(ours.schema.names)
        for key, values in exact.read(exact.schema.names).items():
            assert apart(values, fields[key]) < CLOSE, key
    assert np.abs(obs).max() > 0.5, "nothing moved"


@pytest.mark.slow
def test_contact_forces_are_mujocos() -> None:
    """Without friction: its pyramid is turned another way on steep capsules, see `benchmarks/gpu.md`."""
    model = gymnasium.make("Ant-v5").unwrapped.model  # type: ignore[attr-defined]
    model.geom_condim[:] = 1
    ours, exact = worlds_of(model, 8, 5, forces=True), BatchWorlds(model, 8, 5, forces=True)
    random = np.random.default_rng(0)
    qpos = model.qpos0 + random.uniform(-0.1, 0.1, (8, model.nq))
    for worlds in (ours, exact):
        worlds.place(list(range(8)), qpos, np.zeros((8, model.nv)))
    for _ in range(8):
        controls = random.uniform(-1.0, 1.0, (8, model.nu))
        ours.step(controls)
        exact.step(controls)
        assert apart(exact.contact_forces, ours.contact_forces) < 1e-3
    assert np.abs(exact.contact_forces).max() > 10.0, "nothing touched the ground"
    for worlds in (ours, exact):
        worlds.place([3], qpos[:1], np.zeros((1, model.nv)))
        assert not worlds.contact_forces[3].any(), "an episode begins without forces"


@pytest.mark.slow
def test_it_keeps_the_contract() -> None:
    check_batch_env(lambda count: on_warp(spec_of("Hopper"), count))


@pytest.mark.slow
def test_outputs_read_as_mujocos_after_steps_and_after_resets() -> None:
    """Positions of bodies are one substep old after a step, and fresh where an episode has just begun."""
    model = gymnasium.make("Hopper-v5").unwrapped.model  # type: ignore[attr-defined]
    ours, exact = worlds_of(model, 3, 4), BatchWorlds(model, 3, 4)
    random = np.random.default_rng(0)
    qpos = model.qpos0 + random.uniform(-0.05, 0.05, (3, model.nq))
    qvel = random.uniform(-0.5, 0.5, (3, model.nv))
    for worlds in (ours, exact):
        for name in ("xpos", "xmat", "cvel", "subtree_com"):
            worlds.output(name)
        worlds.place([0, 1, 2], qpos, qvel)
        for step in range(3):
            worlds.step(np.full((3, model.nu), 0.1 * step))
        worlds.place([1], qpos[:1], qvel[:1])
    for name in ("xpos", "xmat", "cvel", "subtree_com"):
        assert ours.output(name).shape == exact.output(name).shape
        assert not ours.output(name).flags.writeable
        assert apart(exact.output(name), ours.output(name)) < 1e-4, name
    with pytest.raises(UserError, match="qLDiagInvv"):
        ours.output("qLDiagInvv")


@pytest.mark.slow
def test_a_snapshot_goes_on_bit_for_bit() -> None:
    env, other = on_warp(spec_of("Hopper"), 3), on_warp(spec_of("Hopper"), 3)
    env.reset(seed=1)
    play(env, 7)
    env.reset(options={"reset_mask": np.array([True, False, False])})
    saved = {name: values.copy() for name, values in env.snapshot().items()}
    fields = list(env.read(env.schema.names).values())
    ahead = play(env, 30, first=7)
    other.reset(seed=99)
    play(other, 5)
    for target in (other, env):
        target.restore(saved)
        assert_same(fields, list(target.read(target.schema.names).values()))
        assert_same(ahead, play(target, 30, first=7))


@pytest.mark.slow
def test_a_snapshot_of_other_worlds_is_refused() -> None:
    env, exact = on_warp(spec_of("Hopper"), 2), make_env(spec_of("Hopper"), 2, "batch")
    for one, other in ((env, exact), (exact, env)):
        one.reset(seed=1)
        other.reset(seed=1)
        saved = other.snapshot()
        assert saved is not None
        with pytest.raises(UserError, match="snapshot"):
            one.restore(saved)


@pytest.mark.slow
def test_a_simulation_that_blows_up_ends_its_own_episode() -> None:
    env, calm = on_warp(spec_of("HalfCheetah"), 3), on_warp(spec_of("HalfCheetah"), 3)
    stiffness = env.model_field("jnt_stiffness")
    calm.model_field("jnt_stiffness")
    usual = stiffness[1].copy()
    env.reset(seed=1)
    calm.reset(seed=1)
    before, *_ = env.step(actions(env, 0))
    calm.step(actions(env, 0))
    stiffness[1] = -1e12  # pushes the joints apart
    for step in range(1, 10):
        obs, rewards, terminated, _, _ = env.step(actions(env, step))
        expected, others, *_ = calm.step(actions(env, step))
        if env.faults:
            break
        before = obs
    assert env.faults == 1
    assert terminated.tolist() == [False, True, False]
    assert rewards[1] == 0.0
    np.testing.assert_array_equal(obs[1], before[1])
    assert all(np.isfinite(values).all() for values in env.read(env.schema.names).values())
    np.testing.assert_array_equal(obs[[0, 2]], expected[[0, 2]])
    np.testing.assert_array_equal(rewards[[0, 2]], others[[0, 2]])
    stiffness[1] = usual
    begun = {"reset_mask": np.array([False, True, False])}
    obs, _ = env.reset(seed=[None, 7, None], options=begun)  # type: ignore[arg-type]
    again, _ = calm.reset(seed=[None, 7, None], options=begun)  # type: ignore[arg-type]
    np.testing.assert_array_equal(obs, again)
    assert_same(play(env, 10, first=20), play(calm, 10, first=20))


@pytest.mark.slow
def test_other_masses_give_mujocos_other_motion() -> None:
    ours, exact = on_warp(spec_of("HalfCheetah"), 2), make_env(spec_of("HalfCheetah"), 2, "batch")
    assert isinstance(exact, MujocoBatchEnv)
    for env in (ours, exact):
        env.model_field("body_mass")[1] *= 3.0
        env.model_changed()
        env.model_field("dof_damping")[1] *= 2.0  # what was derived must outlive a second field
        env.reset(seed=1)
    for step in range(5):
        expected, *_ = exact.step(actions(exact, step))
        obs, *_ = ours.step(actions(exact, step))
    assert apart(expected, obs) < 1e-4
    assert np.abs(expected[0] - expected[1]).max() > 0.1
    with pytest.raises(ValueError, match="body_mas"):
        ours.model_field("body_mas")


def _plate(feet: int) -> mujoco.MjModel:
    """A plate on so many feet."""
    spheres = "".join(f'<geom type="sphere" size=".02" pos="{0.1 * foot} 0 0" mass=".1"/>' for foot in range(feet))
    return mujoco.MjModel.from_xml_string(
        f'<mujoco><worldbody><geom type="plane" size="50 50 1"/><body pos="0 0 .0199"><freejoint/>{spheres}</body>'
        "</worldbody></mujoco>"
    )


@pytest.mark.slow
def test_room_for_contacts_grows_with_what_is_needed() -> None:
    model = _plate(40)
    ours, exact = worlds_of(model, 2, 5), BatchWorlds(model, 2, 5)
    for worlds in (ours, exact):
        worlds.place([0, 1], np.tile(model.qpos0, (2, 1)), np.zeros((2, model.nv)))
    assert ours._data.njmax < 40 * 4, "the test needs more than mujoco-warp begins with"
    for _ in range(4):
        ours.step(np.zeros((2, 0)))
        exact.step(np.zeros((2, 0)))
    assert ours._data.njmax >= 40 * 4
    assert apart(exact.qpos, ours.qpos) < 1e-4
    assert apart(exact.qvel, ours.qvel) < 1e-3


@pytest.mark.slow
def test_more_contacts_than_there_can_be_room_for_are_told() -> None:
    worlds = worlds_of(_plate(300), 1)
    with pytest.raises(UserError, match=r"constraints each; type --trainer\.worlds batch"):
        worlds.step(np.zeros((1, 0)))


@pytest.mark.slow
def test_a_training_runs_from_start_to_result(tmp_path: Path) -> None:
    task = load_task("half_cheetah")
    short = {"num_envs": 16, "rollout": 16, "evaluations": 1, "evaluation_episodes": 2, "worlds": "warp"}
    task = task.model_copy(
        update={
            "env": task.env.model_copy(update={"step_limit": 50}),
            "trainer": task.trainer.model_copy(update=short),
        }
    )
    job = TrainingJob(task=task, reward=RewardSpec(kind="human"), seed=1, episodes=2)
    results = [BatchTrainer().train(job, 2048, tmp_path / name, lambda progress: None) for name in ("one", "two")]
    assert [result.status for result in results] == ["ok", "ok"]
    assert results[0].own_return == results[1].own_return, "the same seed gives the same curve"
    assert results[0].final is not None
    assert results[0].final.episodes == 2
    assert results[0].faults == 0
