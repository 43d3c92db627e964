"""Which of many episodes are worth looking at: the best, the middle one, the worst, and a failure of each outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from autoreward.report.films import BEST, FAILED, MEDIAN, WORST
from autoreward.report.playing import SUCCESS, Episode

MOST_OUTCOMES = 8
"""Of which a failure is shown."""


@dataclass(frozen=True)
class Choice:
    """An episode, and what it was chosen for."""

    index: int
    """Among those that were played."""
    labels: tuple[str, ...]
    """`best`, `median`, `worst`, `failed: OUTCOME`; several where there are few episodes."""


def ranking(episodes: Sequence[Episode]) -> list[int]:
    """Indices from the worst to the best: by success, then score, then how soon it succeeded; equals as played."""

    def key(index: int) -> tuple[bool, float, float, int]:
        episode = episodes[index]
        soon = -float(min(episode.marks.get(SUCCESS, (episode.steps,))))
        return episode.success, episode.score or 0.0, soon, -index

    return sorted(range(len(episodes)), key=key)


def choose(episodes: Sequence[Episode], outcomes: Collection[str] = ()) -> list[Choice]:
    """The best, the median, the worst, and of the failed ones one with each outcome (or with none of them).

    An episode that is chosen for several reasons is there once, and a failure that is there anyway shows its outcome.

    Args:
        episodes: at least one.
        outcomes: names of the task's, in its order.
    """
    order, labels = ranking(episodes), dict[int, list[str]]()
    for name, place in ((BEST, -1), (MEDIAN, len(order) // 2), (WORST, 0)):
        labels.setdefault(order[place], []).append(name)
    failed = [index for index in order if not episodes[index].success]
    for outcome in [*outcomes][:MOST_OUTCOMES]:
        having = [index for index in failed if outcome in episodes[index].outcomes]
        _add(labels, having, f"{FAILED}: {outcome}")
    _add(labels, [index for index in failed if not episodes[index].outcomes], FAILED)
    return [Choice(index, tuple(names)) for index, names in labels.items()]


def _add(labels: dict[int, list[str]], having: Sequence[int], label: str) -> None:
    """Give the label to one that is chosen already, or else to the middle one of those that have it."""
    if having:
        chosen = next((index for index in having if index in labels), having[len(having) // 2])
        labels.setdefault(chosen, []).append(label)
