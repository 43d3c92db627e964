"""A small world that a test builds on a Minetest server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autoreward.envs.minetest.mirror import Mirror
from autoreward.envs.minetest.server import Server
from autoreward.envs.voxel.generate import World
from autoreward.envs.voxel.tables import AIR, BEDROCK, MAX_ANIMALS, STONE
from autoreward.envs.voxel.tasks import TASKS, Knobs

CENTRE = 8, 8, 4


@dataclass
class Scene:
    """A small world of stone with air above height 3, in which a test changes what it is about."""

    server: Server
    task: str = "obtain_diamond"
    knobs: Knobs = field(default_factory=lambda: Knobs(size=(16, 16, 16), limit=100))
    animals: list[tuple[int, int, int, int]] = field(default_factory=list)
    start: tuple[int, int, int, int] = (*CENTRE, 0)

    def __post_init__(self) -> None:
        self.cells = np.full(self.knobs.size, AIR, dtype=np.uint8)
        self.cells[:, :, :4] = STONE
        self.cells[[0, -1]] = self.cells[:, [0, -1]] = self.cells[:, :, [0, -1]] = BEDROCK
        self.mirror = Mirror(TASKS[self.task], self.knobs)

    def begin(self, key: int = 1) -> Scene:
        herd = np.zeros((MAX_ANIMALS, 5), dtype=np.int64)
        for row, place in enumerate(self.animals):
            herd[row] = *place, self.knobs.animal_health
        self.mirror.begin(self.server, World(self.cells, self.start, herd), 0, key)
        self.mirror.look()
        return self

    def do(self, *actions: int) -> Scene:
        for action in actions:
            self.mirror.step(self.server, action)
            self.mirror.look()
        return self

    def __getitem__(self, name: str) -> Any:
        return self.mirror.read([name])[name]

    @property
    def place(self) -> tuple[int, ...]:
        """x, z, y of the feet."""
        return tuple(int(start + moved) for start, moved in zip(self.start, self["gps"], strict=False))

    def block(self, x: int, z: int, y: int) -> int:
        return int(self.mirror.state.cells[0].reshape(self.knobs.size)[x, z, y])
