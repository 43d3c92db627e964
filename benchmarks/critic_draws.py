"""How often `ordering` refuses good and bad rewards of the labelled set where fewer trainings are stored.

    python benchmarks/critic_draws.py                  # the tune half, 40 draws a file; two minutes
    python benchmarks/critic_draws.py --half set_aside --draws 100 --json found.json
    python benchmarks/critic_draws.py --quick          # one task

The store is that of `critic.py` (`--out`, filled from `--runs` where it is not there). Of each file's store, 8 to 32
trainings are drawn anew; a draw counts as refused, as suspected only, or as no evidence.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from _critic_set import Member, counted
from _critic_verdicts import Examiner

from autoreward.critic.checks import ordering
from autoreward.critic.stored import Episode, Stored
from autoreward.records import write_bytes

ROOT = Path(__file__).resolve().parent.parent
LEAST, MOST = 8, 32
"""Trainings of a draw."""


@dataclass
class Options:
    """What to draw."""

    half: Literal["tune", "set_aside", "both"] = "tune"
    draws: int = 40
    """Of each file."""
    runs: Path = ROOT / "runs"
    """Whose trainings' episodes are stored."""
    out: Path = ROOT / "runs" / "critic"
    """Folder of the stores."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""
    quick: bool = False
    """Files of reacher alone, 5 draws each."""


@dataclass(frozen=True)
class Drawn(Stored):
    """A store of which only some trainings are there."""

    every: dict[tuple[str, ...], list[Episode]] = field(default_factory=dict)
    """Fields -> all episodes, read once for all draws."""
    trainings: frozenset[str] = frozenset()

    def episodes(self, fields: Sequence[str], without: str) -> list[Episode]:
        """Those of the drawn trainings."""
        key = tuple(fields)
        if key not in self.every:
            self.every[key] = super().episodes(fields, without)
        return [episode for episode in self.every[key] if episode.training in self.trainings]


def main(options: Options) -> None:
    examiner, generator = Examiner(options.out, 10.0), np.random.default_rng(0)
    examiner.store(options.runs)
    draws = 5 if options.quick else options.draws
    chosen = [member for member in counted() if options.half in (member.half, "both")]
    found: dict[str, Counter[str]] = {"good": Counter(), "bad": Counter()}
    refused: Counter[str] = Counter()
    for member in chosen:
        if options.quick and member.task != "reacher":
            continue
        for verdict in verdicts(examiner, member, draws, generator):
            found[member.entry.label][verdict] += 1
            refused[member.key] += member.entry.label == "good" and verdict == "fail"
    flat = {
        f"{label}/{name}": counts[verdict] / counts.total()
        for label, counts in found.items()
        for verdict, name in (("fail", "refused"), ("warning", "suspected"), ("no evidence", "no_evidence"))
        if counts
    } | {f"{label}/draws": counts.total() for label, counts in found.items()}
    print(json.dumps(flat, indent=1))
    print(
        "good ones refused at least once:", ", ".join(f"{key} {n}x" for key, n in refused.most_common() if n) or "none"
    )
    if options.json_ is not None:
        write_bytes(options.json_, json.dumps(flat, indent=1).encode())


def verdicts(examiner: Examiner, member: Member, draws: int, generator: np.random.Generator) -> Iterator[str]:
    """Of so many draws of a file's store."""
    with examiner.trial(member, "earlier") as trial:
        assert trial.stored is not None
        names = sorted({path.stem.split("-")[2] for path in trial.stored.folder.glob("*.npz")})
        every: dict[tuple[str, ...], list[Episode]] = {}
        for _ in range(draws):
            count = min(int(generator.integers(LEAST, MOST + 1)), len(names))
            some = frozenset(generator.choice(names, count, replace=False).tolist()) if names else frozenset()
            stored = Drawn(trial.stored.folder, trial.stored.schema, trial.stored.note, None, every, some)
            yield ordering.check(dataclasses.replace(trial, stored=stored)).verdict


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
