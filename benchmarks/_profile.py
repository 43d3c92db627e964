"""What else costs: where a training's seconds go, the cell's share, and a candidate's start."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _jobs import QUICK, ArmJob, digest, run_once, say, unjudged, whole, with_settings
from _speed import FORWARD, LONGEST, program

from autoreward.engine.contract import JobRequest
from autoreward.engine.local import LocalEngine
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.records import Record, read_record, write_record
from autoreward.sandbox.contract import Memory
from autoreward.sandbox.process import ProcessCell
from autoreward.task import Task, load_task
from autoreward.training.contract import RewardSpec, TrainingJob
from autoreward.training.files import JOB

FIRST_SEED = 630_000
TASKS = ("half_cheetah", "hopper", "reacher", "lunar_lander")
PARTS = ("physics", "forward", "update", "reward", "normalise", "read", "judge", "log")
"""Parts that the trainer times, in the table's order; others follow."""
REPEATS = 50
STARTS = 5

MEMORY = FORWARD.replace(
    '"forward": next_state["forward_velocity"]', '"forward": next_state["x_position"] - best'
).replace(
    "    return {",
    '    best = memory.get("best", state["x_position"])\n'
    '    memory["best"] = np.maximum(best, next_state["x_position"])\n    return {',
)
"""The same program with memory, which the cell has to score step by step."""


class Profile(Record):
    """One training's seconds."""

    steps: int
    seconds: float
    """By the clock, from the job's start to its result."""
    cpu_seconds: float
    evaluator_seconds: float
    """Of `cpu_seconds`: the evaluations."""
    cell_seconds: float
    """Of `cpu_seconds`: the cell, from its start to its end."""
    parts: dict[str, float]
    """Seconds of the training loop by part; the loop is single-threaded, so they are CPU-seconds on a quiet machine."""
    reward_seconds: float
    """Waited for the cell."""
    message_share: float
    """Of a chunk's round trip to the cell: what is not the program itself; 0 without a program."""


class Start(Record):
    """Seconds from the request of a candidate to the result of its smallest training: one rollout, 2 x 1 episodes."""

    cold: float
    """With a new worker."""
    warm: float
    """With a worker that is alive; median."""


def measure(names: Sequence[str], trainer: str, out: Path, quick: bool) -> tuple[dict[str, Profile], Start]:
    """Profile one training of each task, with reward programs where there are some, and time a start."""
    found: dict[str, Profile] = {}
    for name in names:
        task = load_task(name)
        source = program(task)
        sources: dict[str, str | None] = {name: None} if source is None else {f"{name}/program": source}
        if source == FORWARD and not quick:
            sources |= {f"{name}/memory": MEMORY}
        for label, text in sources.items():
            found[label] = profile(task, text, label, trainer, out, quick)
    return found, start(load_task(names[0]), trainer, out, 1 if quick else STARTS)


def profile(task: Task, source: str | None, label: str, trainer: str, out: Path, quick: bool) -> Profile:
    """One training at the pack's settings, evaluations included; one that is there is kept."""
    job = ArmJob(
        arm="ours",
        task=with_settings(task, trainer, unjudged(task.trainer) if quick else task.trainer),
        reward=RewardSpec(kind="human") if source is None else RewardSpec(kind="program", source=source),
        seed=FIRST_SEED,
        steps=whole(QUICK if quick else min(task.steps, LONGEST), task.trainer),
        judged=2 if quick else task.trainer.evaluation_episodes,
    )
    place = out / f"{label.replace('/', '_')}-{digest([job])}-apart.json"
    if not place.exists():
        say(f"profile of {label}")
        (result,) = run_once([job], out)
        if result.training is None or result.training.status == "failed":
            raise SystemExit(f"{label} failed: {result.training and result.training.error}")
        entry = Profile(
            steps=result.steps,
            seconds=result.seconds,
            cpu_seconds=result.cpu_seconds,
            evaluator_seconds=result.training.evaluator_seconds,
            cell_seconds=result.child_cpu_seconds - result.training.evaluator_seconds,
            parts=result.training.timers,
            reward_seconds=result.training.reward_seconds,
            message_share=0.0 if source is None else message_share(task, source),
        )
        write_record(place, entry)
    return read_record(place, Profile)


def message_share(task: Task, source: str) -> float:
    """The share of a chunk's round trip to the cell that is not the program: packing, pipe, waking up, checks."""
    settings = task.trainer
    chunk = record_transitions(task, seed=0, steps=settings.rollout, num_envs=settings.num_envs)
    cell = ProcessCell()
    try:
        cell.load(source, describe(task.env), "terms")
        trips, inside = [], []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            scores = cell.score(chunk.inputs, chunk.begun, Memory())
            trips.append(time.perf_counter() - begun)
            inside.append(scores.seconds)
        return 1.0 - float(np.median(inside)) / float(np.median(trips))
    finally:
        cell.close()


def start(task: Task, trainer: str, out: Path, starts: int) -> Start:
    """Time the smallest training, with its reward in the cell, on a new worker and then on the same one."""
    settings = unjudged(task.trainer)
    reward = RewardSpec(kind="program", source=program(task)) if program(task) else RewardSpec(kind="human")
    small = with_settings(task, trainer, settings)
    engine = LocalEngine(1, timeout=600)
    taken = []
    for index in range(1 + starts):
        # A seed of its own for every call, since a training that is there would not be repeated.
        seed = FIRST_SEED + time.monotonic_ns() % 10**9 + index
        job = TrainingJob(task=small, reward=reward, seed=seed, episodes=1)
        folder = out / "start" / job.hash
        write_record(folder / JOB, job)
        begun = time.monotonic()
        request = JobRequest(folder=folder, steps=settings.num_envs * settings.rollout)
        result = engine.submit(request).result()
        taken.append(time.monotonic() - begun)
        if result.status == "failed":
            raise SystemExit(f"the start failed: {result.error}")
    return Start(cold=taken[0], warm=float(np.median(taken[1:])))


def shares(entry: Profile) -> dict[str, float]:
    """Part -> share of the training's seconds.

    `IPC` is the part of the wait for the cell that is not the program itself; `rest` is what no timer has: the start,
    the final evaluation, and files.
    """
    known = [part for part in (*PARTS, *sorted(set(entry.parts) - set(PARTS))) if part in entry.parts]
    found = {part: entry.parts[part] / entry.seconds for part in known}
    rest = 1.0 - sum(found.values())
    if entry.message_share:
        messages = entry.message_share * entry.reward_seconds / entry.seconds
        found |= {"reward": found["reward"] - messages, "IPC": messages}
    return found | {"rest": rest}


def figures(measured: dict[str, Profile], begun: Start) -> dict[str, float]:
    """Flat keys such as `profile/half_cheetah/program/physics`."""
    found = {"start/cold": begun.cold, "start/warm": begun.warm}
    for label, entry in measured.items():
        found |= {f"profile/{label}/{part}": share for part, share in shares(entry).items()}
        found[f"profile/{label}/evaluator"] = entry.evaluator_seconds / entry.cpu_seconds
        found[f"profile/{label}/cell"] = entry.cell_seconds / entry.cpu_seconds
    return found


def tables(measured: dict[str, Profile], begun: Start) -> list[str]:
    """The page's part."""
    parts = list(dict.fromkeys(part for entry in measured.values() for part in shares(entry)))
    lines = [
        f"| training | steps | seconds | {' | '.join(parts)} | evaluator, of all CPU-seconds | cell, of these |",
        "| --- " * (len(parts) + 5) + "|",
    ]
    for label, entry in measured.items():
        share = shares(entry)
        cells = [label, f"{entry.steps:,}", f"{entry.seconds:.1f}"]
        cells += [f"{share[part]:.1%}" if part in share else "-" for part in parts]
        cells += [f"{entry.evaluator_seconds / entry.cpu_seconds:.1%}"]
        cells += [
            f"{entry.cell_seconds / entry.cpu_seconds:.1%}" if entry.message_share else "-"
        ]  # no program, no cell
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "A candidate's start, measured as the whole of its smallest training (request, cell, evaluator, worlds, one "
        f"rollout, one update, two evaluation episodes): **{begun.warm:.2f} s** on a worker that is alive, "
        f"{begun.cold:.2f} s on a new one.",
    ]
    return lines
