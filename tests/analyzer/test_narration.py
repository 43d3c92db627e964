from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoreward.analyzer.narration import LONGEST, narrate
from autoreward.analyzer.recorded import Training, read_episodes, read_trajectories
from autoreward.errors import RunDamaged
from autoreward.schema import ActionSpec, EnvSchema, Field
from autoreward.task import EnvSpec, Score, SuccessRule, Task
from autoreward.training.contract import Evaluation, TrainingResult
from autoreward.training.files import EPISODES, TRAJECTORIES

FIELDS = (
    Field(name="distance", unit="m", low=0, high=10),
    Field(name="place", shape=(2,), unit="m"),
    Field(name="steady", unit="m"),
    Field(name="joints", shape=(6,), unit="rad"),
    *(Field(name=f"extra_{number}") for number in range(20)),
)
SCHEMA = EnvSchema(
    env_id="X-v0", fields=FIELDS, action=ActionSpec(kind="continuous", shape=(1,), low=-1, high=1), step_limit=40
)
TASK = Task(
    name="t",
    text="Reach it.",
    env=EnvSpec(id="X-v0"),
    success=SuccessRule(expression="distance < 1"),
    score=Score(expression="-distance"),
)
RESULT = TrainingResult(
    hash="h", steps=10, status="ok", episode_terms={"closer": (1.5, -20.0, 3.0, 0.0), "success": (1.0, 0.0, 0.0, 0.0)}
)


def told(folder: Path, task: Task = TASK) -> str:
    return narrate(task, SCHEMA, Training(7, RESULT, final=read_trajectories(folder)))


def _write(folder: Path, recorded: list[int]) -> None:
    generator = np.random.default_rng(0)
    count, longest = len(recorded), 40
    fields = {f"field.{f.name}": generator.normal(size=(count, longest + 1, *f.shape)) for f in FIELDS}
    fields["field.distance"] = np.tile(np.linspace(9.0, 0.5, longest + 1), (count, 1))
    fields["field.steady"] = np.ones((count, longest + 1))
    np.savez(
        folder / TRAJECTORIES,
        length=np.array([40, 12, 40, 40, 40]),
        success=np.array([True, False, False, False, True]),
        score=np.array([-0.5, -9.0, -4.0, -5.0, -0.6]),
        seed=np.arange(5),
        recorded=np.array(recorded, dtype=np.int64),
        action=np.tile(np.linspace(-1.0, 0.95, longest)[:, None], (count, 1, 1)),
        **{"outcome.fell": np.array([False, True, False, False, False])},
        **fields,
    )


def test_best_worst_and_failed_episodes_are_told_with_what_the_rule_reads(tmp_path: Path) -> None:
    _write(tmp_path, [0, 1, 2, 3])
    text = told(tmp_path)
    assert len(text) <= LONGEST
    assert text.startswith("2 of 5 evaluation episodes succeeded")
    best, worst, median, failed = text.split("\n\n")[1:5]
    assert best.startswith("Best episode: 40 steps, success, score -0.5")
    assert "closer 1.5" in best and "distance [m]: 9 " in best
    assert worst.startswith("Worst episode: 12 steps, failure, score -9 (fell)") and "closer -20" in worst
    steps = worst.split("  step: ")[1].splitlines()[0].split()
    assert {"0", "2", "9", "12"} <= set(steps), "the ends, and 10 and 3 steps before the death"
    assert "10, 6, 3, 1, 0 steps before the end: " in worst
    assert median.startswith("Median episode") and failed.startswith("Failed episode") and "distance" in failed
    assert worst.split("action: ")[1].split()[-1] == "-0.45", "at the end, the last of its 12 actions"
    assert "action: -1" in best and "action: -1" in failed
    assert "steady" not in text


def test_what_varies_goes_before_an_episode_does(tmp_path: Path) -> None:
    _write(tmp_path, [0, 1, 2, 3])
    assert told(tmp_path).count("extra_") > 0
    read = [f"extra_{number}" for number in range(3)]
    text = told(tmp_path, TASK.model_copy(update={"score": Score(expression=" + ".join(read))}))
    assert len(text) <= LONGEST and text.count(" episode: ") == 4
    names = {line.split(":")[0].strip() for line in text.splitlines() if line.startswith("  extra_")}
    assert names == set(read), "what the score reads, and nothing else"


def test_a_failed_episode_is_told_however_many_terms_there_are(tmp_path: Path) -> None:
    _write(tmp_path, [0, 1, 2, 3])
    sums = {f"a_term_with_a_long_name_{number}": (1.5, -20.0, 3.0, 0.0) for number in range(16)} | {"never": (0.0,) * 4}
    result = RESULT.model_copy(update={"episode_terms": sums})
    read = " + ".join(f"extra_{number}" for number in range(6))
    task = TASK.model_copy(update={"score": Score(expression=read)})
    text = narrate(task, SCHEMA, Training(7, result, final=read_trajectories(tmp_path)))
    assert len(text) <= LONGEST and "\n\nWorst episode: 12 steps, failure" in text
    assert "never" not in text and "all others 0" in text


def test_of_vectors_the_components_are_told_that_success_reads(tmp_path: Path) -> None:
    _write(tmp_path, [0, 1])
    task = TASK.model_copy(update={"success": SuccessRule(expression="joints[4] > 0.5 and abs(place[1]) < 1")})
    text = told(tmp_path, task)
    assert "  joints[4] [rad]: " in text and "  place[1] [m]: " in text
    assert "joints[0]" not in text and "joints [rad]" not in text


def test_the_best_seed_gives_an_episode_to_compare_with(tmp_path: Path) -> None:
    _write(tmp_path, [0, 1, 2, 3])
    final = read_trajectories(tmp_path)

    def training(seed: int, success: float) -> Training:
        rated = Evaluation(step=0, episodes=5, success_rate=success, score=None, length=40)
        return Training(seed, RESULT.model_copy(update={"final": rated}), final=final)

    text = narrate(TASK, SCHEMA, training(1, 0.2), training(2, 0.8))
    assert text.split("\n\n")[1].startswith("For comparison, seed 2, which succeeds in 80%: its best episode: 40 steps")
    assert "seed" not in narrate(TASK, SCHEMA, training(1, 0.4), training(2, 0.8)), "they are not far enough apart"


def test_what_each_stretch_paid_is_told_of_the_largest_terms(tmp_path: Path) -> None:
    _write(tmp_path, [0, 1])
    final = {**read_trajectories(tmp_path), "term.closer": np.full((2, 40), 0.5)}
    text = narrate(TASK, SCHEMA, Training(7, RESULT, final=final))
    line = next(line for line in text.splitlines() if line.startswith("  closer paid since the step before: - "))
    assert sum(map(float, line.split(": - ")[1].split())) == pytest.approx(20.0, abs=0.1)


def test_no_recorded_episode_gives_no_text(tmp_path: Path) -> None:
    assert told(tmp_path) == ""
    _write(tmp_path, [])
    assert told(tmp_path) == ""


def test_damaged_trajectories_are_named(tmp_path: Path) -> None:
    path = tmp_path / TRAJECTORIES
    _write(tmp_path, [0, 1])
    whole = path.read_bytes()
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez_compressed(path, **arrays)
    packed = path.read_bytes()
    np.savez(path, **{name: values for name, values in arrays.items() if name != "success"})
    # Too short, no archive, made for a zip version to come, a broken compressed stream, an array less.
    middle = len(packed) // 2
    broken = packed[:middle] + b"\xff" * 64 + packed[middle + 64 :]
    newer = whole.replace(b"PK\x01\x02\x2d\x03\x2d", b"PK\x01\x02\x2d\x03\xc8", 1)
    newer = newer if newer != whole else whole.replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xc8", 1)
    assert newer != whole
    for damaged in (whole[: len(whole) // 2], b"", b"not an archive", newer, broken, path.read_bytes()):
        path.write_bytes(damaged)
        with pytest.raises(RunDamaged, match=TRAJECTORIES):
            told(tmp_path)


def test_damaged_training_episodes_are_named(tmp_path: Path) -> None:
    path = tmp_path / EPISODES
    assert read_episodes(tmp_path) == {}
    for damaged in (b"", b"not an archive"):
        path.write_bytes(damaged)
        with pytest.raises(RunDamaged, match=EPISODES):
            read_episodes(tmp_path)
    np.savez(path, step=np.zeros(1))
    with pytest.raises(RunDamaged, match="length, own_return, score, success missing"):
        read_episodes(tmp_path)
