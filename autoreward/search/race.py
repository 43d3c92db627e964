"""The trainings of a round: all candidates to each rung, from rung to rung fewer of them; see `racing`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autoreward.search.account import Account
from autoreward.search.observer import Observer
from autoreward.search.racing import Standing, places, ranked, rungs, survivors
from autoreward.search.seeds import search_seeds
from autoreward.search.trainings import Trainings, summary
from autoreward.store.folder import RunFolder
from autoreward.store.records import RunRecord
from autoreward.training.contract import RewardSpec, TrainingResult

Results = dict[int, TrainingResult]
"""Of one candidate: seed -> result."""


class Race:
    """Trains a round's candidates, as far as each of them comes.

    It keeps no records: whoever goes on from a rung follows from the results that lie there, so a race that was broken
    off comes to the same end.
    """

    def __init__(
        self, folder: RunFolder, run: RunRecord, trainings: Trainings, account: Account, watch: Observer
    ) -> None:
        self._folder, self._run, self._trainings = folder, run, trainings
        self._account, self._watch = account, watch
        self._rungs = rungs(run.task, run.config.halvings)
        self.stopped = ""
        """Which cap has ended it, in words; empty where none has."""

    def train(self, round_: int, indices: Sequence[int]) -> Iterator[tuple[int, Mapping[str, object]]]:
        """Train candidates; of each, as soon as it has ended, the fields of its record that its trainings fill.

        Args:
            round_: theirs.
            indices: which, in the round.
        """
        going, reached, before = list(indices), dict[int, Results](), 0
        for rung, steps in enumerate(self._rungs):
            now = dict[int, Results]()
            for index, results in self._to(steps, round_, going):
                if results is None:
                    yield index, self._out_of_time(reached.get(index), before)
                elif steps == self._run.task.steps:
                    yield index, self._ended(results, steps)
                else:
                    now[index] = results
            going, behind = _field(now, places(len(indices), rung))
            for index in sorted(set(now) - set(going)):
                yield index, self._ended(now[index], steps, behind.get(index, ""))
            reached, before = now, steps

    def _to(self, steps: int, round_: int, indices: Sequence[int]) -> Iterator[tuple[int, Results | None]]:
        """Take candidates to so many steps; None for those for which there is no time."""
        seeds, episodes = search_seeds(self._run.config), self._run.task.trainer.evaluation_episodes
        stop = self._run.config.stop_when_hacked and self._run.config.analyzer == "full"
        rewards = {f"{round_}.{index}": self._reward(round_, index) for index in indices}
        # Under a cap on time one candidate trains after the other, so that the clock is looked at in between.
        timed = self._run.config.budget.wall_seconds is not None
        for group in [[name] for name in rewards] if timed else [list(rewards)] * bool(rewards):
            wanted = {name: rewards[name] for name in group}
            over = self._account.out_of_time()
            if over and not self._trainings.are_there(wanted, seeds, episodes, steps, stop):
                self.stopped = over
                self._watch.note(f"{over}; not trained to {steps:,} steps: {', '.join(group)}")
                yield from ((_index(name), None) for name in group)
                continue
            results = self._trainings.run(wanted, seeds, episodes, steps=steps, stop_when_hacked=stop)
            yield from ((_index(name), results[name]) for name in group)

    def _reward(self, round_: int, index: int) -> RewardSpec:
        return RewardSpec(kind="program", source=self._folder.source(round_, index), grammar=self._run.task.grammar)

    def _out_of_time(self, results: Results | None, steps: int) -> Mapping[str, object]:
        """The end of a candidate for whose next steps there was no time."""
        if results is None:
            return {"status": "failed", "reason": self.stopped}
        return self._ended(results, steps, self.stopped)

    def _ended(self, results: Results, steps: int, cause: str = "") -> Mapping[str, object]:
        """The end of a candidate that has come so far, and what stopped it there, in words."""
        results, steps = self._furthest(results, steps)
        success, score = summary(results)
        failures = [result.error or "unknown reason" for result in results.values() if result.status == "failed"]
        whole = self._run.task.steps
        behind = f"stopped after {steps:,} of {whole:,} steps: {cause}" if cause and steps < whole else ""
        return {
            "status": "failed" if success is None else "trained",
            "reason": "; ".join(dict.fromkeys(failures)),
            "trainings": {seed: result.hash for seed, result in results.items()},
            "steps": steps,
            "stopped": "; ".join(why for why in (_hacked(results, whole), behind) if why),
            "unspent": sum(result.steps - result.trained for result in results.values()),
            "success_rate": success,
            "score": score,
        }

    def _furthest(self, results: Results, steps: int) -> tuple[Results, int]:
        """What its trainings have come to: the same program may have raced before, in another field."""
        for further in (rung for rung in reversed(self._rungs) if rung > steps):
            found = {seed: self._folder.result(result.hash, further) for seed, result in results.items()}
            whole = {seed: result for seed, result in found.items() if result is not None}
            if len(whole) == len(results):
                return whole, further
        return results, steps


def _field(now: Mapping[int, Results], count: int) -> tuple[list[int], dict[int, str]]:
    """Who goes on from a rung, and for each that does not, why, in words; who failed there is neither.

    Nor is who hacks the reward on every seed; on some of them, the others go on, and those stay where they are.
    """
    standings = []
    for index, results in now.items():
        success, score = summary(results)
        if success is not None and not all(result.stopped for result in results.values()):
            episodes = sum(result.final.episodes for result in results.values() if result.final)
            standings.append(Standing(index, success, score, episodes))
    going = {one.index for one in survivors(standings, count)}
    behind = {
        one.index: f"it was behind {ahead} other{'' if ahead == 1 else 's'} there"
        for ahead, one in enumerate(ranked(standings))
        if one.index not in going
    }
    return [index for index in now if index in going], behind


def _hacked(results: Results, whole: int) -> str:
    """Where and on how many seeds trainings were stopped because they hacked the reward, in words; empty if none."""
    steps = [result.stopped.step for result in results.values() if result.stopped]
    if not steps:
        return ""
    seeds = f" on {len(steps)} of {len(results)} seeds" if len(results) > 1 else ""
    return f"stopped after {min(steps):,} of {whole:,} steps{seeds}: own return rose, and the aim did not follow"


def _index(name: str) -> int:
    return int(name.rpartition(".")[2])
