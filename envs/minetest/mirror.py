"""The engine's world in the arrays of ours, so that one code makes the fields and the policy's input of both."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.envs.minetest.server import Server
from autoreward.envs.voxel.columns import *
from autoreward.envs.voxel.cpu import Constants, CpuKernels
from autoreward.envs.voxel.env import INPUTS
from autoreward.envs.voxel.fields import BY_NAME, Source
from autoreward.envs.voxel.generate import World
from autoreward.envs.voxel.kernel import tool_tier
from autoreward.envs.voxel.state import State
from autoreward.envs.voxel.steps import visit
from autoreward.envs.voxel.tables import *
from autoreward.envs.voxel.tasks import Knobs, VoxelTask, rules
from autoreward.envs.voxel.view import SELF

Array = NDArray[Any]

_PLACES = (X, Z, Y, HEADING, PITCH, HEALTH, ON_GROUND, FALL)
_EVENTS = (MOVED, MINED, PLACED, CRAFTED, HIT_ANIMAL, KILLED, DAMAGE, CAUSE)
_PROGRESS = len(_PLACES) + len(_EVENTS)
_COUNTS = _PROGRESS + 1
_ANIMALS = _COUNTS + 16
_SEES_GROUND = 12
"""Where among the agent's own numbers the policy sees whether it stands: see `encode_self` of the voxel world."""


class Mirror:
    """One world as the server tells it, in a `State` of N = 1.

    Args:
        task: what it is for.
        knobs: of its tier.
    """

    def __init__(self, task: VoxelTask, knobs: Knobs) -> None:
        self.task, self.knobs = task, knobs
        self.state = State.empty(1, knobs)
        self._ground = np.zeros(0, dtype=np.uint8)
        """The blocks without the animals."""
        self._rules = rules(task, knobs)
        self._kernels = CpuKernels(self.state, Constants.of(task, knobs))
        self._source = Source(self.state, self._kernels, knobs, task.target)

    def begin(self, server: Server, world: World, number: int, key: int) -> None:
        """Let the server build a world of ours, and begin an episode in it."""
        self.state.begin(0, world, number, key, self.knobs)
        self._ground = np.where(world.cells >= ANIMAL, AIR, world.cells).astype(np.uint8).reshape(-1)
        server.send(self._told(world, key), self._ground.tobytes())
        self._understand(server.read_line())

    def _told(self, world: World, key: int) -> str:
        """See `build` in the mod: numbers, then three lists behind their lengths."""
        knobs = self.knobs
        x, z, y, heading = world.start
        plain = [*knobs.size, x, z, y, heading, key, knobs.reach, round(knobs.move * 65536), int(knobs.flee)]
        recipes = list(itertools.chain.from_iterable(RECIPES))
        animals = [int(number) for row in world.animals if row[3] for number in row[:4]]
        lists = (self.state.inventory[0].tolist(), recipes, animals)
        numbers = [*plain, knobs.animal_health]
        for each in lists:
            numbers += [len(each), *each]
        return "build " + " ".join(map(str, numbers))

    def step(self, server: Server, action: int) -> None:
        """One action, one tick of the engine."""
        before = int(self.state.agent[0, HEALTH])
        self.state.agent[0, T] += 1
        self.state.before[0] = self.state.inventory[0]
        server.send(f"step {action}")
        self._understand(server.read_line())
        agent = self.state.agent[0]
        agent[HEALTH_DELTA], agent[DIED] = agent[HEALTH] - before, agent[HEALTH] <= 0
        self._note_milestones()
        visit(0, self.state.agent, self.state.visited, self._rules)

    def _understand(self, line: str) -> None:
        told = [int(word) for word in line.split()]
        agent = self.state.agent[0]
        agent[list(_PLACES + _EVENTS)] = told[:_PROGRESS]
        self.state.inventory[0] = told[_COUNTS:_ANIMALS]
        count = told[_ANIMALS]
        herd = np.array(told[_ANIMALS + 1 : _ANIMALS + 1 + 5 * count], dtype=np.int64).reshape(count, 5)
        changed = np.array(told[_ANIMALS + 2 + 5 * count :], dtype=np.int64).reshape(-1, 2)
        self._ground[changed[:, 0]] = changed[:, 1]
        self._stand(herd)
        agent[MINE_PROG] = self._hits(told[_PROGRESS])

    def _stand(self, herd: Array) -> None:
        """Blocks, and the animals in them."""
        self.state.cells[0] = self._ground
        self.state.animals[0, : len(herd)] = herd
        _, depth, height = self.knobs.size
        for x, z, y, species, _ in herd[herd[:, 3] > 0]:
            self.state.cells[0, (x * depth + z) * height + y] = ANIMAL + species

    def _hits(self, thousandths: int) -> int:
        """How far a block is dug, in hits of ours: what a policy or a reward of ours understands."""
        if thousandths < 0:
            return 0
        agent = self.state.agent
        self.look()  # whatever is dug is what is aimed at
        block = int(agent[0, AIMED])
        hits = HITS.get(block, (1, 1, 1, 1))[tool_tier(0, self.state.inventory)]
        return thousandths * hits // 1000

    def _note_milestones(self) -> None:
        gained = self.state.inventory[0] > self.state.before[0]
        crafted = int(self.state.agent[0, CRAFTED])
        for number, item in enumerate(MILESTONES):
            if gained[item] or item + 1 == crafted:
                self.state.agent[0, MILESTONES_SEEN] |= 1 << number

    def look(self) -> Array:
        """The policy's input, [444] float32; what is around is worked out too."""
        out = np.empty((1, INPUTS), dtype=np.float32)
        grounded = self.state.agent[0, ON_GROUND]
        self._kernels.observe(np.zeros(1, dtype=np.int64), out)
        # Whether it stands is the engine's word: it may still be falling through the lowest cell.
        self.state.agent[0, ON_GROUND] = out[0, INPUTS - SELF + _SEES_GROUND] = grounded
        observation: Array = out[0]
        return observation

    def read(self, names: Sequence[str]) -> dict[str, Array]:
        """Fields as they are now."""
        return {name: BY_NAME[name].values(self._source)[0] for name in names}
