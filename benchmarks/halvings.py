"""Would a race have kept the best? Reads the curves of finished runs whose candidates all trained to the end.

    python benchmarks/halvings.py RUN [RUN ...]      # run folders, or folders of them
    python benchmarks/halvings.py runs --json halvings.json
    python benchmarks/halvings.py runs --quick       # the first round of each run alone

A round's candidates are ranked as `search/racing.py` does at a rung, by the evaluations nearest to a quarter and a half
of the steps. Counted is whether one that is best at the end is in the better half there, and with the one more that a
rung may keep (`more`); `chance` is what a drawn half would keep on average.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tyro

from autoreward.records import write_bytes
from autoreward.search.racing import Standing, places, ranked, survivors
from autoreward.search.trainings import rank
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord
from autoreward.training.contract import TrainingResult

SHARES = {"quarter": 0.25, "half": 0.5}


def main(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    quick: bool = False,
) -> None:
    """Count over all rounds of these runs."""
    found = dict.fromkeys(["rounds", *SHARES, *(f"{name}_more" for name in SHARES), "chance"], 0.0)
    for folder in _folders(runs):
        for round_ in folder.rounds()[: 1 if quick else None]:
            candidates = {
                record.index: (record, [result for result in _results(folder, record) if result.evaluations])
                for record in folder.candidates(round_)
                if record.status == "trained" and not record.stopped
            }
            trained = {index: results for index, (_, results) in candidates.items() if results}
            if len(trained) < 2:
                continue
            end = {index: rank(candidates[index][0].success_rate, candidates[index][0].score) for index in trained}
            best = {index for index in end if end[index] == max(end.values())}
            found["rounds"] += 1
            found["chance"] += places(len(trained), 0) / len(trained)
            for name, share in SHARES.items():
                field, half = [_standing(*each, share) for each in trained.items()], places(len(trained), 0)
                found[name] += bool(best & {one.index for one in ranked(field)[:half]})
                found[f"{name}_more"] += bool(best & {one.index for one in survivors(field, half)})
    print("  ".join(f"{name} {value:.1f}" for name, value in found.items()))
    if json_ is not None:
        write_bytes(json_, json.dumps(found, indent=1).encode())


def _folders(paths: tuple[Path, ...]) -> Iterator[RunFolder]:
    # Copies of a run have its name, and count once.
    runs = {file.parent.name: file.parent for path in paths for file in sorted(path.rglob("run.json"))}
    yield from (RunFolder(runs[name]) for name in sorted(runs))


def _results(folder: RunFolder, record: CandidateRecord) -> list[TrainingResult]:
    return [found for each in record.trainings.values() if (found := folder.result(each, record.steps)) is not None]


def _standing(index: int, results: list[TrainingResult], share: float) -> Standing:
    nearest = [min(each.evaluations, key=lambda one: abs(one.step - share * each.steps)) for each in results]
    scores = [one.score for one in nearest if one.score is not None]
    success, episodes = sum(one.success_rate for one in nearest) / len(nearest), sum(one.episodes for one in nearest)
    return Standing(index, success, sum(scores) / len(scores) if len(scores) == len(nearest) else None, episodes)


if __name__ == "__main__":
    tyro.cli(main)
