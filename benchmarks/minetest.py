"""A policy in the voxel world and on a Minetest server, in the same worlds from the same starts; and the speed of both.

    python benchmarks/minetest.py voxel/approach_tree --policy runs/RUN/best/policy.safetensors --episodes 32
    python benchmarks/minetest.py --quick        # a minute: uniform actions, that it works, not what it finds

Actions are drawn by the policy's probabilities. Printed for each world: success and outcomes, the mean of the measures
that both tasks have, steps a second by the clock (fields that the rules read included, one environment), and the seeds
whose episodes ended in other ways.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import functools
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from autoreward.envs.contract import BatchEnv
from autoreward.envs.registry import make_env
from autoreward.report.seeds import wilson
from autoreward.task import load_task
from autoreward.training.evaluation import Act, Episodes, evaluate
from autoreward.training.policy import Policy

QUICK = 2
"""Episodes of `--quick`."""


@dataclass(frozen=True)
class Options:
    """What is compared."""

    task: Annotated[str, tyro.conf.Positional] = "voxel/diamond_lava"
    """A voxel task that Minetest has, too; a tier may follow it."""
    policy: Path | None = None
    """A `policy.safetensors`; without it: uniform actions."""
    episodes: int = 32
    first_seed: int = 0
    quick: bool = False


@dataclass(frozen=True)
class Played:
    """What came of a policy in one world."""

    name: str
    episodes: Episodes
    seconds: float

    @property
    def ends(self) -> list[str]:
        """How each episode ended."""
        outcomes = self.episodes.outcomes
        named = [next((name for name in outcomes if outcomes[name][row]), "other") for row in range(len(self))]
        return ["success" if won else end for won, end in zip(self.episodes.success, named, strict=True)]

    def __len__(self) -> int:
        return len(self.episodes.length)

    def table(self) -> list[str]:
        """A row of text for each number."""
        count, episodes = len(self), self.episodes
        shares = {"success": episodes.success, **episodes.outcomes}
        rows = [f"{self.name}: {count} episodes, {episodes.length.sum() / self.seconds:,.0f} steps a second"]
        for name, holds in shares.items():
            low, high = wilson(int(holds.sum()), count)
            rows.append(f"  {name:24} {holds.mean():6.1%}   ({low:.1%} to {high:.1%})")
        rows.append(f"  {'steps':24} {episodes.length.mean():6.1f}")
        rows += [f"  {name:24} {np.nanmean(values):6.2f}" for name, values in episodes.measures.items()]
        return rows


def acting(policy: Policy | None, env: BatchEnv, seed: int) -> Act:
    """The policy's drawn actions, or uniform ones."""
    if policy is not None:
        return functools.partial(policy.act, random=np.random.default_rng(seed))
    env.action_space.seed(seed)
    return lambda obs, mask: env.random_actions()


def played(name: str, policy: Policy | None, seeds: range) -> Played:
    """Play in the worlds that are kept for reports."""
    task = load_task(name)
    env = make_env(task.env.used_for("report"), 1)
    env.reset(seed=seeds[0])  # what is compiled, generated or started once is no part of the speed
    begun = time.perf_counter()
    try:
        episodes = evaluate(env, task, acting(policy, env, seeds[0]), seeds)
        return Played(name, episodes, time.perf_counter() - begun)
    finally:
        env.close()


def main() -> int:
    """Compare, and print."""
    options = tyro.cli(Options, description=__doc__)
    policy = None if options.policy is None else Policy.load(options.policy)
    seeds = range(options.first_seed, options.first_seed + (QUICK if options.quick else options.episodes))
    names = (options.task, options.task.replace("voxel/", "minetest/"))
    ours, engine = (played(name, policy, seeds) for name in names)
    print("\n".join([*ours.table(), *engine.table()]))
    for seed, one, other in zip(seeds, ours.ends, engine.ends, strict=True):
        if one != other:
            print(f"seed {seed}: {one} in the voxel world, {other} on the engine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
