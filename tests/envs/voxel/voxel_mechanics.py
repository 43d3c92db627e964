"""The voxel world a second time: slow, in plain Python, from the rules. It shares the kernels' tables, and no code."""

from __future__ import annotations

import numpy as np

from autoreward.envs.voxel import columns as c
from autoreward.envs.voxel import tables as t
from autoreward.envs.voxel.generate import World
from autoreward.envs.voxel.tasks import Knobs, VoxelTask

AHEAD = ((1, 0), (0, 1), (-1, 0), (0, -1))
MELT = (t.LAVA, t.LAVA_FLOW)
SOFT = (t.AIR, t.WATER, *MELT)
Spot = tuple[int, int, int]
"""x, z, y."""


def scramble(state: int, value: int) -> int:
    mixed = (state ^ value) % 2**32
    mixed = mixed * 0x45D9F3B % 2**32
    mixed ^= mixed // 2**16
    mixed = mixed * 0x2C1B3C6D % 2**32
    return mixed ^ mixed // 2**15


class Animal:
    def __init__(self, row: np.ndarray) -> None:
        x, z, y, self.species, self.hp = map(int, row)
        self.spot = (x, z, y)


class Mechanics:
    """One world, and a step of it."""

    def __init__(self, task: VoxelTask, knobs: Knobs, world: World, key: int) -> None:
        self.task, self.knobs, self.key = task, knobs, key
        self.blocks = np.where(world.cells >= t.ANIMAL, t.AIR, world.cells).astype(int)
        self.animals = [Animal(row) for row in world.animals]
        x, z, y, self.heading = world.start
        self.spot = self.start = (x, z, y)
        self.inventory = [0] * 16
        for item, count in knobs.start:
            self.inventory[item] = count
        self.pitch = self.progress = self.fall = self.time = self.regrown = 0
        self.health, self.mining, self.stuck = t.FULL_HEALTH, None, False
        self.reached: set[int] = set()
        self.visited, self.here, self.left_last = {(x, z)}, (x, z), None
        self.events: dict[str, int] = {}

    # What is where

    def at(self, spot: Spot) -> int:
        for animal in self.animals:
            if animal.species and animal.spot == spot:
                return t.ANIMAL + animal.species
        if any(not 0 <= place < size for place, size in zip(spot, self.blocks.shape, strict=True)):
            return t.BEDROCK
        return int(self.blocks[spot])

    def hard(self, spot: Spot) -> bool:
        return self.at(spot) not in SOFT

    def off(self, forward: int = 0, right: int = 0, up: int = 0) -> Spot:
        """A spot as seen from the agent's feet."""
        (fx, fz), (rx, rz) = AHEAD[self.heading], AHEAD[(self.heading + 1) % 4]
        x, z, y = self.spot
        return x + forward * fx + right * rx, z + forward * fz + right * rz, y + up

    @property
    def wading(self) -> bool:
        return self.at(self.off()) in MELT or self.at(self.off(up=1)) in MELT

    @property
    def tier(self) -> int:
        owned = [self.inventory[item] > 0 for item in (t.I_WOOD_PICKAXE, t.I_STONE_PICKAXE, t.I_IRON_PICKAXE)]
        return max([0, *(tier for tier, has in enumerate(owned, start=1) if has)])

    # The step

    def step(self, action: int) -> None:
        self.events, self.held = {}, list(self.inventory)
        self.time += 1
        if action < self.task.actions:
            self.act(action)
        if action != t.ATTACK or self.mining is None:
            self.mining, self.progress = None, 0
        self.suffer(self.drop())
        for number, animal in enumerate(self.animals):
            if animal.species:
                self.roam(number, animal)
        if self.spot[:2] not in self.visited:
            self.events["NEW_CELL"] = 1
        self.visited.add(self.spot[:2])
        if self.spot[:2] != self.here:
            self.events["CAME_BACK"] = int(self.spot[:2] == self.left_last)
            self.here, self.left_last = self.spot[:2], self.here

    def act(self, action: int) -> None:
        sides = {t.FORWARD: (1, 0), t.BACK: (-1, 0), t.LEFT: (0, -1), t.RIGHT: (0, 1)}
        if action in sides:
            self.walk(*sides[action])
        elif action in (t.TURN_LEFT, t.TURN_RIGHT):
            self.heading = (self.heading + (1 if action == t.TURN_RIGHT else -1)) % 4
        elif action in (t.LOOK_UP, t.LOOK_DOWN):
            self.pitch = min(1, max(-1, self.pitch + (1 if action == t.LOOK_UP else -1)))
        elif action == t.ATTACK:
            self.attack()
        elif action == t.PLACE:
            spot = self.off(1, up=self.pitch)
            if self.inventory[t.I_COBBLESTONE] and not self.hard(spot):
                self.inventory[t.I_COBBLESTONE] -= 1
                self.put(spot, t.COBBLESTONE)
        elif action >= t.FIRST_CRAFT:
            self.craft(t.RECIPES[action - t.FIRST_CRAFT])

    def walk(self, forward: int, right: int) -> None:
        if self.wading and not self.stuck:
            self.stuck = True
            return
        self.stuck = False
        low, high, over = (self.off(forward, right, up) for up in range(3))
        if self.hard(high):
            return
        if self.hard(low):
            standing = self.hard(self.off(up=-1)) or self.wading
            if self.at(low) >= t.ANIMAL or not standing or self.hard(over) or self.hard(self.off(up=2)):
                return
            low = high
        self.spot = low
        self.events["MOVED"] = 1

    def aim(self) -> Spot | None:
        for distance in range(1, self.knobs.reach + 1):
            if self.pitch == 1:
                spots = [self.off(up=1 + distance)]
            else:
                top = 1 if self.pitch == 0 else 0
                spots = [self.off(distance, up=top), self.off(distance, up=top - 1)]
            for spot in spots:
                if self.hard(spot):
                    return spot
        return None

    def gain(self, item: int, count: int) -> None:
        self.inventory[item] += count
        if item in t.MILESTONES:
            self.reached.add(t.MILESTONES.index(item))

    def attack(self) -> None:
        spot, before = self.aim(), self.mining
        self.mining = None
        if spot is None:
            return
        block = self.at(spot)
        if block >= t.ANIMAL:
            self.events["HIT_ANIMAL"] = block - t.ANIMAL
            animal = next(each for each in self.animals if each.species and each.spot == spot)
            animal.hp -= 2
            if animal.hp <= 0:
                self.events["KILLED"], animal.species = animal.species, 0
                self.gain(t.I_MEAT, 1)
            return
        needed = t.HITS.get(block, (0, 0, 0, 0))[self.tier]
        if not needed:
            return
        self.progress = self.progress + 1 if before == spot else 1
        if self.progress < needed:
            self.mining = spot
            return
        self.events["MINED"] = block
        if block in t.DROPS:
            self.gain(t.DROPS[block], 1)
        x, z, y = spot
        sources = [(x, z, y + 1), (x + 1, z, y), (x - 1, z, y), (x, z + 1, y), (x, z - 1, y)]
        self.blocks[spot] = t.LAVA_FLOW if any(self.at(source) in MELT for source in sources) else t.AIR

    def put(self, spot: Spot, block: int) -> None:
        self.blocks[spot] = block
        self.events["PLACED"] = block

    def craft(self, recipe: t.Recipe) -> None:
        spot = self.off(1)
        if recipe.places >= 0:
            if self.at(spot) != t.AIR:
                return
            if self.inventory[recipe.gives]:
                self.inventory[recipe.gives] -= 1
                self.put(spot, recipe.places)
                return
        takes = [(recipe.first, recipe.first_count), (recipe.second, recipe.second_count)]
        takes = [(item, count) for item, count in takes if item >= 0]
        around = [self.at((self.spot[0] + x, self.spot[1] + z, self.spot[2] + y)) for x, z, y in BLOCK_OF_FIVE]
        if any(self.inventory[item] < count for item, count in takes):
            return
        if recipe.station >= 0 and recipe.station not in around:
            return
        for item, count in takes:
            self.inventory[item] -= count
        self.gain(recipe.gives, recipe.amount)
        self.events["CRAFTED"] = recipe.gives + 1
        if recipe.places >= 0:
            self.inventory[recipe.gives] -= 1
            self.put(spot, recipe.places)

    def drop(self) -> int:
        for _ in range(3):
            if self.hard(self.off(up=-1)):
                break
            self.spot = self.off(up=-1)
            self.fall += 1
            if self.at(self.spot) in MELT:
                break
        if self.at(self.spot) in MELT:
            self.fall = 0
        if not self.hard(self.off(up=-1)):
            return 0
        fallen, self.fall = self.fall, 0
        return max(fallen - 3, 0)

    def suffer(self, damage: int) -> None:
        before = self.health
        if damage:
            self.events["CAUSE"] = c.BY_FALL
        if self.wading:
            damage, self.regrown = damage + 4, 0
            self.events["CAUSE"] = c.BY_LAVA
        else:
            self.stuck, self.regrown = False, self.regrown + 1
        self.health = max(before - damage, 0)
        if self.regrown == 16:
            self.regrown = 0
            self.health = min(self.health + 1, 20) if self.health else 0
        self.events |= {"DAMAGE": damage, "HEALTH_DELTA": self.health - before, "DIED": int(self.health == 0)}

    def roam(self, number: int, animal: Animal) -> None:
        x, z, y = animal.spot
        if self.at((x, z, y - 1)) == t.AIR:
            self.shift(animal, (x, z, y - 1))
            return
        draw = scramble(scramble(self.key, self.time), number)
        heading, chance = draw // 65536 % 4, round(self.knobs.move * 65536)
        if self.knobs.flee and animal.hp < self.knobs.animal_health:
            east, south = x - self.spot[0], z - self.spot[1]
            along, against = (0, 2) if abs(east) >= abs(south) else (1, 3)
            heading, chance = along if (east if along == 0 else south) >= 0 else against, 32768
        if draw % 65536 >= chance:
            return
        dx, dz = AHEAD[heading]
        level, below, under = ((x + dx, z + dz, y - down) for down in range(3))
        if self.at(level) == t.AIR:
            if self.hard(below):
                self.shift(animal, level)
            elif self.at(below) == t.AIR and self.hard(under):
                self.shift(animal, below)
        elif self.hard(level) and self.at(level) < t.ANIMAL:
            up = (x + dx, z + dz, y + 1)
            if self.at(up) == t.AIR and self.at((x, z, y + 1)) == t.AIR:
                self.shift(animal, up)

    def shift(self, animal: Animal, spot: Spot) -> None:
        if spot not in (self.spot, self.off(up=1)):
            animal.spot = spot


BLOCK_OF_FIVE = [(x, z, y) for x in range(-2, 3) for z in range(-2, 3) for y in range(-2, 3)]
