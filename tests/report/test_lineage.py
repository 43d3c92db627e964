"""The rounds as a picture."""

import base64
import math
import re

from autoreward.report.lineage import MOST_NAMED, Mark, rounds_plot


def drawn(address: str) -> str:
    return base64.b64decode(address.removeprefix("data:image/svg+xml;base64,")).decode()


def names(svg: str) -> set[str]:
    """Texts of the picture: matplotlib writes each beside its outline."""
    return {text.strip() for text in re.findall(r"<!-- (.*?) -->", svg)}


def test_candidates_rounds_and_what_became_of_them_are_named() -> None:
    marks = [
        Mark(0, 0, 0.5, (0.4, 0.6)),
        Mark(0, 1, None),
        Mark(1, 0, 0.9, parent=(0, 0), winner=True),
        Mark(1, 1, 0.2, parent=(0, 1), stopped=True),
    ]
    told = names(drawn(rounds_plot(marks, {0: (0, 0), 1: (1, 0)}, "true success", rate=True)))
    assert {"0.0", "0.1", "1.0", "1.1", "round 0", "round 1", "true success", "100%"} <= told
    assert {"best so far", "winner", "not trained", "stopped early", "each seed", "parent to child"} <= told


def test_scores_that_are_no_numbers_cost_no_picture() -> None:
    marks = [Mark(0, 0, math.nan), Mark(0, 1, math.inf, (1.0, math.inf)), Mark(0, 2, -3.0)]
    for some in (marks, marks[:1]):
        assert "candidate" in names(drawn(rounds_plot(some, {}, "score", rate=False)))


def test_scores_are_drawn_where_nothing_succeeds() -> None:
    told = names(drawn(rounds_plot([Mark(0, 0, -3.0), Mark(0, 1, -3.0)], {0: None}, "score", rate=False)))
    assert {"0.0", "score"} <= told
    assert not any("%" in text for text in told)
    assert "best so far" not in told


def test_nothing_to_draw() -> None:
    assert rounds_plot([], {}, "y", rate=True) == ""
    assert rounds_plot([Mark(0, 0, None)], {0: None}, "y", rate=True) == ""


def test_of_many_candidates_the_best_are_named() -> None:
    marks = [Mark(0, index, 0.1) for index in range(MOST_NAMED + 1)]
    told = names(drawn(rounds_plot(marks, {0: (0, 7)}, "y", rate=True)))
    assert "0.7" in told
    assert "0.8" not in told


def test_a_parent_that_is_not_drawn_leads_nowhere() -> None:
    assert rounds_plot([Mark(1, 0, 0.5, parent=(0, 3))], {}, "y", rate=True)
