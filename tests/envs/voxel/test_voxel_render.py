"""Pictures of voxel worlds: what is where, in which colour, and that drawing changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from autoreward.envs.voxel import render_kernel
from autoreward.envs.voxel.columns import COLUMNS, DAMAGE, HEADING, HEALTH, PITCH, X, Y, Z
from autoreward.envs.voxel.env import VoxelEnv
from autoreward.envs.voxel.kernel import east, south
from autoreward.envs.voxel.render import ACROSS, CELL, GAP, HEIGHT, LAVA_RED, TARGET_CYAN, WIDTH, Painter, kernels
from autoreward.envs.voxel.render_colours import bodies, plains, skins
from autoreward.envs.voxel.tables import AIR, ANIMAL, CHICKEN, COW, DIAMOND_ORE, FULL_HEALTH, LAVA, PIG, SHEEP, STONE
from autoreward.envs.voxel.tasks import TASKS, Knobs

Frame = NDArray[np.uint8]
KNOBS = Knobs(terrain="underground", size=(32, 32, 16))
PAINTER = Painter(KNOBS, DIAMOND_ORE)
FEET = (16, 16, 6)


class Cave:
    """A room of 9 x 9 x 4 cells in stone, the agent in its middle."""

    def __init__(self, heading: int = 0, pitch: int = 0) -> None:
        self.cells = np.full(KNOBS.size, STONE, dtype=np.uint8)
        self.cells[12:21, 12:21, 6:10] = AIR
        self.agent = np.zeros(COLUMNS, dtype=np.int64)
        self.agent[[X, Z, Y]], self.agent[HEADING], self.agent[PITCH] = FEET, heading, pitch
        self.agent[HEALTH] = FULL_HEALTH

    def put(self, block: int, forward: int, right: int, up: int) -> None:
        heading = int(self.agent[HEADING])
        side = (heading + 1) % 4
        x = FEET[0] + forward * east(heading) + right * east(side)
        z = FEET[1] + forward * south(heading) + right * south(side)
        self.cells[x, z, FEET[2] + up] = block

    def view(self) -> Frame:
        return PAINTER.view(self.cells.reshape(-1), self.agent)

    def map(self) -> Frame:
        return PAINTER.map(self.cells.reshape(-1), self.agent, np.zeros(32 * 32, dtype=np.uint8))


def glowing(frame: Frame) -> NDArray[np.bool_]:
    """Pixels in the colours of lava."""
    return np.asarray((frame[..., 0] > 220) & (frame[..., 2] < 90))


@pytest.mark.parametrize("heading", range(4))
def test_what_is_on_the_right_is_drawn_on_the_right(heading: int) -> None:
    cave = Cave(heading)
    assert not glowing(cave.view()).any()
    cave.put(LAVA, 3, 2, 0)
    rows, columns = np.nonzero(glowing(cave.view()))
    assert columns.min() > WIDTH / 2
    assert rows.min() > HEIGHT / 2, "feet are below the eyes"


@pytest.mark.parametrize(("pitch", "up"), [(-1, -1), (0, 1), (1, 4)])
def test_looking_up_and_down(pitch: int, up: int) -> None:
    cave = Cave(pitch=pitch)
    distance = {-1: 2, 0: 4, 1: 2}[pitch]
    cave.put(LAVA, distance, 0, up)
    assert glowing(cave.view())[HEIGHT // 2 - 30 : HEIGHT // 2 + 30, WIDTH // 2 - 30 : WIDTH // 2 + 30].any()
    cave.agent[PITCH] = -pitch if pitch else 1
    assert not glowing(cave.view()).any()


def test_a_block_two_away_is_as_wide_as_geometry_has_it() -> None:
    cave = Cave()
    cave.put(LAVA, 2, 0, 1)
    across = glowing(cave.view())[HEIGHT // 2].sum()
    assert across == pytest.approx(WIDTH / 2 / 1.5, abs=2), "a cell 1.5 away, in a view as wide as twice its distance"


def test_lava_lights_what_is_open_to_it_and_nothing_behind_stone() -> None:
    cave, light = Cave(), np.zeros(32 * 32 * 16, dtype=np.uint8)
    cave.put(LAVA, 3, 0, -1)
    queue, size = np.zeros(light.shape, dtype=np.int32), np.array(KNOBS.size)
    kernels().glow(light, queue, cave.cells.reshape(-1), size)
    spread = light.reshape(KNOBS.size)
    assert spread[19, 16, 6] == render_kernel.GLOW
    assert spread[17, 16, 6] == render_kernel.GLOW - 2
    assert set(cave.cells[(spread > 0)].tolist()) == {AIR, LAVA}
    cave.put(STONE, 3, 0, -1)
    kernels().glow(light, queue, cave.cells.reshape(-1), size)
    assert not light.any()


@pytest.mark.parametrize("species", [COW, PIG, SHEEP, CHICKEN])
def test_every_animal_is_drawn_in_a_colour_of_its_own(species: int) -> None:
    cave = Cave(pitch=-1)
    empty = cave.view().astype(int)
    cave.put(ANIMAL + species, 1, 0, 0)
    changed = np.abs(cave.view() - empty).max(axis=-1) > 40
    assert 0.02 < changed.mean() < 0.6
    found = cave.view()[changed].mean(axis=0)
    others = {kind: np.linalg.norm(found - bodies()[ANIMAL + kind, 0, 6:]) for kind in (COW, PIG, SHEEP, CHICKEN)}
    if species in (COW, PIG):
        assert min(others, key=lambda kind: others[kind]) == species
    else:
        assert min(others, key=lambda kind: others[kind]) in (SHEEP, CHICKEN), "both are white"


def test_the_map_has_lava_red_and_the_target_cyan_where_they_are() -> None:
    cave = Cave()
    cave.put(LAVA, 2, 4, 0)
    cave.put(DIAMOND_ORE, 4, -3, 0)
    cave.put(DIAMOND_ORE, -4, -3, 2)
    drawn = cave.map()

    def at(x: int, z: int) -> Frame:
        return drawn[z * CELL : (z + 1) * CELL, x * CELL : (x + 1) * CELL]

    assert (at(18, 20) == LAVA_RED).all()
    assert (at(20, 13) == TARGET_CYAN).all()
    higher = (at(12, 13) == TARGET_CYAN).all(axis=-1)
    assert 0 < higher.sum() < CELL * CELL
    assert (drawn == LAVA_RED).all(axis=-1).sum() == CELL * CELL


def test_where_it_has_been_is_on_the_map() -> None:
    cave, visited = Cave(), np.zeros((32, 32), dtype=np.uint8)
    before = cave.map()
    visited[13, 19] = 1
    after = PAINTER.map(cave.cells.reshape(-1), cave.agent, visited.reshape(-1))
    changed = (before != after).any(axis=-1)
    assert changed[19 * CELL : 20 * CELL, 13 * CELL : 14 * CELL].all()
    assert changed.sum() == CELL * CELL


def test_the_compiled_kernel_draws_what_plain_python_draws() -> None:
    cave = Cave()
    cave.put(LAVA, 3, 1, 0)
    cave.put(ANIMAL + COW, 2, -1, 0)
    cells, size = cave.cells.reshape(-1), np.array(KNOBS.size)
    light, queue = np.zeros(cells.shape, dtype=np.uint8), np.zeros(cells.shape, dtype=np.int32)
    frames = []
    for functions in (render_kernel, kernels()):
        functions.glow(light, queue, cells, size)
        frame = np.zeros((9, 16, 3), dtype=np.uint8)
        eye, mood = np.array([16.5, 16.5, 7.6]), np.array([10.0, 9.0, 12.0, 0.03, 1.1, 0.0, 0.08])
        basis = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        functions.cast(frame, cells, size, eye, basis, light, skins(), plains(), bodies(), mood)
        frames.append(frame.astype(int))
    assert np.abs(frames[0] - frames[1]).max() <= 1, "rounding of float32 apart"


@pytest.mark.parametrize("task", [name for name in TASKS if name not in ("approach_pig", "approach_sheep")])
def test_every_task_is_drawn_and_its_episode_goes_on_as_before(task: str) -> None:
    drawn, plain = VoxelEnv(task), VoxelEnv(task)
    frames = []
    for env in (drawn, plain):
        env.reset(seed=3)
    for action in (1, 6, 1, 8, 3):
        frames.append(drawn.render_frame())
        observed = [env.step(np.array([action]))[0] for env in (drawn, plain)]
        assert np.array_equal(*observed)
    assert all(frame.shape == (HEIGHT, WIDTH + GAP + ACROSS * CELL, 3) for frame in frames)
    assert all(frame.dtype == np.uint8 for frame in frames)
    assert not np.array_equal(frames[1][:, :WIDTH], frames[2][:, :WIDTH]), "it has turned"


def test_being_hurt_shows() -> None:
    cave, inventory = Cave(), np.zeros(16, dtype=np.int64)
    visited = np.zeros(32 * 32, dtype=np.uint8)
    well = PAINTER.picture(cave.cells.reshape(-1), cave.agent, inventory, visited)
    cave.agent[DAMAGE], cave.agent[HEALTH] = 4, 16
    hurt = PAINTER.picture(cave.cells.reshape(-1), cave.agent, inventory, visited)
    assert hurt[0, WIDTH // 2, 0] > well[0, WIDTH // 2, 0] + 80
    bars = [(frame[8, 6:70, 0] > 200).sum() for frame in (well, hurt)]
    assert bars[0] > bars[1] > 0
