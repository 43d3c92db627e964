"""Asking, between rounds and for the report, whether it is the reward that fails."""

from __future__ import annotations

from collections.abc import Mapping

from autoreward.analyzer.hopeless import FAILS, hopeless
from autoreward.analyzer.recorded import Training, read_training
from autoreward.designer.contract import Finding
from autoreward.language.static import grammar_of
from autoreward.search.seeds import report_seeds
from autoreward.search.trainings import Trainings
from autoreward.store.folder import RunFolder
from autoreward.store.records import RunRecord
from autoreward.task import Task
from autoreward.training.contract import RewardSpec

LEAST_ROUNDS = 2
"""Rounds of failures before it is asked: one round is one idea of a Designer that has learnt nothing yet."""
SEEDS = 2
"""Of the report's seeds on which the reference is trained then; the report needs those trainings anyway."""
HOW_TO_GO_ON = "--no-stop-when-hopeless goes on all the same"


def reference_reward(task: Task) -> tuple[str, RewardSpec, str]:
    """What a designed reward is compared with: name, reward, and label of the pack's or the environment's own."""
    if task.reference is not None:
        spec = RewardSpec(kind="program", source=task.reference, grammar=grammar_of(task.reference))
        return "reference", spec, "hand-written reference"
    return "human", RewardSpec(kind="human"), "environment's own reward"


def between_rounds(folder: RunFolder, run: RunRecord, trainings: Trainings, round_: int) -> Finding | None:
    """After a round that another would follow: whether all rewards so far fail, and the reference does too.

    The reference is trained for it, on two of the report's seeds, only where every candidate has failed, and not all
    of them by hacking their rewards.
    """
    if round_ + 1 < LEAST_ROUNDS or round_ + 1 >= run.config.rounds:
        return None
    candidates = _candidates(folder, run)
    results = [one.result for found in candidates.values() for one in found]
    finals = [result.final for result in results if result.final is not None]
    if all(result.stopped for result in results) or any(final.success_rate > FAILS for final in finals):
        return None
    name, reward, _ = reference_reward(run.task)
    episodes = run.config.report_episodes or run.task.report_episodes
    trained = trainings.run({name: reward}, report_seeds(run.config)[:SEEDS], episodes, reported=True)[name]
    own = [read_training(seed, one, folder.training_folder(one.hash)) for seed, one in trained.items()]
    return hopeless(run.task, run.env_schema, list(candidates.values()), own)


def of_report(folder: RunFolder, run: RunRecord, reference: Mapping[int, str]) -> Finding | None:
    """The same for a whole run; `reference`: seed -> hash of the reference's trainings."""
    own = _read(folder, reference, run.task.steps)
    return hopeless(run.task, run.env_schema, list(_candidates(folder, run).values()), own)


def _candidates(folder: RunFolder, run: RunRecord) -> dict[str, list[Training]]:
    """Each candidate that had the task's whole steps, with its trainings."""
    whole = [record for record in folder.all_candidates() if record.trainings and record.steps == run.task.steps]
    found = {record.name: _read(folder, record.trainings, record.steps) for record in whole}
    return {name: trainings for name, trainings in found.items() if trainings}


def _read(folder: RunFolder, hashes: Mapping[int, str], steps: int) -> list[Training]:
    results = {seed: folder.result(hash_, steps) for seed, hash_ in hashes.items()}
    return [
        read_training(seed, result, folder.training_folder(result.hash))
        for seed, result in results.items()
        if result is not None
    ]
