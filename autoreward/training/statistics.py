"""What a training's episodes amount to: their log, curves, and the statistics of every reward term."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.records import write_bytes
from autoreward.training.contract import TermStatistics

POINTS = 10
"""Points of every curve."""

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class EpisodeLog:
    """Sums returns and terms of the episodes under way, and keeps one row for each that has finished."""

    def __init__(self, num_envs: int) -> None:
        self._return = np.zeros(num_envs)
        self._length = np.zeros(num_envs, dtype=np.int64)
        self._terms: dict[str, Doubles] = {}
        self._without: dict[str, Doubles] = {}
        self._low: dict[str, float] = {}
        self._high: dict[str, float] = {}
        self._rows: dict[str, list[Array]] = {}
        self.count = 0
        """Finished episodes."""

    def add_step(
        self, reward: Floats, terms: Mapping[str, Floats], without: Mapping[str, Floats] = MappingProxyType({})
    ) -> None:
        """One step of every environment: reward [N], weighted terms, and the reward without each of some, each [N]."""
        self._return += reward
        self._length += 1
        for name, values in without.items():
            self._without.setdefault(name, np.zeros(len(self._return)))
            self._without[name] += values
        for name, values in terms.items():
            if name not in self._terms:
                self._terms[name] = np.zeros(len(self._return))
                self._low[name], self._high[name] = float("inf"), float("-inf")
            self._terms[name] += values
            self._low[name] = min(self._low[name], float(values.min()))
            self._high[name] = max(self._high[name], float(values.max()))

    def finish(
        self, mask: Bools, success: Bools, score: Doubles | None, outcomes: Mapping[str, Bools], step: int
    ) -> None:
        """The K masked rows have finished at that step of the training; arguments are [K]."""
        count = int(mask.sum())
        row: dict[str, Array] = {
            "step": np.full(count, step),
            "length": self._length[mask],
            "own_return": self._return[mask],
            "success": success,
            "score": np.full(count, np.nan) if score is None else score,
        }
        row |= {f"outcome.{name}": values for name, values in outcomes.items()}
        row |= {f"term.{name}": values[mask] for name, values in self._terms.items()}
        row |= {f"without.{name}": values[mask] for name, values in self._without.items()}
        for name, values in row.items():
            self._rows.setdefault(name, []).append(values)
        self.count += count
        self._clear(mask)

    def forget_running(self) -> None:
        """Drop the episodes under way."""
        self._clear(np.ones(len(self._return), dtype=np.bool_))

    def recent_return(self, count: int) -> float | None:
        """Mean own return of the last `count` finished episodes; None before the first."""
        return self._recent("own_return", count) if self.count else None

    def recent(self, count: int) -> dict[str, float]:
        """Means over the last `count` finished episodes, of what is finite; see `Progress.recent`."""
        names = [name for name in self._rows if name != "step" and not name.startswith("without.")]
        means = {name: self._recent(name, count) for name in names} if self.count else {}
        return {name: mean for name, mean in means.items() if np.isfinite(mean)}

    def _recent(self, name: str, count: int) -> float:
        gathered: list[Array] = []
        for values in reversed(self._rows[name]):
            gathered.insert(0, values)
            if sum(map(len, gathered)) >= count:
                break
        return float(np.concatenate(gathered)[-count:].mean())

    def arrays(self) -> dict[str, Array]:
        """All finished episodes, arrays [E]."""
        names = ("step", "length", "own_return", "success", "score")
        return {name: np.zeros(0) for name in names} | {name: np.concatenate(all_) for name, all_ in self._rows.items()}

    def arrays_running(self) -> dict[str, Array]:
        """For a checkpoint: the finished episodes, and those under way."""
        found = {f"row.{name}": np.concatenate(rows) for name, rows in self._rows.items()}
        found |= {f"sum.{name}": values.copy() for name, values in self._terms.items()}
        found |= {f"without.{name}": values.copy() for name, values in self._without.items()}
        found |= {f"range.{name}": np.array([self._low[name], self._high[name]]) for name in self._terms}
        return {**found, "return": self._return.copy(), "length": self._length.copy()}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Go back to what `arrays_running` gave."""
        self._return, self._length = arrays["return"].copy(), arrays["length"].copy()
        self._rows = {name.removeprefix("row."): [rows] for name, rows in arrays.items() if name.startswith("row.")}
        self._terms = {
            name.removeprefix("sum."): sums.copy() for name, sums in arrays.items() if name.startswith("sum.")
        }
        self._without = {
            name.removeprefix("without."): sums.copy() for name, sums in arrays.items() if name.startswith("without.")
        }
        for name in self._terms:
            self._low[name], self._high[name] = (float(bound) for bound in arrays[f"range.{name}"])
        self.count = sum(map(len, self._rows.get("step", [])))

    def constant_terms(self) -> set[str]:
        """Terms that had one and the same value in every step."""
        return {name for name, low in self._low.items() if low == self._high[name]}

    def write(self, path: Path) -> None:
        """Write `episodes.npz`, atomically."""
        write_npz(path, self.arrays())

    def _clear(self, mask: Bools) -> None:
        self._return[mask] = 0.0
        self._length[mask] = 0
        for sums in (*self._terms.values(), *self._without.values()):
            sums[mask] = 0.0


def write_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays compressed, atomically. Names may hold anything but a slash."""
    write_bytes(path, npz_bytes(arrays))


def npz_bytes(arrays: Mapping[str, Array]) -> bytes:
    """The bytes of a compressed file of arrays."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


@dataclass(frozen=True)
class Curves:
    """Means of the training episodes in about ten equal stretches of the training; empty stretches are left out."""

    points: tuple[int, ...]
    """Environment steps at which each stretch ends."""
    own_return: tuple[float, ...]
    success: tuple[float, ...]
    terms: dict[str, tuple[float, ...]]


def curves(episodes: Mapping[str, Array], steps: int) -> Curves:
    """Curves over a training of `steps` environment steps; `episodes` as in `episodes.npz`."""
    bins = np.clip((episodes["step"] * POINTS - 1) // max(steps, 1), 0, POINTS - 1).astype(np.int64)
    used = np.unique(bins)

    def means(name: str) -> tuple[float, ...]:
        return tuple(float(episodes[name][bins == index].mean()) for index in used)

    return Curves(
        points=tuple(int(steps * (index + 1) // POINTS) for index in used),
        own_return=means("own_return"),
        success=means("success"),
        terms={name.removeprefix("term."): means(name) for name in episodes if name.startswith("term.")},
    )


def term_statistics(episodes: Mapping[str, Array], steps: int, constant: set[str]) -> dict[str, TermStatistics]:
    """Statistics of every term over the training episodes; empty where no episode has finished.

    Args:
        episodes: arrays [E] as in `episodes.npz`.
        steps: environment steps of the training.
        constant: terms that never changed from step to step.
    """
    sums = {name.removeprefix("term."): values for name, values in episodes.items() if name.startswith("term.")}
    if not sums or not len(episodes["step"]):
        return {}
    late = episodes["step"] > 0.75 * steps
    late = late if late.any() else np.ones_like(late)
    size = {name: float(np.abs(values[late]).mean()) for name, values in sums.items()}
    whole = sum(size.values())
    course = curves(episodes, steps).terms
    return {
        name: TermStatistics(
            curve=course[name],
            mean=float(values.mean()),
            std=float(values.std()),
            share=size[name] / whole if whole > 0 else 0.0,
            success_correlation=_correlation(values, episodes["success"]),
            score_correlation=_correlation(values, episodes["score"]),
            constant=name in constant,
        )
        for name, values in sums.items()
    }


def _correlation(left: Array, right: Array) -> float | None:
    """Pearson's, None where either side is constant or not known."""
    left, right = left.astype(np.float64), right.astype(np.float64)
    if len(left) < 2 or not np.isfinite(right).all():
        return None
    # Rounding alone makes a constant column look as if it varied by some 1e-17.
    if any(np.ptp(side) <= 1e-9 * max(1.0, float(np.abs(side).max())) for side in (left, right)):
        return None
    value = float(np.corrcoef(left, right)[0, 1])
    return min(max(value, -1.0), 1.0)
