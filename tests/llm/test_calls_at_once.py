"""The analyses of a round are asked for together, over real sockets; order, names and records are as one by one."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest
from faulty_endpoint import Answer, Endpoint, endpoint, refused
from test_endpoint_faults import PROGRAM, answer, role

from autoreward.config import Budget, LLMConfig
from autoreward.errors import EndpointError
from autoreward.llm.replay import ReplayChat
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import line_task

THREE = 3


def run(runs: Path, server: Endpoint, concurrency: int = THREE, **changes: Any) -> RunFolder:
    llm = LLMConfig(base_url=server.url, model="tiny", retries=0, concurrency=concurrency, review=False)
    config = small_run(runs, **{"candidates": THREE, "finalists": 1, "llm": llm} | changes)
    return RunFolder.open(start(line_task(), config, Observer(), engine=InProcessEngine()))


class Together:
    """Answers an analysis only when as many as there are candidates have been asked for, and each with its own words.

    The weights of the programs are those of the requests' order, so that a prompt tells which candidate it is about.
    """

    def __init__(self, fault: Answer | None = None) -> None:
        self.all_here, self.designed, self.fault = threading.Barrier(THREE), 0, fault

    def __call__(self, request: dict[str, Any]) -> Any:
        if role(request) == "designer":
            self.designed += 1
            return PROGRAM.replace("2.0", f"{self.designed}.0")
        self.all_here.wait(60)
        prompt = request["messages"][-1]["content"]
        which = next(number for number in range(THREE) if f"'climb': {number + 1}.0" in prompt)
        if which == 1 and self.fault is not None:
            return self.fault
        return f'{{"findings": [{{"text": "Seen in {which}."}}]}}'


def advice(folder: RunFolder) -> dict[int, list[str]]:
    analysis = folder.analysis(0)
    assert analysis
    return {
        index: [finding.text for finding in found.findings if finding.source == "llm"]
        for index, found in analysis.candidates.items()
    }


@pytest.mark.parametrize("budget", [Budget(), Budget(llm_calls=9, llm_tokens=1_000_000)])
def test_analyses_are_asked_for_together_and_kept_in_order(tmp_path: Path, budget: Budget) -> None:
    with endpoint(Together()) as server:
        folder = run(tmp_path, server, budget=budget)
    assert server.at_once == THREE
    assert advice(folder) == {number: [f"Seen in {number}."] for number in range(THREE)}
    assert sorted(path.stem for path in folder.rounds_path.glob("*/calls/analyzer*")) == [
        f"analyzer-{number}-0" for number in range(THREE)
    ]


def test_a_fault_in_one_loses_no_other(tmp_path: Path) -> None:
    """The others' replies were under way, and are paid for: the resumed run asks for the one alone."""
    with endpoint(Together(fault=(401, refused("no such key")))) as server:
        with pytest.raises(EndpointError, match="401"):
            run(tmp_path, server)
        before = len(server.requests)
        folder = RunFolder.open(next(tmp_path.glob("*/run.json")).parent)
        assert folder.spent().llm_calls == 2 * THREE - 1
        server.answers = ['{"findings": [{"text": "Seen at last."}]}']
        resume(folder.path, Observer(), engine=InProcessEngine())
    assert len(server.requests) == before + 1
    assert advice(folder) == {0: ["Seen in 0."], 1: ["Seen at last."], 2: ["Seen in 2."]}


def test_at_most_as_many_as_are_allowed(tmp_path: Path) -> None:
    with endpoint(answer) as server:
        run(tmp_path, server, concurrency=1)
    assert server.at_once == 1


def test_a_cap_among_the_analyses_is_met_by_the_same_call_in_a_replay(tmp_path: Path) -> None:
    """They might reach it, so one follows the other: two of three are asked for, and the cap is told once."""
    budget, designed = Budget(llm_calls=THREE + 2), itertools.count(1)

    def differing(request: dict[str, Any]) -> Any:
        """The same program twice would be refused the second time."""
        return PROGRAM.replace("2.0", f"{next(designed)}.0") if role(request) == "designer" else answer(request)

    with endpoint(differing) as server:
        folder = run(tmp_path / "first", server, budget=budget)
    calls = sorted(path.stem for path in folder.rounds_path.glob("*/calls/*"))
    assert calls == ["analyzer-0-0", "analyzer-1-0", "designer-0-0", "designer-1-0", "designer-2-0"]
    assert server.at_once == 1
    assert (folder.path / "run.log").read_text().count("the analysis goes on without the language model") == 1
    config = folder.run().config.model_copy(update={"runs": tmp_path / "again"})
    chat = ReplayChat(folder.path, lambda text: None)
    again = start(line_task(), config, Observer(), chat=chat, engine=InProcessEngine())
    assert sorted(path.stem for path in again.glob("rounds/*/calls/*")) == calls
