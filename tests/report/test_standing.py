"""Whether the designed reward stands apart."""

import pytest

from autoreward.report.standing import standings
from autoreward.store.records import Report, Row, Spent


def row(name: str, success: tuple[float, ...], interval: tuple[float, float] | None = None) -> Row:
    seeds = dict.fromkeys(range(len(success)), "x")
    found = {"name": name, "label": f"the {name}", "trainings": seeds, "success": success, "success_interval": interval}
    return Row(**found, episodes=10, steps=10, seconds=1.0)


@pytest.mark.parametrize(
    ("designed", "other", "text"),
    [
        (row("designed", (0.8, 0.9)), row("sparse", (0.1, 0.7)), "better than"),
        (row("designed", (0.1, 0.2)), row("human", (0.3, 0.3)), "worse than"),
        (row("designed", (0.8, 0.9)), row("human", (0.8, 0.1)), "not clearly different from"),
        (row("designed", (1.0, 1.0)), row("human", (1.0, 1.0)), "not clearly different from"),
        (row("designed", (0.1,) * 5, (0.6, 0.9)), row("human", (0.9,) * 5, (0.1, 0.5)), "better than"),
    ],
)
def test_it_stands_apart_where_the_ranges_do_not_meet(designed: Row, other: Row, text: str) -> None:
    found = standings(Report(winner=(0, 0), rows=(other, designed), spent=Spent()))
    assert [(standing.label, standing.text) for standing in found] == [(other.label, text)]


def test_without_a_designed_reward_or_a_report_nothing_is_said() -> None:
    assert standings(None) == []
    assert standings(Report(winner=None, rows=(row("sparse", (0.1,)), row("designed", ())), spent=Spent())) == []
