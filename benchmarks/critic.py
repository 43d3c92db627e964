"""How many bad rewards of the labelled set the Critic finds, and how many good ones it refuses or suspects.

    python benchmarks/critic.py                               # both halves; about 5 s of CPU time a file
    python benchmarks/critic.py --half tune --json found.json # keys such as set_aside/all/recall
    python benchmarks/critic.py --busy                        # seconds are CPU time, where others use the machine too
    python benchmarks/critic.py --again                       # `ordering` anew, whose verdict is quickly had
    python benchmarks/critic.py --quick                       # two files of reacher, that it works

A verdict is kept in `--out` and not made again: remove the folder after a change of a check. So are the stores of
episodes that `ordering` is given; see `_critic_verdicts.py`. Files whose trainings contradict their label (`disputed`)
are counted nowhere. Positive is bad: refused (a check fails), or suspected (a check fails or warns). Beside the Critic
stands CARD's trajectory preference evaluation alone, on the same store: mean pay a step, 80% of the successes above the
best failure, and a store with one kind only passes.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro
from _critic_set import Half, Member, counted
from _critic_verdicts import Examiner, Kept
from critic_labels import OUTCOMES, Outcomes

from autoreward.critic.contract import Check
from autoreward.errors import AutorewardError
from autoreward.records import read_record, write_bytes
from autoreward.report.seeds import wilson

ROOT = Path(__file__).resolve().parent.parent
QUICK = ("reacher/near_and_precise", "reacher/far_is_costly")
RULES = {"refused": ("fail",), "suspected": ("fail", "warning")}
"""Rule -> verdicts that speak against a file."""


@dataclass
class Options:
    """What to verify."""

    half: Literal["tune", "set_aside", "both"] = "both"
    files: tuple[str, ...] = ()
    """TASK/NAME; empty: all of the half."""
    probe_seconds: float = 10.0
    """Of a file."""
    busy: bool = False
    """Count seconds of CPU time, of this process and of its cells."""
    again: bool = False
    """Ask `ordering` once more of every file."""
    runs: Path = ROOT / "runs"
    """Whose trainings' episodes are stored."""
    out: Path = ROOT / "runs" / "critic"
    """Folder of verdicts and stores."""
    kept: bool = False
    """Verify nothing: figures of what is kept."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""
    quick: bool = False
    """Two files in 4 s each; nothing is kept."""


@dataclass(frozen=True)
class Judged:
    """A file, and each row's verdict on it."""

    member: Member
    verdicts: Mapping[str, str]
    """Row of the table (`all`, a check, `card`) -> pass, fail, warning or no evidence; a check that was not made is
    not there."""
    confirmed: bool
    """Whether trainings confirm its label."""

    @property
    def bad(self) -> bool:
        """As its label says."""
        return self.member.entry.label == "bad"


def main(options: Options) -> None:
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            tell(judge_all(replace(options, out=Path(folder), runs=Path(folder), files=QUICK, probe_seconds=4)))
        return
    found = judge_all(options)
    tell(found)
    if options.json_ is not None:
        write_bytes(options.json_, json.dumps(figures(found), indent=1).encode())


def judge_all(options: Options) -> list[Judged]:
    """Verify file by file, tasks in turns so that an unfinished run has some of each."""
    examiner = Examiner(options.out, options.probe_seconds)
    if options.busy:
        examiner.clock.rule()
    examiner.store(options.runs)
    outcomes = read_record(OUTCOMES, Outcomes).files if OUTCOMES.exists() else {}
    found = []
    for member in in_turns(options.half, options.files):
        kept = examiner.known(member) if options.kept else examiner.kept(member, options.again)
        if kept is None or not kept.ordering:
            continue
        outcome = outcomes.get(member.key)
        found.append(Judged(member, verdicts(kept), outcome is not None and outcome.confirmed))
    return found


def in_turns(half: str, files: Sequence[str]) -> list[Member]:
    """The chosen files: each task's first, then each task's second, and so on."""
    chosen = [m for m in counted() if half in (m.half, "both") and (not files or m.key in files)]
    if unknown := set(files) - {member.key for member in chosen}:
        raise SystemExit(f"not in the chosen half, or disputed: {', '.join(sorted(unknown))}")
    place = {m.key: [each.key for each in chosen if each.task == m.task].index(m.key) for m in chosen}
    return sorted(chosen, key=lambda member: place[member.key])


def verdicts(kept: Kept) -> dict[str, str]:
    """Row -> verdict on one file."""
    rows = {}
    for store, name in (("earlier", "all"), ("little", "all, little stored")):
        made: Mapping[str, Check] = kept.checks(store)
        rows[name] = worst([check.verdict for check in made.values()])
    rows |= {name: check.verdict for name, check in kept.checks("earlier").items()}
    rows["ordering, little stored"] = kept.ordering["little"].check.verdict
    return rows | {"card": kept.ordering["earlier"].card.verdict}


def worst(found: Sequence[str]) -> str:
    """Of all checks together."""
    return next((verdict for verdict in ("fail", "warning") if verdict in found), "pass")


def figures(found: Sequence[Judged]) -> dict[str, float]:
    """Flat: HALF/ROW/NAME of refusals, HALF/ROW/suspected/NAME; HALF/confirmed/... of confirmed labels alone."""
    numbers: dict[str, float] = {}
    halves: tuple[Half, ...] = ("tune", "set_aside")
    for half in halves:
        of_it = [each for each in found if each.member.half == half]
        for row in rows_of(of_it):
            numbers |= prefixed(f"{half}/{row}", scores(of_it, row))
        if sure := [each for each in of_it if each.confirmed]:
            numbers |= prefixed(f"{half}/confirmed", scores(sure, "all"))
    return numbers


def rows_of(found: Sequence[Judged]) -> list[str]:
    """In the order in which they were made."""
    return list(dict.fromkeys(row for each in found for row in each.verdicts))


def prefixed(prefix: str, numbers: Mapping[str, float]) -> dict[str, float]:
    """Keys behind a prefix."""
    return {f"{prefix}/{key}": value for key, value in numbers.items()}


def scores(found: Sequence[Judged], row: str) -> dict[str, float]:
    """Precision, recall and false alarms of a row by either rule, with 95% intervals (Wilson) and counts."""
    told = [(each.bad, each.verdicts[row]) for each in found if row in each.verdicts]
    bad, good = ([verdict for is_bad, verdict in told if is_bad is of] for of in (True, False))
    numbers: dict[str, float] = {"bad": len(bad), "good": len(good)}
    numbers |= {"bad_no_evidence": bad.count("no evidence"), "good_no_evidence": good.count("no evidence")}
    for rule, against in RULES.items():
        hits, false = (sum(verdict in against for verdict in of) for of in (bad, good))
        prefix = "" if rule == "refused" else f"{rule}/"
        numbers |= {f"{prefix}bad_{rule}": hits, f"{prefix}good_{rule}": false}
        for name, count, total in (("recall", hits, len(bad)), ("false", false, len(good))):
            numbers |= share(f"{prefix}{name}", count, total)
        numbers |= share(f"{prefix}precision", hits, hits + false)
    return numbers


def share(name: str, count: int, total: int) -> dict[str, float]:
    """A share and its interval; nothing of nothing."""
    low, high = wilson(count, total)
    return {name: count / total, f"{name}_low": low, f"{name}_high": high} if total else {}


def tell(found: Sequence[Judged]) -> None:
    """Tables in Markdown, half by half."""
    for half in ("tune", "set_aside"):
        if of_it := [each for each in found if each.member.half == half]:
            sure = [each for each in of_it if each.confirmed]
            lines = [f"\n{half}: {len(of_it)} files, {len(sure)} of them with confirmed labels\n", HEAD]
            silent = [row for row in rows_of(of_it) if {each.verdicts.get(row, "pass") for each in of_it} == {"pass"}]
            lines += [line(row, scores(of_it, row)) for row in rows_of(of_it) if row not in silent]
            lines += [line("all, confirmed", scores(sure, "all"))] if sure else []
            lines += ["", f"Passed by every file: {', '.join(silent)}", "", by_fault(of_it)]
            sys.stdout.write("\n".join(lines) + "\n")


HEAD = (
    "| | bad refused | good refused | precision | bad suspected | good suspected | precision | no evidence |"
    "\n| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def line(row: str, of: Mapping[str, float]) -> str:
    """One row of the table."""
    cells = []
    for rule, prefix in (("refused", ""), ("suspected", "suspected/")):
        for label, name in (("bad", "recall"), ("good", "false")):
            cells.append(told(of, f"{prefix}{name}", of[f"{prefix}{label}_{rule}"], of[label]))
        hits = of[f"{prefix}bad_{rule}"]
        cells.append(told(of, f"{prefix}precision", hits, hits + of[f"{prefix}good_{rule}"]))
    return f"| {row} | {' | '.join(cells)} | {of['bad_no_evidence']:g}, {of['good_no_evidence']:g} |"


def told(of: Mapping[str, float], name: str, count: float, total: float) -> str:
    """A count, its share and the interval."""
    if not total:
        return "-"
    return f"{count:g} of {total:g}: {of[name]:.0%} ({of[name + '_low']:.0%} to {of[name + '_high']:.0%})"


def by_fault(found: Sequence[Judged]) -> str:
    """Which faults are refused, suspected and passed; names of those that pass."""
    lines = [
        "| fault | files | refused | suspected too | by ordering | by exploits | not found |",
        "| --- |" + " --- |" * 6,
    ]
    for fault in sorted({each.member.entry.fault or "" for each in found if each.bad}):
        of_it = [each for each in found if each.member.entry.fault == fault]
        counts = [sum(each.verdicts["all"] == kind for each in of_it) for kind in ("fail", "warning")]
        rows = ("ordering", "exploits")
        counts += [sum(each.verdicts.get(row) in RULES["suspected"] for each in of_it) for row in rows]
        missed = ", ".join(each.member.key for each in of_it if each.verdicts["all"] == "pass")
        lines.append(f"| {fault} | {len(of_it)} | {' | '.join(map(str, counts))} | {missed} |")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        main(tyro.cli(Options, description=__doc__))
    except AutorewardError as error:
        raise SystemExit(str(error)) from None
