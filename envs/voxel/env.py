"""`VoxelEnv`: the `BatchEnv` over voxel worlds that are stepped together.

Episodes: a row's seed (of `reset(seed=...)`) and how many episodes it has begun since then decide in which world of the
split it finds itself and how animals move; neither N nor threads nor the device matter. `options={"worlds": [...]}`
puts rows into certain worlds of the split instead.

The task's own rule decides success and ends the episode; the reward of `step` is +1 in that step and -1 at death. A
task's pack states the same rule as an expression (`VoxelTask.success`), over fields such as `inventory`, `killed`,
`target_view_dist` and `target_ahead_dist`; outcomes read `died` with `damage_cause` (1 lava, 2
a fall) and `t >= t_limit`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from gymnasium import spaces
from gymnasium.utils.seeding import np_random
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from autoreward.envs.contract import Array, BatchEnv
from autoreward.envs.voxel.columns import *
from autoreward.envs.voxel.cpu import Constants, CpuKernels
from autoreward.envs.voxel.fields import BY_NAME, Source, schema
from autoreward.envs.voxel.geometry import NEAR
from autoreward.envs.voxel.state import State, changes, episode_key, pool, world_number
from autoreward.envs.voxel.tasks import SPLITS, WORLDS, find
from autoreward.envs.voxel.view import PER_CELL, PER_RAY, RAYS, SELF
from autoreward.errors import UnknownName, UserError

if TYPE_CHECKING:
    from autoreward.envs.voxel.cuda import CudaKernels

Bools = NDArray[np.bool_]

FORMAT = 1
"""Of snapshots: raised whenever what they hold changes its meaning."""
INPUTS = RAYS * PER_RAY + NEAR.size * PER_CELL + SELF
"""Numbers of the policy's input, D."""


class VoxelEnv(BatchEnv):
    """N voxel worlds, stepped together. Observations [N, 444] float32: 45 rays x 7, 48 cells x 2, 33 of the agent.

    Args:
        task: such as `diamond_lava`; `tasks.TASKS` has all.
        num_envs: N.
        tier: `easy`, `standard` or `hard`.
        split: `train`, `validation` or `test`: from which worlds episodes are drawn.
        threads: that step them.
        seed: of a first `reset` that gives none.
        knobs: single knobs of the tier that are to be other ones, by their names in `tasks.Knobs`.
        mask_impossible: whether `action_mask` leaves out placing and crafting that would do nothing.
        device: `cpu`, or `cuda` for a GPU by numba-cuda.

    Raises:
        UnknownName: no task, tier, split or knob has that name.
        UserError: a knob cannot have that value, or N worlds do not fit into memory.
    """

    def __init__(
        self,
        task: str,
        num_envs: int = 1,
        tier: str = "standard",
        split: str = "train",
        threads: int = 1,
        seed: int | None = None,
        knobs: Mapping[str, Any] | None = None,
        mask_impossible: bool = False,
        device: Literal["cpu", "cuda"] = "cpu",
    ) -> None:
        if split not in SPLITS:
            raise UnknownName("split", split, SPLITS, f"There are: {', '.join(SPLITS)}.")
        if num_envs < 1 or threads < 1:
            raise UserError(f"num_envs {num_envs}, threads {threads}: at least 1 of each")
        self.task, self.knobs = find(task, tier, knobs)
        self.tier, self.split, self.num_envs = tier, split, num_envs
        _check_memory(num_envs, int(np.prod(self.knobs.size)))
        self.schema = schema(self.task, self.knobs)
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (INPUTS,), dtype=np.float32)
        self.single_action_space = spaces.Discrete(self.task.actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._masks, self._first_seed = mask_impossible, seed
        self._pool = pool(task, self.knobs, split)
        self._state = State.empty(num_envs, self.knobs)
        self._kernels = _kernels(device, self._state, Constants.of(self.task, self.knobs), threads)
        self._source = Source(self._state, self._kernels, self.knobs, self.task.target)
        self._seeds: list[int | None] = [None] * num_envs
        self._obs: Array = np.zeros((num_envs, INPUTS), dtype=np.float32)
        self._finished: Bools = np.ones(num_envs, dtype=np.bool_)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin new episodes, everywhere or where `options["reset_mask"]` [N] is true.

        Args:
            seed: one a row, or a number from which they are counted up; None goes on with the rows' next episodes.
            options: `reset_mask`; and `worlds`, a number 0..1023 a row, to choose the worlds of the split.

        Returns:
            Observations [N, D] of all rows, and an empty info.

        Raises:
            UserError: a world's number is out of range, or there is not one a row.
        """
        given = options or {}
        mask, worlds = given.get("reset_mask"), self._chosen(given.get("worlds"))
        rows = np.arange(self.num_envs) if mask is None else np.flatnonzero(mask)
        self._obs = self._obs.copy()
        if len(rows):
            self._seed(rows.tolist(), seed)
            for row in rows.tolist():
                self._begin(row, None if worlds is None else int(worlds[row]))
            self._kernels.observe(rows, self._obs)
            self._finished[rows] = False
        return self._obs, {}

    def _chosen(self, worlds: Any) -> Array | None:  # noqa: ANN401 - whatever a caller gives
        if worlds is None:
            return None
        numbers = np.asarray(worlds)
        if numbers.shape != (self.num_envs,) or numbers.min() < 0 or numbers.max() >= WORLDS:
            raise UserError(f"worlds: give {self.num_envs} numbers from 0 to {WORLDS - 1}, one a row")
        return numbers

    def _seed(self, rows: list[int], seed: int | Sequence[int | None] | None) -> None:
        """Give rows the seeds that are asked for; those without any get one."""
        if seed is None and self._seeds[rows[0]] is None:
            seed = self._first_seed
        for row in rows:
            chosen = seed + row if isinstance(seed, int | np.integer) else None if seed is None else seed[row]
            if chosen is not None:
                self._seeds[row], self._state.agent[row, EPISODE] = int(chosen), 0
            elif self._seeds[row] is None:
                self._seeds[row] = int(np_random(None)[0].integers(2**62))

    def _begin(self, row: int, world: int | None) -> None:
        episode = int(self._state.agent[row, EPISODE])
        key = episode_key(self._seeds[row] or 0, episode)
        number = world_number(key) if world is None else world
        self._state.begin(row, self._pool.world(number), number, key, self.knobs)
        self._state.agent[row, EPISODE] = episode + 1

    def step(self, actions: Array) -> tuple[Array, NDArray[np.float64], Bools, Bools, dict[str, Any]]:
        """Step every world.

        Args:
            actions: [N] integers.

        Returns:
            Observations [N, D], reward [N] (+1 for success, -1 for death), terminated [N], truncated [N], empty info.

        Raises:
            UserError: an action is not one of the task's.
            RuntimeError: a row whose episode has ended was not reset.
        """
        if self._finished.any():
            late = np.flatnonzero(self._finished).tolist()
            raise RuntimeError(f"environments {late} have finished their episode: reset them before the next step")
        self._obs = np.empty_like(self._obs)
        self._kernels.step(self._checked(actions), self._obs)
        agent = self._state.agent
        success, died = agent[:, SUCCESS], agent[:, DIED]
        terminated: Bools = (success | died) > 0
        truncated: Bools = agent[:, T] >= self.knobs.limit
        self._finished = terminated | truncated
        return self._obs, (success - died).astype(np.float64), terminated, truncated, {}

    def _checked(self, actions: Array) -> NDArray[np.int64]:
        given = np.asarray(actions)
        if given.shape != (self.num_envs,) or not np.issubdtype(given.dtype, np.integer):
            raise UserError(f"actions: {given.dtype} {given.shape}; give {self.num_envs} integers, one a row")
        if given.min() < 0 or given.max() >= self.task.actions:
            raise UserError(
                f"actions from {given.min()} to {given.max()}; {self.task.name} has 0..{self.task.actions - 1}"
            )
        return given.astype(np.int64)

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        """See `BatchEnv.read`. The boxes of blocks are looked at only when they are read."""
        return {name: BY_NAME[self.schema.field(name).name].values(self._source) for name in names}

    def action_mask(self) -> Bools | None:
        """See `BatchEnv.action_mask`: all actions may be tried, unless `mask_impossible` was asked for."""
        return self._kernels.mask(self.task.actions) if self._masks else None

    def snapshot(self) -> dict[str, Array]:
        """See `BatchEnv.snapshot`. Of the blocks only what has changed since the episodes' starts is kept."""
        state = self._state
        self._kernels.pull()
        worlds = [self._pool.world(int(number)) for number in state.agent[:, WORLD]]
        where, what = changes(state.cells, worlds)
        return {
            "format": np.array(FORMAT),
            "made_of": self._made_of(),
            "seeds": np.array([seed or 0 for seed in self._seeds], dtype=np.int64),
            "finished": self._finished.copy(),
            "where": where,
            "what": what,
            "visited": np.packbits(state.visited, axis=1),
            **{name: getattr(state, name).copy() for name in _KEPT},
        }

    def restore(self, arrays: dict[str, Array]) -> None:
        """See `BatchEnv.restore`.

        Raises:
            UserError: the snapshot is of another version, task, tier, split or number of worlds.
        """
        if int(arrays.get("format", -1)) != FORMAT:
            raise UserError(f"this snapshot is no voxel world of format {FORMAT}; begin the training anew")
        same = np.array_equal(arrays["made_of"], self._made_of())
        if not same or arrays["agent"].shape != self._state.agent.shape:
            raise UserError(f"this snapshot is of another task, tier, split or N than {self.task.name} {self.tier}")
        state = self._state
        for name in _KEPT:
            getattr(state, name)[...] = arrays[name]
        state.visited[...] = np.unpackbits(arrays["visited"], axis=1)
        for row, number in enumerate(state.agent[:, WORLD]):
            state.cells[row] = self._pool.world(int(number)).cells.reshape(-1)
        state.cells[arrays["where"][:, 0], arrays["where"][:, 1]] = arrays["what"]
        self._seeds, self._finished = arrays["seeds"].tolist(), arrays["finished"].copy()
        self._obs = np.empty_like(self._obs)
        self._kernels.observe(np.arange(self.num_envs), self._obs)

    def _made_of(self) -> Array:
        text = repr((self.task.name, self.knobs, self.split))
        return np.frombuffer(text.encode(), dtype=np.uint8)

    def render_frame(self) -> NDArray[np.uint8]:
        """See `BatchEnv.render_frame`: what the agent sees and a map beside it, [180, 504, 3]."""
        from autoreward.envs.voxel.render import Painter  # compiled where pictures are wanted

        self._kernels.pull()
        state = self._state
        painter = Painter(self.knobs, self.task.target)
        return painter.picture(state.cells[0], state.agent[0], state.inventory[0], state.visited[0])

    def close_extras(self, **kwargs: object) -> None:
        """Let the threads end."""
        self._kernels.close()


def _kernels(device: str, state: State, constants: Constants, threads: int) -> CpuKernels | CudaKernels:
    if device == "cpu":
        return CpuKernels(state, constants, threads)
    if device != "cuda":
        raise UnknownName("device", device, ["cpu", "cuda"], "There are: cpu, cuda.")
    try:
        from autoreward.envs.voxel.cuda import CudaKernels
    except ImportError as error:
        raise UserError(f"device cuda: {error}; type pip install 'autoreward[gpu]'") from None
    return CudaKernels(state, constants, INPUTS)


_KEPT = ("agent", "inventory", "before", "animals")


def _check_memory(num_envs: int, cells: int) -> None:
    """Raise `UserError` where N worlds do not fit into what is free; the worlds of the split come on top."""
    needed = (num_envs + WORLDS) * cells + num_envs * (4 * INPUTS * 5 + 8 * 200)
    free = _free_memory()
    if needed > free:
        most = max(int((free - WORLDS * cells) / (needed - WORLDS * cells) * num_envs), 0)
        raise UserError(
            f"{num_envs} worlds need {needed / 1e9:.1f} GB and {free / 1e9:.1f} are free; at most {most} fit"
        )


def _free_memory() -> float:
    try:
        with open("/proc/meminfo") as lines:
            found = {line.split(":")[0]: line.split()[1] for line in lines}
        return int(found["MemAvailable"]) * 1024.0
    except (OSError, KeyError):
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
