"""The end of a run: finalists on selection seeds, then the winner and the baselines on seeds that nothing saw."""

from __future__ import annotations

import shutil
from pathlib import Path

from autoreward.critic.stored import Stored
from autoreward.errors import AutorewardError, UserError
from autoreward.report.actor import winners_actor
from autoreward.report.page import write_report
from autoreward.report.rollouts import PAGE_FRAMES, keep, keep_nothing, perform
from autoreward.reward.export import export_package
from autoreward.search.anatomy import keep_anatomy
from autoreward.search.hopeless import of_report, reference_reward
from autoreward.search.observer import Observer
from autoreward.search.roles import Roles
from autoreward.search.seeds import report_seeds, selection_seeds
from autoreward.search.trainings import Trainings, rank, row
from autoreward.store.folder import RunFolder
from autoreward.store.records import CandidateRecord, Report, Row, RunRecord, Selection
from autoreward.training.contract import RewardSpec
from autoreward.training.files import POLICY


class Final:
    """Selection and report on a run folder; what is recorded is skipped."""

    def __init__(self, folder: RunFolder, run: RunRecord, roles: Roles, watch: Observer) -> None:
        self._folder, self._run, self._watch, self._least = folder, run, watch, roles.least
        shared = run.config.shared_trainings
        self._new_cell = roles.new_cell
        stored = Stored.of(folder.path.parent, run.task, run.env_schema, watch.note)
        self._trainings = Trainings(folder, run.task, roles.engine, watch, roles.least, shared, stored)
        self._episodes = run.config.report_episodes or run.task.report_episodes

    def select(self) -> Selection | None:
        """Compare the best candidates on seeds of their own; None where no candidate was trained."""
        if recorded := self._folder.selection():
            return recorded
        finalists = self._finalists()
        if not finalists:
            return None
        episodes, rows = self._episodes, []
        seeds = selection_seeds(self._run.config)
        self._watch.phase_started("selection", f"{len(finalists)} finalists on {len(seeds)} seeds")
        rewards = {finalist.name: self._program(finalist.round, finalist.index) for finalist in finalists}
        results = self._trainings.run(rewards, seeds, episodes)
        for finalist in finalists:
            label = f"candidate {finalist.name}"
            rows.append(row("finalist", label, results[finalist.name], episodes, self._run.task.steps))
        # max keeps the first of equals: the finalist that the search ranked higher.
        best = max(range(len(rows)), key=lambda place: _rank(rows[place]))
        selection = Selection(
            finalists=tuple((finalist.round, finalist.index) for finalist in finalists),
            rows=tuple(rows),
            winner=(finalists[best].round, finalists[best].index),
        )
        self._folder.write_selection(selection)
        return selection

    def _finalists(self) -> list[CandidateRecord]:
        """The best trained candidates, each program once; those that were trained for more steps come first."""
        trained = [record for record in self._folder.all_candidates() if record.status == "trained"]
        trained.sort(key=lambda record: (record.steps, *rank(record.success_rate, record.score)), reverse=True)
        distinct = {self._folder.source(record.round, record.index): record for record in reversed(trained)}
        best_first = [record for record in trained if record in distinct.values()]
        return best_first[: self._run.config.finalists]

    def report(self, selection: Selection | None, stopped: str) -> Report:
        """Measure random, sparse, human (or reference) and the winner on the report seeds, and write everything.

        Where a cap ended the search before a candidate was trained, nothing is measured: baselines alone answer no
        question, and the resumed run measures them with its winner.
        """
        recorded = self._folder.report()
        if recorded is None:
            rows = () if stopped and selection is None else self._measure(selection)
            own = next((row.trainings for row in rows if row.name in ("reference", "human")), {})
            recorded = Report(
                winner=selection.winner if selection else None,
                rows=rows,
                stopped=stopped,
                hopeless=of_report(self._folder, self._run, own),
                spent=self._folder.spent(),
            )
            if recorded.winner:
                self._export(recorded)
            # The record that says that all is done comes last: whoever is killed before it does all of this again.
            keep_anatomy(self._folder, self._run, recorded.winner, self._new_cell, self._watch.note)
            self._folder.write_report(recorded)
        write_report(self._folder.path)
        return recorded

    def _measure(self, selection: Selection | None) -> tuple[Row, ...]:
        task, config = self._run.task, self._run.config
        seeds = report_seeds(config)
        rewards = {"random": RewardSpec(kind="random"), "sparse": RewardSpec(kind="sparse")}
        labels = {"random": "random policy", "sparse": "sparse reward"}
        name, reward, label = reference_reward(task)
        rewards[name], labels[name] = reward, label
        if selection:
            rewards["designed"] = self._program(*selection.winner)
            labels["designed"] = f"designed ({selection.winner[0]}.{selection.winner[1]})"
        self._watch.phase_started("report", f"{', '.join(rewards)} on {len(seeds)} fresh seeds")
        results = self._trainings.run(rewards, seeds, self._episodes, reported=True)
        return tuple(
            row(name, labels[name], results[name], self._episodes, 0 if name == "random" else task.steps)
            for name in rewards
        )

    def _program(self, round_: int, index: int) -> RewardSpec:
        source = self._folder.source(round_, index)
        return RewardSpec(kind="program", source=source, grammar=self._run.task.grammar)

    # Export -----------------------------------------------------------------------------------------------------

    def _export(self, report: Report) -> None:
        """`best/`: the reward package and the policy of the best report seed; and films of what it does."""
        best = self._folder.best
        shutil.rmtree(best, ignore_errors=True)  # whatever a killed run left half done
        export_run(self._folder, self._run, report, best)
        designed = next(row for row in report.rows if row.name == "designed")
        seeds = [
            seed for seed, _ in sorted(zip(designed.trainings, designed.success, strict=True), key=lambda p: -p[1])
        ]
        policy = self._folder.training_folder(designed.trainings[seeds[0]]) / POLICY if seeds else None
        if policy is None or not policy.exists():
            self._watch.note("no policy was kept: every training of the best reward failed on the report seeds")
            return
        shutil.copy(policy, best / POLICY)
        self._film(report, seeds[0])

    def _film(self, report: Report, seed: int) -> None:
        """`rollouts/`: episodes of the policy that is kept in `best/`, for the page; no run fails for want of them."""
        assert report.winner is not None
        actor = winners_actor(self._folder, self._run.task, report.winner, seed, self._folder.best / POLICY)
        try:
            note = keep(actor, perform(actor, self._least).for_page(), PAGE_FRAMES).note
        except (AutorewardError, OSError) as reason:
            note = f"no rollouts: {reason}"
            keep_nothing(actor, note)
        if note:
            self._watch.note(note)


def _rank(row: Row) -> tuple[float, float]:
    return rank(row.success_iqm, None if row.failed else row.score_iqm)


def export_run(folder: RunFolder, run: RunRecord, report: Report, destination: Path) -> Path:
    """Write the winner of a finished run as an importable package, with its evidence."""
    if report.winner is None:
        raise UserError(f"{folder.path} has no trained candidate, so there is nothing to export")
    evidence = {
        "run": run.id,
        "candidate": f"{report.winner[0]}.{report.winner[1]}",
        "isolation": run.isolation.model_dump(mode="json"),
        "rows": [row.model_dump(mode="json") for row in report.rows],
    }
    return export_package(
        destination,
        name=run.task.name.replace("/", "_"),
        source=folder.source(*report.winner),
        task=run.task,
        schema=run.env_schema,
        evidence=evidence,
    )
