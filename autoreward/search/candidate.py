"""Designing one candidate: propose, verify, review, and at most a few repairs."""

from __future__ import annotations

from autoreward.config import RunConfig
from autoreward.critic.contract import Check, Verdict
from autoreward.critic.earlier import Earlier, Measured
from autoreward.critic.review import review
from autoreward.critic.stored import Stored
from autoreward.critic.verify import verify
from autoreward.designer.contract import Brief, Proposal
from autoreward.envs.contract import Transitions
from autoreward.search.observer import Observer
from autoreward.search.roles import Roles
from autoreward.store.folder import Drafted, RunFolder


class Drafting:
    """Brings candidates from a brief to the Critic's last verdict, and records them."""

    def __init__(
        self, folder: RunFolder, roles: Roles, transitions: Transitions, config: RunConfig, watch: Observer
    ) -> None:
        self._folder, self._roles, self._transitions, self._watch = folder, roles, transitions, watch
        self._repairs, self._seconds = config.most_repairs, config.probe_seconds
        self._measured: dict[str, Measured] = {}
        self._alone = config.episodes == "own" or config.llm.replay is not None
        self._probes = config.critic == "full"
        self._reviewed = self._probes and config.llm.reviews and roles.chat is not None

    def draft(self, brief: Brief, first: Proposal | None = None) -> Verdict:
        """Design one candidate; a recorded one is not designed again.

        Args:
            brief: what the Designer is told.
            first: a proposal to begin with instead of asking for one (`--start-from`).
        """
        if recorded := self._folder.verdict(brief.round, brief.index):
            return recorded
        self._stage(brief, "designing")
        proposal = first or self._roles.designer.propose(brief)
        for attempt in range(self._repairs + 1):
            self._stage(brief, "verifying")
            verdict = self._judge(brief, proposal, attempt)
            if verdict.status == "accepted" or attempt == self._repairs:
                break
            self._stage(brief, "repairing", verdict.reason)
            proposal = self._roles.designer.repair(brief, proposal, verdict.reason, attempt + 1)
        self._folder.write_draft(brief.round, brief.index, Drafted(proposal=proposal, repairs=attempt), verdict)
        self._stage(brief, "waiting" if verdict.status == "accepted" else "refused", verdict.reason or verdict.missing)
        return verdict

    def _judge(self, brief: Brief, proposal: Proposal, attempt: int) -> Verdict:
        """Executable checks, then the review. A review that still objects at the last attempt is outvoted.

        It is an opinion; the training that follows is the test.
        """
        roles = self._roles
        given = (brief.schema_, brief.grammar, self._transitions, roles.new_cell, brief.task, self._seconds)
        verdict = verify(proposal.source, *given, self._earlier(brief), self._probes, self._stored(brief, proposal))
        if verdict.status != "accepted" or not self._reviewed or roles.chat is None or verdict.program is None:
            return verdict
        self._stage(brief, "reviewing")
        check = review(roles.chat, roles.templates, brief, verdict.program, attempt, verdict.found)
        if check.verdict == "no evidence":
            self._watch.note(f"candidate {brief.round}.{brief.index} goes on without a review: {check.message}")
        objected = check.verdict == "fail" and attempt < self._repairs
        if check.verdict == "fail" and not objected:
            check = Check(name=check.name, verdict="pass", message=f"outvoted: {check.message}", seconds=check.seconds)
        return verdict.model_copy(
            update={"status": "invalid" if objected else "accepted", "checks": (*verdict.checks, check)}
        )

    def _stored(self, brief: Brief, proposal: Proposal) -> Stored | None:
        """Episodes to be put in order; not for the user's own reward, which is trained as it is.

        A replay is judged by trainings of its own alone, since those of other runs were others when it was recorded.
        """
        if proposal.origin == "start_from":
            return None
        run = self._folder.path
        only = run / "trainings" if self._alone else None
        return Stored.of(run.parent, brief.task, brief.schema_, self._watch.note, only)

    def _earlier(self, brief: Brief) -> Earlier:
        """The run's accepted candidates so far, but for those whose training failed, which may be tried again."""
        sources = {}
        for round_ in range(brief.round + 1):
            for index in self._folder.indices(round_):
                verdict, record = self._folder.verdict(round_, index), self._folder.candidate(round_, index)
                accepted = verdict is not None and verdict.status == "accepted"
                if (
                    accepted
                    and (round_, index) < (brief.round, brief.index)
                    and not (record and record.status == "failed")
                ):
                    sources[f"{round_}.{index}"] = self._folder.source(round_, index)
        return Earlier(sources, self._measured)

    def _stage(self, brief: Brief, stage: str, detail: str = "") -> None:
        self._watch.candidate_stage(brief.round, brief.index, stage, detail)
