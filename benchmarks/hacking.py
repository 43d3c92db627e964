"""How often trainings would be stopped for hacking their reward, of recorded ones: false alarms, and alarms.

    python benchmarks/hacking.py                          # the tune half of the labelled set, and other recorded runs
    python benchmarks/hacking.py --half set_aside         # the other half: what the figures of the docs are from
    python benchmarks/hacking.py --half both --json found.json
    python benchmarks/hacking.py --quick                  # the first ten files, and the first 50 other trainings

Nothing is trained. What `episodes.npz` recorded is looked at as it would have been while it was trained: at each tenth,
the episodes and evaluations up to then. A file of the labelled set (trained by critic_labels.py) counts where one of
its trainings would have been stopped; files whose trainings contradict their label are left out. Of all other
recorded runs it is trainings that count, rewards of programs and environments, each once: good is where the shipped
policy succeeds in half of its episodes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from _critic_set import Half, Member, members
from critic_labels import FIRST_SEED, OUTCOMES, Outcomes, jobs_of

from autoreward.analyzer.recorded import read_episodes
from autoreward.errors import RunDamaged
from autoreward.records import read_record, write_bytes
from autoreward.report.seeds import wilson
from autoreward.task import load_task
from autoreward.training.contract import HackingAlarm, TrainingJob, TrainingResult
from autoreward.training.files import JOB, result_name
from autoreward.training.hacking import due, hacked

RUNS = Path(__file__).resolve().parent.parent / "runs"
LABELLED = "critic_labels"
GOOD = 0.5
QUICK_FILES, QUICK_TRAININGS = 10, 50


@dataclass(frozen=True)
class Found:
    """A file of the set, or a training."""

    group: str
    """`tune`, `set_aside`, `programs` or `environments`: other recorded trainings on a program, or on the
    environment's own reward, which no search would stop."""
    name: str
    good: bool
    alarm: HackingAlarm | None


def main(
    runs: Path = RUNS,
    half: Literal["tune", "set_aside", "both"] = "tune",
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    quick: bool = False,
) -> None:
    """Look at every recorded training, and print what would have been stopped.

    Args:
        runs: folder of the recorded runs.
        half: which half of the labelled set; other runs are looked at with `tune` and `both` alone.
        json_: file for the counts.
        quick: the first few alone.
    """
    halves: tuple[Half, ...] = ("tune", "set_aside") if half == "both" else (half,)
    found = list(of_the_set(runs / LABELLED, halves, QUICK_FILES if quick else None))
    if half != "set_aside":
        found += of_other_runs(runs, QUICK_TRAININGS if quick else None)
    figures = counts(found)
    sys.stdout.write("\n".join([*(told(one) for one in found if one.alarm), "", table(figures)]) + "\n")
    if json_ is not None:
        write_bytes(json_, json.dumps(figures, indent=1).encode())


def of_the_set(folder: Path, halves: Sequence[Half], most: int | None) -> Iterator[Found]:
    """Each file whose trainings are there and do not contradict its label."""
    contradicted = set(read_record(OUTCOMES, Outcomes).contradicted) if OUTCOMES.exists() else set()
    chosen = (m for m in members() if m.half in halves and not m.disputed and m.key not in contradicted)
    count = 0
    for member in chosen:
        alarms = [alarm_of(folder / name) for name in trainings_of(member)]
        if any(known is None for known in alarms) or count == most:
            continue
        count += 1
        raised = [alarm for known in alarms if known for alarm in known if alarm]
        yield Found(member.half, member.key, member.entry.label == "good", raised[0] if raised else None)


def trainings_of(member: Member) -> list[str]:
    """Their hashes, by seed."""
    jobs = jobs_of(load_task(member.task), [member], (FIRST_SEED, FIRST_SEED + 1), quick=False)
    return [job.hash for job in jobs[member.key]]


def of_other_runs(runs: Path, most: int | None) -> Iterator[Found]:
    """Each training of a program or of the environment's own reward, in any folder but that of the set."""
    seen: set[Path | str] = set()
    for path in sorted(runs.rglob(JOB)):
        folder = path.parent
        name = folder.name if len(folder.name) == 16 else folder  # a hash names what it did, wherever it lies
        if LABELLED in folder.relative_to(runs).parts or name in seen or len(seen) == most:
            continue
        alarm, result = alarm_of(folder), result_of(folder)
        if alarm is not None and result is not None and result.final is not None:
            seen.add(name)
            good = result.final.success_rate >= GOOD
            program = read_record(path, TrainingJob).reward.kind == "program"
            yield Found("programs" if program else "environments", str(folder.relative_to(runs)), good, alarm[0])


def alarm_of(folder: Path) -> tuple[HackingAlarm | None] | None:
    """The alarm of a recorded training, one or none; None where there is nothing to look at."""
    result = result_of(folder)
    if result is None or not (folder / JOB).exists():
        return None
    job = read_record(folder / JOB, TrainingJob)
    if job.reward.kind not in ("program", "human"):
        return None
    try:
        episodes = read_episodes(folder)
    except RunDamaged:
        return None
    for now in due(result.steps) if episodes else ():
        past = [evaluation for evaluation in result.evaluations if evaluation.step <= now]
        alarm = hacked(episodes, result.steps, now, past.copy)
        if alarm is not None:
            return (alarm,)
    return (None,)


def result_of(folder: Path) -> TrainingResult | None:
    """The result of the most steps; None where it is missing or failed."""
    names = [int(path.stem.partition("-")[2]) for path in folder.glob(result_name(0).replace("0", "*"))]
    if not names:
        return None
    result = read_record(folder / result_name(max(names)), TrainingResult)
    return result if result.status == "ok" else None


def counts(found: Sequence[Found]) -> dict[str, float]:
    """Flat: GROUP/good, GROUP/false_alarms, GROUP/bad, GROUP/alarms, and the ends of their Wilson intervals."""
    figures: dict[str, float] = {}
    for group in dict.fromkeys(one.group for one in found):
        for good, label, name in ((True, "good", "false_alarms"), (False, "bad", "alarms")):
            of_it = [one for one in found if one.group == group and one.good is good]
            raised = sum(one.alarm is not None for one in of_it)
            low, high = wilson(raised, len(of_it))
            figures |= {f"{group}/{label}": len(of_it), f"{group}/{name}": raised}
            figures |= {f"{group}/{name}_low": low, f"{group}/{name}_high": high}
            if not good:
                named = sum(one.alarm is not None and one.alarm.term is not None for one in of_it)
                figures[f"{group}/named"] = named
    return figures


def table(figures: dict[str, float]) -> str:
    """In Markdown."""
    lines = ["| group | false alarms on good | 95% | alarms on bad | 95% | term named |", "| --- |" + " --- |" * 5]
    for group in dict.fromkeys(key.partition("/")[0] for key in figures):
        row = {key.partition("/")[2]: value for key, value in figures.items() if key.startswith(group + "/")}
        lines.append(
            f"| {group} | {row['false_alarms']} of {row['good']} | {row['false_alarms_low']:.1%} - "
            f"{row['false_alarms_high']:.1%} | {row['alarms']} of {row['bad']} | {row['alarms_low']:.1%} - "
            f"{row['alarms_high']:.1%} | {row['named']} |"
        )
    return "\n".join(lines)


def told(found: Found) -> str:
    """An alarm in a line."""
    alarm = found.alarm
    assert alarm
    own, success = (" -> ".join(f"{value:.3g}" for value in pair) for pair in (alarm.own_return, alarm.success))
    label = "FALSE" if found.good else "bad"
    return (
        f"{label:5s} {found.group} {found.name}: {alarm.kind} at {alarm.step:,}, own return {own}, "
        f"success {success}, term {alarm.term}"
    )


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
