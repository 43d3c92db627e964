"""The corpus of hostile, faulty and good files in the cell."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autoreward.errors import CellFailed, RewardRefused
from autoreward.sandbox.contract import Memory
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import ActionSpec, EnvSchema, Field

CORPUS = Path(__file__).parents[1] / "language" / "corpus"
SHAPES: dict[str, tuple[int, ...]] = {
    "qpos": (7,),
    "qvel": (6,),
    "ee_pos": (3,),
    "obj_pos": (3,),
    "goal_pos": (3,),
    "height": (),
    "contact_force": (),
    "time": (),
}
ARM = EnvSchema(
    env_id="arm",
    fields=(
        *(Field(name=name, shape=shape) for name, shape in SHAPES.items()),
        Field(name="fallen", dtype="bool"),
    ),
    action=ActionSpec(kind="continuous", shape=(4,)),
    step_limit=50,
)


def arm_batch(rows: int, scale: float, seconds: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    batch = {"action": rng.uniform(-1, 1, (1, rows, 4)) * scale}
    for side in ("state", "next_state"):
        for name, shape in SHAPES.items():
            batch[f"{side}.{name}"] = rng.uniform(-2, 2, (1, rows, *shape)) * scale
        batch[f"{side}.fallen"] = rng.random((1, rows)) < 0.3 * scale
        batch[f"{side}.time"] = np.full((1, rows), seconds)
    return batch


def corpus(*kinds: str) -> list[Path]:
    found = [p for p in sorted(CORPUS.glob("*.txt")) if p.read_text().partition("# expect: ")[2].split()[0] in kinds]
    assert found
    return found


@pytest.fixture(scope="module")
def arm_cell() -> Iterator[ProcessCell]:
    cell = ProcessCell(deadline=1.5)
    yield cell
    cell.close()


@pytest.mark.parametrize("path", corpus("contain", "fault"), ids=lambda path: path.stem)
def test_harmful_and_faulty_programs_are_stopped(path: Path, arm_cell: ProcessCell) -> None:
    with pytest.raises((RewardRefused, CellFailed)) as caught:
        arm_cell.load(path.read_text(), ARM, "terms")
        for rows, scale, seconds in ((16, 1.0, 1.0), (5, 0.0, 0.0), (16, 1.0, 20.0)):
            arm_cell.score(arm_batch(rows, scale, seconds), np.ones((1, rows), np.bool_), Memory())
    assert "IGNORE ALL PREVIOUS" not in str(caught.value)


@pytest.mark.parametrize("path", corpus("accept"), ids=lambda path: path.stem)
def test_ordinary_programs_are_scored(path: Path, arm_cell: ProcessCell) -> None:
    program = arm_cell.load(path.read_text(), ARM, "terms")
    for rows, scale in ((16, 1.0), (5, 0.0), (1, 1.0)):
        scores = arm_cell.score(arm_batch(rows, scale, 1.0), np.ones((1, rows), np.bool_), Memory())
        assert set(scores.terms) == set(program.weights)
