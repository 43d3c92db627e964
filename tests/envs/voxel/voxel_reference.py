"""What is seen in the voxel world, a second time: see `voxel_mechanics.py`."""

from __future__ import annotations

import functools
import math

import numpy as np
from voxel_mechanics import MELT, SOFT, Mechanics, Spot

from autoreward.envs.voxel import tables as t

EVENTS = (
    "MOVED", "MINED", "PLACED", "CRAFTED", "HIT_ANIMAL", "KILLED",
    "DAMAGE", "CAUSE", "NEW_CELL", "HEALTH_DELTA", "DIED", "CAME_BACK",
)  # fmt: skip


@functools.cache
def ray(column: int, row: int, pitch: int) -> list[tuple[int, int, int]]:
    """Cells (forward, right, up) that a ray passes: always across the boundary, or boundaries, that come next."""
    yaw, rise = math.radians(11.25 * column - 45), math.radians(30 - 15 * row + 45 * pitch)
    parts = [math.cos(rise) * math.cos(yaw), math.cos(rise) * math.sin(yaw), math.sin(rise)]
    speed = [round(part * 10_000) for part in parts]
    cell, passed = [0, 0, 0], []
    while max(map(abs, cell)) < t.VIEW_RANGE:
        # Time to the next boundary of an axis: (|cell| + 1/2) / |speed|; compared as products of integers.
        moving = [axis for axis in range(3) if speed[axis]]

        def later(one: int, other: int) -> int:
            return (2 * abs(cell[one]) + 1) * abs(speed[other]) - (2 * abs(cell[other]) + 1) * abs(speed[one])

        first = min(moving, key=functools.cmp_to_key(later))
        crossed = [axis for axis in moving if later(axis, first) == 0]
        for axis in crossed:
            cell[axis] += 1 if speed[axis] > 0 else -1
        passed.append((cell[0], cell[1], cell[2]))
    return passed


class Reference(Mechanics):
    """One world, a step of it, and what is seen."""

    def rays(self) -> list[tuple[int, int, Spot | None]]:
        """Of each ray: what it meets, how far away, and where."""
        return [self.meet(ray(column, row, self.pitch)) for row in range(5) for column in range(9)]

    def meet(self, cells: list[tuple[int, int, int]]) -> tuple[int, int, Spot | None]:
        for forward, right, up in cells:
            spot = self.off(forward, right, 1 + up)
            if self.at(spot) != t.AIR:
                if spot[2] == self.blocks.shape[2] - 1:
                    break
                return self.at(spot), max(abs(forward), abs(right), abs(up)), spot
        return 0, t.UNSEEN, None

    def numbers(self) -> dict[str, int]:
        """Columns of the agent's row, by name."""
        rays, aimed = self.rays(), self.aim()
        target = [far if block == self.task.target else t.UNSEEN for block, far, _ in rays]
        x, z, y = self.spot
        found = dict.fromkeys(EVENTS, 0) | self.events
        found |= {"X": x, "Z": z, "Y": y, "HEADING": self.heading, "PITCH": self.pitch, "HEALTH": self.health}
        found |= {"MINE_PROG": self.progress, "FALL": self.fall, "T": self.time, "CELLS": len(self.visited)}
        found |= {"MILESTONES_SEEN": sum(2**number for number in self.reached), "STUCK": int(self.stuck)}
        found |= {"ON_GROUND": int(self.hard(self.off(up=-1))), "IN_LAVA": int(self.wading), "TIER": self.tier}
        found |= {"FRONT_HEAD": self.at(self.off(1, up=1)), "FRONT_FOOT": self.at(self.off(1))}
        found |= {"FRONT_FLOOR": self.at(self.off(1, up=-1)), "BELOW": self.at(self.off(up=-1))}
        found |= {"ABOVE": self.at(self.off(up=2)), "AIMED": self.at(aimed) if aimed else 0}
        found |= {"TARGET_DIST": min(target), "TARGET_AHEAD": min(target[4::9])}
        found |= {"LAVA_DIST": min(far if block in MELT else t.UNSEEN for block, far, _ in rays)}
        done = {
            "item": self.inventory[t.I_DIAMOND] > 0,
            "ahead": found["TARGET_AHEAD"] <= 2,
            "view": found["TARGET_DIST"] <= 2,
            "kill": found["KILLED"] > 0 and found["KILLED"] == self.task.target - t.ANIMAL,
        }[self.task.goal]
        return found | {"SUCCESS": int(done and self.health > 0)}

    def seen(self) -> np.ndarray:
        """The policy's input."""
        out: list[float] = []
        for block, far, _ in self.rays():
            hot = [0.0] * 7
            if block not in (t.AIR, t.BEDROCK):  # the policy is not shown what nobody can break
                hot[self.group(block)], hot[6] = 1, 1 / far
            out += hot
        for forward in range(-1, 3):
            for right in range(-1, 2):
                for up in range(-1, 3):
                    block = self.at(self.off(forward, right, up))
                    out += [float(block not in SOFT), 1 if block == self.task.target else -float(block in MELT)]
        out += [(now - then) / 16 for now, then in zip(self.spot, self.start, strict=True)]
        out += [float(self.heading == heading) for heading in range(4)]
        out += [self.health / 16, *(float(self.pitch == pitch) for pitch in (-1, 0, 1)), self.progress / 4]
        out += [float(self.hard(self.off(up=-1))), float(self.wading), self.tier / 4]
        out += [float(np.float32(1 / self.knobs.limit)) * self.time, self.fall / 4]
        out += [round(math.log1p(min(count, 64)), 6) for count in self.inventory]
        return np.array(out, dtype=np.float32)

    def group(self, block: int) -> int:
        if block == self.task.target:
            return 5
        if block >= t.ANIMAL:
            return 4
        groups = {t.LOG: 1, t.COAL_ORE: 2, t.IRON_ORE: 2, t.DIAMOND_ORE: 2, t.LAVA: 3, t.LAVA_FLOW: 3}
        return groups.get(block, 0)

    def cells(self) -> np.ndarray:
        """All blocks, animals in them, flat."""
        cells = self.blocks.astype(np.uint8)
        for animal in self.animals:
            if animal.species:
                cells[animal.spot] = t.ANIMAL + animal.species
        return cells.reshape(-1)
