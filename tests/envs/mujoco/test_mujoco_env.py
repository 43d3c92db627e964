"""What simulations that are stepped together do beyond stepping: faults, snapshots, models of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from v5 import actions, assert_same, play, together

from autoreward.task import EnvSpec, load_task
from autoreward.testing.env import check_batch_env

SNAPSHOTS = ["HalfCheetah", "Hopper", "Ant", "Humanoid", "Reacher", "Pusher", "InvertedDoublePendulum", "Swimmer"]


def spec_of(name: str, step_limit: int = 30) -> EnvSpec:
    if name == "balancer":
        return load_task(name).env.model_copy(update={"step_limit": step_limit})
    return EnvSpec(id=f"{name}-v5", step_limit=step_limit)


@pytest.mark.parametrize("name", ["HalfCheetah", "Ant", "Reacher", "balancer"])
def test_it_keeps_the_contract(name: str) -> None:
    check_batch_env(lambda n: together(spec_of(name), n))


def test_other_masses_give_another_motion() -> None:
    light, heavy = together(spec_of("HalfCheetah"), 3), together(spec_of("HalfCheetah"), 3)
    masses = heavy.model_field("body_mass")
    assert masses.shape[0] == 3
    masses[1] *= 3.0
    heavy.model_changed()
    light.reset(seed=1)
    heavy.reset(seed=1)
    for step in range(10):
        left, *_ = light.step(actions(light, step))
        right, *_ = heavy.step(actions(heavy, step))
    np.testing.assert_array_equal(left[[0, 2]], right[[0, 2]])
    assert np.abs(left[1] - right[1]).max() > 0.1


def test_a_field_that_cannot_differ_is_refused() -> None:
    with pytest.raises(ValueError, match="body_mas"):
        together(spec_of("Hopper"), 2).model_field("body_mas")


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("HalfCheetah", "opt.timestep", 30.0),  # a bad acceleration
        ("Ant", "opt.timestep", 30.0),
        ("HalfCheetah", "opt.integrator", 99),  # an error of MuJoCo's
        ("Ant", "opt.integrator", 99),
        ("balancer", "opt.integrator", 99),
    ],
)
def test_a_simulation_that_blows_up_ends_its_own_episode(name: str, field: str, value: float) -> None:
    env, calm = together(spec_of(name), 3), together(spec_of(name), 3)
    chosen = env.model_field(field)
    usual = chosen[1].copy()
    env.reset(seed=1)
    calm.reset(seed=1)
    for step in range(3):
        before, *_ = env.step(actions(env, step) * 0.1)
        calm.step(actions(env, step) * 0.1)
    chosen[1] = value
    for step in range(3, 10):  # a long time step diverges within a few
        obs, rewards, terminated, _, _ = env.step(actions(env, step) * 0.1)
        expected, others, ended, _, _ = calm.step(actions(env, step) * 0.1)
        if env.faults:
            break
        before = obs
    assert env.faults == 1
    assert terminated[1]
    assert rewards[1] == 0.0
    np.testing.assert_array_equal(obs[1], before[1])
    assert all(np.isfinite(values).all() for values in env.read(env.schema.names).values())
    for row in (0, 2):
        np.testing.assert_array_equal(obs[row], expected[row])
        assert (rewards[row], terminated[row]) == (others[row], ended[row])
    chosen[1] = usual
    mask = np.array([False, True, False])
    obs, _ = env.reset(seed=[None, 7, None], options={"reset_mask": mask})
    again, _ = calm.reset(seed=[None, 7, None], options={"reset_mask": mask})
    np.testing.assert_array_equal(obs, again)
    if not ended[[0, 2]].any():
        assert_same(play(env, 10, first=20), play(calm, 10, first=20))


@pytest.mark.parametrize("name", [*SNAPSHOTS, "balancer"])
def test_a_snapshot_goes_on_bit_for_bit(name: str) -> None:
    env, other = together(spec_of(name), 3), together(spec_of(name), 3)
    env.reset(seed=1)
    play(env, 17)
    done = np.array([True, False, False])
    env.reset(options={"reset_mask": done})  # one row has just begun, the others are under way
    saved = {name: values.copy() for name, values in env.snapshot().items()}
    fields = list(env.read(env.schema.names).values())
    ahead = play(env, 40, first=17)
    other.reset(seed=99)
    play(other, 5)
    for target in (other, env):
        target.restore(saved)
        assert_same(fields, list(target.read(target.schema.names).values()))
        assert_same(ahead, play(target, 40, first=17))


GOES_ON = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[3])
from test_mujoco_env import play, spec_of, together
env = together(spec_of(sys.argv[2]), 3)
with np.load(sys.argv[1] + "/saved.npz") as saved:
    env.restore(dict(saved))
np.savez(sys.argv[1] + "/ahead.npz", *play(env, 40, first=17))
"""


@pytest.mark.parametrize("name", ["Hopper", "Ant"])
def test_another_process_goes_on_from_a_snapshot(name: str, tmp_path: Path) -> None:
    env = together(spec_of(name), 3)
    env.reset(seed=1)
    play(env, 17)
    np.savez(tmp_path / "saved.npz", **env.snapshot())
    command = [sys.executable, "-c", GOES_ON, str(tmp_path), name, str(Path(__file__).parent)]
    subprocess.run(command, check=True, cwd=tmp_path)
    with np.load(tmp_path / "ahead.npz") as ahead:
        assert_same(play(env, 40, first=17), [ahead[key] for key in ahead.files])


def test_a_field_asked_for_late_reads_as_one_that_was_always_read() -> None:
    early, late = together(spec_of("Walker2d"), 4), together(spec_of("Walker2d"), 4)
    names = early.schema.names
    for env in (early, late):
        env.reset(seed=3)
    for step in range(7):
        early.step(actions(early, step))
        early.read(names)
        late.step(actions(late, step))
    mask = np.array([False, False, True, False])
    early.reset(options={"reset_mask": mask})
    late.reset(options={"reset_mask": mask})
    assert_same(list(early.read(names).values()), list(late.read(names).values()))
    assert_same(play(early, 20), play(late, 20))
