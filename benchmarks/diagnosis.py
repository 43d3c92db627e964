"""Which label the Analyzer gives to the faults of the Critic's set, from the trainings that critic_labels.py recorded.

    python benchmarks/diagnosis.py                       # every file of runs/critic_labels that has all its trainings
    python benchmarks/diagnosis.py --half set_aside --json found.json
    python benchmarks/diagnosis.py --quick               # the first ten files that are there

Nothing is trained. Rows are faults, columns the labels given. A label is right where it is one of those that FITTING
names for the fault; a file whose trainings contradict its own label (`disputed`, or not confirmed) is left out. What
a program does to a policy may be told by more than one label: a farmed shaping term is an exploit whether or not
episodes last, so most faults have several.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro
from _critic_set import Half, Member, members
from critic_labels import FIRST_SEED, OUTCOMES, Outcomes, jobs_of

from autoreward.analyzer.causes.table import cause
from autoreward.analyzer.recorded import Training, read_training
from autoreward.envs.registry import describe
from autoreward.records import read_record, write_bytes
from autoreward.task import load_task
from autoreward.training.contract import TrainingResult
from autoreward.training.files import result_name

TRAININGS = Path(__file__).resolve().parent.parent / "runs" / "critic_labels"
GOOD = "good"
QUICK = 10
LEARNT = ("solved", "budget_too_short", "unstable_learning", "weak_shaping")
"""Of a good reward: it may be slow, or luck, but nothing is wrong with what it pays for."""
FITTING: Mapping[str, Sequence[str]] = {
    GOOD: LEARNT,
    "wrong_sign": ("wrong_sign",),
    "wrong_frame": ("wrong_frame", "exploit", "wrong_sign"),
    "scale_off": ("reward_flooding", "never_fires", "exploit"),
    "flooding": ("reward_flooding", "exploit"),
    "hovering": ("exploit", "weak_shaping", "survival_farming"),
    "survival_farming": ("survival_farming",),
    "premature_end": ("premature_death",),
    "back_and_forth": ("exploit",),
    "never_fires": ("never_fires", "exploration_failure"),
    "contradictory": ("weak_shaping", "exploit", "exploration_failure", "reward_flooding"),
    "copy_of_state": ("never_fires", "exploration_failure"),
    "unbounded": ("exploit", "reward_flooding"),
    "proxy": ("exploit", "wrong_frame"),
    "local_optimum": ("weak_shaping", "exploit", "exploration_failure"),
    "look_away": ("exploit", "weak_shaping"),
    "drop_and_pick": ("exploit",),
    "ignores_danger": ("premature_death", "weak_shaping"),
}


def main(
    out: Path = TRAININGS,
    half: Literal["tune", "set_aside", "both"] = "both",
    seeds: int = 2,
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    quick: bool = False,
) -> None:
    """Label every file whose trainings are there, and print the confusion matrix.

    Args:
        out: folder of the trainings.
        half: which half of the set.
        seeds: of each file.
        json_: file for the labels.
        quick: the first ten files alone.
    """
    halves: tuple[Half, ...] = ("tune", "set_aside") if half == "both" else (half,)
    chosen = [member for member in members() if member.half in halves and not member.disputed]
    contradicted = set(read_record(OUTCOMES, Outcomes).contradicted) if OUTCOMES.exists() else set()
    found: dict[str, dict[str, str]] = {}
    for member in chosen:
        if member.key in contradicted or (quick and len(found) == QUICK):
            continue
        if (label := label_of(member, out, seeds)) is not None:
            found[member.key] = {"fault": member.entry.fault or GOOD, "half": member.half, **label}
    sys.stdout.write(table(found) + "\n")
    if json_ is not None:
        write_bytes(json_, json.dumps(found, indent=1).encode())


def label_of(member: Member, out: Path, seeds: int) -> dict[str, str] | None:
    """The label of a file and its evidence; None where a training is missing, or none ended well."""
    task = load_task(member.task)
    jobs = jobs_of(task, [member], tuple(range(FIRST_SEED, FIRST_SEED + seeds)), quick=False)[member.key]
    trainings: list[Training] = []
    for job in jobs:
        path = out / job.hash / result_name(job.task.steps)
        if not path.exists():
            return None
        trainings.append(read_training(job.seed, read_record(path, TrainingResult), path.parent))
    label = cause(task, describe(task.env), trainings)
    return None if label is None else {"label": label.diagnosis, "text": label.text}


def table(found: Mapping[str, Mapping[str, str]]) -> str:
    """The confusion matrix in Markdown; counts of fitting labels are bold."""
    labels = sorted({entry["label"] for entry in found.values()})
    counts = Counter((entry["fault"], entry["label"]) for entry in found.values())
    lines = [f"| fault | {' | '.join(labels)} | fitting |", "| --- |" + " --- |" * (len(labels) + 1)]
    right = total = 0
    for fault in [name for name in FITTING if any(key[0] == name for key in counts)]:
        row = {label: counts[fault, label] for label in labels}
        fits = sum(count for label, count in row.items() if label in FITTING[fault])
        right, total = right + fits, total + sum(row.values())
        cells = [
            f"**{count}**" if count and label in FITTING[fault] else str(count or "") for label, count in row.items()
        ]
        lines.append(f"| {fault} | {' | '.join(cells)} | {fits} of {sum(row.values())} |")
    return "\n".join([*lines, "", f"{right} of {total} files have a fitting label."])


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
