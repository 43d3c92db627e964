"""What a rollout picture says of its episode is what the task's rule says of that episode alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from autoreward.report.picture import PictureJob, Shot, contact_sheet, draw
from autoreward.task import SuccessRule
from autoreward.testing.trainer import LineEnv, line_task, random_policy
from autoreward.training.policy import Layer

FRAME = np.full((30, 40, 3), 90, dtype=np.uint8)


class DrawnLine(LineEnv):
    """The line, with a picture; its episodes last 10 steps."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}
    render_mode = "rgb_array"

    def render(self) -> Any:
        return FRAME


def still_policy(env: gymnasium.Env[Any, Any], path: Path) -> Path:
    policy = random_policy(env.observation_space, env.action_space, seed=0)
    nothing: NDArray[np.float32] = np.zeros_like(policy.layers[0].weight)
    replace(policy, layers=(Layer(nothing, policy.layers[0].bias),)).save(path)
    return path


@pytest.mark.parametrize(
    ("expression", "steps", "success"),
    [
        # True in steps 1, 2 and 8, 9, 10: four in a row only if one episode were to go on into the next.
        ("abs(clock - 5) > 2.5", 4, False),
        ("abs(clock - 5) > 2.5", 3, True),
    ],
)
def test_success_is_that_of_the_episode_drawn(tmp_path: Path, expression: str, steps: int, success: bool) -> None:
    task = line_task(success=SuccessRule(expression=expression, rule="held", steps=steps))
    task = task.model_copy(update={"env": task.env.model_copy(update={"id": f"{__name__}:DrawnLine"})})
    out = tmp_path / "out.png"
    draw(PictureJob(task=task, policy=still_policy(DrawnLine(), tmp_path / "p.safetensors"), out=out, seed=0))
    shots = [Shot(step, FRAME) for step in (0, 1, 3, 4, 6, 7, 9, 10)]
    assert out.read_bytes() == contact_sheet(shots, success)
