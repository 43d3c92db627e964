"""Interpreters of their own for tests, and tasks whose environment lives there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autoreward.task import Task
from autoreward.testing.trainer import line_task

ONLY_THERE = """
import os

import numpy as np
from gymnasium import spaces

from autoreward.testing.trainer import LineEnv, NoTrainer

print("an import that talks")

class There(LineEnv):
    knows_the_key = float("OPENAI_API_KEY" in os.environ)

    def step(self, action):
        print("a step that talks")
        return super().step(action)

class Masked(There):
    def __init__(self):
        super().__init__()
        self.action_space = spaces.Discrete(3)

    def step(self, action):
        obs, *rest, _ = super().step(np.array([action - 1.0]))
        return obs, *rest, {"action_mask": self._allowed()}

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], {"action_mask": self._allowed()}

    def _allowed(self):
        return np.array([self._position > 0, True, False])

class Dies(There):
    def step(self, action):
        os._exit(9)

class Breaks(There):
    def step(self, action):
        raise ValueError("a gear broke")
"""


def venv(folder: Path, *lines: str) -> Path:
    """An interpreter with nothing but its standard library, and lines for its `.pth` file."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages(folder).joinpath("given.pth").write_text("".join(f"{line}\n" for line in lines))
    return folder / "bin" / "python"


def packages(folder: Path) -> Path:
    return next(folder.glob("lib/python*/site-packages"))


def there(python: Path, kind: str = "There", **changes: object) -> Task:
    task = line_task()
    env = {"id": f"only_there:{kind}", "python": str(python), **changes}
    return task.model_copy(update={"env": task.env.model_copy(update=env)})
