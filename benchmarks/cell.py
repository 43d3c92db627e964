"""Measures what the cell costs: each call beside a plain call of the same program, interleaved in the same run.

    python benchmarks/cell.py --json cell.json    # everything; about two minutes
    python benchmarks/cell.py --quick             # under a minute: that it works, not what it finds

Parts: `calls` (microseconds that the cell adds to a chunk, and to a step with memory, and the guards' part of them),
`ready` (from nothing to a loaded program), `training` (the share of a short training's seconds that the cell adds).
Plain is `exec` of the same source with the real `np`, without any check, and memory is a dict. `floor` is what plain
code adds in another process that checks nothing, on the same arrays in shared memory: no cell here can cost less.

Figures are medians; `quiet` ones the lowest tenth, for a machine on which other things run.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from _exchange import Exchange
from _jobs import ROOT, say
from _page import machine
from _profile import profile
from _speed import FORWARD
from numpy.typing import NDArray

from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.records import write_bytes
from autoreward.sandbox.contract import Inputs, Memory
from autoreward.sandbox.process import ProcessCell
from autoreward.sandbox.runner import Runner, Store
from autoreward.task import load_task
from autoreward.testing.cell import SCHEMA, episodes, sample

PARTS = ("calls", "ready", "training")
SHAPES = ((32, 64), (1, 1), (1, 64), (1, 1024), (1, 4096), (1, 8192))
"""Steps and rows of the chunks without memory; the first is the trainer's."""
MEMORY_SHAPES = ((32, 64), (1, 64))
TURN = 20
"""Calls of one arm before the next one's turn: most find caches as a loop of calls does. Trainings have it otherwise,
and are measured as they are."""
LIMITS = {
    **{f"plain/32x64/{kind}_us": 40.0 for kind in ("added", "quiet")},
    **{f"memory/{shape}/{kind}_step_us": 30.0 for shape in ("32x64", "1x64") for kind in ("added", "quiet")},
    "ready/warm_ms": 300.0,
    "ready/cold_ms": 300.0,
    "training/added_share": 0.03,
}
"""What the cell may cost."""

PLAIN = """
WEIGHTS = {"near": 1.0, "approach": 2.0, "high": 0.5, "effort": 0.1, "reached": 5.0, "fallen": 1.0}

def compute_reward(state, action, next_state, memory):
    before = np.linalg.norm(state["tip"] - state["goal"], axis=-1)
    distance = np.linalg.norm(next_state["tip"] - next_state["goal"], axis=-1)
    return {
        "near": -distance,
        "approach": before - distance,
        "high": np.clip(next_state["height"], 0.0, 1.0),
        "effort": -np.sum(np.square(action), axis=-1),
        "reached": np.where(distance < 0.05, 1.0, 0.0),
        "fallen": -next_state["fallen"].astype(np.float32),
    }
"""
"""Distance and cost in six terms."""
MEMORY = PLAIN.replace('before = np.linalg.norm(state["tip"] - state["goal"], axis=-1)', "").replace(
    "    return {",
    '    before = memory.get("best", distance)\n    memory["best"] = np.minimum(before, distance)\n    return {',
)
"""The same with the best distance so far."""

Array = NDArray[Any]
Figures = dict[str, float]


@dataclass
class Options:
    """What to measure."""

    parts: tuple[str, ...] = PARTS
    """Some of them."""
    calls: int = 1500
    """Calls of each arm for each shape, the large ones fewer."""
    starts: int = 9
    """Cells that are started, warm and cold."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures, one flat object."""
    quick: bool = False
    """Everything once and short."""


class PlainMemory(dict[str, Array]):
    """What somebody without a cell writes: a dict whose rows are forgotten where an episode begins."""

    begun: NDArray[np.bool_]

    def get(self, name: str, default: Array) -> Array:  # type: ignore[override]
        """Stored values; `default` in the rows that begin."""
        return np.where(self.begun, default, self[name]) if name in self else default


def plain_function(source: str) -> Callable[..., Mapping[str, Array]]:
    """The program as `exec` gives it."""
    scope: dict[str, Any] = {"np": np, "math": math}
    exec(source, scope)
    function: Callable[..., Mapping[str, Array]] = scope["compute_reward"]
    return function


def plain_call(source: str, inputs: Inputs, begun: NDArray[np.bool_], uses_memory: bool) -> Callable[[], object]:
    """The plain call on arrays that lie ready: at once without memory, else step by step."""
    function, memory = plain_function(source), PlainMemory()
    if not uses_memory:
        flat = arguments({name: array.reshape(-1, *array.shape[2:]) for name, array in inputs.items()})
        return lambda: function(*flat, memory)
    steps = [arguments({name: array[step] for name, array in inputs.items()}) for step in range(len(begun))]

    def step_by_step() -> object:
        terms = []
        for step, given in enumerate(steps):
            memory.begun = begun[step]
            terms.append(function(*given, memory))
        return terms

    return step_by_step


def arguments(arrays: Inputs) -> tuple[dict[str, Array], Array, dict[str, Array]]:
    """State, action and next state of one call."""
    state, after = (
        {name.partition(".")[2]: array for name, array in arrays.items() if name.startswith(f"{side}.")}
        for side in ("state", "next_state")
    )
    return state, arrays["action"], after


def interleaved(arms: Mapping[str, Callable[[], object]], calls: int) -> dict[str, NDArray[np.float64]]:
    """Microseconds of a call of each arm: the medians of turns of `TURN` calls, in which the arms take turns."""
    taken: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(-(-calls // TURN)):
        for name, call in arms.items():
            times = []
            for _ in range(TURN):
                begun = time.perf_counter()
                call()
                times.append(time.perf_counter() - begun)
            taken[name].append(float(np.median(times)) * 1e6)
    return {name: np.array(times) for name, times in taken.items()}


def measure_calls(options: Options) -> Figures:
    """Added microseconds, by program and shape."""
    found: Figures = {}
    for kind, source, shapes in (("plain", PLAIN, SHAPES), ("memory", MEMORY, MEMORY_SHAPES)):
        for steps, rows in shapes:
            say(f"{kind} {steps}x{rows}")
            calls = max(4 * TURN, options.calls // (10 if options.quick else 1) // (4 if steps * rows > 2000 else 1))
            times = measure_shape(source, steps, rows, calls)
            place, added = f"{kind}/{steps}x{rows}", times["cell"] - times["plain"]
            found |= {f"{place}/{name}_us": float(np.median(values)) for name, values in times.items()}
            found[f"{place}/guards_us"] = float(np.median(times["guarded"] - times["plain"]))
            if "exchange" in times:
                found[f"{place}/floor_us"] = float(np.median(times["exchange"] - times["plain"]))
            found |= {f"{place}/added_us": float(np.median(added)), f"{place}/quiet_us": quiet(added)}
            if kind == "memory":
                found[f"{place}/added_step_us"] = float(np.median(added)) / steps
                found[f"{place}/quiet_step_us"] = quiet(added) / steps
    return found


def quiet(values: NDArray[np.float64]) -> float:
    """What it is while nothing else uses the machine: the tenth of the turns with the least."""
    return float(np.quantile(values, 0.1))


def measure_shape(source: str, steps: int, rows: int, calls: int) -> dict[str, NDArray[np.float64]]:
    """Microseconds of the plain call, the guarded one in this process, and the cell's."""
    inputs, begun = sample(steps, rows), episodes(steps + 1, rows)[1:]  # in the middle of episodes
    runner = Runner(source, SCHEMA.names, "terms")
    with closing(ProcessCell()) as cell:
        program = cell.load(source, SCHEMA, "terms")
        read = {name: inputs[name] for name in program.inputs}
        memory = cell.score(inputs, begun, Memory()).memory

        def guarded() -> object:
            store: Store = {name: (values, memory.present[name]) for name, values in memory.values.items()}
            return runner.score(read, begun, store)

        arms = {
            "plain": plain_call(source, inputs, begun, program.uses_memory),
            "guarded": guarded,
            "cell": lambda: cell.score(inputs, begun, memory),
        }
        if program.uses_memory:
            return interleaved(arms, calls)
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            exchange = Exchange(source, read, len(program.weights), Path(folder))
            with closing(exchange):
                return interleaved(arms | {"exchange": lambda: exchange.call(read)}, calls)


def measure_ready(options: Options) -> Figures:
    """Milliseconds from nothing to a loaded program, with the files in the page cache and without."""
    warm: list[float] = []
    cold: list[float] = []
    again: list[float] = []
    for _ in range(2 if options.quick else options.starts):
        forget_files()
        for times in (cold, warm):
            begun = time.perf_counter()
            with closing(ProcessCell()) as cell:
                cell.load(PLAIN, SCHEMA, "terms")
                times.append(time.perf_counter() - begun)
                begun = time.perf_counter()
                cell.load(PLAIN, SCHEMA, "terms")
                again.append(time.perf_counter() - begun)
    taken = {"cold": cold, "warm": warm, "load": again}
    return {f"ready/{name}_ms": float(np.median(values)) * 1e3 for name, values in taken.items()}


def forget_files() -> None:
    """Drop Python's and the packages' files from the page cache; what this process has mapped stays there."""
    for folder in {Path(os.__file__).parent, Path(np.__file__).parents[1], ROOT / "autoreward"}:
        for path in folder.rglob("*"):
            if path.suffix in (".py", ".pyc", ".so"):
                descriptor = os.open(path, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)


def measure_training(options: Options) -> Figures:
    """What the cell adds to a second of a training of half_cheetah with a program."""
    task = load_task("half_cheetah")
    settings, schema = task.trainer, describe(task.env)
    with tempfile.TemporaryDirectory() as folder:
        entry = profile(task, FORWARD, "half_cheetah/program", settings.name, Path(folder), options.quick)
    chunk = record_transitions(task, seed=0, steps=settings.rollout, num_envs=settings.num_envs)
    with closing(ProcessCell()) as cell:
        program = cell.load(FORWARD, schema, "terms")
        inputs = {name: np.asarray(chunk.inputs[name], np.float32) for name in program.inputs}
        plain = plain_call(FORWARD, {**inputs, "action": chunk.inputs["action"]}, chunk.begun, uses_memory=False)
        scored = {"plain": plain, "cell": lambda: cell.score(inputs, chunk.begun, Memory())}
        taken = interleaved(scored, 100 if options.quick else options.calls)
    times = {name: float(np.median(values)) for name, values in taken.items()}
    share = entry.reward_seconds / entry.seconds
    return {
        "training/seconds": entry.seconds,
        "training/reward_share": share,
        "training/added_share": share * (1.0 - times["plain"] / times["cell"]),
        "training/chunk_plain_us": times["plain"],
        "training/chunk_added_us": times["cell"] - times["plain"],
    }


MEASURE: dict[str, Callable[[Options], Figures]] = {
    "calls": measure_calls,
    "ready": measure_ready,
    "training": measure_training,
}


def main(options: Options) -> int:
    figures: Figures = {}
    for part in options.parts:
        figures |= MEASURE[part](options)
    sys.stdout.write(machine() + "\n")
    for name, value in figures.items():
        limit = (
            f"   limit {LIMITS[name]:g}: {'kept' if value <= LIMITS[name] else 'EXCEEDED'}" if name in LIMITS else ""
        )
        sys.stdout.write(f"{name}: {value:.4g}{limit}\n")
    if options.json_ is not None:
        write_bytes(options.json_, (json.dumps({"machine": machine(), **figures}, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
