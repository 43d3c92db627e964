"""Asking for the analyses of a round's candidates, several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event

from autoreward.analyzer.llm import advise
from autoreward.designer.contract import Brief, Finding, PastCandidate
from autoreward.errors import BudgetReached
from autoreward.llm.recorded import RecordedChat
from autoreward.prompts.render import Templates

Advice = tuple[Finding, ...]


def advise_all(
    chat: RecordedChat,
    templates: Templates,
    asked: Sequence[tuple[Brief, PastCandidate]],
    at_once: int,
    note: Callable[[str], None],
) -> tuple[list[Advice], str]:
    """Ask for the analysis of each candidate.

    After a fault no further call is begun, and those under way are waited for: their replies are paid for, and what is
    recorded is not asked for again. Where the calls could reach a cap, one follows the other, so that the same one
    is the last in a replay.

    Args:
        chat: the language model.
        templates: the prompts.
        asked: brief and candidate of each analysis.
        at_once: calls under way at the same time, at most.
        note: is told what an interrupt waits for.

    Returns:
        The advice on each candidate, in the order of `asked`, empty where the budget allowed none; and the cap that was
        reached, in words.

    Raises:
        EndpointError: the endpoint failed for good.
    """
    ended = Event()

    def one(brief: Brief, candidate: PastCandidate) -> Advice:
        if ended.is_set():
            return ()
        try:
            return advise(chat, templates, brief, candidate, 0)
        except BaseException:
            ended.set()
            raise

    # A reply that cannot be read is asked for once more, so each analysis takes two calls at most.
    with ThreadPoolExecutor(at_once if chat.meter.room_for(2 * len(asked)) else 1) as threads:
        replies = [threads.submit(one, *each) for each in asked]
        try:
            wait(replies)
        except BaseException:
            ended.set()
            note("waiting for the replies under way, since they are paid for")
            raise
    return _gathered(replies)


def _gathered(replies: Sequence[Future[Advice]]) -> tuple[list[Advice], str]:
    faults = [reply.exception() for reply in replies]
    for fault in faults:
        if fault is not None and not isinstance(fault, BudgetReached):
            raise fault
    cap = next((str(fault) for fault in faults if fault is not None), "")
    return [() if fault else reply.result() for reply, fault in zip(replies, faults, strict=True)], cap
