"""A stopped run with other caps, another language model, another engine: what `resume` is given beside the record."""

from __future__ import annotations

from autoreward.config import Budget, EngineConfig, LLMConfig
from autoreward.errors import UserError
from autoreward.store.folder import RunFolder, locked
from autoreward.store.records import RunRecord


def reopen(
    folder: RunFolder,
    budget: Budget | None = None,
    llm: LLMConfig | None = None,
    stop_when_hopeless: bool | None = None,
    engine: EngineConfig | None = None,
) -> RunRecord:
    """Change what a run may spend, whom it asks, or when it gives up; a run that has ended early can then be resumed.

    Its last round is opened again, with everything recorded in it: replies, candidates and trainings are not asked for
    or made anew. Selection and report are, since further candidates may win.

    Args:
        folder: the run; no process may be at work on it.
        budget: the caps from now on; None, or those that it has, keeps them and opens nothing.
        llm: the language model from now on; None keeps it.
        stop_when_hopeless: whether it gives up where every reward fails alike; None keeps what it does.
        engine: where trainings run from now on; None keeps it.

    Returns:
        The run as it now stands.

    Raises:
        UserError: another process is at work on the run, or a small effort is asked for in a grammar that it does not
            know.
        RunDamaged: a record does not read.
    """
    with locked(folder.path):
        run, spent = folder.run(), folder.spent()
        if llm is not None and llm.effort == "small" and run.task.grammar != "terms":
            raise UserError(
                f"--llm.effort small knows the grammar terms alone, and this run's is {run.task.grammar}; go on "
                "without it, or start another run"
            )
        stops = run.config.stop_when_hopeless if stop_when_hopeless is None else stop_when_hopeless
        goes_on = budget not in (None, run.config.budget) or (run.config.stop_when_hopeless and not stops)
        if goes_on and (spent.stopped or _is_short(folder, run)):
            _open_last_round(folder)
            folder.write_spent(spent.model_copy(update={"stopped": ""}))
        changes = {"budget": budget or run.config.budget, "llm": llm or run.config.llm, "stop_when_hopeless": stops}
        config = run.config.model_copy(update={**changes, "engine": engine or run.config.engine})
        run = run.model_copy(update={"config": config})
        folder.write_run(run)  # last: until then, this can be done again
        return run


def _is_short(folder: RunFolder, run: RunRecord) -> bool:
    """Whether a cap left the last round fewer candidates than the configuration has; none need have ended there."""
    rounds = folder.rounds()
    return bool(rounds) and len(folder.candidates(rounds[-1])) < run.config.candidates


def _open_last_round(folder: RunFolder) -> None:
    """Take away what was concluded from less than the run may now spend."""
    (folder.path / "report.json").unlink(missing_ok=True)
    (folder.path / "selection.json").unlink(missing_ok=True)
    for round_ in folder.rounds()[-1:]:
        (folder.rounds_path / f"{round_:02d}" / "analysis.json").unlink(missing_ok=True)
        for record in folder.candidates(round_):
            early = record.status == "failed" and not record.trainings  # the time was up before its turn
            if early or record.stopped:  # in another field, or with more time, it may go on
                (folder.candidate_path(round_, record.index) / "candidate.json").unlink()
