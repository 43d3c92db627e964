"""A whole run against an endpoint that fails: it goes on by itself, or stops with one message and can be resumed."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY
from faulty_endpoint import Answer, Endpoint, endpoint, refused, said

from autoreward import load_run
from autoreward.commands.inspect import as_data
from autoreward.config import LLMConfig
from autoreward.errors import EndpointError
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task

PROGRAM = f"One term.\n\n```python\n{CLIMB}```\n"


def answer(request: dict[str, Any]) -> str:
    """What a model without faults says."""
    return {"designer": PROGRAM, "critic": '{"verdict": "approve"}', "analyzer": '{"findings": []}'}[role(request)]


def role(request: dict[str, Any]) -> str:
    system = request["messages"][0]["content"]
    words = {"You design": "designer", "You review": "critic", "You analyse": "analyzer"}
    return next(name for opening, name in words.items() if system.startswith(opening))


def run(
    runs: Path, server: Endpoint, retries: int = 0, prices: tuple[float, float] | None = None, **changes: Any
) -> RunFolder:
    llm = LLMConfig(base_url=server.url, model="tiny", retries=retries, timeout_seconds=0.5)
    if prices:
        llm = llm.model_copy(update={"price_in": prices[0], "price_out": prices[1]})
    config = small_run(runs, **{"repairs": 1, "finalists": 1, "llm": llm} | changes)
    return RunFolder.open(start(line_task(), config, Observer(), engine=InProcessEngine()))


def test_what_passes_is_waited_for(tmp_path: Path) -> None:
    faults: list[Answer] = ["429", "500", answer, "503", "cut", answer, "garbage", "empty", "slow", answer]
    with endpoint(*faults) as server:
        folder = run(tmp_path, server, retries=3)
    assert folder.report() is not None
    assert [role(request) for request in server.requests] == ["designer"] * 3 + ["critic"] * 3 + ["analyzer"] * 4


FOR_GOOD = {
    "wrong key": ((401, refused(f"Incorrect API key {KEY}", "invalid_api_key")), "export OPENAI_API_KEY="),
    "unknown model": ((404, refused("no such model", "model_not_found")), r"knows no model 'tiny'"),
    "context": ((400, refused("maximum context length is 9", "context_length_exceeded")), "prompt is too long"),
    "rate": ("429", "still limits the rate"),
    "server": ("500", "Wait a while"),
    "overload": ("503", "Wait a while"),
    "cut": ("cut", "cannot be reached"),
    "garbage": ("garbage", "no chat completion"),
    "no choice": ("empty", "no chat completion"),
    "silence": ("slow", r"--llm\.timeout-seconds"),
}


def test_what_does_not_pass_stops_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    """The review fails in one way after the other; the Designer's reply is recorded, and is not asked for again."""
    with endpoint(answer) as server:
        server.answers = [answer, FOR_GOOD["wrong key"][0]]
        with pytest.raises(EndpointError, match=FOR_GOOD["wrong key"][1]):
            run(tmp_path, server)
        stopped = next(tmp_path.glob("*/run.json")).parent
        waited = [RunFolder.open(stopped).spent()]
        for fault, message in FOR_GOOD.values():
            server.answers = [fault]
            with pytest.raises(EndpointError, match=message) as caught:
                resume(stopped, Observer(), engine=InProcessEngine())
            assert "\n" not in str(caught.value)
            assert KEY not in str(caught.value)
            waited.append(RunFolder.open(stopped).spent())
        server.answers = [answer]
        resume(stopped, Observer(), engine=InProcessEngine())
    asked = [role(request) for request in server.requests]
    assert (asked[0], set(asked[1:-1]), asked[-1]) == ("designer", {"critic"}, "analyzer")
    assert RunFolder.open(stopped).report() is not None
    assert [spent.llm_calls for spent in waited] == [1] * len(waited)
    times = [0.0, *(spent.wall_seconds for spent in waited)]
    assert all(before < after for before, after in pairwise(times)), "each start adds its seconds, however it ended"


def test_an_endpoint_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    def last(request: dict[str, Any]) -> str:
        server.closed.set()
        server.server.socket.close()
        return answer(request)

    with endpoint(last) as server, pytest.raises(EndpointError, match="cannot be reached"):
        run(tmp_path, server)
    gone = next(tmp_path.glob("*/run.json")).parent
    with pytest.raises(EndpointError, match="cannot be reached"):
        resume(gone, Observer(), engine=InProcessEngine())
    with endpoint(answer, port=server.port) as back:
        resume(gone, Observer(), engine=InProcessEngine())
    assert [role(request) for request in back.requests] == ["critic", "analyzer"]


USELESS: tuple[Answer, ...] = (
    said(None),
    said(None, message={"refusal": "I will not."}),
    said(None, finish_reason="content_filter"),
    said("I would rather not."),
    (400, refused("The prompt was filtered", "content_filter")),
)


def test_replies_that_say_nothing_fail_a_candidate_and_never_a_run(tmp_path: Path) -> None:
    with endpoint(*USELESS, answer) as server:
        folder = run(tmp_path, server, candidates=len(USELESS) + 1, repairs=0)
    assert [record.status for record in folder.all_candidates()] == ["refused"] * len(USELESS) + ["trained"]
    assert folder.report() is not None


HALF = "\ud83d"
"""Of an emoji: JSON lets it through, and it can be neither written nor sent."""
HALVES: dict[str, list[Answer]] = {
    "designer": [
        {**said(f"Idea: {HALF}\n```python\nIDEA = '{HALF}'\n{CLIMB}```", finish_reason=HALF), "model": HALF},
        f"```python\nIDEA = '\\ud83d'\n{CLIMB}```\n",
        said(HALF, message={"refusal": HALF}),
        (400, refused(f"The prompt was filtered {HALF}", "content_filter")),
        answer,
    ],
    "critic": [f'{HALF} {{"verdict": "\\ud83d"}}', f'{{"verdict": "approve", "reading": "{HALF} It falls. \\ud83d"}}'],
    "analyzer": [f'{{"findings": [{{"text": "{HALF}", "suggestion": "\\ud83d", "term": "\\ud83d"}}]}}'],
}


def test_half_a_character_in_a_reply_fails_no_run(tmp_path: Path) -> None:
    """What was paid for is recorded, and the prompts that follow on it are sent: the second round is told of it."""
    left = {name: list(replies) for name, replies in HALVES.items()}

    def half(request: dict[str, Any]) -> Any:
        replies = left[role(request)]
        reply = replies.pop(0) if replies else answer
        return reply(request) if callable(reply) else reply

    with endpoint(half) as server:
        folder = run(tmp_path, server, rounds=2, candidates=4, repairs=0)
    assert not any(left.values())
    assert folder.report() is not None
    assert len(list(folder.rounds_path.glob("*/calls/*.json"))) == len(server.requests)


def test_a_review_that_nobody_can_read_is_told_as_none(tmp_path: Path) -> None:
    """In the record, in the log that the display's notes go to, and in the report; and it stops nothing."""
    with endpoint(lambda request: "Fine." if role(request) == "critic" else answer(request)) as server:
        folder = run(tmp_path, server)
    verdict, record = folder.verdict(0, 0), folder.candidate(0, 0)
    assert verdict and record
    assert (verdict.checks[-1].passed, record.status) == (None, "trained")
    log, page = ((folder.path / name).read_text() for name in ("run.log", "report.html"))
    assert "candidate 0.0 goes on without a review: neither reply could be read" in log
    assert "no review: neither reply could be read" in page


def test_money_that_nobody_counted_is_unknown_wherever_it_is_told(tmp_path: Path) -> None:
    """One reply comes without its usage; the model's price is configured all the same."""
    told = {"role": "assistant", "content": '{"verdict": "approve"}'}
    untold = {"choices": [{"index": 0, "finish_reason": "stop", "message": told}], "model": "tiny-1"}
    with endpoint(lambda request: untold if role(request) == "critic" else answer(request)) as server:
        folder = run(tmp_path, server, prices=(1.0, 2.0))
    data, report = as_data(load_run(folder.path)), folder.report()
    assert report
    assert data["spent"]["llm_usd"] is report.spent.llm_usd is data["ledger"]["total"]["usd"] is None
    assert data["ledger"]["by_role"]["designer"]["usd"] == pytest.approx((11 + 2 * 3) / 1e6)


def test_one_such_reply_costs_one_turn(tmp_path: Path) -> None:
    """Nothing, then half of a program, then half an opinion: each is asked for once more."""
    half = said(PROGRAM[:60], finish_reason="length")
    with endpoint(said(None), half, answer, said('{"verdict', finish_reason="length"), answer) as server:
        folder = run(tmp_path, server)
    assert [record.status for record in folder.all_candidates()] == ["trained"]
    assert [role(request) for request in server.requests] == ["designer"] * 3 + ["critic"] * 2 + ["analyzer"]
