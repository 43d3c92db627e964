"""`MinetestEnv`: a voxel task on a Minetest server, as an ordinary Gymnasium environment.

Worlds, starts, tasks, actions, fields and the policy's input are those of `autoreward.envs.voxel`, so its policies and
reward files fit. What a step brings is the engine's: motion and collisions, digging times and wear, liquids, damage.
The same seed and actions give the same episode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils.seeding import np_random
from numpy.typing import NDArray

from autoreward.envs.minetest.fields import schema
from autoreward.envs.minetest.mirror import Mirror
from autoreward.envs.minetest.server import Server, ServerDied
from autoreward.envs.voxel.columns import DIED, SUCCESS, T
from autoreward.envs.voxel.env import INPUTS
from autoreward.envs.voxel.render import Painter
from autoreward.envs.voxel.state import episode_key, pool, world_number
from autoreward.envs.voxel.tasks import SPLITS, WORLDS, find
from autoreward.errors import UnknownName, UserError

Array = NDArray[Any]


class MinetestEnv(gymnasium.Env[Array, np.int64]):
    """One agent on a server of its own, which is started by the first `reset`. Observations [444] float32.

    The reward is +1 for success and -1 for death, as in the voxel worlds. `info` holds every field of `schema`.

    Args:
        task: such as `diamond_lava`; the registered ids fill it in.
        tier: `easy`, `standard` or `hard`.
        split: `train`, `validation` or `test`: from which worlds episodes are drawn.
        knobs: single knobs of the tier that are to be other ones.
        server: the server's file; None finds an installed one.
        port: UDP port on this machine for it; None: any free one.

    Raises:
        UnknownName: no task, tier, split or knob has that name.
        UserError: a knob cannot have that value.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 5}
    render_mode: str | None = None

    def __init__(
        self,
        task: str,
        tier: str = "standard",
        split: str = "train",
        knobs: Mapping[str, Any] | None = None,
        server: str | None = None,
        port: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        if split not in SPLITS:
            raise UnknownName("split", split, SPLITS, f"There are: {', '.join(SPLITS)}.")
        self.task, self.knobs = find(task, tier, knobs)
        self.schema = schema(self.task, self.knobs)
        """The fields in `info`, what the action means, and the step limit."""
        self.observation_space = spaces.Box(-np.inf, np.inf, (INPUTS,), dtype=np.float32)
        self.action_space = spaces.Discrete(self.task.actions)
        self.render_mode = render_mode
        self._pool = pool(task, self.knobs, split)
        self._mirror = Mirror(self.task, self.knobs)
        self._program, self._port = server, port
        self._server: Server | None = None
        self._seed, self._episode = 0, 0
        self._running = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begin an episode: the world is built on the server, which is started where it does not run.

        Args:
            seed: of this episode and, without further seeds, of those that follow.
            options: `world`, a number 0..1023, to choose the world of the split.

        Returns:
            Observation [444] and an info with all fields.

        Raises:
            UserError: no server can be started, or the world's number is out of range.
            ServerDied: it ended meanwhile.
        """
        if seed is not None:
            self._np_random, self._np_random_seed = np_random(seed)
            self._seed, self._episode = seed, 0
        elif self._np_random is None:
            self._seed = int(self.np_random.integers(2**62))
        key = episode_key(self._seed, self._episode)
        number = world_number(key) if options is None or "world" not in options else options["world"]
        if not 0 <= number < WORLDS:
            raise UserError(f"world {number}: there are 0 to {WORLDS - 1} in a split")
        self._episode += 1
        if self._server is None or not self._server.alive:
            self.close()
            self._server = Server(self._program, self._port)
        self._mirror.begin(self._server, self._pool.world(number), number, key)
        self._running = True
        return self._mirror.look(), self._info()

    def step(self, action: np.int64) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Step the engine by one tick.

        Raises:
            UserError: the action is not one of the task's.
            ServerDied: the server ended or does not answer; the episode is lost.
            RuntimeError: the episode has ended, or none has begun.
        """
        if not self.action_space.contains(action if isinstance(action, np.integer) else np.int64(action)):
            raise UserError(f"action {action}; {self.task.name} has 0..{self.task.actions - 1}")
        if not self._running or self._server is None:
            raise RuntimeError("no episode is under way: reset first")
        try:
            self._mirror.step(self._server, int(action))
        except ServerDied:
            self._running = False
            raise
        obs = self._mirror.look()
        agent = self._mirror.state.agent[0]
        success, died = bool(agent[SUCCESS]), bool(agent[DIED])
        truncated = bool(agent[T] >= self.knobs.limit)
        self._running = not (success or died or truncated)
        return obs, float(success) - float(died), success or died, truncated, self._info()

    def _info(self) -> dict[str, Any]:
        return self._mirror.read(self.schema.names)

    def render(self) -> NDArray[np.uint8]:
        """What the agent sees and a map beside it, drawn as the voxel worlds are, [180, 504, 3]."""
        state = self._mirror.state
        painter = Painter(self.knobs, self.task.target)
        return painter.picture(state.cells[0], state.agent[0], state.inventory[0], state.visited[0])

    def close(self) -> None:
        """End the server; a later reset starts another one."""
        if self._server is not None:
            self._server.close()
            self._server = None
