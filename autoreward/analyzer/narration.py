"""The recorded episodes told as short text: how the best, the worst and failed ones went, in numbers."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.analyzer.actions import LEGEND, told_actions
from autoreward.errors import AutorewardError, RunDamaged
from autoreward.language.expressions import Expression
from autoreward.schema import EnvSchema, Field
from autoreward.task import Task
from autoreward.training.contract import TrainingResult
from autoreward.training.files import TRAJECTORIES

LONGEST = 2500
"""Characters of a narration."""
_POINTS = 8
_VARYING = 2
_FAILED = 2
_LONGEST_VECTOR = 3

Array = NDArray[Any]


def narrate(task: Task, schema: EnvSchema, folder: Path, result: TrainingResult) -> str:
    """Tell the best, the worst and up to two failed episodes of a training's final evaluation.

    Each is told by length, success, score, outcomes, the sums of its terms, and the course of the fields that success
    and score read, of those that varied most, and of the actions, at the first, the last and about six steps between.

    Args:
        task: for its expressions.
        schema: for the fields' units.
        folder: the training's, with `trajectories.npz`.
        result: for the terms' sums.

    Returns:
        At most 2,500 characters; empty where nothing was recorded.

    Raises:
        RunDamaged: the file does not read; the message names it.
    """
    path = folder / TRAJECTORIES
    if not path.exists():
        return ""
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        missing = {"length", "success"} - arrays.keys()
        if missing:
            raise ValueError(f"{', '.join(sorted(missing))} missing")
    # zipfile raises NotImplementedError where a damaged header asks for what no archive uses.
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise RunDamaged(
            f"{path} does not read as trajectories: {error}; without that file the run goes on, and tells no episodes"
        ) from None
    recorded = arrays.get("recorded", np.zeros(0, dtype=np.int64))
    if not len(recorded):
        return ""
    read = _read_fields(task, schema, arrays)
    varying = _most_varying(schema, arrays, read)
    few = read or varying[:2]
    told: list[str] = []
    for fields in ([*read, *varying], few):  # what varies goes before an episode does
        told = [f"{_header(arrays)} {LEGEND}" if "action" in arrays else _header(arrays)]
        for title, place in _chosen(arrays, recorded):
            shown = [schema.field(name) for name in (fields if title in ("Best", "Worst") else few)]
            lines = _episode(title, place, arrays, shown, result)
            told.append("\n".join([*lines, *_actions(title, place, arrays, schema)]))
        if len("\n\n".join(told)) <= LONGEST:
            break
    while len(told) > 2 and len("\n\n".join(told)) > LONGEST:
        told.pop()
    return "\n\n".join(told)[:LONGEST]


def _header(arrays: Mapping[str, Array]) -> str:
    success, length = arrays["success"], arrays["length"]
    text = (
        f"{int(success.sum())} of {len(success)} evaluation episodes succeeded; mean length {length.mean():.0f} steps"
    )
    score = arrays.get("score", np.zeros(0))
    if len(score) and np.isfinite(score).all():
        text += f"; score {_number(score.mean())} (from {_number(score.min())} to {_number(score.max())})"
    outcomes = {name.removeprefix("outcome."): values for name, values in arrays.items() if name.startswith("outcome.")}
    counts = [f"{name} {int(values.sum())}" for name, values in outcomes.items() if values.any()]
    text += f"; outcomes: {', '.join(counts)}" if counts else ""
    measures = {name.removeprefix("measure."): values for name, values in arrays.items() if name.startswith("measure.")}
    means = [
        f"{name} {_number(float(np.nanmean(values)))}"
        for name, values in measures.items()
        if not np.isnan(values).all()
    ]
    return f"{text}; measures: {', '.join(means)}." if means else f"{text}."


def _chosen(arrays: Mapping[str, Array], recorded: Array) -> list[tuple[str, int]]:
    """Titles and places among the recorded episodes: best, worst, and up to two more that failed."""
    score = arrays.get("score", np.full(len(arrays["success"]), np.nan))

    def merit(place: int) -> tuple[float, float]:
        episode = int(recorded[place])
        value = float(score[episode])
        return float(arrays["success"][episode]), value if np.isfinite(value) else 0.0

    order = sorted(range(len(recorded)), key=merit, reverse=True)
    if len(order) == 1:
        return [("Only recorded", order[0])]
    failed = [place for place in order[1:-1] if not arrays["success"][int(recorded[place])]]
    # The middle of the failures: the nearly good and the hopeless ones are told already.
    middle = failed[len(failed) // 3 :][:_FAILED]
    return [("Best", order[0]), ("Worst", order[-1]), *(("Failed", place) for place in middle)]


def _read_fields(task: Task, schema: EnvSchema, arrays: Mapping[str, Array]) -> list[str]:
    """Fields that the success expression and the score read, as far as they were recorded."""
    names: dict[str, None] = {}
    for text in (task.success.expression, task.score.expression if task.score else ""):
        try:
            names |= dict.fromkeys(Expression(text, schema.names).fields if text else ())
        except AutorewardError:
            continue
    return [name for name in names if f"field.{name}" in arrays]


def _most_varying(schema: EnvSchema, arrays: Mapping[str, Array], read: Sequence[str]) -> list[str]:
    """The fields that change most along the episodes, measured by their range."""
    spread: dict[str, float] = {}
    for field in schema.fields:
        values = arrays.get(f"field.{field.name}")
        if values is None or field.name in read or field.dtype != "float32" or not values.size:
            continue
        values = values.astype(np.float64)
        extent = (field.high or 0.0) - (field.low or 0.0) if field.low is not None and field.high is not None else 0.0
        size = extent if 0.0 < extent < 1e6 else max(float(np.ptp(values)), 1e-6)
        spread[field.name] = float(values.std(axis=1).mean()) / size
    return sorted(spread, key=lambda name: -spread[name])[:_VARYING]


def _episode(
    title: str, place: int, arrays: Mapping[str, Array], fields: Sequence[Field], result: TrainingResult
) -> list[str]:
    episode = int(arrays["recorded"][place])
    length = int(arrays["length"][episode])
    happened = [
        name.removeprefix("outcome.") for name in arrays if name.startswith("outcome.") and arrays[name][episode]
    ]
    words = [f"{title} episode: {length} steps", "success" if arrays["success"][episode] else "failure"]
    score = float(arrays["score"][episode]) if "score" in arrays else float("nan")
    words += [f"score {_number(score)}"] if np.isfinite(score) else []
    lines = [", ".join(words) + (f" ({', '.join(happened)})" if happened else "")]
    sums = {name: values[place] for name, values in result.episode_terms.items() if place < len(values)}
    if sums:
        lines.append("  terms: " + ", ".join(f"{name} {_number(value)}" for name, value in sums.items()))
    steps = _moments(length)
    lines.append("  step: " + " ".join(map(str, steps)))
    return [*lines, *(_course(field, arrays[f"field.{field.name}"][place], steps) for field in fields)]


def _moments(length: int) -> Array:
    return np.unique(np.linspace(0, length, _POINTS).round().astype(int))


def _actions(title: str, place: int, arrays: Mapping[str, Array], schema: EnvSchema) -> list[str]:
    """A line of what was done at these steps, where it was recorded."""
    length = int(arrays["length"][int(arrays["recorded"][place])])
    if "action" not in arrays or not length:
        return []
    short = title == "Failed"
    return [told_actions(schema.action, arrays["action"][place][:length], _moments(length), short)]


def _course(field: Field, values: Array, steps: Array) -> str:
    """A field at some steps; [T + 1, ...] with the state before the first step at index 0."""
    unit = f" [{field.unit}]" if field.unit else ""
    rows = values[np.minimum(steps, len(values) - 1)].reshape(len(steps), -1)
    if rows.shape[1] > _LONGEST_VECTOR:
        rows, unit = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True), f"{unit} (norm)"
    shown = ("(" + ",".join(map(_number, row)) + ")" if len(row) > 1 else _number(row[0]) for row in rows)
    return f"  {field.name}{unit}: " + " ".join(shown)


def _number(value: float) -> str:
    size = abs(value)
    text = f"{value:.0f}" if size >= 100 else f"{value:.3g}" if size >= 0.1 else f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
