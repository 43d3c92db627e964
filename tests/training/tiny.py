"""Environments small enough to compute by hand. Workers find them as `tests.training.tiny:Name`."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from autoreward.schema import Field
from autoreward.task import EnvSpec, SuccessRule, Task, TrainerSettings

Floats = NDArray[np.float32]


class Clock(gymnasium.Env[Floats, Floats]):
    """Pays 1 in every step, observes the steps so far; with an even seed it ends after 3, otherwise never."""

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0.0, 1e3, (1,), np.float32)
        self.action_space: spaces.Space[Any] = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self._steps, self._ends = 0, False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Floats, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is not None:
            self._ends = seed % 2 == 0
        self._steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Floats) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        self._steps += 1
        return np.full(1, self._steps, np.float32), 1.0, self._ends and self._steps == 3, False, {}


class Gate(gymnasium.Env[NDArray[Any], int]):
    """Three choices, of which only the one shown and the next are allowed; the next pays 1. A forbidden one raises."""

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0.0, 1.0, (3,), np.float32)
        self.action_space = spaces.Discrete(3)
        self._shown, self._won = 0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Floats, dict[str, Any]]:
        super().reset(seed=seed)
        self._won = 0
        return self._draw()

    def step(self, action: int) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        if action == (self._shown + 2) % 3:
            raise RuntimeError("this choice was forbidden")
        paid = float(action == (self._shown + 1) % 3)
        self._won += int(paid)
        obs, info = self._draw()
        return obs, paid, False, False, info

    def _draw(self) -> tuple[Floats, dict[str, Any]]:
        self._shown = int(self.np_random.integers(3))
        allowed = np.ones(3, np.int8)
        allowed[(self._shown + 2) % 3] = 0
        return np.eye(3, dtype=np.float32)[self._shown], {"action_mask": allowed, "won": float(self._won)}


class Told(gymnasium.Env[dict[str, Any], Floats]):
    """A place and a goal, told as a dictionary; pays the negative distance. The action is the next place."""

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self) -> None:
        self.observation_space = spaces.Dict(
            {"goal": spaces.Box(-1.0, 1.0, (1,), np.float32), "place": spaces.Box(-1.0, 1.0, (1,), np.float32)}
        )
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self._goal, self._place = np.zeros(1, np.float32), np.zeros(1, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        super().reset(seed=seed)
        self._goal = self.np_random.uniform(-1.0, 1.0, 1).astype(np.float32)
        self._place = np.zeros(1, np.float32)
        return {"goal": self._goal, "place": self._place}, {}

    def step(self, action: Floats) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        self._place = np.asarray(action, dtype=np.float32)
        distance = float(np.abs(self._place - self._goal)[0])
        return {"goal": self._goal, "place": self._place}, -distance, False, False, {}


class Greedy(Clock):
    """Runs out of memory in its second step."""

    def step(self, action: Floats) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        if self._steps == 1:
            raise MemoryError
        return super().step(action)


class Rotten(Clock):
    """Its own reward is no number from the third step on."""

    def step(self, action: Floats) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        obs, _, terminated, truncated, info = super().step(action)
        return obs, float("nan") if self._steps > 2 else 1.0, terminated, truncated, info


def tiny_task(name: str, success: str, fields: dict[str, str], step_limit: int = 5, **trainer: Any) -> Task:
    """A task in one of these environments; `fields` are name -> source."""
    settings = {"num_envs": 8, "rollout": 16, "minibatch": 32, "evaluations": 2, "evaluation_episodes": 4, **trainer}
    return Task(
        name=name.lower(),
        text="-",
        env=EnvSpec(
            id=f"tests.training.tiny:{name}",
            step_limit=step_limit,
            fields=tuple(Field(name=field, source=source) for field, source in fields.items()),
        ),
        success=SuccessRule(expression=success, rule="final"),
        steps=1_000,
        trainer=TrainerSettings(**settings),
    )
