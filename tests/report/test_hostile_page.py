"""Nothing that a run holds becomes markup, reorders the page, or makes it too large to mail."""

from pathlib import Path

import pytest

from autoreward.critic.contract import Check, Shown
from autoreward.designer.contract import Finding
from autoreward.llm.calls import RecordedCall, call_path
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.records import write_record
from autoreward.report.page import LENGTHS, MOST_BYTES, write_report
from autoreward.store.folder import RunFolder
from autoreward.testing.folder import example_run
from tests.report.reading import HOSTILE, Page, assert_harmless


def write_call(run: Path, name: CallName, reply: str, prompt: str = "design") -> None:
    """A recorded call with a system message that all calls share."""
    messages = (Message(role="system", content="You design rewards."), Message(role="user", content=prompt))
    call = RecordedCall(name=name, prompt_hash="0" * 16, messages=messages, reply=Reply(text=reply))
    write_record(call_path(run / "rounds", name), call)


def test_nothing_of_a_run_becomes_markup(tmp_path: Path) -> None:
    """Every text that a language model, a user or a program can choose, at once."""
    run = example_run(tmp_path / "run")
    folder = RunFolder(run)
    record, report, analysis = folder.run(), folder.report(), folder.analysis(0)
    assert report and report.winner and analysis
    task = record.task.model_copy(update={"text": "TASK" + HOSTILE, "name": "NAME" + HOSTILE})
    weak = record.isolation.model_copy(update={"level": "C", "probes": {"CELL" + HOSTILE: False}})
    folder.write_run(record.model_copy(update={"task": task, "isolation": weak}))
    for candidate in folder.all_candidates():
        texts = {"idea": "IDEA" + HOSTILE, "note": "NOTE" + HOSTILE, "reason": "REASON" + HOSTILE}
        folder.write_candidate(candidate.model_copy(update=texts))
        source = folder.candidate_path(candidate.round, candidate.index) / "reward.py"
        source.write_text("# CODE" + HOSTILE)
    finding = Finding(diagnosis="advice", text="FOUND" + HOSTILE, suggestion="TRY" + HOSTILE, source="llm")
    told = analysis.candidates[0].model_copy(update={"findings": (finding,), "episodes": "EPISODE" + HOSTILE})
    folder.write_analysis(analysis.model_copy(update={"candidates": {0: told}}))
    rows = tuple(row.model_copy(update={"label": "LABEL" + HOSTILE}) for row in report.rows)
    folder.write_report(report.model_copy(update={"rows": rows, "stopped": "STOPPED" + HOSTILE}))
    page = Page(write_report(run))
    assert_harmless(page)
    told_texts = "TASK NAME CELL IDEA NOTE REASON CODE FOUND TRY EPISODE LABEL STOPPED"
    for word in told_texts.split():
        assert word + HOSTILE in "".join(page.texts), f"{word} is shown as it was written"
    assert str(7 * 191) not in page.text, "no text is read as a template"


def test_hidden_characters_are_shown_or_dropped(tmp_path: Path) -> None:
    """Code that reads otherwise than it runs, and what would drive a terminal or break a parser."""
    run = example_run(tmp_path / "run", finished=False)
    source = RunFolder(run).candidate_path(0, 0) / "reward.py"
    source.write_text("# \u202esecret\u2066 \x1b[2J\x00 \u200b end")
    page = Page(write_report(run))
    assert "# \\u202esecret\\u2066 [2J \\u200b end" in "".join(page.texts)


def test_nor_does_anything_of_the_roles(tmp_path: Path) -> None:
    """Calls, checks with their rows, and files beside the records."""
    run = example_run(tmp_path / "run")
    folder = RunFolder(run)
    verdict, drafted = folder.verdict(0, 0), folder.drafted(0, 0)
    assert verdict and drafted
    shown = Shown(where="WHERE" + HOSTILE, values={"FIELD" + HOSTILE: "VALUE" + HOSTILE})
    warned = Check(name="CHECK" + HOSTILE, verdict="warning", message="WARNED" + HOSTILE, rows=(shown,), tried="TRIED")
    folder.write_draft(0, 0, drafted, verdict.model_copy(update={"checks": (warned,)}))
    write_call(run, CallName(role="designer", round=0, candidate=0), "REPLY" + HOSTILE, "PROMPT" + HOSTILE)
    for name in ("command.txt", "environment.txt", "run.log"):
        (run / name).write_text(name + HOSTILE)
    page = Page(write_report(run))
    assert_harmless(page)
    words = "WHERE FIELD VALUE CHECK WARNED REPLY PROMPT command.txt environment.txt run.log"
    for word in words.split():
        assert word + HOSTILE in "".join(page.texts), f"{word} is shown as it was written"


def test_letters_from_right_to_left_order_their_own_text_only(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    folder = RunFolder(run)
    candidate = folder.candidate(0, 0)
    assert candidate
    folder.write_candidate(candidate.model_copy(update={"idea": "\u05d0\u05d1 100% \u202eevil"}))
    page = Page(write_report(run))
    assert "\u05d0\u05d1 100% \\u202eevil" in "".join(page.texts), "letters stay, marks become visible"
    style = page.own[0][1]
    rule = next(line for line in style.splitlines() if "unicode-bidi: isolate" in line)
    assert {"span", "b", "code", "td", "summary"} <= set(rule.partition("{")[0].replace(",", " ").split())


def test_a_reply_of_a_megabyte_is_cut_and_says_so(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    write_call(run, CallName(role="critic", round=1, candidate=2), "A" * 500_000 + "B" * 500_000)
    page = Page(write_report(run))
    told = f"[... {1_000_000 - LENGTHS[0]:,} of 1,000,000 characters left out ...]"
    assert told in page.text
    assert "rounds/01/calls/critic-2-0.json" in page.text, "where all of it lies"
    assert len(page.html) < 3_000_000


@pytest.mark.parametrize("text", ['"', "<", "\u202e"], ids=["quotes", "markup", "marks"])
def test_the_page_stays_small_whatever_is_written(tmp_path: Path, text: str) -> None:
    """Characters that grow when they are escaped, in every text of many calls."""
    run = example_run(tmp_path / "run")
    for index in range(70):
        write_call(run, CallName(role="designer", round=0, candidate=index), text * 25_000, text * 25_000)
    page = write_report(run)
    assert page.stat().st_size <= MOST_BYTES
    assert "left out" in page.read_text()


def test_a_link_out_of_the_folder_brings_nothing_into_the_page(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run")
    (tmp_path / "secret").write_text("PRIVATE")
    for name in ("run.log", "environment.txt", "command.txt", "best/rollout.png"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(tmp_path / "secret")
    page = Page(write_report(run))
    assert "PRIVATE" not in page.html
    assert "data:image/png" not in page.html
