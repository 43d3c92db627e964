"""The store of recorded episodes: what is kept, what is read, and what damaged or hostile files do to it (nothing)."""

import io
import multiprocessing
import os
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoreward.critic import stored as module
from autoreward.critic.stored import A_FILE, EPISODES, FILES, Stored, origin_of_program
from autoreward.envs.registry import describe
from autoreward.task import Score, SuccessRule, Task
from autoreward.testing.trainer import CLIMB, NoTrainer, line_task
from autoreward.training.contract import RewardSpec, TrainingJob
from autoreward.training.files import TRAJECTORIES
from autoreward.training.statistics import write_npz

TASK = line_task()
SCHEMA = describe(TASK.env)


def trajectories(folder: Path, successes: int = 2, failures: int = 2, steps: int = 3, **changes: Any) -> Path:
    """The folder of a training with recorded episodes, as an evaluation writes them; None leaves an array out."""
    count = successes + failures
    arrays = {
        "length": np.full(count + 1, steps),
        "success": np.array([False] + [True] * successes + [False] * failures),
        "score": np.arange(count + 1, dtype=np.float64),
        "recorded": np.arange(1, count + 1),
        "action": np.zeros((count, steps, 1), np.float32),
        "field.position": np.tile(np.arange(steps + 1, dtype=np.float32), (count, 1)),
        "field.clock": np.zeros((count, steps + 1), np.float32),
    }
    arrays |= changes
    write_npz(folder / TRAJECTORIES, {name: array for name, array in arrays.items() if array is not None})
    return folder


def job(seed: int, source: str | None = None, **changes: Any) -> TrainingJob:
    reward = RewardSpec(kind="program", source=source) if source else RewardSpec(kind="sparse")
    return TrainingJob(task=TASK, reward=reward, seed=seed, episodes=4, **changes)


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, notes: list[str]) -> Stored:
    return Stored.of(tmp_path, TASK, SCHEMA, notes.append)


def test_a_training_leaves_episodes_of_both_kinds(store: Stored, tmp_path: Path, notes: list[str]) -> None:
    lengths = np.array([3, 2, 3, 1, 3])
    store.add(job(1), trajectories(tmp_path / "a", length=lengths))
    found = store.episodes(["position"], without="")
    expected = [("success", 2, 1.0), ("success", 3, 2.0), ("failure", 1, 3.0), ("failure", 3, 4.0)]
    assert sorted((e.kind, len(e), e.score) for e in found) == sorted(expected)
    assert {(e.origin, e.training) for e in found} == {("sparse", job(1).hash)}
    assert found[0].fields["position"].tolist() == list(range(len(found[0]) + 1))
    assert set(found[0].fields) == {"position"} and found[0].action.shape == (len(found[0]), 1)
    assert not notes


def test_real_trainings_fit(store: Stored, tmp_path: Path, notes: list[str]) -> None:
    given = job(5, CLIMB)
    folder = tmp_path / "training"
    folder.mkdir()
    NoTrainer().train(given, 100, folder, lambda progress: None)
    store.add(given, folder)
    found = store.episodes(SCHEMA.names, without="")
    assert len(found) == 4 and not notes
    assert all(np.diff(episode.fields["clock"]).tolist() == [1.0] * len(episode) for episode in found)


def test_nobody_is_judged_by_trainings_of_its_own(store: Stored, tmp_path: Path) -> None:
    store.add(job(1, CLIMB), trajectories(tmp_path / "a"))
    store.add(job(1), trajectories(tmp_path / "b"))
    assert {episode.origin for episode in store.episodes([], origin_of_program(CLIMB))} == {"sparse"}
    assert {episode.origin for episode in store.episodes([], "")} == {"sparse", origin_of_program(CLIMB)}


def test_a_replay_reads_what_its_own_trainings_left(store: Stored, tmp_path: Path) -> None:
    for seed in (1, 2):
        store.add(job(seed), trajectories(tmp_path / str(seed)))
    (tmp_path / "run" / job(2).hash).mkdir(parents=True)
    only = Stored.of(tmp_path, TASK, SCHEMA, only=tmp_path / "run")
    assert {episode.training for episode in only.episodes([], "")} == {job(2).hash}


def test_episodes_that_mean_something_else_are_kept_apart(tmp_path: Path) -> None:
    env = TASK.env
    others: list[Task] = [
        line_task(success=SuccessRule(expression="position > 4")),
        line_task(success=SuccessRule(expression="position > 3", rule="final")),
        line_task(score=Score(expression="position", reduce="max", unit="m")),
        line_task(score=None),
        line_task(env=env.model_copy(update={"kwargs": {"slope": 2}})),
        line_task(env=env.model_copy(update={"fields": env.fields[:1]})),
        line_task(step_limit=11),
    ]
    schemas = [SCHEMA.model_copy(update={"fields": SCHEMA.fields[:1]}) if n == 5 else SCHEMA for n in range(7)]
    schemas[6] = SCHEMA.model_copy(update={"step_limit": 11})
    folders = {Stored.of(tmp_path, task, schema).folder for task, schema in zip(others, schemas, strict=True)}
    assert len(folders | {Stored.of(tmp_path, TASK, SCHEMA).folder}) == 8
    alike = TASK.model_copy(update={"text": "Up!", "steps": 9, "outcomes": {}})
    assert Stored.of(tmp_path, alike, SCHEMA).folder == Stored.of(tmp_path, TASK, SCHEMA).folder
    odd = Stored.of(tmp_path, TASK.model_copy(update={"name": "../../x y"}), SCHEMA).folder
    assert odd.parent == tmp_path / EPISODES


def test_of_a_report_in_worlds_of_its_own_nothing_is_kept(store: Stored, tmp_path: Path) -> None:
    env = TASK.env.model_copy(update={"report": {"worlds": "others"}})
    given = job(1, reported=True)
    folder = trajectories(tmp_path / "a")
    store.add(given.model_copy(update={"task": TASK.model_copy(update={"env": env})}), folder)
    assert not store.folder.exists()
    store.add(given, folder)
    assert store.episodes([], "")


def test_both_kinds_are_capped_and_the_oldest_of_the_commonest_origin_go(store: Stored, tmp_path: Path) -> None:
    kept_by = [job(0, CLIMB), *(job(seed) for seed in range(1, FILES + 6))]
    for age, given in enumerate(kept_by):
        store.add(given, trajectories(tmp_path / given.hash, successes=6 if age % 3 == 0 else 0, failures=7))
        for path in store.folder.glob(f"*-{given.hash}.npz"):
            os.utime(path, (age, age))
    found = store.episodes([], "")
    by_kind = Counter(episode.kind for episode in found)
    assert by_kind["failure"] == FILES * A_FILE
    assert by_kind["success"] == A_FILE * len(kept_by[::3])
    failing = {episode.training for episode in found if episode.kind == "failure"}
    assert kept_by[0].hash in failing, "the only one of its origin"
    assert failing == {given.hash for given in [kept_by[0], *kept_by[-FILES + 1 :]]}


def test_what_a_store_takes_is_capped(store: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(job(0), trajectories(tmp_path / "a"))
    size = sum(path.stat().st_size for path in store.folder.iterdir())
    monkeypatch.setattr(module, "STORE_BYTES", 3 * size)
    for seed in range(1, 8):
        store.add(job(seed), trajectories(tmp_path / str(seed)))
    assert sum(path.stat().st_size for path in store.folder.iterdir()) <= 3 * size
    assert {episode.kind for episode in store.episodes([], "")} == {"success", "failure"}
    monkeypatch.setattr(module, "FILE_BYTES", 10)
    store.add(job(9), trajectories(tmp_path / "large"))
    assert job(9).hash not in {episode.training for episode in store.episodes([], "")}


def test_of_large_fields_fewer_episodes_are_read(
    store: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(6):
        store.add(job(seed, CLIMB if seed else None), trajectories(tmp_path / str(seed)))
    monkeypatch.setattr(module, "READ_BYTES", 11 * 8 * 3 * 8)
    found = store.episodes(["position"], "")
    assert len(found) == 8
    assert len({(episode.kind, episode.origin) for episode in found}) == 4, "of each kind and origin there is one"


def damaged(kind: str, whole: bytes, trace: str) -> bytes:
    """A file as a crash, a bad disk or an enemy would leave it."""
    if kind == "cut":
        return whole[: len(whole) // 2]
    if kind == "flipped":
        return whole[:90] + bytes(byte ^ 0x55 for byte in whole[90:140]) + whole[140:]
    if kind in ("empty", "text"):
        return b"" if kind == "empty" else b"position = 3\x1b[31m\n" * 9
    arrays = dict(np.load(io.BytesIO(whole)))
    buffer = io.BytesIO()
    if kind == "pickle":
        arrays["length"] = np.array([Trap(trace)] * 2, dtype=object)
        np.savez_compressed(buffer, allow_pickle=True, **arrays)
        return buffer.getvalue()
    if kind == "vast":  # a header that claims terabytes
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, array in arrays.items():
                member = io.BytesIO()
                if name == "field.position":
                    header = {"descr": "<f4", "fortran_order": False, "shape": (2, 2**40)}
                    np.lib.format.write_array_header_1_0(member, header)
                else:
                    np.save(member, array)
                archive.writestr(f"{name}.npy", member.getvalue())
        return buffer.getvalue()
    changes: dict[str, dict[str, Any]] = {
        "other shape": {"field.position": arrays["field.position"][:, :-1]},
        "other type": {"field.position": arrays["field.position"].astype(str)},
        "no field": {"field.position": None},
        "lengths beyond": {"length": arrays["length"] + 1},
        "no steps": {"length": arrays["length"] * 0},
        "too long": {name: np.repeat(array, 400, axis=-1) for name, array in arrays.items() if name != "score"},
        "too many": {name: np.concatenate([array] * 9) for name, array in arrays.items()},
    }
    changed = {name: array for name, array in {**arrays, **changes[kind]}.items() if array is not None}
    np.savez_compressed(buffer, **changed)
    return buffer.getvalue()


class Trap:
    """Unpickled, it leaves a trace."""

    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.trace,)


@pytest.mark.parametrize(
    "kind",
    [
        "cut",
        "flipped",
        "empty",
        "text",
        "pickle",
        "vast",
        "other shape",
        "other type",
        "no field",
        "lengths beyond",
        "no steps",
        "too long",
        "too many",
    ],
)
def test_a_damaged_file_is_skipped_with_one_line(store: Stored, tmp_path: Path, notes: list[str], kind: str) -> None:
    for seed in (1, 2):
        store.add(job(seed), trajectories(tmp_path / str(seed)))
    path = next(store.folder.glob(f"success-*-{job(1).hash}.npz"))
    path.write_bytes(damaged(kind, path.read_bytes(), str(tmp_path / "trace")))
    found = store.episodes(["position"], "")
    assert Counter((e.kind, e.training) for e in found) == {
        ("success", job(2).hash): 2,
        ("failure", job(1).hash): 2,
        ("failure", job(2).hash): 2,
    }
    assert len(notes) == 1 and str(path) in notes[0] and "\n" not in notes[0] and len(notes[0]) < 500
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"recorded": np.array([7, 8, 9, 99])},
        {"recorded": np.array([-1, 0, 1, 2])},
        {"success": np.array([object()] * 5)},
        {"field.clock": None},
        {"action": np.zeros((4, 3, 2), np.float32)},
        {"score": None},
    ],
)
def test_trajectories_of_a_damaged_training_are_not_kept(
    store: Stored, tmp_path: Path, notes: list[str], changes: dict[str, Any]
) -> None:
    folder = trajectories(tmp_path / "a")
    with np.load(folder / TRAJECTORIES) as file:
        arrays = {**dict(file), **changes}
    with (folder / TRAJECTORIES).open("wb") as out:
        np.savez_compressed(out, **{name: array for name, array in arrays.items() if array is not None})
    store.add(job(1), folder)
    assert not store.episodes([], "")
    assert len(notes) == 1 and "not kept" in notes[0]


def test_other_files_and_folders_in_it_are_left_alone(store: Stored, tmp_path: Path, notes: list[str]) -> None:
    store.add(job(1), trajectories(tmp_path / "a"))
    (store.folder / "notes.npz").write_bytes(b"mine")
    (store.folder / "success-sparse-0.npz").mkdir()
    os.mkfifo(store.folder / "failure-sparse-0.npz")
    assert len(store.episodes([], "")) == 4 and not notes
    store.add(job(2), trajectories(tmp_path / "b"))
    assert (store.folder / "notes.npz").exists()


def test_without_a_store_there_is_nothing_to_read(store: Stored, tmp_path: Path, notes: list[str]) -> None:
    assert store.episodes(["position"], "") == [] and not notes
    store.add(job(1), tmp_path)
    assert not store.folder.exists(), "a training without recorded episodes leaves none"


def _busy(runs: Path, first: int, barrier: Any) -> int:
    notes: list[str] = []
    store = Stored.of(runs, TASK, SCHEMA, notes.append)
    barrier.wait()
    for seed in range(first, first + 10):
        store.add(job(seed), runs / "training")
        assert all(len(episode) == 3 for episode in store.episodes(SCHEMA.names, ""))
    return len(notes)


def test_two_processes_write_and_read_at_once(tmp_path: Path) -> None:
    trajectories(tmp_path / "training")
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager, context.Pool(2) as pool:
        barrier = manager.Barrier(2)
        notes = pool.starmap(_busy, [(tmp_path, 0, barrier), (tmp_path, 100, barrier)])
    assert notes == [0, 0]
    store = Stored.of(tmp_path, TASK, SCHEMA)
    kinds = Counter(path.name.split("-")[0] for path in store.folder.iterdir())
    assert set(kinds) == {"success", "failure"}
    assert all(FILES - 2 <= count <= FILES for count in kinds.values()), kinds


@pytest.mark.any_user
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_that_cannot_be_written_ends_nothing(store: Stored, tmp_path: Path, notes: list[str]) -> None:
    folder = trajectories(tmp_path / "a")
    (tmp_path / EPISODES).mkdir(mode=0o500)
    store.add(job(1), folder)
    assert len(notes) == 1 and "Permission denied" in notes[0]
