"""Rollout pictures: classic control is drawn without OpenGL, and a machine without it gets one clear sentence."""

from io import BytesIO
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from PIL import Image

from autoreward.errors import UserError
from autoreward.report.picture import Shot, contact_sheet, rollout_picture
from autoreward.task import EnvSpec, SuccessRule, Task, load_task
from autoreward.testing.trainer import LineEnv, line_task, random_policy


def policy_for(env_id: str, path: Path) -> Path:
    env = gymnasium.make(env_id)
    random_policy(env.observation_space, env.action_space, seed=0).save(path)
    env.close()
    return path


@pytest.fixture
def balance() -> Task:
    return Task(
        name="balance",
        text="Keep the pole upright.",
        env=EnvSpec(id="CartPole-v1"),
        success=SuccessRule(expression="abs(pole_angle) < 0.1", rule="held", steps=20),
    )


def test_an_episode_is_drawn_as_eight_frames_the_same_each_time(balance: Task, tmp_path: Path) -> None:
    policy, first, again, other = (tmp_path / name for name in ("p.safetensors", "1.png", "2.png", "3.png"))
    policy_for("CartPole-v1", policy)
    rollout_picture(balance, policy, first, seed=3)
    rollout_picture(balance, policy, again, seed=3)
    rollout_picture(balance, policy, other, seed=4)
    with Image.open(first) as sheet:
        assert sheet.format == "PNG"
        assert sheet.width > 4 * 300
        assert len(sheet.convert("L").getcolors(256) or ()) > 3, "frames hold more than the ground"
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != other.read_bytes()


def test_a_short_episode_has_as_many_frames_as_moments() -> None:
    frame = np.zeros((40, 60, 3), dtype=np.uint8)
    one, eight = contact_sheet([Shot(0, frame)], False), contact_sheet([Shot(step, frame) for step in range(8)], True)
    assert one.startswith(b"\x89PNG")
    assert len(one) < len(eight)


def test_no_word_covers_a_part_of_a_frame() -> None:
    colours = [(200, 10 * place, 0) for place in range(6)]
    shots = [Shot(1000 * place, np.full((100, 320, 3), colour, dtype=np.uint8)) for place, colour in enumerate(colours)]
    with Image.open(BytesIO(contact_sheet(shots, False))) as sheet:
        counts = {colour: count for count, colour in sheet.getcolors(2**16) or ()}
    assert [counts[colour] for colour in colours] == [100 * 320] * 6
    assert len(counts) > len(colours) + 2, "steps are written beside them"


def test_a_machine_without_opengl_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "disable")
    policy = policy_for("Reacher-v5", tmp_path / "p.safetensors")
    with pytest.raises(UserError, match="apt install") as told:
        rollout_picture(load_task("reacher"), policy, tmp_path / "out.png", seed=0)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out.png").exists()


def test_an_environment_that_draws_nothing_is_named(tmp_path: Path) -> None:
    env, policy = LineEnv(), tmp_path / "p.safetensors"
    random_policy(env.observation_space, env.action_space, seed=0).save(policy)
    with pytest.raises(UserError, match=r"LineEnv cannot.*rgb_array") as told:
        rollout_picture(line_task(), policy, tmp_path / "out.png", seed=0)
    assert "OpenGL" not in str(told.value)


def test_a_missing_policy_is_named(balance: Task, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.safetensors does not exist"):
        rollout_picture(balance, tmp_path / "none.safetensors", tmp_path / "out.png", seed=0)
