"""`inspect`: what a run found, in the terminal or as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from autoreward.commands.arguments import Command, Json, RunName
from autoreward.designer.contract import Finding
from autoreward.display import clean, code, dollars, new_console, one_line, outcome, rows_table, show, table
from autoreward.llm.calls import read_calls
from autoreward.llm.ledger import Ledger, ledger
from autoreward.report.text import duration, faults_text, isolation_text, number, percent
from autoreward.store.faults import blown_up
from autoreward.store.find import find_run
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord, Report


class Inspect(Command):
    """Show a run: rounds, candidates, verdicts, findings, the best reward and the final table."""

    run: RunName = None
    """Path of the run folder, or a unique beginning of its name. Without it: the latest run."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""
    json_: Json = False
    """Print everything as JSON."""

    def execute(self) -> int:
        """Print the run."""
        folder = RunFolder(find_run(self.run, self.runs))
        console = new_console()
        if self.json_:
            console.file.write(json.dumps(as_data(folder), indent=1) + "\n")
        else:
            show_run(folder, console)
        return 0


def best_candidate(folder: RunFolder) -> tuple[int, int] | None:
    """The winner of a finished run, of the selection, or the incumbent of the last round analysed."""
    if report := folder.report():
        return report.winner
    if selection := folder.selection():
        return selection.winner
    analyses = [analysis for round_ in folder.rounds() if (analysis := folder.analysis(round_))]
    return analyses[-1].incumbent if analyses else None


def as_data(folder: RunFolder) -> dict[str, Any]:
    """Everything that `inspect` shows, as plain data."""
    selection, report, best = folder.selection(), folder.report(), best_candidate(folder)
    return {
        "folder": str(folder.path),
        "finished": report is not None,
        "run": folder.run().model_dump(mode="json"),
        "spent": folder.spent().model_dump(mode="json"),
        "ledger": ledger_of(folder).model_dump(mode="json"),
        "rounds": [_round_data(folder, round_) for round_ in folder.rounds()],
        "selection": selection.model_dump(mode="json") if selection else None,
        "report": report.model_dump(mode="json") if report else None,
        "faults": {name: {"training": one, "evaluation": two} for name, (one, two) in blown_up(folder).items()},
        "best": {"round": best[0], "index": best[1], "source": folder.source(*best)} if best else None,
    }


def ledger_of(folder: RunFolder) -> Ledger:
    """What the language model took in a run, so far."""
    analyses = {round_: folder.analysis(round_) for round_ in folder.rounds()}
    return ledger(
        read_calls(folder.rounds_path),
        {round_: analysis.incumbent for round_, analysis in analyses.items() if analysis is not None},
    )


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


def _round_data(folder: RunFolder, round_: int) -> dict[str, Any]:
    analysis = folder.analysis(round_)
    candidates = []
    for index in folder.indices(round_):
        record, verdict = folder.candidate(round_, index), folder.verdict(round_, index)
        found = analysis.candidates.get(index) if analysis else None
        candidates.append(
            {
                "round": round_,
                "index": index,
                "record": record.model_dump(mode="json") if record else None,
                "verdict": verdict.model_dump(mode="json") if verdict else None,
                "label": found.label.model_dump(mode="json") if found and found.label else None,
                "findings": [finding.model_dump(mode="json") for finding in found.findings] if found else [],
                "source": folder.source(round_, index) if verdict else None,
            }
        )
    incumbent = list(analysis.incumbent) if analysis and analysis.incumbent else None
    return {"round": round_, "analysed": analysis is not None, "incumbent": incumbent, "candidates": candidates}


def show_run(folder: RunFolder, console: Console) -> None:
    """Print a run."""
    run, report, spent = folder.run(), folder.report(), folder.spent()
    state = "finished" if report else f"not finished; go on with: autoreward resume {folder.path}"
    for line in (
        f"{run.id}: {state}",
        f"task      {run.task.name}: {run.task.text}",
        *([f"wishes    {run.task.wishes}"] if run.task.wishes else []),
        f"success   {run.task.success}",
        f"designer  {run.designer}, grammar {run.task.grammar}, {run.task.steps:,} steps a training",
        f"isolation {isolation_text(run.isolation)}",
        f"spent     {spent.env_steps:,} environment steps, {duration(spent.wall_seconds)}, "
        f"{spent.llm_calls} LLM calls, {dollars(spent.llm_usd)}",
        *(f"faults    {name}: {faults_text(*counts)}" for name, counts in blown_up(folder).items()),
    ):
        console.print(Text(clean(line)))
    for round_ in folder.rounds():
        _show_round(folder, round_, console)
    if best := best_candidate(folder):
        console.rule(Text(f"best reward: candidate {best[0]}.{best[1]}"))
        console.print(code(folder.source(*best), console))
    if (book := ledger_of(folder)).total.calls:
        show(console, _ledger(book))
    if selection := folder.selection():
        console.print(rows_table(selection.rows, "Finalists on selection seeds"))
    _show_end(folder, report, console)


def _show_end(folder: RunFolder, report: Report | None, console: Console) -> None:
    if report is not None:
        console.rule(Text("result"))
        show(console, outcome(folder.path, report))


def _show_round(folder: RunFolder, round_: int, console: Console) -> None:
    console.rule(Text(f"round {round_}"))
    analysis = folder.analysis(round_)
    rows = []
    for index in folder.indices(round_):
        record = folder.candidate(round_, index)
        best = analysis is not None and analysis.incumbent == (round_, index)
        rows.append(_cells(folder, round_, index, record, "*" if best else ""))
    columns = ("candidate", "verdict", "result", "success", "score", "idea, or the reason")
    console.print(table(columns, rows, numbers=("success", "score")))
    for index in folder.indices(round_):
        verdict = folder.verdict(round_, index)
        for warning in verdict.warnings if verdict else ():
            console.print(Text(clean(f"  {round_}.{index} the Critic suspects {one_line(warning, 400)}")))
    for index, found in sorted(analysis.candidates.items()) if analysis else ():
        for finding in found.told:
            console.print(Text(clean(f"  {round_}.{index} {_sentence(finding)}")))
    if analysis is None:
        console.print(Text("  not analysed yet"))
    elif analysis.hopeless:
        console.print(Text(clean(f"  {_sentence(analysis.hopeless)}")))


def _cells(folder: RunFolder, round_: int, index: int, record: CandidateRecord | None, mark: str) -> tuple[str, ...]:
    verdict = folder.verdict(round_, index)
    said = "being designed" if verdict is None else verdict.status
    if record is None:
        return f"{round_}.{index}", said, "in flight" if verdict else "", "", "", ""
    repaired = f", {record.repairs} repairs" if record.repairs else ""
    why = record.why or record.idea
    return (
        f"{record.name}{mark}",
        said + repaired,
        record.status,
        percent(record.success_rate),
        number(record.score),
        one_line(why, 200),
    )


def _sentence(finding: Finding) -> str:
    term = f" ({finding.term})" if finding.term else ""
    return f"{finding.diagnosis}{term}: {one_line(finding.text, 400)} -> {one_line(finding.suggestion, 400)}"
