"""The recorded episodes told as short text: how the best, a middling and failed ones went, in numbers and words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from autoreward.analyzer.actions import LEGEND
from autoreward.analyzer.recorded import Array, Training
from autoreward.analyzer.telling import LONGEST_VECTOR, Episode, Teller, number, recorded_episodes, stem
from autoreward.errors import AutorewardError
from autoreward.language.expressions import Expression
from autoreward.schema import EnvSchema
from autoreward.task import Task

LONGEST = 1850
"""Characters of a narration."""
APART = 0.5
"""Difference in success from which the best seed's best episode is told beside the worst seed's."""
MOMENTS = 8
FEW_MOMENTS = 6
LEAST_MOMENTS = 4
"""Where there is room for hardly more than two episodes; then only the worst is told with what was paid."""
_VARYING = 2


def narrate(task: Task, schema: EnvSchema, told: Training, best: Training | None = None) -> str:
    """Tell the best, the middling, the worst and up to one more failed episode of a training's final evaluation.

    Each is told by length, success, score, outcomes and the sums of its terms; by what it did all along; and by the
    fields that success and score read, those that varied most, the actions and what was paid, at the steps where
    something happened or the courses bend.

    Args:
        task: for its expressions.
        schema: for the fields' units.
        told: the training, with its trajectories.
        best: another seed's, of which one episode is told first if that seed succeeded far more often.

    Returns:
        At most 1,850 characters; empty where nothing was recorded.
    """
    arrays, episodes = told.final, recorded_episodes(told.final) if told.final else []
    if not episodes:
        return ""
    read = _read_fields(task, schema, arrays)
    varying = _most_varying(schema, arrays, read)
    teller = Teller(schema, read, episodes)
    head = f"{_header(arrays, schema)} {LEGEND}" if "action" in arrays else _header(arrays, schema)
    others = _of_best_seed(task, schema, told, best)
    fuller, fewer = [*read, *varying], read or varying[:2]
    texts: list[str] = []
    # What varies goes before moments do, moments go before an episode does, and the worst goes last.
    for names, count in ((fuller, MOMENTS), (fewer, MOMENTS), (fewer, FEW_MOMENTS), (fewer, LEAST_MOMENTS)):
        texts = [head, *others]
        for title, episode in chosen(episodes)[: 3 if others else 4]:
            whole = title != "Failed" and (count > LEAST_MOMENTS or title == "Worst")
            texts.append(_told(title, episode, teller, names if whole else fewer, count, told, short=not whole))
        if _size(texts) <= LONGEST:
            break
    while len(texts) > 3 + len(others) and _size(texts) > LONGEST:
        texts.pop()
    while len(texts) > 2 and _size(texts) > LONGEST:
        del texts[1]
    return "\n\n".join(texts)[:LONGEST]


def _size(texts: Sequence[str]) -> int:
    return len("\n\n".join(texts))


def chosen(episodes: Sequence[Episode]) -> list[tuple[str, Episode]]:
    """Titles and episodes: the best, the worst, the middle one, and one more that failed."""
    order = sorted(episodes, key=lambda one: one.merit, reverse=True)
    if len(order) == 1:
        return [("Only recorded", order[0])]
    middle = order[1:-1]
    found = [("Best", order[0]), ("Worst", order[-1])]
    found += [("Median", middle[len(middle) // 2])] if middle else []
    failed = [one for one in middle if not one.success and one is not found[-1][1]]
    ends = {one.outcomes for _, one in found}
    other = [one for one in failed if one.outcomes not in ends]
    return found + [("Failed", one) for one in (other or failed[len(failed) // 3 :])[:1]]


def _of_best_seed(task: Task, schema: EnvSchema, told: Training, best: Training | None) -> list[str]:
    """The best episode of the seed that did best, where the seeds are far apart."""
    if best is None or not best.final or told.result.final is None or best.result.final is None:
        return []
    if best.result.final.success_rate - told.result.final.success_rate < APART:
        return []
    episodes = recorded_episodes(best.final)
    if not episodes:
        return []
    read = _read_fields(task, schema, best.final)
    title = f"For comparison, seed {best.seed}, which succeeds in {best.result.final.success_rate:.0%}: its best"
    names = read or _most_varying(schema, best.final, read)
    teller = Teller(schema, read, episodes)
    return [_told(title, max(episodes, key=lambda one: one.merit), teller, names, FEW_MOMENTS, best, short=True)]


def _told(
    title: str, episode: Episode, teller: Teller, names: Sequence[str], count: int, training: Training, short: bool
) -> str:
    words = [f"{title} episode: {episode.length} steps", "success" if episode.success else "failure"]
    words += [f"score {number(episode.score)}"] if np.isfinite(episode.score) else []
    lines = [", ".join(words) + (f" ({', '.join(episode.outcomes)})" if episode.outcomes else "")]
    sums = {
        name: number(values[episode.place])
        for name, values in training.result.episode_terms.items()
        if episode.place < len(values)
    }
    if sums:
        paid = [f"{name} {value}" for name, value in sums.items() if value != "0"]
        rest = ["all others 0" if paid else "all 0"] if len(paid) < len(sums) else []
        lines.append("  terms: " + ", ".join([*paid, *rest]))
    lines += teller.habits(episode)
    return "\n".join([*lines, *teller.lines(episode, names, teller.moments(episode, names, count), short)])


def _header(arrays: Mapping[str, Array], schema: EnvSchema) -> str:
    success, length = arrays["success"], arrays["length"]
    text = (
        f"{int(success.sum())} of {len(success)} evaluation episodes succeeded; mean length {length.mean():.0f} steps"
    )
    score = arrays.get("score", np.zeros(0))
    if len(score) and np.isfinite(score).all():
        text += f"; score {number(score.mean())} (from {number(score.min())} to {number(score.max())})"
    text += f"; failures: {', '.join(failures)}" if (failures := _failures(arrays, schema)) else ""
    measures = {name.removeprefix("measure."): values for name, values in arrays.items() if name.startswith("measure.")}
    means = [
        f"{name} {number(float(np.nanmean(values)))}" for name, values in measures.items() if not np.isnan(values).all()
    ]
    return f"{text}; measures: {', '.join(means)}." if means else f"{text}."


def _failures(arrays: Mapping[str, Array], schema: EnvSchema) -> list[str]:
    """How the failed episodes ended: their outcomes, else the step limit, else an end of another cause."""
    outcomes = {name.removeprefix("outcome."): values for name, values in arrays.items() if name.startswith("outcome.")}
    counts = Counter[str]()
    for episode in np.flatnonzero(~arrays["success"].astype(bool)):
        at_limit = arrays["length"][episode] >= schema.step_limit
        happened = " and ".join(name for name, values in outcomes.items() if values[episode])
        end = "step limit" if at_limit else "ended early"
        counts[f"{happened} ({end})" if happened else end] += 1
    return [f"{count} {name}" for name, count in counts.most_common()]


def _read_fields(task: Task, schema: EnvSchema, arrays: Mapping[str, Array]) -> list[str]:
    """What the success expression and the score read, as far as it was recorded: fields, or components of vectors."""
    names: dict[str, None] = {}
    for text in (task.success.expression, task.score.expression if task.score else ""):
        try:
            fields = Expression(text, schema.names).fields if text else ()
        except AutorewardError:
            continue
        for name in fields:
            uses = re.findall(rf"\b{re.escape(name)}\b(\[\d+\])?", text)
            components = dict.fromkeys(f"{name}{index}" for index in uses)
            names |= components if len(schema.field(name).shape) == 1 and name not in components else {name: None}
    return [name for name in names if f"field.{stem(name)}" in arrays]


def _most_varying(schema: EnvSchema, arrays: Mapping[str, Array], read: Sequence[str]) -> list[str]:
    """The fields that change most along the episodes, measured by their range."""
    spread: dict[str, float] = {}
    for field in schema.fields:
        values = arrays.get(f"field.{field.name}")
        told_by_norm = np.prod(field.shape) > LONGEST_VECTOR
        if values is None or field.name in map(stem, read) or field.dtype != "float32" or told_by_norm:
            continue
        values = values.astype(np.float64)
        extent = (field.high or 0.0) - (field.low or 0.0) if field.low is not None and field.high is not None else 0.0
        size = extent if 0.0 < extent < 1e6 else max(float(np.ptp(values)), 1e-6)
        spread[field.name] = float(values.std(axis=1).mean()) / size
    return sorted(spread, key=lambda name: -spread[name])[:_VARYING]
