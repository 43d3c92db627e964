"""A complete run folder without any training: for tests of what shows runs, and for a look at what a run leaves."""

from __future__ import annotations

import math
from pathlib import Path

import gymnasium
import yaml

import autoreward
from autoreward.analyzer.diagnosis import diagnose
from autoreward.config import RunConfig
from autoreward.critic.contract import Check, Verdict
from autoreward.critic.verify import CHECKS
from autoreward.designer.contract import Finding, Proposal
from autoreward.envs.registry import describe
from autoreward.errors import RewardRefused
from autoreward.language.static import check
from autoreward.records import write_record
from autoreward.sandbox.inprocess import InProcessCell
from autoreward.sandbox.isolation import Isolation
from autoreward.search.anatomy import keep_anatomy
from autoreward.search.final import export_run
from autoreward.search.seeds import report_seeds, search_seeds, selection_seeds
from autoreward.search.trainings import row, summary
from autoreward.store.folder import Drafted, RunFolder
from autoreward.store.records import (
    CandidateAnalysis,
    CandidateRecord,
    Report,
    RoundAnalysis,
    Row,
    RunRecord,
    Selection,
    Spent,
)
from autoreward.task import load_task
from autoreward.testing.arm_episodes import play_reacher
from autoreward.testing.plausible import DRAFTS, Draft, plausible
from autoreward.testing.trainer import random_policy
from autoreward.training.contract import RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import POLICY, result_name
from autoreward.training.policy import Policy

WINNER = (1, 1)

_ADVICE = Finding(
    diagnosis="advice",
    text="The arm reaches the target and swings past it; the last episodes end 2 to 4 cm away.",
    suggestion="Add a term that is steep within 5 cm of the target, and one for coming to rest there.",
    term="reach",
    source="llm",
)
_EPISODES = """\
best episode (seed 71): success. target_offset 0.19 -> 0.01 m in 14 steps, then within 0.02 m to the end.
worst episode (seed 64): no success. target_offset 0.24 -> 0.06 m, then the arm swings past the target twice.
failed episode (seed 80): no success. on target at steps 22 to 29, 8 of the 10 steps that the rule asks for.
"""


def example_run(path: Path, *, finished: bool = True, seeds: int = 5, episodes: bool = False) -> Path:
    """Write a small run on the task `reacher`: two rounds of three candidates, one refused, and a report.

    Nothing is trained; the curves are drawn from formulas, and the policy in `best/` has random weights.

    Args:
        path: the run folder, which must not exist yet.
        finished: False stops it in the second round, after one of its candidates has been designed.
        seeds: report seeds; below 5 a report prints each and claims no interval.
        episodes: whether its trainings leave recorded episodes, which a hand-written controller plays, and the best
            reward's terms are looked at.

    Returns:
        The folder.
    """
    example = _Example(path, seeds)
    example.begin()
    example.round(0)
    if finished:
        example.round(1)
        example.finish()
    else:
        example.draft(1, 0)
    if episodes:
        example.play(WINNER if finished else (0, 0))
    return path


class _Example:
    def __init__(self, path: Path, seeds: int) -> None:
        self.folder = RunFolder(path)
        self.config = RunConfig(designer="composer", rounds=2, candidates=3, report_seeds=seeds)
        self.task = self.config.for_task(load_task("reacher"))
        self._episodes = self.task.report_episodes
        self._trained: dict[Path, tuple[int, float]] = {}
        self.record = RunRecord(
            id=path.name,
            created="2026-11-21T03:14:00+00:00",
            autoreward=autoreward.__version__,
            task=self.task,
            env_schema=describe(self.task.env),
            config=self.config,
            designer="composer",
            isolation=Isolation(level="A", system="Linux 6.12.0 x86_64", landlock=6, filters=2),
        )

    def begin(self) -> None:
        self.folder.write_run(self.record)
        self.folder.write_text("config.yaml", yaml.safe_dump(self.config.model_dump(mode="json"), sort_keys=False))
        self.folder.write_text("command.txt", "autoreward run reacher --rounds 2 --candidates 3\n")
        self.folder.write_text("run.log", "2026-11-21T03:14:00Z started: task reacher, designer composer\n")

    # Search -----------------------------------------------------------------------------------------------------

    def draft(self, round_: int, index: int) -> Verdict:
        draft = DRAFTS[round_][index]
        proposal = Proposal(source=draft.source, note=draft.note, parent=draft.parent)
        try:
            program = check(draft.source, self.record.env_schema.names, self.task.grammar)
            checks = tuple(Check(name=name, verdict="pass") for name in ("contract", *(name for name, _ in CHECKS)))
            verdict = Verdict(status="accepted", checks=checks, program=program, terms=tuple(draft.terms))
        except RewardRefused as refused:
            failed = Check(name="contract", verdict="fail", message=str(refused), line=refused.line)
            verdict = Verdict(status="invalid", checks=(failed,))
        repairs = self.config.most_repairs if verdict.status == "invalid" else 0
        self.folder.write_draft(round_, index, Drafted(proposal=proposal, repairs=repairs), verdict)
        return verdict

    def round(self, round_: int) -> None:
        analyses = {}
        for index in range(len(DRAFTS[round_])):
            results = self._candidate(round_, index, self.draft(round_, index))
            findings = diagnose(self.task, list(results.values())) if results else ()
            if (round_, index) == (0, 0):
                findings += (_ADVICE,)
            analyses[index] = CandidateAnalysis(findings=findings, episodes=_EPISODES if results else "")
        incumbent = (0, 0) if round_ == 0 else WINNER
        self.folder.write_analysis(RoundAnalysis(round=round_, candidates=analyses, incumbent=incumbent))
        trainings = sum(len(record.trainings) for record in self.folder.all_candidates())
        self.folder.write_spent(Spent(env_steps=trainings * self.task.steps, wall_seconds=41.5 * trainings))

    def _candidate(self, round_: int, index: int, verdict: Verdict) -> dict[int, TrainingResult]:
        draft = DRAFTS[round_][index]
        record = CandidateRecord(
            round=round_,
            index=index,
            origin="composer",
            idea=verdict.program.idea if verdict.program else "",
            note=draft.note,
            parent=draft.parent,
            status="refused",
            reason=verdict.reason,
            repairs=self.config.most_repairs if verdict.reason else 0,
            steps=self.task.steps,
        )
        results: dict[int, TrainingResult] = {}
        if verdict.status == "accepted":
            results = self._train(self._program(round_, index), draft, search_seeds(self.config))
            success, score = summary(results)
            trainings = {seed: result.hash for seed, result in results.items()}
            update = {"status": "trained", "trainings": trainings, "success_rate": success, "score": score}
            record = record.model_copy(update=update)
        self.folder.write_candidate(record)
        return results

    def _program(self, round_: int, index: int) -> RewardSpec:
        return RewardSpec(kind="program", source=self.folder.source(round_, index), grammar=self.task.grammar)

    def _train(self, reward: RewardSpec, draft: Draft, seeds: tuple[int, ...]) -> dict[int, TrainingResult]:
        results = {}
        for seed in seeds:
            job = TrainingJob(task=self.task, reward=reward, seed=seed, episodes=self._episodes)
            result = plausible(job, self.task.steps, draft)
            folder = self.folder.add_training(job)
            write_record(folder / result_name(self.task.steps), result)
            self._trained[folder] = (seed, draft.success)
            results[seed] = result
        return results

    def play(self, best: tuple[int, int]) -> None:
        play_reacher(self.task, self._trained)
        keep_anatomy(self.folder, self.record, best, InProcessCell, lambda fault: None)

    # The end ----------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        finalists, seeds = (WINNER, (1, 0)), selection_seeds(self.config)
        rows = [
            self._row("finalist", f"candidate {r}.{i}", self._program(r, i), DRAFTS[r][i], seeds) for r, i in finalists
        ]
        self.folder.write_selection(Selection(finalists=finalists, rows=tuple(rows), winner=WINNER))
        report = Report(winner=WINNER, rows=self._report_rows(), spent=self.folder.spent())
        export_run(self.folder, self.record, report, self.folder.best)
        self._policy().save(self.folder.best / POLICY)
        self.folder.write_report(report)

    def _report_rows(self) -> tuple[Row, ...]:
        seeds, nothing = report_seeds(self.config), Draft("", {}, {}, 0.0)
        designed = DRAFTS[WINNER[0]][WINNER[1]]
        human = Draft("", {}, {}, 0.62)
        return (
            self._row("random", "random policy", RewardSpec(kind="random"), nothing, seeds),
            self._row("sparse", "sparse reward", RewardSpec(kind="sparse"), Draft("", {}, {}, 0.06), seeds),
            self._row("human", "environment's own reward", RewardSpec(kind="human"), human, seeds),
            self._row("designed", f"designed ({WINNER[0]}.{WINNER[1]})", self._program(*WINNER), designed, seeds),
        )

    def _row(self, name: str, label: str, reward: RewardSpec, draft: Draft, seeds: tuple[int, ...]) -> Row:
        results = self._train(reward, draft, seeds)
        return row(name, label, results, self._episodes, 0 if name == "random" else self.task.steps)

    def _policy(self) -> Policy:
        inputs = sum(math.prod(field.shape) for field in self.record.env_schema.fields if field.policy_sees)
        action = self.record.env_schema.action
        box = gymnasium.spaces.Box
        return random_policy(box(-1.0, 1.0, (inputs,)), box(action.low or -1.0, action.high or 1.0, action.shape), 0)
