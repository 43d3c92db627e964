"""What every Designer must do, as a function that plug-in authors run too."""

from __future__ import annotations

from autoreward.designer.contract import Brief, Designer, PastCandidate, Proposal
from autoreward.language.static import check


def check_designer(designer: Designer, brief: Brief) -> None:
    """Ask a Designer for a first round, a repair and a second round, and check what it gives.

    A proposal may be refused by the Critic, so only the static rules are asked of the last repair.

    Raises:
        AssertionError: it breaks the contract; the message says how.
    """
    names = brief.schema_.names
    siblings: tuple[str, ...] = ()
    for index in range(2):
        asked = brief.model_copy(update={"round": 0, "index": index, "candidates": 2, "siblings": siblings})
        proposal = designer.propose(asked)
        assert isinstance(proposal, Proposal), f"propose gave a {type(proposal).__name__}, not a Proposal"
        assert proposal.source.strip(), "propose gave an empty source"
        siblings = (*siblings, proposal.source)
    asked = brief.model_copy(update={"round": 0, "index": 1, "candidates": 2, "siblings": siblings[:1]})
    mended = designer.repair(asked, proposal, "contract: this check refuses every first proposal", 1)
    assert isinstance(mended, Proposal), f"repair gave a {type(mended).__name__}, not a Proposal"
    program = check(mended.source, names, brief.grammar)
    assert program.idea, "the program has no IDEA"
    past = PastCandidate(
        round=0, index=0, idea=program.idea, source=mended.source, status="trained", success_rate=0.0, incumbent=True
    )
    refused = PastCandidate(round=0, index=1, idea="", source="no program", status="refused", reason="syntax")
    later = brief.model_copy(update={"round": 1, "index": 0, "candidates": 2, "history": (past, refused)})
    following = designer.propose(later)
    assert isinstance(following, Proposal), f"propose gave a {type(following).__name__}, not a Proposal"
    assert following.source != mended.source, "the second round repeats what was tried"
