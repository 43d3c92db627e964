"""A slow tracker keeps no run waiting, and a failing one says so."""

import threading
from collections.abc import Callable, Mapping

import pytest

from autoreward.tracking.background import Background


class Recording:
    """A sink that keeps what it is told, each call when it may."""

    id = "recording"

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.told: list[object] = []
        self._before = before

    def scalars(self, series: str, step: int, values: Mapping[str, float]) -> None:
        self._before()
        self.told.append((series, step, dict(values)))

    def text(self, name: str, text: str) -> None:
        self.told.append((name, text))

    def close(self, finished: bool) -> None:
        self.told.append(finished)


def test_everything_arrives_in_order_although_nobody_waits() -> None:
    gate = threading.Event()
    sink = Recording(gate.wait)
    background = Background(sink)
    for step in range(100):
        background.scalars("0.0/seed-1", step, {"success": step / 100})
    background.text("0.0", "reward")
    assert sink.told == []
    gate.set()
    background.close(finished=True)
    points = [("0.0/seed-1", step, {"success": step / 100}) for step in range(100)]
    assert sink.told == [*points, ("0.0", "reward"), True]


def test_a_fault_is_raised_at_the_end_at_the_latest_and_nothing_more_is_told() -> None:
    def fail() -> None:
        raise ConnectionError("away")

    sink = Recording(fail)
    background = Background(sink)
    background.scalars("0.0/seed-1", 1, {"success": 1.0})
    with pytest.raises(ConnectionError, match="away"):
        background.close(finished=True)
    with pytest.raises(ConnectionError, match="away"):
        background.text("0.0", "reward")
    assert sink.told == []


def test_the_end_does_not_wait_for_ever() -> None:
    gate = threading.Event()
    background = Background(Recording(gate.wait), patience=0.1)
    background.scalars("0.0/seed-1", 1, {"success": 1.0})
    with pytest.raises(TimeoutError, match="not all was sent within"):
        background.close(finished=True)
    gate.set()
