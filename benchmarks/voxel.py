"""Measures the voxel world: environment steps a second with observations, what fields cost, worlds, and the start.

    python benchmarks/voxel.py --json voxel.json    # everything; about two minutes on a quiet machine
    python benchmarks/voxel.py --parts others       # ours, Crafter and Craftax-Classic in turns, and nothing else
    python benchmarks/voxel.py --quick              # seconds: that it works, not what it finds

Actions are uniform, episodes end and begin anew, and every step's observations [N, 444] are made. `steps` counts by the
clock, the median of the rounds; `cpu` by the process's CPU seconds, the best round: what one core does undisturbed.
Crafter and Craftax-Classic are stepped beside it, in turns with ours, where they are installed (`pip install
'autoreward[benchmarks-voxel]'`): the one as its users step it, one environment in Python; the other with many in one
compiled `scan` of JAX, without the resets, which on a CPU would cost it far more than its steps. On a busy machine
their ratios to ours tell more than any speed.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from _page import machine
from _voxel_others import beside

from autoreward.envs.voxel.env import VoxelEnv
from autoreward.envs.voxel.generate import generate
from autoreward.envs.voxel.tasks import TASKS, TIERS
from autoreward.records import write_bytes

Figures = dict[str, float]

ON_TWO_CORES = "diamond_lava/512/2/steps"
AT_LEAST = {ON_TWO_CORES: 1_500_000.0}
UNDER = {"compile/cpu_seconds": 20.0}
COSTLY = ("blocks", "near", "lava_box_dist", "animals_rel")
"""Fields that are computed when they are read."""

START = """
import time
import numpy as np
begun, used = time.perf_counter(), time.process_time()
from autoreward.envs.voxel.env import VoxelEnv
env = VoxelEnv("diamond_lava", 2, mask_impossible=True)
env.reset(seed=0)
env.step(np.zeros(2, dtype=np.int64))
env.read(env.schema.names)
env.action_mask()
print(time.perf_counter() - begun, time.process_time() - used)
"""


@dataclass(frozen=True)
class Options:
    """What is measured, and how long."""

    quick: bool = False
    """A few steps of two tasks."""
    num_envs: tuple[int, ...] = (64, 512, 4096)
    threads: tuple[int, ...] = (1, 2)
    rounds: int = 5
    steps: int = 200
    """Of every environment in a round."""
    parts: tuple[Literal["steps", "fields", "worlds", "start", "others"], ...] = ()
    """What is measured; empty: everything."""
    craftax: tuple[int, ...] = (16, 64, 256)
    """Worlds of Craftax-Classic, each number an arm of its own."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """Where the figures are written."""


def stepped(env: VoxelEnv, steps: int, seed: int) -> tuple[float, float]:
    """Steps a second: by the clock, and of CPU time."""
    env.reset(seed=seed)
    actions = np.random.default_rng(seed).integers(0, env.task.actions, (steps, env.num_envs))
    begun, used = time.perf_counter(), time.process_time()
    for row in actions:
        _, _, terminated, truncated, _ = env.step(row)
        done = terminated | truncated
        if done.any():
            env.reset(options={"reset_mask": done})
    count = steps * env.num_envs
    return count / (time.perf_counter() - begun), count / (time.process_time() - used)


def measure_steps(options: Options) -> Figures:
    """Every task with 512 environments on one core; `diamond_lava` with other numbers and threads too."""
    arms = [(task, 512, 1) for task in TASKS]
    arms += [("diamond_lava", count, threads) for count in options.num_envs for threads in options.threads]
    if options.quick:
        arms = [("diamond_lava", 64, 1), ("approach_tree", 64, 1)]
    figures: Figures = {}
    for task, count, threads in dict.fromkeys(arms):
        env = VoxelEnv(task, count, threads=threads)
        steps = 10 if options.quick else max(options.steps * 512 // max(count, 512), 20)
        stepped(env, 10, 0)
        rounds = [stepped(env, steps, 0) for _ in range(1 if options.quick else options.rounds)]
        env.close()
        figures[f"{task}/{count}/{threads}/steps"] = float(np.median([clock for clock, _ in rounds]))
        if threads == 1:
            figures[f"{task}/{count}/{threads}/cpu"] = max(cpu for _, cpu in rounds)
    return figures


def measure_fields(options: Options) -> Figures:
    """Microseconds an environment that reading fields costs, N = 512."""
    count, calls = (64, 2) if options.quick else (512, 50)
    env = VoxelEnv("approach_cow", count)
    env.reset(seed=0)
    cheap = [name for name in env.schema.names if name not in (*COSTLY, "lava_near", "view_block", "view_dist")]
    figures: Figures = {}
    for label, names in {f"all {len(cheap)} that the step leaves": cheap, **{name: [name] for name in COSTLY}}.items():
        env.read(names)
        begun = time.process_time()
        for _ in range(calls):
            env.read(names)
        figures[f"read/{label}/us"] = (time.process_time() - begun) / calls / count * 1e6
    return figures


def measure_worlds(options: Options) -> Figures:
    """Milliseconds of CPU time that making a world takes."""
    figures: Figures = {}
    count = 2 if options.quick else 30
    for task in ("diamond_lava", "approach_tree", "obtain_diamond"):
        for tier in TIERS:
            begun = time.process_time()
            for number in range(count):
                generate(TASKS[task], TASKS[task].tiers[tier], number)
            figures[f"world/{task}/{tier}/ms"] = (time.process_time() - begun) / count * 1e3
    return figures


def measure_start(options: Options) -> Figures:
    """Seconds of a first use on a machine, and of a second: import, compilation or loading, one step, every field."""
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", START],
                env={**os.environ, "NUMBA_CACHE_DIR": folder}, capture_output=True, text=True, check=True,
            )  # fmt: skip
            found.append([float(part) for part in done.stdout.split()])
    (clock, cpu), (again, _) = found
    return {"compile/seconds": clock, "compile/cpu_seconds": cpu, "compile/again_seconds": again}


def measure_others(options: Options) -> Figures:
    """Ours, Crafter and Craftax-Classic in turns, where they are installed."""
    return beside(1 if options.quick else options.rounds, (8,) if options.quick else options.craftax, options.quick)


MEASURES = {
    "steps": measure_steps,
    "fields": measure_fields,
    "worlds": measure_worlds,
    "start": measure_start,
    "others": measure_others,
}


def main(options: Options) -> int:
    figures: Figures = {}
    for part in options.parts or tuple(MEASURES):
        figures |= MEASURES[part](options)
    sys.stdout.write(machine() + "\n")
    for name, value in figures.items():
        verdict = ""
        if name in AT_LEAST:
            verdict = f"   at least {AT_LEAST[name]:,.0f}: {'kept' if value >= AT_LEAST[name] else 'MISSED'}"
        if name in UNDER:
            verdict = f"   under {UNDER[name]:g}: {'kept' if value < UNDER[name] else 'EXCEEDED'}"
        sys.stdout.write(f"{name}: {value:,.0f}{verdict}\n" if value >= 100 else f"{name}: {value:.2f}{verdict}\n")
    if options.json_ is not None:
        write_bytes(options.json_, (json.dumps({"machine": machine(), **figures}, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
