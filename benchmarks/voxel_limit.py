"""What the hand-written references' policies reach when they have more time, or in worlds of another tier.

    python benchmarks/voxel_limit.py                                        # diamond_lava with 400, 800 and 1,600 steps
    python benchmarks/voxel_limit.py --limits 0 --tiers easy standard hard  # trained in standard worlds, played in all
    python benchmarks/voxel_limit.py --quick                                # seconds: that it works, not what it finds

Nothing is trained: the policies are those that `benchmarks/voxel_learning.py` has left in `--out`, and they play in
test worlds, on the same seeds in every row. They see how much of the time has passed as a share of the limit, so that
under another limit the clock that they see is another one too. A row has every policy's success, and Wilson's interval
over the episodes of all.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import functools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
import voxel_learning

from autoreward.envs.registry import make_env
from autoreward.errors import UserError
from autoreward.records import write_bytes
from autoreward.report.seeds import wilson
from autoreward.task import load_task
from autoreward.training.contract import Evaluation
from autoreward.training.evaluation import evaluate
from autoreward.training.files import POLICY
from autoreward.training.policy import Policy

Figures = dict[str, float]
Policies = dict[int, Policy | None]
"""By the seed of their training; None: uniform actions."""


@dataclass(frozen=True)
class Options:
    """What is played."""

    tasks: tuple[str, ...] = ("voxel/diamond_lava",)
    tiers: tuple[str, ...] = ("standard",)
    limits: tuple[int, ...] = (400, 800, 1600)
    """Steps; 0: the tier's own."""
    seeds: int = 3
    """Policies of each task."""
    episodes: int = 256
    """Of each policy in each row."""
    out: Path = voxel_learning.Options.out
    """Folder of the trainings."""
    quick: bool = False
    """4 episodes each; uniform actions where no policy is recorded."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""


def main(options: Options) -> int:
    """Play, print the table, and write the figures."""
    if options.quick:
        options = replace(options, episodes=4)
    sys.stdout.write("| task | tier | limit | success | Wilson 95% | each policy | died in lava |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- | --- |\n")
    figures: Figures = {}
    for task, tier, limit in rows(options):
        found = {
            seed: play(task, tier, limit, policy, options.episodes)
            for seed, policy in recorded(task, options).items()
        }  # fmt: skip
        sys.stdout.write(line(task, tier, limit, list(found.values())) + "\n")
        sys.stdout.flush()
        figures |= told(f"{task}/{tier}/{limit or 'own'}", found)
    if options.json_:
        write_bytes(options.json_, (json.dumps(figures, indent=1) + "\n").encode())
    return 0


def rows(options: Options) -> Iterator[tuple[str, str, int]]:
    """Task, tier and limit of each row."""
    return ((task, tier, limit) for task in options.tasks for tier in options.tiers for limit in options.limits)


def recorded(task: str, options: Options) -> Policies:
    """The last policies of the trainings with the hand-written reference.

    Raises:
        UserError: there are none.
    """
    wanted = voxel_learning.Options(tasks=(task,), rewards=("reference",), seeds=options.seeds)
    files = {job.seed: options.out / job.hash / POLICY for job in voxel_learning.jobs_of(wanted).values()}
    if all(file.exists() for file in files.values()):
        return {seed: Policy.load(file) for seed, file in files.items()}
    if options.quick:
        return {0: None}
    wish = f"python benchmarks/voxel_learning.py --tasks {task} --rewards reference --seeds {options.seeds}"
    raise UserError(f"no trained policies of {task} in {options.out}; train them first: {wish}")


def play(task: str, tier: str, limit: int, policy: Policy | None, episodes: int) -> Evaluation:
    """Play in the worlds that are kept for reports, actions drawn by their probabilities."""
    rules = load_task(task, tier=tier)
    spec = rules.env.used_for("report")
    if limit:
        spec = spec.model_copy(update={"kwargs": {**spec.kwargs, "knobs": {"limit": limit}}})
    env = make_env(spec, min(episodes, 256))
    env.action_space.seed(0)
    draw = np.random.default_rng(0)
    act = functools.partial(policy.act, random=draw) if policy else lambda obs, mask: env.random_actions()
    try:
        return evaluate(env, rules, act, range(episodes)).summary(0)
    finally:
        env.close()


def pooled(found: list[Evaluation]) -> tuple[int, int]:
    """Successes and episodes of all policies together."""
    return sum(round(each.success_rate * each.episodes) for each in found), sum(each.episodes for each in found)


def line(task: str, tier: str, limit: int, found: list[Evaluation]) -> str:
    """A row of the table."""
    low, high = wilson(*pooled(found))
    successes, episodes = pooled(found)
    each = ", ".join(f"{one.success_rate:.1%}" for one in found)
    deaths = float(np.mean([one.outcomes["lava_death"] for one in found]))
    return (
        f"| `{task}` | {tier} | {limit or 'its own'} | {successes / episodes:.1%} | {low:.1%} - {high:.1%} | {each} | "
        f"{deaths:.1%} |"
    )


def told(key: str, found: dict[int, Evaluation]) -> Figures:
    """Flat figures."""
    successes, episodes = pooled(list(found.values()))
    low, high = wilson(successes, episodes)
    figures: Figures = {f"{key}/success": successes / episodes, f"{key}/low": low, f"{key}/high": high}
    for seed, one in found.items():
        shares = {"success": one.success_rate, "length": one.length, **one.outcomes}
        figures |= {f"{key}/{seed}/{name}": float(value) for name, value in shares.items()}
    return figures


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Options, description=__doc__)))
    except UserError as error:
        sys.exit(f"error: {error}")
