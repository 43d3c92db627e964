"""`CrafterEnv`: Crafter as a Gymnasium environment with fields, and a compact view instead of pixels.

Its rules are untouched. Only what happens in which order is made the same in every process (Crafter goes through sets
of objects, whose order is that of their addresses), so that the same seed and actions give the same episode.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils.seeding import np_random
from numpy.typing import NDArray

from autoreward.envs.crafter.fields import schema
from autoreward.envs.crafter.view import (
    ACHIEVEMENTS,
    ACTIONS,
    COLUMNS,
    CREATURES,
    IDS,
    ITEMS,
    LIFE,
    MATERIALS,
    MOST,
    ROWS,
    UNSEEN,
    around,
    check_lists,
    nearest,
)
from autoreward.errors import UserError

Array = NDArray[Any]

INPUTS = ROWS * COLUMNS * len(IDS) + len(LIFE) + len(ITEMS) + 4
"""Numbers of the policy's input, D."""
_AREA = 64


class CrafterEnv(gymnasium.Env[Array, np.int64]):
    """One world. Observations [1154] float32: 63 cells one-hot, life and inventory / 9, facing, sleep, daylight.

    The reward is Crafter's own: 1 for each achievement had for the first time, and a tenth of the change of health.
    `info` holds every field of `schema`. The seed of `reset` decides the map and everything that happens by chance.

    Args:
        length: steps after which an episode is cut off.

    Raises:
        UserError: Crafter is not installed, or another version is.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 5}

    def __init__(self, length: int = 10_000, render_mode: str | None = None) -> None:
        if length < 1:
            raise UserError(f"length {length}: an episode has at least 1 step")
        self._game = _game()
        self._length, self.render_mode = length, render_mode
        self.schema = schema(length)
        """The fields in `info`, what the action means, and the step limit."""
        self.observation_space = spaces.Box(-1.0, 1.0, (INPUTS,), dtype=np.float32)
        self.action_space = spaces.Discrete(len(ACTIONS))
        self._steps, self._start = 0, np.zeros(2, dtype=np.int64)
        self._running = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begin an episode: observation [1154], and an info with all fields.

        Args:
            seed: of this episode and, without further seeds, of those that follow.
            options: none.
        """
        if seed is not None:
            self._np_random, self._np_random_seed = np_random(seed)
        self._game._seed, self._game._episode = int(self.np_random.integers(2**31 - 1)), 0
        self._game.reset()
        self._steps, self._start = 0, self._game._player.pos.copy()
        self._running = True
        info = self._info(self._start, self._game._player.health)
        return self._observation(info), info

    def step(self, action: np.int64) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Step the world.

        Raises:
            UserError: there is no such action.
            RuntimeError: the episode has ended, or none has begun.
        """
        if not 0 <= int(action) < len(ACTIONS):
            raise UserError(f"action {action}; Crafter has 0..{len(ACTIONS) - 1}")
        if not self._running:
            raise RuntimeError("no episode is under way: reset first")
        player = self._game._player
        position, health = player.pos.copy(), player.health
        _, reward, _, _ = self._game.step(int(action))
        self._steps += 1
        died, cut = bool(player.health <= 0), self._steps >= self._length
        self._running = not (died or cut)
        info = self._info(position, health)
        return self._observation(info), float(reward), died, cut, info

    def _info(self, position: Array, health: float) -> dict[str, Any]:
        """Every field, given where the agent was before the step and how well."""
        world, player = self._game._world, self._game._player
        kinds = [_KINDS.get(type(each).__name__, 0) for each in world._objects]
        view = around(world._mat_map, world._obj_map, kinds, player.pos)
        distance, inventory = nearest(view), player.inventory
        beside = world.nearby(player.pos, 1)[0]
        achieved = np.array([player.achievements[name] for name in ACHIEVEMENTS], dtype=np.float32)
        right, down = player.facing
        return {
            **{name: np.float32(inventory[name]) for name in LIFE},
            "inventory": np.array([inventory[name] for name in ITEMS], dtype=np.float32),
            "achievements": achieved,
            "unlocked": np.float32((achieved > 0).sum()),
            "view": view,
            "ahead": view[ROWS // 2 + down, COLUMNS // 2 + right],
            "facing": np.array([right, down], dtype=np.float32),
            "distance": distance,
            "seen": distance < UNSEEN,
            "table_near": "table" in beside,
            "furnace_near": "furnace" in beside,
            "sleeping": bool(player.sleeping),
            "daylight": np.float32(world.daylight),
            "position": (player.pos - self._start).astype(np.float32),
            "moved": bool((player.pos != position).any()),
            "damage": np.float32(max(health - player.health, 0)),
            "died": bool(player.health <= 0),
            "t": np.float32(self._steps),
            "t_limit": np.float32(self._length),
        }

    def _observation(self, info: dict[str, Any]) -> Array:
        cells = np.eye(len(IDS), dtype=np.float32)[info["view"].reshape(-1)].reshape(-1)
        life = np.array([info[name] for name in LIFE], dtype=np.float32) / MOST
        others = np.array([*info["facing"], info["sleeping"], info["daylight"]], dtype=np.float32)
        return np.concatenate([cells, life, info["inventory"] / MOST, others]).astype(np.float32)

    def render(self) -> NDArray[np.uint8]:
        """Crafter's own picture of what the agent sees and carries, [270, 270, 3]."""
        picture: NDArray[np.uint8] = self._game.render((270, 270))
        return picture


_KINDS = {name: len(MATERIALS) + 1 + number for number, name in enumerate(CREATURES)}


def _game() -> Any:  # noqa: ANN401 - a class without types
    """Crafter's environment, not drawn in every step, and with its creatures in a fixed order."""
    try:
        import crafter
    except ImportError as error:
        raise UserError(f"Crafter is not installed ({error}); type pip install 'autoreward[crafter]'") from None
    check_lists(crafter.constants)

    class Ordered(crafter.Env):  # type: ignore[misc]
        """The same game; `_objects` has creatures in the order in which they came."""

        def _obs(self) -> None:
            return None

        def _balance_chunk(self, chunk: tuple[int, ...], objs: set[Any]) -> None:
            present = sorted(objs, key=lambda each: int(self._world._obj_map[tuple(each.pos)]))
            super()._balance_chunk(chunk, present)

    game = Ordered(area=(_AREA, _AREA), view=(COLUMNS, ROWS + 2), length=None, seed=0)
    game._sem_view = lambda: None  # a map of everything that nobody here reads
    return game
