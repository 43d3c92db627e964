"""Numbers, courses and habits of one recorded episode as short lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autoreward.analyzer.actions import told_actions
from autoreward.analyzer.moments import key_moments, switches
from autoreward.analyzer.patterns import back_and_forth, circles, last_actions, same_action, standstill
from autoreward.analyzer.recorded import Array
from autoreward.schema import EnvSchema, Field

LONGEST_VECTOR = 3
"""A longer one is told by its norm."""
MOST_TERMS = 4
"""Terms whose pay is told from moment to moment."""
MOST_EVENTS = 4
BEFORE_DEATH = (3, 10)
"""Steps before an early end at which the state is told too."""
LAST_STEPS = (10, 6, 3, 1, 0)
"""Steps before an early end at which the fields are told that then change more than before."""
MOST_CHANGED = 2
PULSE = 0.8
"""Share of an episode from which a field that is 0 is a pulse, and its last change says no more than the events do."""
POSITIONS = {"position", "place", "pos", "x", "y", "height", "gps", "center"}
"""Words in the names of fields that say where something is."""
SCALAR_FLAGS = ("bool", "int64")


@dataclass(frozen=True)
class Episode:
    """One recorded episode: a row of `trajectories.npz` without its padding."""

    place: int
    """Among the recorded ones."""
    number: int
    """Among all episodes of the evaluation."""
    length: int
    success: bool
    score: float
    outcomes: tuple[str, ...]
    """Those that happened."""
    fields: dict[str, Array]
    """[T + 1, ...]"""
    actions: Array
    """[T, ...]; empty where none were recorded."""
    terms: dict[str, Array]
    """What each step paid, weighted, [T]; empty in records of before it was kept."""

    @property
    def merit(self) -> tuple[bool, float]:
        """What episodes are ordered by, higher is better."""
        return self.success, self.score if np.isfinite(self.score) else 0.0


def recorded_episodes(arrays: Mapping[str, Array]) -> list[Episode]:
    """The recorded episodes of a final evaluation, in the order of the file."""
    found = []
    score = arrays.get("score", np.full(len(arrays["success"]), np.nan))
    for place, number in enumerate(arrays.get("recorded", np.zeros(0, dtype=np.int64)).tolist()):
        length = int(arrays["length"][number])
        happened = (name for name in arrays if name.startswith("outcome.") and arrays[name][number])
        found.append(
            Episode(
                place=place,
                number=number,
                length=length,
                success=bool(arrays["success"][number]),
                score=float(score[number]),
                outcomes=tuple(name.removeprefix("outcome.") for name in happened),
                fields=_rows(arrays, "field.", place, length + 1),
                actions=arrays["action"][place][:length] if "action" in arrays else np.zeros(0),
                terms=_rows(arrays, "term.", place, length),
            )
        )
    return found


def _rows(arrays: Mapping[str, Array], prefix: str, place: int, count: int) -> dict[str, Array]:
    names = (name for name in arrays if name.startswith(prefix))
    return {name.removeprefix(prefix): arrays[name][place][:count] for name in names}


class Teller:
    """Tells episodes of one evaluation; ranges are those over all that were recorded."""

    def __init__(self, schema: EnvSchema, read: Sequence[str], episodes: Sequence[Episode]) -> None:
        """Set up.

        Args:
            schema: for units, meanings of actions and the step limit.
            read: quantities that the success rule and the score read, such as `height` and `inventory[7]`.
            episodes: the recorded ones.
        """
        self._schema = schema
        self._extent = {
            field.name: max(
                float(np.ptp(np.concatenate([one.fields[field.name].ravel().astype(np.float64) for one in episodes]))),
                0.0,
            )
            for field in schema.fields
            if episodes and field.name in episodes[0].fields
        }
        moving = [name for name in map(stem, read) if self._extent.get(name, 0.0) > 1e-9 and self._is_level(name)]
        self.places = list(dict.fromkeys([*moving, *(name for name in self._extent if self._is_place(name))]))
        """Fields by whose course habits are seen: what success and score read, and positions."""

    def moments(self, episode: Episode, names: Sequence[str], count: int) -> Array:
        """The steps by which an episode is told: ends, steps before a death, events, and where the courses bend."""
        died = not episode.success and episode.length < self._schema.step_limit
        events = [episode.length - before for before in BEFORE_DEATH if died and episode.length > before]
        events += [step for step, _ in self.events(episode)]
        return key_moments(self._scaled(episode, names), events, count)

    def habits(self, episode: Episode) -> list[str]:
        """What it did all along, in words; empty where nothing stands out."""
        if episode.length < 2:
            return []
        told = [f"did {always} "] if (always := same_action(self._schema.action, episode.actions)) else []
        told += self._standing(episode) + self._circling(episode)
        told += [] if told else self._swinging(episode)
        events = [f"{name} at {step}" for step, name in self.events(episode)[:MOST_EVENTS]]
        lines = [f"  habit: {'; '.join(each.strip() for each in told[:3])}"] if told else []
        lines += [f"  events: {', '.join(events)}"] if events else []
        died = not episode.success and episode.length < self._schema.step_limit
        return [*lines, *self._last_steps(episode)] if died else lines

    def lines(self, episode: Episode, names: Sequence[str], steps: Array, short: bool) -> list[str]:
        """Steps, fields, actions and pay at some moments."""
        told = ["  step: " + " ".join(map(str, steps))]
        told += [_course(self._schema.field(stem(name)), _values(episode, name), name, steps) for name in names]
        if len(episode.actions):
            told.append(told_actions(self._schema.action, episode.actions, steps, short))
        return told if short else [*told, *_paid(episode, steps)]

    def _last_steps(self, episode: Episode) -> list[str]:
        """What was done before a death, and what changed most."""
        last = last_actions(self._schema.action, episode.actions)
        steps = episode.length - np.array([step for step in LAST_STEPS if step <= episode.length])
        moved = {}
        for field in self._schema.fields:
            values = episode.fields.get(field.name)
            if values is None or field.shape or field.dtype != "float32" or (values == 0).mean() > PULSE:
                continue
            rest, recent = np.abs(np.diff(values[: steps[0] + 1])), np.abs(np.diff(values[steps[0] :]))
            usual = float(rest.mean()) if len(rest) else 0.0
            moved[field.name] = float(recent.mean() - usual) / max(self._extent[field.name], 1e-9)
        most = [name for name in sorted(moved, key=lambda name: -moved[name])[:MOST_CHANGED] if moved[name] > 0]
        told = [_course(self._schema.field(name), episode.fields[name], name, steps).strip() for name in most]
        before = ", ".join(str(step) for step in episode.length - steps)
        lines = [f"  last actions: {last}"] if last else []
        return [*lines, f"  {before} steps before the end: {'; '.join(told)}"] if told else lines

    # Habits -----------------------------------------------------------------------------------------------------

    def _standing(self, episode: Episode) -> list[str]:
        if not self.places or (found := standstill(self._scaled(episode, self.places))) is None:
            return []
        return [f"stood still from step {found[0]} to {found[1]} ({', '.join(self.places[:3])})"]

    def _swinging(self, episode: Episode) -> list[str]:
        for name in self.places:
            columns = episode.fields[name].reshape(episode.length + 1, -1).astype(np.float64)
            for index, column in enumerate(columns.T if columns.shape[1] <= LONGEST_VECTOR else ()):
                if found := back_and_forth(column, self._extent[name]):
                    part = f"[{index}]" if columns.shape[1] > 1 else ""
                    low, high = number(found[1]), number(found[2])
                    return [f"{name}{part} went back and forth between about {low} and {high}, {found[0]} turns"]
        return []

    def _circling(self, episode: Episode) -> list[str]:
        for name in self.places:
            path = episode.fields[name].astype(np.float64)
            if self._schema.field(name).shape in ((2,), (3,)) and (found := circles(path[:, :2], self._extent[name])):
                turns, middle, radius = found
                about = f"({number(middle[0])},{number(middle[1])})"
                return [f"{name} circled {turns:.1f} times about {about}, {number(radius)} away from it"]
        return []

    def events(self, episode: Episode) -> list[tuple[int, str]]:
        """Steps at which flags change, the last first, with what they say from then on."""
        found: list[tuple[int, str]] = []
        for field in self._schema.fields:
            values = episode.fields.get(field.name)
            if values is None or field.shape or not _is_flag(field, values):
                continue
            found += [(step, f"{field.name} {number(float(values[step]))}") for step in switches(values)]
        return sorted(found, key=lambda event: -event[0])

    # Fields -----------------------------------------------------------------------------------------------------

    def _scaled(self, episode: Episode, names: Sequence[str]) -> Array:
        """[T + 1, D], each field by its range over all recorded episodes."""
        columns = [
            _values(episode, name).reshape(episode.length + 1, -1).astype(np.float64)
            / max(self._extent[stem(name)], 1e-9)
            for name in names
        ]
        return np.hstack(columns) if columns else np.zeros((episode.length + 1, 1))

    def _is_level(self, name: str) -> bool:
        """Whether it is a quantity, and no rate of one: rates come and go in every motion."""
        field = self._schema.field(name)
        rate = "/s" in field.unit or "velocity" in name or "speed" in name
        return field.dtype == "float32" and not rate

    def _is_place(self, name: str) -> bool:
        field = self._schema.field(name)
        words = name.split("_")
        of_place = field.unit in ("m", "blocks") and POSITIONS & set(words)
        return bool(of_place) and field.shape in ((), (2,), (3,)) and self._is_level(name) and self._extent[name] > 1e-9


def _is_flag(field: Field, values: Array) -> bool:
    return field.dtype in SCALAR_FLAGS or bool(np.isin(values, (0.0, 1.0)).all())


def _paid(episode: Episode, steps: Array) -> list[str]:
    """What the largest terms paid from each moment to the next."""
    sums = {
        name: [float(part.sum()) for part in np.split(values, steps[1:-1])] for name, values in episode.terms.items()
    }
    largest = sorted(sums, key=lambda name: -float(np.abs(episode.terms[name]).sum()))[:MOST_TERMS]
    return [
        f"  {name} paid since the step before: - " + " ".join(map(number, sums[name]))
        for name in largest
        if any(sums[name])
    ]


def _course(field: Field, values: Array, name: str, steps: Array) -> str:
    """A quantity at some steps; [T + 1, ...] with the state before the first step at index 0."""
    unit = f" [{field.unit}]" if field.unit else ""
    rows = values[steps].reshape(len(steps), -1)
    if rows.shape[1] > LONGEST_VECTOR:
        rows, unit = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True), f"{unit} (norm)"
    shown = ["(" + ",".join(map(number, row)) + ")" if len(row) > 1 else number(row[0]) for row in rows]
    if len(set(shown)) == 1 and (values == values[0]).all():
        return f"  {name}{unit}: {shown[0]} all along"
    return f"  {name}{unit}: " + " ".join(shown)


def stem(name: str) -> str:
    """The field of a quantity: `inventory` of `inventory[7]`."""
    return name.partition("[")[0]


def _values(episode: Episode, name: str) -> Array:
    """The course of a field, or of one component of a vector, [T + 1, ...]."""
    field, _, index = name.partition("[")
    values = episode.fields[field]
    return values[:, int(index.rstrip("]"))] if index else values


def number(value: float) -> str:
    """Three digits, and no more than three decimals."""
    size = abs(value)
    text = f"{value:.0f}" if size >= 100 else f"{value:.3g}" if size >= 0.1 else f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
