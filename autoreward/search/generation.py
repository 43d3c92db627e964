"""One round: design, verify, train and analyse a handful of candidates."""

from __future__ import annotations

from autoreward.analyzer.causes.table import cause
from autoreward.analyzer.diagnosis import diagnose
from autoreward.analyzer.narration import narrate
from autoreward.analyzer.packet import measured
from autoreward.analyzer.plain import plain
from autoreward.analyzer.recorded import Training, read_training
from autoreward.critic.stored import Stored
from autoreward.designer.contract import Brief, Finding, PastCandidate, Proposal
from autoreward.errors import BudgetReached
from autoreward.report.page import write_report
from autoreward.search.account import Account
from autoreward.search.advising import advise_all
from autoreward.search.anatomy import keep_anatomy
from autoreward.search.candidate import Drafting
from autoreward.search.hopeless import between_rounds
from autoreward.search.observer import Observer
from autoreward.search.race import Race
from autoreward.search.roles import Roles
from autoreward.search.trainings import Trainings, rank
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateAnalysis, CandidateRecord, RoundAnalysis, RunRecord
from autoreward.training.contract import TrainingResult


class Generation:
    """Carries out rounds on a run folder; what is recorded is skipped."""

    def __init__(
        self,
        folder: RunFolder,
        run: RunRecord,
        roles: Roles,
        drafting: Drafting,
        account: Account,
        watch: Observer,
    ) -> None:
        self._folder, self._run, self._roles, self._drafting, self._watch = folder, run, roles, drafting, watch
        self._account = account
        shared = run.config.shared_trainings
        stored = Stored.of(folder.path.parent, run.task, run.env_schema, watch.note)
        self._trainings = Trainings(folder, run.task, roles.engine, watch, roles.least, shared, stored)
        self._race = Race(folder, run, self._trainings, account, watch)
        self.stopped = ""
        """Which cap ended a design early; empty where none did."""

    def carry_out(self, round_: int, candidates: int, start_from: str | None) -> RoundAnalysis:
        """Design, train and analyse one round.

        Args:
            round_: counts from 0.
            candidates: how many.
            start_from: the user's own reward program, for the first candidate of the first round.
        """
        self._watch.round_started(round_, candidates)
        history = self.history(round_)
        for index in self._draft_all(round_, candidates, history, start_from):
            self._note_refused(round_, index)
        self._train(round_)
        analysis = self._analyse(round_, candidates, history)
        self._account.save(self.stopped)
        self._folder.write_analysis(analysis)
        self._show(analysis.incumbent)
        self._watch.round_finished(analysis)
        return analysis

    def _show(self, best: tuple[int, int] | None) -> None:
        """The page as of now. Whatever keeps it from being written is no reason to lose a run."""
        keep_anatomy(self._folder, self._run, best, self._roles.new_cell, self._watch.note)
        try:
            write_report(self._folder.path)
        except Exception as fault:
            self._watch.note(f"report.html could not be written, the run goes on: {type(fault).__name__}: {fault}")

    def history(self, before: int) -> tuple[PastCandidate, ...]:
        """All candidates of the rounds before this one, as a Designer is told of them."""
        past: list[PastCandidate] = []
        for round_ in range(before):
            analysis = self._folder.analysis(round_) or RoundAnalysis(round=round_)
            past += [
                self._past(record, analysis.candidates.get(record.index, CandidateAnalysis()))
                for record in self._folder.candidates(round_)
            ]
        incumbent = self.incumbent(before)
        return tuple(
            candidate.model_copy(update={"incumbent": (candidate.round, candidate.index) == incumbent})
            for candidate in past
        )

    def incumbent(self, before: int) -> tuple[int, int] | None:
        """The best candidate of the rounds before this one."""
        analysis = self._folder.analysis(before - 1) if before else None
        return analysis.incumbent if analysis else None

    # Design -----------------------------------------------------------------------------------------------------

    def _draft_all(
        self, round_: int, candidates: int, history: tuple[PastCandidate, ...], start_from: str | None
    ) -> list[int]:
        drafted: list[int] = []
        for index in range(candidates):
            brief = Brief(
                task=self._run.task,
                schema_=self._run.env_schema,
                grammar=self._run.task.grammar,
                round=round_,
                index=index,
                candidates=candidates,
                history=history,
                siblings=tuple(self._folder.source(round_, earlier) for earlier in drafted),
                seed=self._run.config.seed,
            )
            own = round_ == index == 0 and start_from is not None
            if self._out_of_time(f"the round goes on with {len(drafted)} candidates"):
                break
            try:
                self._drafting.draft(brief, Proposal(source=start_from, origin="start_from") if own else None)
            except BudgetReached as cap:
                self.stopped = str(cap)
                self._watch.note(f"{cap}; the round goes on with {len(drafted)} candidates")
                break
            drafted.append(index)
        return drafted

    def _note_refused(self, round_: int, index: int) -> None:
        verdict = self._folder.verdict(round_, index)
        if verdict is None or verdict.status == "accepted" or self._folder.candidate(round_, index):
            return
        self._finish(self._record(round_, index).model_copy(update={"status": "refused", "reason": verdict.reason}))

    def _record(self, round_: int, index: int) -> CandidateRecord:
        draft, verdict = self._folder.drafted(round_, index), self._folder.verdict(round_, index)
        idea = verdict.program.idea if verdict and verdict.program else ""
        notes = (draft.proposal.note if draft else "", verdict.missing if verdict else "")
        return CandidateRecord(
            round=round_,
            index=index,
            idea=idea,
            status="trained",
            origin=draft.proposal.origin if draft else "",
            note="; ".join(note for note in notes if note),
            parent=draft.proposal.parent if draft else None,
            repairs=draft.repairs if draft else 0,
            steps=self._run.task.steps,
        )

    def _out_of_time(self, consequence: str) -> bool:
        if over := self._account.out_of_time():
            self.stopped = over
            self._watch.note(f"{over}; {consequence}")
        return bool(over)

    def _finish(self, record: CandidateRecord) -> None:
        self._folder.write_candidate(record)
        self._account.save()
        self._watch.candidate_finished(record)

    # Training ---------------------------------------------------------------------------------------------------

    def _train(self, round_: int) -> None:
        """Train who is accepted; those whose end is recorded take part in the race that decided it."""
        records = {index: self._folder.candidate(round_, index) for index in self._accepted(round_)}
        racing = bool(self._run.config.halvings)
        field = [index for index, record in records.items() if record is None or (racing and record.trainings)]
        if None not in records.values():
            return
        for index, end in self._race.train(round_, field):
            self.stopped = self.stopped or self._race.stopped
            if records[index] is None:
                self._finish(self._record(round_, index).model_copy(update=end))

    def _accepted(self, round_: int) -> list[int]:
        verdicts = {index: self._folder.verdict(round_, index) for index in self._folder.indices(round_)}
        return [index for index, verdict in verdicts.items() if verdict is not None and verdict.status == "accepted"]

    # Analysis ---------------------------------------------------------------------------------------------------

    def _analyse(self, round_: int, candidates: int, history: tuple[PastCandidate, ...]) -> RoundAnalysis:
        records = self._folder.candidates(round_)
        computed = {record.index: self._computed(record) for record in records}
        told = [record for record in records if _weakest(self._results(record))]
        briefs = [self._brief(record, candidates, history) for record in told]
        past = [self._past(record, computed[record.index]) for record in told]
        for record, advice in zip(told, self._advice(list(zip(briefs, past, strict=True))), strict=False):
            analysis = computed[record.index]
            computed[record.index] = analysis.model_copy(update={"findings": analysis.findings + advice})
        return RoundAnalysis(
            round=round_,
            candidates=computed,
            incumbent=self._best(round_, records),
            hopeless=None if self.stopped else between_rounds(self._folder, self._run, self._trainings, round_),
        )

    def _computed(self, record: CandidateRecord) -> CandidateAnalysis:
        """What needs no language model."""
        run, results = self._run, self._results(record)
        findings, ranked = diagnose(run.task, results), self._ranked_trainings(record)
        if not ranked:
            return CandidateAnalysis(findings=findings)
        told, best = ranked[0], ranked[-1]
        return CandidateAnalysis(
            label=cause(run.task, run.env_schema, ranked),
            measured=measured(told, ranked),
            findings=findings,
            episodes=narrate(run.task, run.env_schema, told, best),
        )

    def _ranked_trainings(self, record: CandidateRecord) -> list[Training]:
        """A candidate's trainings that ended well, with their files, the worst first."""
        found = [
            read_training(seed, result, self._folder.training_folder(hash_))
            for seed, hash_ in record.trainings.items()
            if (result := self._folder.result(hash_, record.steps)) and result.status == "ok" and result.final
        ]
        return sorted(found, key=lambda one: _rank(one.result))

    def _advice(self, asked: list[tuple[Brief, PastCandidate]]) -> list[tuple[Finding, ...]]:
        """What the language model says of each; nothing where none takes part, or a cap has ended the search."""
        roles = self._roles
        if roles.chat is None or self.stopped or not asked or self._run.config.analyzer == "statistics":
            return []
        at_once = self._run.config.llm.concurrency
        advice, cap = advise_all(roles.chat, roles.templates, asked, at_once, self._watch.note)
        if cap:
            self.stopped = cap
            self._watch.note(f"{cap}; the analysis goes on without the language model")
        return advice

    def _brief(self, record: CandidateRecord, candidates: int, history: tuple[PastCandidate, ...]) -> Brief:
        run = self._run
        return Brief(
            task=run.task,
            schema_=run.env_schema,
            grammar=run.task.grammar,
            round=record.round,
            index=record.index,
            candidates=candidates,
            history=history,
            seed=run.config.seed,
        )

    def _results(self, record: CandidateRecord) -> list[TrainingResult]:
        results = (self._folder.result(hash_, record.steps) for hash_ in record.trainings.values())
        return [result for result in results if result is not None]

    def _past(self, record: CandidateRecord, analysis: CandidateAnalysis) -> PastCandidate:
        results = self._results(record)
        told = _weakest(results)
        verdict = self._folder.verdict(record.round, record.index)
        past = PastCandidate(
            round=record.round,
            index=record.index,
            idea=record.idea,
            source=self._folder.source(record.round, record.index),
            status=record.status,
            reason=record.reason,
            steps=record.steps,
            stopped=record.stopped,
            success_rate=record.success_rate,
            seed_success=tuple(result.final.success_rate for result in results if result.final),
            score=record.score,
            evaluations=told.evaluations if told else (),
            shipped_step=told.shipped_step if told else None,
            terms=told.terms if told else {},
            warnings=verdict.warnings if verdict else (),
            parent=record.parent,
            label=analysis.label,
            measured=analysis.measured,
            findings=analysis.findings,
            episodes=analysis.episodes,
        )
        return plain(past) if self._run.config.analyzer == "statistics" else past

    def _best(self, round_: int, records: list[CandidateRecord]) -> tuple[int, int] | None:
        """The incumbent, unless a candidate of this round beats it; a tie keeps it.

        It always had the task's whole steps: what a shorter training came to says nothing beside that.
        """
        earlier = self.incumbent(round_)
        best = self._folder.candidate(*earlier) if earlier else None
        for record in records:
            if record.status != "trained" or record.steps < self._run.task.steps:
                continue
            if best is None or rank(record.success_rate, record.score) > rank(best.success_rate, best.score):
                best = record
        return (best.round, best.index) if best else None


def _weakest(results: list[TrainingResult]) -> TrainingResult | None:
    """The training to tell of: the one that did worst, since what failed teaches most."""
    ended = [result for result in results if result.status == "ok" and result.final is not None]
    return min(ended, key=_rank, default=None)


def _rank(result: TrainingResult) -> tuple[float, float]:
    return rank(result.final.success_rate, result.final.score) if result.final else rank(None, None)
