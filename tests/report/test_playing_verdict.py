"""What a film says of its episode is what the task's rule says of that episode alone."""

import pytest

from autoreward.envs.registry import make_env
from autoreward.report.playing import play
from autoreward.task import SuccessRule
from autoreward.testing.trainer import line_task


@pytest.mark.parametrize(
    ("expression", "steps", "success"),
    [
        # True in steps 1, 2 and 8, 9, 10: four in a row only if one episode were to go on into the next.
        ("abs(clock - 5) > 2.5", 4, False),
        ("abs(clock - 5) > 2.5", 3, True),
    ],
)
def test_success_is_that_of_the_episode_played(expression: str, steps: int, success: bool) -> None:
    task = line_task(success=SuccessRule(expression=expression, rule="held", steps=steps))
    env = make_env(task.env, 1)
    env.action_space.seed(0)
    for seed in (0, 1):
        episode = play(env, task, lambda obs, mask: env.random_actions(), seed).episode
        assert (episode.steps, episode.success) == (10, success)
    env.close()
