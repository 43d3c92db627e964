"""A robot that has walked away is still in the picture."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autoreward.report.apart import BACKENDS

WALKED = """
import gymnasium, mujoco
from autoreward.envs.gym import draw
env = gymnasium.make("Hopper-v5")
env.reset(seed=0)
for away in (0.0, 50.0):
    env.unwrapped.data.qpos[0] = away
    mujoco.mj_forward(env.unwrapped.model, env.unwrapped.data)
    frame = draw(env, "Hopper-v5").astype(int)
    print(int((frame[..., 0] - frame[..., 1] > 25).sum()), flush=True)
"""
"""How many pixels are of the colour of its skin, at the start and 50 m away."""


@pytest.mark.slow  # OpenGL in software
def test_a_robot_that_walks_away_stays_in_the_picture() -> None:
    for backend in [os.environ.get("MUJOCO_GL")] if os.environ.get("MUJOCO_GL") else BACKENDS:
        environment = {**os.environ, "MUJOCO_GL": str(backend)}
        done = subprocess.run(
            [sys.executable, "-c", WALKED], env=environment, capture_output=True, text=True, check=False
        )
        if len(done.stdout.split()) == 2:
            before, after = map(int, done.stdout.split())
            assert before > 3000
            assert abs(after - before) < before / 10
            return
    pytest.skip("no OpenGL here: `autoreward doctor`")
