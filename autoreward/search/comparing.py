"""Compares runs: success on fresh seeds, programs, distances of their rewards, settings, cost.

Covered: reward programs of the runs run in a cell only. Python that a run's environment names is imported only where
the user has named it too; without that there are no distances, and all else is compared.
"""

from __future__ import annotations

import difflib
import functools
import json
import string
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

from autoreward.critic.distances import Distances, distances
from autoreward.errors import AutorewardError, UserError
from autoreward.language.tables import MAX_SOURCE_BYTES
from autoreward.report.comparison import Comparison, Difference, Pair, Seeds, Side
from autoreward.report.run import Run
from autoreward.search.statistics import improvement, improvement_interval
from autoreward.search.trainings import row
from autoreward.store.records import Row
from autoreward.store.trust import named_by_environment

MOST_RUNS = 26
_OWN = ("id", "created", "schema_version", "config.runs", "config.shared_trainings")
"""Fields of `run.json` that say which run it is, and where it lies."""
_MACHINE = ("isolation.system", "isolation.landlock", "isolation.filters", "isolation.probes", "isolation.missing")
_WHOLE = ("task.outcomes", "task.measures")
"""What is shown as one setting, however much it holds."""
_APPLIED = ("config.steps", "config.grammar", "config.trainer.")
"""Overrides of the task: what they came to stands under `task`."""


def compare(runs: Sequence[Run], least: Literal["A", "B", "C"] = "B", trust: Collection[str] = ()) -> Comparison:
    """Compare the first run with each of the others.

    Args:
        runs: two or more.
        least: isolation of the processes that their programs are run in.
        trust: Python of the user's own (`module:attr`) that an environment of theirs may have imported.

    Raises:
        UserError: there are not two runs, or too many.
        RunDamaged: a record of a run does not read.
    """
    if not 2 <= len(runs) <= MOST_RUNS:
        raise UserError(f"compare takes 2 to {MOST_RUNS} runs, not {len(runs)}; type: autoreward compare RUN RUN")
    sides = [_side(name, run) for name, run in zip(string.ascii_uppercase, runs, strict=False)]
    measured = _Measured(runs[0], least, trust)
    pairs = [_pair(sides[0], runs[0], side, run, measured) for side, run in zip(sides[1:], runs[1:], strict=True)]
    return Comparison(sides=tuple(sides), pairs=tuple(pairs), settings=tuple(_differences(runs)))


def _side(name: str, run: Run) -> Side:
    seeds, best = _best(run)
    rows = run.report.rows if run.report else ()
    return Side(
        name=name,
        run=run.record.id,
        folder=str(run.path),
        task=run.task.name,
        state=run.state,
        designer=run.record.designer,
        candidate=run.best.name if run.best else None,
        seeds=seeds,
        best=best,
        reference=next((one for one in rows if one.name in ("human", "reference")), None),
        spent=run.spent,
    )


def _best(run: Run) -> tuple[Seeds | None, Row | None]:
    """The best reward on the seeds that it was chosen on the least."""
    if run.best is None:
        return None, None
    if designed := next((one for one in (run.report.rows if run.report else ()) if one.name == "designed"), None):
        return "report", designed
    if finalist := run.finalists.get(run.best.place):
        return "selection", finalist
    found = row("finalist", f"candidate {run.best.name}", run.best.results, _episodes(run), run.best.steps)
    return "search", found if found.success else None


def _episodes(run: Run) -> int:
    finals = [result.final.episodes for result in (run.best.results.values() if run.best else ()) if result.final]
    return max(finals, default=0)


def _pair(one: Side, first: Run, two: Side, second: Run, measured: _Measured) -> Pair:
    found: dict[str, Any] = {"first": one.name, "second": two.name}
    if reason := _incomparable(one, first, two, second):
        found["not_compared"] = reason
    elif one.best and two.best:
        given = (one.best.success, two.best.success)
        found |= {"improvement": improvement(*given), "improvement_interval": improvement_interval(*given)}
    if first.best is None or second.best is None:
        missing = one if first.best is None else two
        return Pair(**found, not_measured=f"{missing.name} has no trained candidate")
    names = (f"{one.name}: candidate {first.best.name}", f"{two.name}: candidate {second.best.name}")
    try:
        found["diff"] = _diff(first.best.source, second.best.source, names)
        found["distances"] = measured.distances(second)
    except AutorewardError as error:
        found["not_measured"] = str(error)
    return Pair(**found)


def _incomparable(one: Side, first: Run, two: Side, second: Run) -> str:
    """Why success of two runs says nothing side by side, in words; empty where it does."""
    for side in (one, two):
        if side.best is None or not side.best.success:
            return f"{side.name} has no success measured yet"
    for field in ("env", "success"):
        if getattr(first.task, field) != getattr(second.task, field):
            what = "take place in other environments" if field == "env" else "have other success rules"
            return f"the tasks of {one.name} and {two.name} {what}"
    if one.seeds != two.seeds:
        return f"{one.name} is measured on {one.seeds} seeds and {two.name} on {two.seeds} seeds; finish both runs"
    return ""


def _diff(first: str, second: str, names: tuple[str, str]) -> tuple[str, ...]:
    for name, source in zip(names, (first, second), strict=True):
        if len(source.encode(errors="replace")) > MAX_SOURCE_BYTES:
            raise UserError(f"the program of {name} is longer than any reward may be: the run folder was changed")
    return tuple(difflib.unified_diff(first.splitlines(), second.splitlines(), *names, lineterm="", n=2))


class _Measured:
    """Distances to the best reward of one run; its environment is stepped once."""

    def __init__(self, run: Run, least: Literal["A", "B", "C"], trust: Collection[str]) -> None:
        self._run, self._least, self._trust = run, least, trust

    def distances(self, other: Run) -> Distances:
        """To the best reward of another run.

        Raises:
            AutorewardError: they cannot be measured; the message says why.
        """
        from autoreward.envs.registry import describe
        from autoreward.sandbox.isolation import require
        from autoreward.sandbox.linux.process import hide_process
        from autoreward.sandbox.process import ProcessCell, witness

        run, task = self._run, self._run.task
        if task.env != other.task.env:
            raise UserError("rewards of different environments have no distance")
        if missing := [name for name in named_by_environment(task.env).values() if name not in self._trust]:
            raise UserError(f"they need Python that the run names; if you trust it, add --trust {' '.join(missing)}")
        assert run.best is not None and other.best is not None
        hide_process()
        require(witness(), self._least)
        cell = functools.partial(ProcessCell, least=self._least)
        given = (describe(task.env), task, self._transitions, cell)
        return distances(run.best.source, other.best.source, *given)

    @functools.cached_property
    def _transitions(self) -> Any:  # noqa: ANN401 - `Transitions`, which is imported late
        from autoreward.envs.record import record_transitions

        return record_transitions(self._run.task, seed=0)


def _differences(runs: Sequence[Run]) -> Iterator[Difference]:
    """Settings in which not all runs agree; of the schema only that it differs."""
    flat = [dict(_flat(run.record.model_dump(mode="json", exclude={"env_schema"}))) for run in runs]
    for name in dict.fromkeys(name for one in flat for name in one):
        values = tuple(_shown(one.get(name)) for one in flat)
        if len(set(values)) > 1 and not name.startswith(_OWN + _MACHINE + _APPLIED):
            yield Difference(setting=name, values=values)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value and prefix + name not in _WHOLE:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _shown(value: object) -> str:
    return "-" if value in (None, {}) else value if isinstance(value, str) else json.dumps(value)
