"""`MujocoBatchEnv`: the `BatchEnv` over robots that are simulated together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium.utils.seeding import np_random
from numpy.typing import NDArray

from autoreward.envs.contract import Array
from autoreward.envs.generators import load_generators, save_generators
from autoreward.envs.gym import draw
from autoreward.envs.mujoco.reader import WorldReader
from autoreward.envs.mujoco.robot import Robot
from autoreward.envs.stepping import Bools, Floats, SteppedEnv
from autoreward.schema import EnvSchema


class MujocoBatchEnv(SteppedEnv):
    """N simulations of a robot, stepped together in one thread.

    A simulation that blows up (an error of MuJoCo's, or a bad position, velocity or acceleration) ends its episode:
    it terminates with reward 0, stays where it was before the step until it is reset, and is counted in `faults`.

    Args:
        robot: what is simulated.
        schema: fields and where they come from; its `step_limit` truncates.
        template: an environment of the same kind, in which pictures are drawn.

    Raises:
        UnsupportedSource: a field's source cannot be read from worlds that are simulated together.
    """

    def __init__(self, robot: Robot, schema: EnvSchema, template: gymnasium.Env[Any, Any]) -> None:
        super().__init__(robot.worlds.count, schema, robot.observation_space, robot.action_space)
        self.render_mode = "rgb_array"
        self._robot, self._template = robot, template
        self._reader = WorldReader(robot, schema)
        self._random: list[np.random.Generator | None] = [None] * self.num_envs

    def _begin(self, rows: list[int], seeds: Sequence[int | None], options: dict[str, Any] | None) -> None:
        starts = []
        for row, seed in zip(rows, seeds, strict=True):
            random = self._random[row]
            if seed is not None or random is None:
                random, _ = np_random(seed)
                self._random[row] = random
            starts.append(self._robot.draw(row, random))
        self._robot.forget(rows)
        self._robot.worlds.place(rows, *(np.array(part, dtype=np.float64) for part in zip(*starts, strict=True)))
        if len(rows) == self.num_envs:
            self._robot.observe(self._obs)
        else:
            everything = np.empty_like(self._obs)
            self._robot.observe(everything)
            self._obs[rows] = everything[rows]

    def _advance(self, actions: Array) -> tuple[Floats, Bools, Bools]:
        robot = self._robot
        robot.before_step()
        failed = robot.worlds.step(actions)
        last = None if failed is None else self._obs[failed]
        robot.observe(self._obs)
        rewards, terminated = robot.judge(actions, self._obs)
        if failed is not None:
            self.faults += int(failed.sum())
            rewards[failed], terminated[failed], self._obs[failed] = 0.0, True, last
        return rewards, terminated, np.zeros(self.num_envs, dtype=np.bool_)

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        """See `BatchEnv.read`."""
        return self._reader.read(tuple(names), self._obs)

    def model_field(self, name: str) -> Array:
        """A field of the model with a value of its own in each simulation, live [N, ...], such as `body_mass`.

        After writing masses, inertias, positions of bodies and the like, call `model_changed`.

        Raises:
            ValueError: there is no such field, or it cannot differ between simulations.
        """
        return self._robot.worlds.model_field(name)

    def model_changed(self) -> None:
        """Compute again what MuJoCo derives from the fields of `model_field`."""
        self._robot.worlds.model_changed()

    def snapshot(self) -> dict[str, Array]:
        """See `BatchEnv.snapshot`. Values of `model_field` are not in it."""
        self._random = [random if random is not None else np_random(None)[0] for random in self._random]
        return {
            "obs": self._obs.copy(),
            "steps": self._steps.copy(),
            "finished": self._finished.copy(),
            "faults": np.array(self.faults),
            "random": save_generators([random for random in self._random if random is not None]),
            **self._robot.worlds.snapshot(),
            **self._robot.snapshot(),
        }

    def restore(self, arrays: dict[str, Array]) -> None:
        """See `BatchEnv.restore`."""
        self._obs[...], self._steps[...], self._finished[...] = (arrays[key] for key in ("obs", "steps", "finished"))
        self.faults = int(arrays["faults"])
        self._random = list(load_generators(arrays["random"]))
        self._robot.worlds.restore(arrays)
        self._robot.restore(arrays)

    def render_frame(self) -> NDArray[np.uint8]:
        """See `BatchEnv.render_frame`."""
        base: Any = self._template.unwrapped
        base.data.qpos[:], base.data.qvel[:] = self._robot.worlds.qpos[0], self._robot.worlds.qvel[0]
        mujoco.mj_forward(base.model, base.data)
        return draw(self._template, self.schema.env_id)

    def close_extras(self, **kwargs: object) -> None:
        """Close what draws."""
        self._template.close()
