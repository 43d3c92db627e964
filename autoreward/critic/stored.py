"""Recorded episodes with their true outcomes, kept per task and across runs: what rewards are asked to put in order.

    <runs>/episodes/<task>-<digest>/<success|failure>-<origin>-<training>.npz

Every finished training leaves a few of its final evaluation's episodes of either kind. The store is a cache: it may be
deleted at any time, and several processes read and write it at once, since files are written whole and never changed.
A file is data from anywhere: nothing is unpickled, and names, shapes, types and sizes are checked before its arrays
are read; one that is not what it should be is skipped, with a note.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from autoreward.critic.stored_arrays import Arrays, Damaged
from autoreward.records import write_bytes
from autoreward.schema import EnvSchema
from autoreward.task import Task
from autoreward.training.contract import RewardSpec, TrainingJob
from autoreward.training.files import TRAJECTORIES
from autoreward.training.statistics import npz_bytes

EPISODES = "episodes"
"""Folder of the stores of all tasks, beside the runs."""
A_FILE = 4
"""Episodes of one kind that a training leaves."""
FILES = 16
"""Of each kind, so that 64 successes and 64 failures are kept."""
FILE_BYTES = 4 << 20
"""Of one file; a training whose episodes take more leaves none."""
STORE_BYTES = 64 << 20
"""Of the files of one task."""
READ_BYTES = 64 << 20
"""Of the fields that are read at once: of large fields, fewer episodes."""
KINDS = ("failure", "success")

Array = NDArray[Any]
_NAME = re.compile(r"(success|failure)-(\w+)-(\w+)")
_TYPES = {"float32": "f", "int64": "iu", "bool": "b"}


@dataclass(frozen=True)
class Episode:
    """One recorded episode of T steps."""

    kind: str
    """`success` or `failure`."""
    origin: str
    """What its policy was trained on: `sparse`, `random`, `human`, or 16 digits of a program's hash."""
    training: str
    """Hash of the training."""
    number: int
    """In its file."""
    score: float
    """The task's own; NaN where it has none."""
    action: Array
    """[T, ...]."""
    fields: dict[str, Array]
    """Field -> [T + 1, ...], the state before the first step at index 0."""

    def __len__(self) -> int:
        return len(self.action)


@dataclass(frozen=True)
class Stored:
    """The store of one task."""

    folder: Path
    schema: EnvSchema
    note: Callable[[str], None] = lambda text: None
    """Told of files that are skipped."""
    only: Path | None = None
    """Folder of the trainings whose episodes are read; None: all."""

    @classmethod
    def of(
        cls,
        runs: Path,
        task: Task,
        schema: EnvSchema,
        note: Callable[[str], None] = lambda text: None,
        only: Path | None = None,
    ) -> Self:
        """The store beside the runs of a folder.

        Its name holds a digest of what decides what an episode means: environment, fields, success rule and score.
        """
        safe = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in task.name)
        return cls(runs / EPISODES / f"{safe}-{_digest(task, schema)}", schema, note, only)

    def add(self, job: TrainingJob, training: Path) -> None:
        """Keep some episodes of a finished training, and drop the oldest where there are too many.

        Nothing is kept of a report in worlds of its own: by those nothing is chosen. A disk that refuses is noted.
        """
        path = training / TRAJECTORIES
        if (job.reported and job.task.env.report) or not path.is_file():
            return
        try:
            for kind, data in _parts(path, self.schema):
                file = self.folder / f"{kind}-{origin_of(job.reward)}-{job.hash}.npz"
                if len(data) <= FILE_BYTES and not file.exists():
                    write_bytes(file, data)
            self._prune()
        except (OSError, Damaged) as error:
            self.note(f"episodes of training {job.hash} are not kept for the Critic: {error}")

    def episodes(self, fields: Sequence[str], without: str) -> list[Episode]:
        """The stored episodes, of both kinds and of as many origins as there are.

        Args:
            fields: that are read of each.
            without: origin that is left out, since nobody is judged by trainings of its own.
        """
        row = 8 * (2 + sum(int(np.prod(self.schema.field(name).shape)) for name in fields))
        most = max(READ_BYTES // (row * (self.schema.step_limit + 1)), 2)
        found: list[Episode] = []
        for path in self._ordered(without):
            if len(found) >= most:
                break
            try:
                found += _read(path, fields, self.schema)
            except FileNotFoundError:
                continue  # another process has just dropped it
            except (OSError, Damaged) as error:
                self.note(f"stored episodes {path} are skipped: {error}")
        return found[:most]

    def _files(self) -> list[Path]:
        """The newest first."""
        aged = []
        for path in self.folder.glob("*.npz"):
            try:
                if _NAME.fullmatch(path.stem) and path.is_file():
                    aged.append((path.stat().st_mtime_ns, path))
            except OSError:
                continue  # another process has just dropped it, or it is nobody's to read
        return [path for _, path in sorted(aged, reverse=True)]

    def _ordered(self, without: str) -> list[Path]:
        """One of each kind and origin, then the second of each, and so on: whoever stops early has seen most."""
        seen: Counter[tuple[str, str]] = Counter()
        ranked = []
        for path in self._files():
            kind, origin, training = path.stem.split("-")
            if origin != without and (self.only is None or (self.only / training).is_dir()):
                ranked.append((seen[kind, origin], path))
                seen[kind, origin] += 1
        return [path for _, path in sorted(ranked, key=lambda pair: pair[0])]

    def _prune(self) -> None:
        """Drop the oldest of the origin that has most, of a kind with too many files or where all take too much."""
        sizes = {}
        for path in self._files():
            try:
                sizes[path] = path.stat().st_size
            except FileNotFoundError:
                continue
        while True:
            of_kind = {kind: [path for path in sizes if path.stem.startswith(kind)] for kind in KINDS}
            crowded = max(KINDS, key=lambda kind: len(of_kind[kind]))
            if len(of_kind[crowded]) <= FILES and sum(sizes.values()) <= STORE_BYTES:
                return
            origins = [path.stem.split("-")[1] for path in of_kind[crowded]]
            most = max(Counter(origins).values())
            oldest = [
                path for path, origin in zip(of_kind[crowded], origins, strict=True) if origins.count(origin) == most
            ][-1]
            oldest.unlink(missing_ok=True)
            del sizes[oldest]


def origin_of(reward: RewardSpec) -> str:
    """What trainings on the same reward share, as a word of a file's name."""
    return origin_of_program(reward.source) if reward.source is not None else reward.kind


def origin_of_program(source: str) -> str:
    """The same of a program's text."""
    return hashlib.sha256(source.encode(errors="replace")).hexdigest()[:16]


def _digest(task: Task, schema: EnvSchema) -> str:
    env = task.env.model_dump(mode="json", include={"id", "kwargs", "robot"})
    fields = [[field.name, field.shape, field.dtype, field.unit, field.source] for field in schema.fields]
    meaning = {
        "env": env,
        "limit": schema.step_limit,
        "fields": fields,
        "action": schema.action.model_dump(mode="json", exclude={"meaning"}),
        "success": task.success.model_dump(mode="json"),
        "score": task.score.model_dump(mode="json") if task.score else None,
    }
    return hashlib.sha256(json.dumps(meaning, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _parts(path: Path, schema: EnvSchema) -> Iterator[tuple[str, bytes]]:
    """Kind -> file of episodes, of a training's recorded ones."""
    with Arrays(path) as arrays:
        count = arrays.length_of("recorded")
        if not count:
            return
        recorded = arrays.read("recorded", (count,), "iu")
        of_all = arrays.length_of("length")
        if recorded.min() < 0 or recorded.max() >= of_all:
            raise Damaged("`recorded` names episodes that are not there")
        numbers = {name: arrays.read(name, (of_all,), kinds)[recorded] for name, kinds in _NUMBERS.items()}
        steps = arrays.read("action", (count, None, *schema.action.shape), "fiu")
        fields = {
            f"field.{field.name}": arrays.read(
                f"field.{field.name}", (count, steps.shape[1] + 1, *field.shape), _TYPES[field.dtype]
            )
            for field in schema.fields
        }
    for kind in KINDS:
        rows = np.flatnonzero(numbers["success"] == (kind == "success"))
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(A_FILE, len(rows))).round().astype(int))]
        if len(rows):
            longest = int(numbers["length"][rows].max())
            kept = {name: values[rows] for name, values in numbers.items() if name != "success"}
            kept |= {"action": steps[rows, :longest]}
            yield kind, npz_bytes(kept | {name: values[rows, : longest + 1] for name, values in fields.items()})


_NUMBERS = {"length": "iu", "success": "b", "score": "f"}


def _read(path: Path, fields: Sequence[str], schema: EnvSchema) -> list[Episode]:
    kind, origin, training = path.stem.split("-")
    with Arrays(path) as arrays:
        count = arrays.length_of("length")
        if not 0 < count <= A_FILE:
            raise Damaged(f"it holds {count} episodes")
        lengths, scores = arrays.read("length", (count,), "iu"), arrays.read("score", (count,), "f")
        longest = int(lengths.max())
        if lengths.min() < 1 or longest > schema.step_limit:
            raise Damaged(f"an episode has {longest} steps of at most {schema.step_limit}")
        action = arrays.read("action", (count, longest, *schema.action.shape), "fiu")
        values = {
            name: arrays.read(f"field.{name}", (count, longest + 1, *field.shape), _TYPES[field.dtype])
            for name, field in ((name, schema.field(name)) for name in fields)
        }
    return [
        Episode(
            kind,
            origin,
            training,
            row,
            float(scores[row]),
            action[row, :length],
            {name: array[row, : length + 1] for name, array in values.items()},
        )
        for row, length in enumerate(lengths.tolist())
    ]
