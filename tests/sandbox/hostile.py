"""Runs files of the corpus under outer limits and says what each of them did; `test_corpus.py` judges that.

A program of its own, so that limits, user and working folder are its own too: `python hostile.py verified` prints one
line of JSON for each file. Outer limits: a throw-away working folder, rlimits, an alarm that ends all of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.critic.verify import verify
from autoreward.envs.contract import Transitions
from autoreward.errors import CellFailed, RewardRefused
from autoreward.sandbox.contract import Cell, Memory
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import ActionSpec, EnvSchema, Field

CORPUS = Path(__file__).parents[1] / "language" / "corpus"
CANARY = "CANARY7Q"
"""In the working folder, in the environment and in a global of this process: no program may bring it out."""
PORT, ABSTRACT = 47391, "\0reward-sink"
SECONDS = 240
"""After which everything is ended."""

HARNESS_SECRET = CANARY
RANGES: dict[str, tuple[tuple[int, ...], float, float]] = {
    "qpos": ((7,), -2.0, 2.0),
    "qvel": ((6,), -4.0, 4.0),
    "ee_pos": ((3,), -2.0, 2.0),
    "obj_pos": ((3,), -2.0, 3.0),
    "goal_pos": ((3,), -2.0, 2.0),
    "height": ((), 0.0, 2.0),
    "contact_force": ((), 0.0, 5.0),
    "time": ((), 0.0, 20.0),
}
ARM = EnvSchema(
    env_id="arm",
    fields=(
        *(Field(name=name, shape=shape, low=low, high=high) for name, (shape, low, high) in RANGES.items()),
        Field(name="fallen", dtype="bool"),
    ),
    action=ActionSpec(kind="continuous", shape=(4,), low=-1.0, high=1.0),
    step_limit=50,
)
Batch = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """One file of the corpus."""

    name: str
    source: str
    category: str
    expect: str
    strip_text: bool


def cases(folder: Path = CORPUS) -> list[Case]:
    found = []
    for path in sorted(folder.glob("*.txt")):
        source = path.read_bytes().decode()
        head = {
            key: value.split()[0]
            for key in ("category", "expect", "check")
            for value in [source.partition(f"# {key}: ")[2]]
            if value
        }
        found.append(Case(path.stem, source, head["category"], head["expect"], head.get("check") == "strip-text"))
    return found


# --- inputs


def batch(steps: int, rows: int, kind: str) -> Batch:
    """Inputs [T, N, ...]: `random` as early in an episode, `edge` at zeros and at the ends of the ranges, `late`."""
    rng = np.random.default_rng(1)
    inputs: Batch = {"action": rng.uniform(-1, 1, (steps, rows, 4)).astype(np.float32)}
    for side in ("state", "next_state"):
        for name, (shape, low, high) in RANGES.items():
            lowest = 10.1 if kind == "late" and name == "time" else low
            highest = {"time": 5.0, "obj_pos": 2.0}.get(name, high) if kind == "random" else high
            values = rng.uniform(lowest, highest, (steps, rows, *shape))
            if kind == "edge":
                ends = np.array([0.0, low, high])[np.arange(rows) % 3]
                values = np.broadcast_to(ends.reshape(rows, *[1] * len(shape)), (steps, rows, *shape))
            inputs[f"{side}.{name}"] = values.astype(np.float32)
        inputs[f"{side}.fallen"] = rng.random((steps, rows)) < 0.3
    return inputs


def begun(steps: int, rows: int) -> NDArray[np.bool_]:
    first = np.zeros((steps, rows), np.bool_)
    first[0] = True
    return first


def recorded() -> Transitions:
    return Transitions(batch(16, 8, "random"), begun(16, 8), np.zeros((16, 8), np.bool_))


def digest(inputs: Batch) -> str:
    return hashlib.sha256(b"".join(name.encode() + inputs[name].tobytes() for name in sorted(inputs))).hexdigest()


# --- what is seen from outside


class Outside:
    """Markers in folders, and what arrives at sockets."""

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders
        self.sockets = {"tcp": socket.socket(), "udp": socket.socket(type=socket.SOCK_DGRAM)}
        for one in self.sockets.values():
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", PORT))
        if sys.platform.startswith("linux"):
            self.sockets["unix"] = socket.socket(socket.AF_UNIX)
            self.sockets["unix"].bind(ABSTRACT)
        for name in self.sockets.keys() - {"udp"}:
            self.sockets[name].listen(64)

    def effects(self) -> list[str]:
        """What has happened since the last call."""
        found = []
        for folder in self.folders:
            for path in folder.glob("PWNED*"):
                found.append(f"wrote {path}")
                path.unlink() if path.is_file() else path.rmdir()
        names = {one.fileno(): name for name, one in self.sockets.items()}
        ready, _, _ = select.select(list(names), [], [], 0)
        for number in ready:
            one = self.sockets[names[number]]
            one.recv(64) if names[number] == "udp" else one.accept()[0].close()
            found.append(f"reached {names[number]}")
        return found

    def close(self) -> None:
        for one in self.sockets.values():
            one.close()


@contextmanager
def working_folder() -> Iterator[Path]:
    """A new folder with a secret, which becomes the working folder."""
    folder, before = Path(tempfile.mkdtemp(prefix="corpus-")), Path.cwd()
    (folder / "secret.txt").write_text(CANARY * 4)
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def limit() -> None:
    """Outer limits, for this process and all that it starts."""
    for kind, value in {
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_DATA: 3 << 30,
        resource.RLIMIT_FSIZE: 64 << 20,
        resource.RLIMIT_CORE: 0,
    }.items():
        resource.setrlimit(kind, (value, value))
    signal.alarm(SECONDS)


# --- cells that several files use, one after the other


class Pool:
    """Lends cells. A cell that failed has ended its process and starts another with the next file."""

    def __init__(self, new_cell: Callable[[], Cell]) -> None:
        self._new_cell, self._idle, self._all = new_cell, [], []

    _idle: list[Cell]
    _all: list[Cell]

    def lend(self) -> Lent:
        if not self._idle:
            self._all.append(self._new_cell())
            self._idle.append(self._all[-1])
        return Lent(self._idle.pop(), self._idle)

    def close(self) -> None:
        for cell in self._all:
            cell.close()


class Lent:
    """A cell of the pool; `close` gives it back."""

    def __init__(self, cell: Cell, home: list[Cell]) -> None:
        self._cell, self._home = cell, home
        self.load, self.score = cell.load, cell.score

    def close(self) -> None:
        if self._cell not in self._home:
            self._home.append(self._cell)


# --- runs


def scored(case: Case, cell: Cell) -> dict[str, Any]:
    """Load a file and score three batches with it, without a dry run before."""
    try:
        program = cell.load(case.source, ARM, "terms")
    except RewardRefused as error:
        return {"outcome": "refused", "rule": error.rule, "line": error.line, "column": error.column}
    except CellFailed as error:
        return {"outcome": "failed", "reason": error.reason}
    leaks, valid = False, True
    for kind in ("random", "edge", "late"):
        inputs = batch(2, 8, kind)
        before = digest(inputs)
        try:
            terms = cell.score(inputs, begun(2, 8), Memory()).terms
        except CellFailed as error:
            return {"outcome": "failed", "reason": error.reason, "changed": digest(inputs) != before}
        leaks |= any(CANARY in name or told(values) for name, values in terms.items())
        valid &= set(terms) == set(program.weights) and digest(inputs) == before
        valid &= all(values.shape == (2, 8) and np.isfinite(values).all() for values in terms.values())
    return {"outcome": "scored", "valid": bool(valid), "leaks": bool(leaks)}


def told(values: NDArray[Any]) -> bool:
    """Whether the canary is in the values, a letter a row."""
    letters = np.nan_to_num(values.reshape(-1).astype(np.float64)).clip(0, 255).astype(np.uint8)
    return CANARY.encode() in letters.tobytes()


def verified(case: Case, pool: Pool) -> dict[str, Any]:
    """What a file does in a cell by itself, and what the verifier says of it."""
    cell = pool.lend()
    try:
        alone = scored(case, cell)
    finally:
        cell.close()
    transitions = recorded()
    before = digest(transitions.inputs)
    verdict = verify(case.source, ARM, "terms", transitions, pool.lend)
    failed = next((check for check in verdict.checks if not check.passed), None)
    return {
        "name": case.name,
        "alone": alone,
        "status": verdict.status,
        "check": failed.name if failed else "",
        "said": verdict.reason,
        "changed": digest(transitions.inputs) != before or alone.get("changed", False),
    }


def main() -> None:
    """Run every file and print what it did."""
    limit()
    os.environ["CANARY"] = CANARY
    with working_folder() as folder:
        outside, pool = Outside([folder, Path("/")]), Pool(lambda: ProcessCell(deadline=0.5))
        try:
            for case in cases():
                print(json.dumps({**verified(case, pool), "effects": outside.effects()}), flush=True)
        finally:
            pool.close()
        last = outside.effects()  # of what came late
        outside.close()
        print(json.dumps({"name": "", "effects": last}))


if __name__ == "__main__":
    main()
