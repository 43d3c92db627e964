"""Simulations that blew up in the trainings of a run: MuJoCo's errors and positions that are no numbers."""

from __future__ import annotations

from collections.abc import Iterable

from autoreward.store.folder import RunFolder


def blown_up(folder: RunFolder) -> dict[str, tuple[int, int]]:
    """Candidate or row of a table -> simulations that blew up in its trainings, and in their evaluations.

    Each has ended its episode. What had none is left out.
    """
    found = {
        f"candidate {record.name}": _of(folder, record.trainings.values(), record.steps)
        for record in folder.all_candidates()
    }
    for where, table in (("selection", folder.selection()), ("report", folder.report())):
        rows = table.rows if table else ()
        found |= {f"{where}, {row.label}": _of(folder, row.trainings.values(), row.steps) for row in rows}
    return {name: counts for name, counts in found.items() if any(counts)}


def _of(folder: RunFolder, trainings: Iterable[str], steps: int) -> tuple[int, int]:
    results = [result for training in trainings if (result := folder.result(training, steps))]
    return sum(result.faults for result in results), sum(result.evaluation_faults for result in results)
