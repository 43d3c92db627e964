"""Running trainings and reading their results, for candidates, finalists and baselines alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from autoreward.critic.stored import Stored
from autoreward.engine.contract import Engine, JobRequest, run_all
from autoreward.engine.worker import failed_result
from autoreward.errors import MachineFailed
from autoreward.records import read_record, write_bytes, write_record
from autoreward.sandbox.isolation import Level, is_enough
from autoreward.search.observer import Observer
from autoreward.search.statistics import interval, iqm
from autoreward.store.folder import RunFolder
from autoreward.store.records import Row
from autoreward.task import Task
from autoreward.training.contract import Progress, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import EPISODES, JOB, POLICY, POLICY_LAST, PROGRESS, TRAJECTORIES, result_name


class Trainings:
    """Trains rewards on seeds; what is recorded is not trained again."""

    def __init__(
        self,
        folder: RunFolder,
        task: Task,
        engine: Engine,
        watch: Observer,
        least: Level = "B",
        shared: Path | None = None,
        stored: Stored | None = None,
    ) -> None:
        """Set up.

        Args:
            folder: the run's.
            task: what is trained.
            engine: where it is.
            watch: told of the progress.
            least: isolation of reward programs, wherever they run; a training with less has failed.
            shared: folder of finished trainings of all runs.
            stored: where some of their episodes are left for the Critic.
        """
        self._folder, self._task, self._engine, self._watch, self._shared = folder, task, engine, watch, shared
        self._least, self._stored = least, stored

    def run(
        self,
        rewards: Mapping[str, RewardSpec],
        seeds: Sequence[int],
        episodes: int,
        reported: bool = False,
        steps: int | None = None,
        stop_when_hacked: bool = False,
    ) -> dict[str, dict[int, TrainingResult]]:
        """Train every reward on every seed.

        Args:
            rewards: label (as the observer shows it) -> reward.
            seeds: training seeds.
            episodes: evaluation episodes of each final evaluation.
            reported: whether the final evaluations are for the report; see `TrainingJob.reported`.
            steps: to be reached for now; None: the task's. Only whole trainings are shared with other runs: a shorter
                one would have to bring its checkpoint.
            stop_when_hacked: whether each ends as soon as it hacks its reward.

        Returns:
            Label -> seed -> result; failed trainings have status `failed`.
        """
        folders: dict[tuple[str, int], Path] = {}
        labels: dict[Path, tuple[str, int]] = {}
        for seed in seeds:
            for label, reward in rewards.items():
                path = self._folder.add_training(self._job(reward, seed, episodes, reported, stop_when_hacked))
                folders[label, seed] = path
                labels.setdefault(path, (label, seed))

        def progress(request: JobRequest, state: Progress) -> None:
            self._watch.training_progress(*labels[request.folder], state)

        steps = self._task.steps if steps is None else steps
        shared = self._shared if steps == self._task.steps else None
        for path in labels:
            self._borrow(path, shared)
        requests = [JobRequest(folder=path, steps=steps) for path in labels]
        results = run_all(self._engine, requests, progress)
        lost = [request for request in requests if results[request.folder].failure == "machine"]
        results |= self._again(lost, progress)
        for path, (label, seed) in labels.items():
            results[path] = self._witnessed(path, results[path])
            self._lend(path, shared, results[path])
            if self._stored is not None and results[path].status == "ok":
                self._stored.add(read_record(path / JOB, TrainingJob), path)
            if faults := results[path].faults + results[path].evaluation_faults:
                self._watch.note(f"{label} seed {seed}: {faults} simulations blew up, which ended their episodes")
        return {label: {seed: results[folders[label, seed]] for seed in seeds} for label in rewards}

    def are_there(
        self,
        rewards: Mapping[str, RewardSpec],
        seeds: Sequence[int],
        episodes: int,
        steps: int,
        stop_when_hacked: bool = False,
    ) -> bool:
        """Whether all of them have been trained to so many steps, so that `run` takes no time."""
        jobs = [
            self._job(reward, seed, episodes, False, stop_when_hacked) for reward in rewards.values() for seed in seeds
        ]
        return all(self._folder.result(job.hash, steps) is not None for job in jobs)

    def _again(
        self, requests: Sequence[JobRequest], progress: Callable[[JobRequest, Progress], None]
    ) -> dict[Path, TrainingResult]:
        """Once more what failed through the machine; a second failure stands."""
        if not requests:
            return {}
        for request in requests:
            (request.folder / result_name(request.steps)).unlink()
        self._watch.note(f"{len(requests)} trainings failed through this machine, not through a reward; once more")
        return run_all(self._engine, requests, progress)

    def _witnessed(self, folder: Path, result: TrainingResult) -> TrainingResult:
        """The result, or a failed one where it came from a worker with less isolation than was asked for."""
        if result.isolation is None or is_enough(result.isolation, self._least):
            return result
        reason = f"its reward program ran at isolation level {result.isolation}, and level {self._least} is asked for"
        failed = failed_result(result.hash, result.steps, MachineFailed(reason), result.seconds)
        write_record(folder / result_name(result.steps), failed)
        return failed

    def _borrow(self, folder: Path, shared: Path | None) -> None:
        """Take a finished training from the shared folder; the result comes last, as when it is trained here."""
        result = result_name(self._task.steps)
        if shared is None or (folder / result).exists() or not (shared / folder.name / result).exists():
            return
        level = read_record(shared / folder.name / result, TrainingResult).isolation
        if level is None or is_enough(level, self._least):
            _copy(shared / folder.name, folder, result)

    def _lend(self, folder: Path, shared: Path | None, result: TrainingResult) -> None:
        """Leave a training that ended well for other runs."""
        name = result_name(self._task.steps)
        if shared is None or result.status != "ok" or (shared / folder.name / name).exists():
            return
        _copy(folder, shared / folder.name, name)

    def _job(self, reward: RewardSpec, seed: int, episodes: int, reported: bool, stop_when_hacked: bool) -> TrainingJob:
        return TrainingJob(
            task=self._task,
            reward=reward,
            seed=seed,
            episodes=episodes,
            reported=reported,
            stop_when_hacked=stop_when_hacked,
            least_isolation=self._least,
        )


def _copy(source: Path, destination: Path, result: str) -> None:
    """Copy a training's files, its result last, and nothing that another process may be writing.

    A job that is there stays: what a worker imports is said by this run, not by a folder that others may write to.
    """
    for name in (JOB, PROGRESS, POLICY, POLICY_LAST, EPISODES, TRAJECTORIES, result):
        if (source / name).exists() and not (name == JOB and (destination / JOB).exists()):
            write_bytes(destination / name, (source / name).read_bytes())


def summary(results: Mapping[int, TrainingResult]) -> tuple[float | None, float | None]:
    """Mean success rate and mean score over seeds; None where nothing was measured.

    A failed training counts as success 0, and leaves no score: the mean of the others would flatter the reward. One
    that failed through the machine does not count.
    """
    results = _counted(results)
    finals = [result.final for result in results.values() if result.final is not None]
    if not finals:
        return None, None
    scores = [final.score for final in finals if final.score is not None]
    success = sum(final.success_rate for final in finals) / len(results)
    return success, sum(scores) / len(scores) if len(scores) == len(results) else None


def _counted(results: Mapping[int, TrainingResult]) -> dict[int, TrainingResult]:
    """Those that say something about the reward."""
    return {seed: result for seed, result in results.items() if result.failure != "machine"}


def row(name: str, label: str, results: Mapping[int, TrainingResult], episodes: int, steps: int) -> Row:
    """One line of a table: interquartile means over seeds.

    A training without a result counts as success 0; one that failed through the machine is no sample.
    """
    lost = {seed: result.hash for seed, result in results.items() if result.failure == "machine"}
    results = _counted(results)
    finals = [result.final for result in results.values()]
    success = tuple(final.success_rate if final else 0.0 for final in finals)
    scores = tuple(final.score for final in finals if final is not None and final.score is not None)
    measured = any(final is not None for final in finals)
    return Row.model_validate(
        {
            "name": name,
            "label": label,
            "trainings": {seed: result.hash for seed, result in results.items()},
            "success": success,
            "scores": scores,
            "episodes": episodes,
            "steps": steps,
            "seconds": sum(result.seconds for result in results.values()) / max(len(results), 1),
            "success_iqm": iqm(success) if measured else None,
            "success_interval": interval(success) if measured else None,
            "score_iqm": iqm(scores) if scores else None,
            "score_interval": interval(scores) if len(scores) == len(finals) else None,
            "failed": sum(final is None for final in finals),
            "lost": lost,
        }
    )


def rank(success_rate: float | None, score: float | None) -> tuple[float, float]:
    """What candidates are ranked by, higher is better: success rate, then score."""
    return (-1.0 if success_rate is None else success_rate, float("-inf") if score is None else score)
