"""A run in which every text that a language model, a user or a program can choose is hostile."""

from pathlib import Path

from autoreward.critic.contract import Check, Shown
from autoreward.designer.contract import Finding
from autoreward.llm.calls import RecordedCall, call_path
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.records import write_record
from autoreward.store.folder import RunFolder
from autoreward.testing.folder import example_run

FILES = ("command.txt", "environment.txt", "run.log")
WORDS = (
    *["TASK", "NAME", "CELL", "IDEA", "NOTE", "REASON", "CODE", "FOUND", "TRY", "EPISODE", "LABEL", "STOPPED"],
    *["WHERE", "FIELD", "VALUE", "CHECK", "WARNED", "REPLY", "PROMPT"],
    *FILES,
)
"""What stands before the hostile text in each place."""


def hostile_run(path: Path, hostile: str) -> Path:
    """The example run with one of `WORDS` and the hostile text in each of its texts."""
    run = example_run(path)
    folder = RunFolder(run)
    _records(folder, hostile)
    verdict, drafted = folder.verdict(0, 0), folder.drafted(0, 0)
    assert verdict and drafted
    shown = Shown(where="WHERE" + hostile, values={"FIELD" + hostile: "VALUE" + hostile})
    warned = Check(name="CHECK" + hostile, verdict="warning", message="WARNED" + hostile, rows=(shown,), tried="TRIED")
    folder.write_draft(0, 0, drafted, verdict.model_copy(update={"checks": (warned,)}))
    for candidate in folder.all_candidates():
        source = folder.candidate_path(candidate.round, candidate.index) / "reward.py"
        source.write_text("# CODE" + hostile)
    write_call(run, CallName(role="designer", round=0, candidate=0), "REPLY" + hostile, "PROMPT" + hostile)
    for name in FILES:
        (run / name).write_text(name + hostile)
    return run


def _records(folder: RunFolder, hostile: str) -> None:
    record, report, analysis = folder.run(), folder.report(), folder.analysis(0)
    assert report and report.winner and analysis
    task = record.task.model_copy(update={"text": "TASK" + hostile, "name": "NAME" + hostile})
    weak = record.isolation.model_copy(update={"level": "C", "probes": {"CELL" + hostile: False}})
    folder.write_run(record.model_copy(update={"task": task, "isolation": weak}))
    for candidate in folder.all_candidates():
        texts = {"idea": "IDEA" + hostile, "note": "NOTE" + hostile, "reason": "REASON" + hostile}
        folder.write_candidate(candidate.model_copy(update=texts))
    finding = Finding(diagnosis="advice", text="FOUND" + hostile, suggestion="TRY" + hostile, source="llm")
    told = analysis.candidates[0].model_copy(update={"findings": (finding,), "episodes": "EPISODE" + hostile})
    folder.write_analysis(analysis.model_copy(update={"candidates": {0: told}}))
    rows = tuple(row.model_copy(update={"label": "LABEL" + hostile}) for row in report.rows)
    folder.write_report(report.model_copy(update={"rows": rows, "stopped": "STOPPED" + hostile}))


def write_call(run: Path, name: CallName, reply: str, prompt: str = "design") -> None:
    """A recorded call with a system message that all calls share."""
    messages = (Message(role="system", content="You design rewards."), Message(role="user", content=prompt))
    call = RecordedCall(name=name, prompt_hash="0" * 16, messages=messages, reply=Reply(text=reply))
    write_record(call_path(run / "rounds", name), call)
