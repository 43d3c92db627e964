"""What runs with a language model show of the prompts: the figures of `docs/prompts.md`, from their run folders.

    python benchmarks/prompts.py runs/A runs/B --json prompts.json
    python benchmarks/prompts.py --quick             # a scripted model, seconds: that it works, not what it finds

A designer's reply parses where it holds a program that is Python. A candidate verifies at attempt k where the
executable checks pass the program of its k-th repair (0: its proposal). Reviews are told apart from that: one that
rejects sends a candidate back too, though its program verifies.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated

import tyro

from autoreward.critic.review import Opinion
from autoreward.language.program import Grammar
from autoreward.llm.calls import RecordedCall, read_calls
from autoreward.llm.ledger import Tally, tally
from autoreward.llm.reading import blocks, program_in, read_object, what_runs
from autoreward.records import Record, write_record
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord

NEVER = "never"


@dataclass(frozen=True)
class Options:
    """Which runs, and where the figures go."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="run folders")] = ()
    json: Annotated[Path | None, tyro.conf.arg(help="write all figures here")] = None
    quick: Annotated[bool, tyro.conf.arg(help="a scripted model instead of runs")] = False


class Size(Record):
    """Prompts and replies of one role, in tokens: as the endpoint counted, else characters / 4."""

    calls: int
    prompt_mean: float
    prompt_most: int
    reply_mean: float
    reply_most: int
    seconds_mean: float


class Round(Record):
    """True success of the candidates of a round."""

    best: float | None
    mean: float | None
    candidates: dict[str, tuple[float, ...]]
    """Candidate -> final success rate on each search seed; empty where it was refused."""


class Figures(Record):
    """One run."""

    run: str
    task: str
    model: tuple[str, ...]
    """As the endpoint named it."""
    designs: int
    """Replies of the Designer."""
    parsed: int
    """Those that hold a program."""
    verified: dict[str, int]
    """Attempt (0, 1, 2 ... or `never`) -> candidates whose program passed the executable checks at it."""
    failed_checks: dict[str, int]
    """Check -> how often it sent a candidate back; `reply` where there was no program."""
    reviews: dict[str, int]
    """`approve`, `reject`, `unreadable`."""
    rounds: dict[int, Round]
    report: dict[str, tuple[float, ...]]
    """Reward -> success on each report seed; empty while the run is not finished."""
    sizes: dict[str, Size]
    spent: Tally


def figures(path: Path) -> Figures:
    """What a run folder shows, finished or not."""
    folder = RunFolder.open(path)
    run, calls = folder.run(), read_calls(folder.rounds_path)
    designs = [call for call in calls if call.name.role == "designer"]
    report = folder.report()
    return Figures(
        run=run.id,
        task=run.task.name,
        model=tuple(sorted({call.reply.model for call in calls} - {""})),
        designs=len(designs),
        parsed=sum(_parses(call, run.task.grammar) for call in designs),
        verified=_verified(folder, calls),
        failed_checks=dict(Counter(_sent_back(folder, designs))),
        reviews=dict(Counter(_opinion(call) for call in calls if call.name.role == "critic")),
        rounds={round_: _round(folder, folder.candidates(round_)) for round_ in folder.rounds()},
        report={row.label: row.success for row in report.rows} if report else {},
        sizes={role: _size(calls, role) for role in sorted({call.name.role for call in calls})},
        spent=tally(calls),
    )


def _parses(call: RecordedCall, grammar: Grammar) -> bool:
    return bool(what_runs(program_in(call.reply.text, grammar)))


def _verified(folder: RunFolder, calls: Iterable[RecordedCall]) -> dict[str, int]:
    """A review is asked for only where the checks have passed; without reviews the record tells."""
    reviewed: dict[tuple[int, int], int] = {}
    for call in calls:
        if call.name.role == "critic":
            place = call.name.round, call.name.candidate
            reviewed[place] = min(call.name.attempt, reviewed.get(place, call.name.attempt))
    found: Counter[str] = Counter()
    for round_ in folder.rounds():
        for index in folder.indices(round_):
            verdict, draft = folder.verdict(round_, index), folder.drafted(round_, index)
            if verdict is None or draft is None:
                continue  # still being designed
            at = reviewed.get((round_, index), draft.repairs if verdict.status == "accepted" else None)
            found[NEVER if at is None else str(at)] += 1
    return dict(sorted(found.items()))


def _sent_back(folder: RunFolder, designs: Iterable[RecordedCall]) -> list[str]:
    """The check that each repair was asked for, and that each refusal ended with."""
    found = []
    for call in designs:
        if call.name.attempt and not call.name.again:
            told = [text for language, text in blocks(call.messages[-1].content) if language == "text"]
            found.append(told[0].partition(":")[0].strip() if told else "reply")
    verdicts = [folder.verdict(round_, index) for round_ in folder.rounds() for index in folder.indices(round_)]
    return found + [verdict.reason.partition(":")[0] for verdict in verdicts if verdict and verdict.status == "invalid"]


def _opinion(call: RecordedCall) -> str:
    opinion = read_object(call.reply.text, Opinion)
    return opinion.verdict if opinion else "unreadable"


def _round(folder: RunFolder, records: Sequence[CandidateRecord]) -> Round:
    rates = [record.success_rate for record in records if record.success_rate is not None]
    return Round(
        best=max(rates, default=None),
        mean=fmean(rates) if rates else None,
        candidates={record.name: _seeds(folder, record) for record in records},
    )


def _seeds(folder: RunFolder, record: CandidateRecord) -> tuple[float, ...]:
    results = [folder.result(name, record.steps) for name in record.trainings.values()]
    return tuple(result.final.success_rate for result in results if result is not None and result.final is not None)


def _size(calls: Iterable[RecordedCall], role: str) -> Size:
    of_role = [call for call in calls if call.name.role == role]
    prompts, replies = [call.prompt_tokens for call in of_role], [call.completion_tokens for call in of_role]
    return Size(
        calls=len(of_role),
        prompt_mean=fmean(prompts),
        prompt_most=max(prompts),
        reply_mean=fmean(replies),
        reply_most=max(replies),
        seconds_mean=fmean(call.reply.seconds for call in of_role),
    )


# The page --------------------------------------------------------------------------------------------------------


def page(runs: Sequence[Figures]) -> str:
    """The figures as Markdown tables."""
    return "\n\n".join([_replies(runs), _success(runs), _sizes(runs)]) + "\n"


def _replies(runs: Sequence[Figures]) -> str:
    columns = [
        "task",
        "replies that parse",
        "verify at once",
        "after 1",
        "2",
        "3 or more",
        "never",
        "failed",
        "reviews",
    ]
    rows = []
    for run in runs:
        late = sum(count for at, count in run.verified.items() if at.isdecimal() and int(at) > 2)
        times = [str(run.verified.get(at, 0)) for at in "012"]
        rows.append([run.task, f"{run.parsed} of {run.designs}", *times, str(late), str(run.verified.get(NEVER, 0))])
        rows[-1] += [_counts(run.failed_checks), _counts(run.reviews)]
    return _table(columns, rows)


def _success(runs: Sequence[Figures]) -> str:
    rows = []
    for run in runs:
        for number, round_ in run.rounds.items():
            each = "; ".join(f"{name}: {_rates(rates)}" for name, rates in round_.candidates.items())
            rows.append([run.task, f"round {number}", _rate(round_.best), _rate(round_.mean), each])
        for label, rates in run.report.items():
            rows.append([run.task, label, "", _rate(fmean(rates)) if rates else "-", _rates(rates)])
    return _table(["task", "", "best", "mean", "each seed"], rows)


def _sizes(runs: Sequence[Figures]) -> str:
    columns = ["task", "role", "calls", "prompt tokens, mean (most)", "reply tokens, mean (most)", "seconds, mean"]
    rows = []
    for run in runs:
        for role, size in run.sizes.items():
            prompt = f"{size.prompt_mean:,.0f} ({size.prompt_most:,})"
            reply = f"{size.reply_mean:,.0f} ({size.reply_most:,})"
            rows.append([run.task, role, str(size.calls), prompt, reply, f"{size.seconds_mean:.0f}"])
    return _table(columns, rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "-"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _rates(values: Iterable[float]) -> str:
    return " ".join(_rate(value) for value in values) or "refused"


# Without a model -------------------------------------------------------------------------------------------------


def scripted_run(runs: Path) -> Path:
    """A run whose first candidate is repaired once and rejected once, and whose second one is never mended."""
    from autoreward.config import RunConfig
    from autoreward.llm.contract import CallName, Message
    from autoreward.llm.scripted import ScriptedChat
    from autoreward.search.loop import start
    from autoreward.search.observer import Observer
    from autoreward.testing.engine import InProcessEngine
    from autoreward.testing.trainer import CLIMB, line_task

    def model(name: CallName, messages: tuple[Message, ...]) -> str:
        if name.role == "critic":
            rejects = '{"verdict": "reject", "reasons": ["Too weak."]}'
            return '{"verdict": "approve"}' if name.attempt > 1 else rejects if name.again else "Hm."
        if name.role == "analyzer":
            return '{"findings": []}'
        whole = name.candidate == 0 and name.attempt > 0
        program = CLIMB if whole else CLIMB.replace('["position"]', '["altitude"]')
        return "I pass." if name.candidate and name.attempt else f"```python\n{program}```"

    few = {name: 1 for name in ("rounds", "search_seeds", "selection_seeds", "report_seeds")}
    trainer = {"name": "autoreward.testing.trainer:NoTrainer"}
    small = {"designer": "llm", "candidates": 2, "repairs": 2, "report_episodes": 2, "runs": runs, "trainer": trainer}
    config = RunConfig.model_validate({**few, **small})
    return start(line_task(), config, Observer(), chat=ScriptedChat(model), engine=InProcessEngine())


class _All(Record):
    runs: tuple[Figures, ...]


def main(options: Options) -> None:
    """Print the tables, and write the figures."""
    if not options.runs and not options.quick:
        sys.exit("name run folders, or type --quick")
    with tempfile.TemporaryDirectory() as scratch:
        paths = [scripted_run(Path(scratch))] if options.quick else options.runs
        found = tuple(figures(path) for path in paths)
    sys.stdout.write(page(found))
    if options.json:
        write_record(options.json, _All(runs=found))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
