"""One recorded episode as a reward pays it: each term step by step, and what happened meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoreward.analyzer.contract import Happened, Shown
from autoreward.analyzer.recorded import Array
from autoreward.analyzer.scored import Scored
from autoreward.analyzer.telling import Teller
from autoreward.envs.episodes import EpisodeJudge
from autoreward.schema import EnvSchema
from autoreward.task import Task

POINTS = 200
"""Of a term's course over an episode, at most."""
EVENTS = 6
"""That are told of an episode, at most: the last ones."""
MOMENTS = 8
"""Steps at which something happened, or the course bends."""
DIGITS = 4


def tell(title: str, one: Scored, task: Task, schema: EnvSchema, episodes: Sequence[Scored]) -> Shown:
    """Tell an episode.

    Args:
        title: why it is shown.
        one: the episode.
        task: whose success rule is followed through it.
        schema: of the environment.
        episodes: among them those of the same training, over which the fields' ranges are taken.
    """
    episode, at = one.episode, _places(one.episode.length)
    read = [
        name for name in EpisodeJudge(task, schema, 1).fields if np.issubdtype(episode.fields[name].dtype, np.number)
    ]
    teller = Teller(schema, read, [each.episode for each in episodes if each.source.training == one.source.training])
    return Shown(
        title=title,
        source=one.source.label,
        own=one.source.own,
        training=one.source.training,
        episode=episode.number,
        steps=episode.length,
        success=episode.success,
        score=rounded(episode.score) if np.isfinite(episode.score) else None,
        happened=_happened(one, teller, task, schema),
        moments=tuple(teller.moments(episode, read, MOMENTS).tolist()),
        at=tuple(at),
        total=_course(one.paid, at),
        terms={name: _course(values, at) for name, values in episode.terms.items()},
        sums={name: rounded(float(values.sum(dtype=np.float64))) for name, values in episode.terms.items()},
        value=rounded(one.value),
    )


def _places(steps: int) -> list[int]:
    """The last step of each of at most `POINTS` stretches of an episode."""
    return sorted({int(step) for step in np.linspace(0, steps, min(steps, POINTS) + 1).round()[1:]})


def _course(values: Array, at: Sequence[int]) -> tuple[float, ...]:
    parts = np.split(values, at[:-1])
    return tuple(rounded(float(part[np.abs(part).argmax()])) for part in parts)


def _happened(one: Scored, teller: Teller, task: Task, schema: EnvSchema) -> tuple[Happened, ...]:
    episode = one.episode
    changes = sorted(teller.events(episode)[:EVENTS])
    found = [Happened(step=step, kind="field", text=text) for step, text in changes]
    if (first := _first_success(one, task, schema)) is not None:
        found.append(Happened(step=first, kind="success", text="success"))
    how = "at the step limit" if episode.length >= schema.step_limit else "ends"
    words = ["success" if episode.success else "no success", *episode.outcomes]
    found.append(Happened(step=episode.length, kind="end", text=f"{how}: {', '.join(words)}"))
    return tuple(sorted(found, key=lambda each: (each.step, each.kind == "end")))


def _first_success(one: Scored, task: Task, schema: EnvSchema) -> int | None:
    """The step in which the success rule first holds; None where it never does, or only the end counts."""
    judge = EpisodeJudge(task, schema, 1)
    for step in range(1, one.episode.length + 1):
        if judge.step({name: one.episode.fields[name][step : step + 1] for name in judge.fields}).first[0]:
            return step
    return None


def rounded(value: float) -> float:
    """To as many digits as are worth keeping."""
    return float(f"{value:.{DIGITS}g}")
