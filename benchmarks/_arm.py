"""Runs one job of the training benchmarks: `python benchmarks/_arm.py FOLDER` reads arm.json, writes result.json."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import gymnasium
import numpy as np
from _cost import Cost
from _jobs import Act, ArmJob, ArmResult, gym_arguments

from autoreward.engine.worker import run_job
from autoreward.records import read_record, write_record
from autoreward.task import EnvSpec, Task
from autoreward.training.contract import Progress, TrainingJob
from autoreward.training.evaluator import Request
from autoreward.training.evaluators import borrow, keep
from autoreward.training.files import EPISODES, JOB, POLICY_LAST
from autoreward.training.policy import Policy
from autoreward.training.registry import find_trainer

FIRST_EPISODE = 1_000_000
"""Seed of the first Gymnasium episode; the same episodes for every arm and seed."""


def train_ours(job: ArmJob, folder: Path) -> tuple[ArmResult, Act | None]:
    """A worker's job; the result, and the last policy."""
    training = TrainingJob(task=job.task, reward=job.reward, seed=job.seed, episodes=max(job.judged, 1))
    place = folder / "training"
    write_record(place / JOB, training)
    find_trainer(job.task.trainer.name)  # its imports belong to the worker's start, not to the training
    start_evaluator(job.task)
    cost = Cost()
    done = run_job(place, job.steps, _quiet)
    if done.status == "failed":
        return cost.result(job.steps, [], []).model_copy(update={"training": done}), None
    with np.load(place / EPISODES) as episodes:
        result = cost.result(
            job.steps, episodes["step"].tolist(), episodes["own_return"].tolist(), done.evaluator_seconds
        )
    return result.model_copy(update={"training": done}), Policy.load(place / POLICY_LAST).act


def start_evaluator(task: Task) -> None:
    """As in a worker that has trained before: its evaluator is there, and has made such worlds once."""
    keep()
    evaluator = borrow(task, 1)
    evaluator.submit(Request(policy=None, seeds=(0,), step=0))
    evaluator.wait()
    evaluator.give_back()


def _quiet(progress: Progress) -> None:
    """Nobody watches."""


def evaluate(spec: EnvSpec, act: Act | None, episodes: int) -> tuple[float, ...]:
    """Returns of so many Gymnasium episodes, stepped side by side; without a policy, actions are drawn uniformly."""
    environments = [gymnasium.make(spec.id, **gym_arguments(spec)) for _ in range(episodes)]
    obs = np.stack([env.reset(seed=FIRST_EPISODE + index)[0] for index, env in enumerate(environments)])
    for index, env in enumerate(environments):
        env.action_space.seed(FIRST_EPISODE + index)
    returns, running = np.zeros(episodes), np.ones(episodes, dtype=np.bool_)
    while running.any():
        actions = None if act is None else act(obs)
        for index in np.flatnonzero(running).tolist():
            env = environments[index]
            action = env.action_space.sample() if actions is None else actions[index]
            obs[index], reward, terminated, truncated, _ = env.step(action)
            returns[index] += float(reward)
            running[index] = not (terminated or truncated)
    for env in environments:
        env.close()
    return tuple(returns.tolist())


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    job = read_record(folder / "arm.json", ArmJob)
    if job.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job.cores])
    act: Act | None = None
    if job.arm == "random":
        result = Cost().result(0, [], [])
    elif job.arm == "raw":
        from _raw import train_raw  # brings Stable-Baselines3, which the other arms do without

        result, act = train_raw(job)
    else:
        result, act = train_ours(job, folder)
    failed = result.training is not None and result.training.status == "failed"
    if job.episodes and not failed:
        result = result.model_copy(update={"returns": evaluate(job.task.env, act, job.episodes)})
    write_record(folder / "result.json", result)


if __name__ == "__main__":
    main()
