"""`inspect`: what a run found, in the terminal or as JSON."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console, RenderableType
from rich.text import Text

from autoreward.commands.arguments import Command, Flag, Given, Json, RunName
from autoreward.designer.contract import Finding
from autoreward.display import code, dollars, new_console, one_line, outcome, rows_table, show, table
from autoreward.errors import UserError
from autoreward.llm.ledger import Ledger
from autoreward.records import Record
from autoreward.report.candidate import Candidate
from autoreward.report.run import Round, Run
from autoreward.report.text import clean, duration, faults_text, isolation_text, number, percent
from autoreward.store.faults import blown_up
from autoreward.store.find import find_run


class Inspect(Command):
    """Show a run: rounds, candidates, verdicts, findings, the best reward and the final table."""

    run: RunName = None
    """Path of the run folder, or a unique beginning of its name. Without it: the latest run."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""
    json_: Json = False
    """Print everything as JSON."""
    terms: Flag = False
    """Show what each term of a reward pays over recorded episodes, and what the reward were without it."""
    candidate: Annotated[Given, tyro.conf.arg(metavar="CANDIDATE")] = None
    """With --terms: whose, such as 1.2. Without it: the best one's."""
    isolation: Literal["A", "B", "C"] = "B"
    """With --terms: least isolation of the process that the reward is run in."""

    def execute(self) -> int:
        """Print the run, or the terms of one of its rewards."""
        run, console = Run(find_run(self.run, self.runs)), new_console()
        if self.terms:
            from autoreward.commands.terms import show_terms

            show_terms(run, self.candidate, self.isolation, self.json_, console)
        elif self.candidate is not None:
            terms = f"autoreward inspect {run.path} --terms --candidate {self.candidate}"
            raise UserError(
                f"--candidate goes with --terms; type: {terms}, or autoreward why {run.path} {self.candidate}"
            )
        elif self.json_:
            console.file.write(json.dumps(as_data(run), indent=1) + "\n")
        else:
            show_run(run, console)
        return 0


def as_data(run: Run) -> dict[str, Any]:
    """Everything that `inspect` shows, as plain data."""
    best, faults = run.best, blown_up(run.folder)
    return {
        "folder": str(run.path),
        "finished": run.report is not None,
        "run": run.record.model_dump(mode="json"),
        "spent": run.folder.spent().model_dump(mode="json"),
        "ledger": run.ledger.model_dump(mode="json"),
        "rounds": [_round_data(round_) for round_ in run.rounds],
        "selection": _dumped(run.selection),
        "report": _dumped(run.report),
        "faults": {name: {"training": one, "evaluation": two} for name, (one, two) in faults.items()},
        "best": {"round": best.round, "index": best.index, "source": best.source} if best else None,
    }


def _dumped(record: Record | None) -> dict[str, Any] | None:
    return None if record is None else record.model_dump(mode="json")


def _ledger(book: Ledger) -> list[RenderableType]:
    """Calls, tokens, money and waiting: in all, by role, by round, and for each candidate that became the best."""
    parts = {"in all": book.total, **book.by_role}
    parts |= {f"round {round_}": tally for round_, tally in book.by_round.items()}
    parts |= {f"to the best, {step.round}.{step.candidate}": step.spent for step in book.improvements}
    if book.since.calls and book.improvements:
        parts["since, without a better one"] = book.since
    rows = [
        (
            name,
            f"{tally.calls:,}",
            f"{tally.prompt_tokens:,}",
            f"{tally.completion_tokens:,}",
            "-" if tally.usd is None else f"{tally.usd:.4f}",
            f"{tally.seconds:.0f}",
        )
        for name, tally in parts.items()
    ]
    columns = ("language model", "calls", "prompt tokens", "reply tokens", "US$", "seconds")
    each = f"{dollars(book.usd_per_improvement)} for each candidate that became the best"
    return [table(columns, rows, numbers=columns[1:]), Text(each)]


def _round_data(round_: Round) -> dict[str, Any]:
    candidates = [
        {
            "round": candidate.round,
            "index": candidate.index,
            "record": _dumped(candidate.record),
            "verdict": _dumped(candidate.verdict),
            "label": _dumped(candidate.label),
            "findings": [finding.model_dump(mode="json") for finding in candidate.analysis.findings],
            "source": candidate.source or None,
        }
        for candidate in round_.candidates
    ]
    incumbent = list(round_.incumbent) if round_.incumbent else None
    return {
        "round": round_.number,
        "analysed": round_.analysis is not None,
        "incumbent": incumbent,
        "candidates": candidates,
    }


def show_run(run: Run, console: Console) -> None:
    """Print a run."""
    record, task, spent = run.record, run.task, run.folder.spent()
    resume = shlex.join(("autoreward", "resume", str(run.path)))
    states = {"running": "running: a process is at work on it", "stopped": f"not finished; go on with: {resume}"}
    state = states.get(run.state, "finished")
    for line in (
        f"{record.id}: {state}",
        f"task      {task.name}: {task.text}",
        *([f"wishes    {task.wishes}"] if task.wishes else []),
        f"success   {task.success}",
        f"designer  {record.designer}, grammar {task.grammar}, {task.steps:,} steps a training",
        f"isolation {isolation_text(record.isolation)}",
        f"spent     {spent.env_steps:,} environment steps, {duration(spent.wall_seconds)}, "
        f"{spent.llm_calls} LLM calls, {dollars(spent.llm_usd)}",
        *(f"faults    {name}: {faults_text(*counts)}" for name, counts in blown_up(run.folder).items()),
    ):
        console.print(Text(clean(line)))
    for round_ in run.rounds:
        _show_round(round_, console)
    if best := run.best:
        console.rule(Text(f"best reward: candidate {best.name}"))
        console.print(code(best.source, console))
    if run.ledger.total.calls:
        show(console, _ledger(run.ledger))
    if run.selection:
        console.print(rows_table(run.selection.rows, "Finalists on selection seeds"))
    if run.report:
        console.rule(Text("result"))
        show(console, outcome(run.path, run.report))


def _show_round(round_: Round, console: Console) -> None:
    console.rule(Text(f"round {round_.number}"))
    columns = ("candidate", "verdict", "result", "success", "score", "idea, or the reason")
    rows = [_cells(candidate) for candidate in round_.candidates]
    console.print(table(columns, rows, numbers=("success", "score")))
    for candidate in round_.candidates:
        for warning in candidate.warnings:
            console.print(Text(clean(f"  {candidate.name} the Critic suspects {one_line(warning, 400)}")))
    for candidate in round_.candidates:
        for finding in candidate.findings:
            console.print(Text(clean(f"  {candidate.name} {_sentence(finding)}")))
    if round_.analysis is None:
        console.print(Text("  not analysed yet"))
    elif round_.hopeless:
        console.print(Text(clean(f"  {_sentence(round_.hopeless)}")))


def _cells(candidate: Candidate) -> tuple[str, ...]:
    verdict, record = candidate.verdict, candidate.record
    said = "being designed" if verdict is None else verdict.status
    if record is None:
        return candidate.name, said, "in flight" if verdict else "", "", "", ""
    return (
        candidate.name + ("*" if candidate.incumbent else ""),
        said + (f", {record.repairs} repairs" if record.repairs else ""),
        record.status,
        percent(record.success_rate),
        number(record.score),
        one_line(record.why or record.idea, 200),
    )


def _sentence(finding: Finding) -> str:
    term = f" ({finding.term})" if finding.term else ""
    return f"{finding.diagnosis}{term}: {one_line(finding.text, 400)} -> {one_line(finding.suggestion, 400)}"
