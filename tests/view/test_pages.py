"""Nothing of a run becomes markup in the table or beside other runs, and what is drawn is what was measured."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from autoreward.commands.compare import _parts
from autoreward.report.comparison import Comparison, Pair, Side
from autoreward.report.run import Run
from autoreward.search.comparing import compare
from autoreward.store.folder import RunFolder
from autoreward.store.records import Spent
from autoreward.testing.folder import example_run
from autoreward.view import pages
from autoreward.view.brief import Brief, read_brief
from autoreward.view.sparkline import HEIGHT, WIDTH, sparkline
from tests.report.reading import HOSTILE, VOID

NAME = "run <b>&'\"{{ 7 * 191 }} %2e \u202e"


class Seen(HTMLParser):
    """Elements with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID | {"wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(seen: Seen, scripts: int) -> None:
    """No element that runs or loads anything, but our own style and script."""
    assert not {"img", "iframe", "object", "embed", "base", "use", "image"} & {tag for tag, _ in seen.elements}
    assert [attributes for tag, attributes in seen.elements if tag == "script"] == scripts * [
        {"src": "/view.js", "defer": ""}
    ]
    for _, attributes in seen.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert attributes.get("href", "/").startswith("/")


def hostile_run(path: Path) -> Path:
    """A run in which every text that others can choose is hostile."""
    run = example_run(path)
    folder = RunFolder(run)
    record, report = folder.run(), folder.report()
    assert report
    task = record.task.model_copy(update={"text": "TEXT" + HOSTILE, "name": "TASK" + HOSTILE})
    texts = {"task": task, "designer": "DESIGNER" + HOSTILE, "created": "CREATED" + HOSTILE, "id": "ID" + HOSTILE}
    folder.write_run(record.model_copy(update=texts))
    folder.write_report(report.model_copy(update={"stopped": "STOPPED" + HOSTILE}))
    source = folder.candidate_path(1, 1) / "reward.py"
    source.write_text(source.read_text() + f"# CODE{HOSTILE} \u202e\n")
    return run


def test_nothing_of_a_run_becomes_markup_in_the_table(tmp_path: Path) -> None:
    hostile_run(tmp_path / NAME)
    brief = read_brief(str(tmp_path / NAME), NAME)
    html = pages.table_page([brief], tmp_path / HOSTILE, "1").decode()
    seen = Seen(html)
    assert_harmless(seen, scripts=1)
    for word in ("TASK", "DESIGNER", "STOPPED"):
        assert word + HOSTILE in seen.text, f"{word} is shown as it was written"
    assert NAME.replace("\u202e", "\\u202e") in seen.text, "what turns text around is made visible"
    assert "\u202e" not in html
    assert str(7 * 191) not in seen.text
    row = next(attributes for tag, attributes in seen.elements if tag == "tr" and "data-key" in attributes)
    assert row["data-task"] == "TASK" + HOSTILE
    link = next(attributes["href"] for tag, attributes in seen.elements if tag == "a")
    assert link == "/run/run%20%3Cb%3E%26%27%22%7B%7B%207%20%2A%20191%20%7D%7D%20%252e%20%E2%80%AE"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A run beside a hostile one."""
    place = tmp_path_factory.mktemp("compared")
    return compare([Run(example_run(place / "one")), Run(hostile_run(place / "two"))])


def test_nor_beside_other_runs(compared: Comparison) -> None:
    for home in ("", "/"):
        seen = Seen(pages.comparison_page(compared, home).decode())
        assert_harmless(seen, scripts=0)
        for word in ("TASK", "DESIGNER", "ID"):
            assert word + HOSTILE in seen.text, f"{word} is shown as it was written"
        assert f"# CODE{HOSTILE} \\u202e" in seen.text


def test_a_message_is_text() -> None:
    seen = Seen(pages.message_page(HOSTILE, "said " + HOSTILE).decode())
    assert_harmless(seen, scripts=0)
    assert "said " + HOSTILE in seen.text


def test_a_comparison_is_one_file_that_loads_nothing(compared: Comparison) -> None:
    seen = Seen(pages.comparison_page(compared).decode())
    assert not {"a", "link", "script", "form"} & {tag for tag, _ in seen.elements}
    policy = next(attributes["content"] for _, attributes in seen.elements if "http-equiv" in attributes)
    assert policy == pages.comparison_policy()
    assert pages.digest(pages.style()) in policy


def test_names_of_any_bytes_have_an_address(tmp_path: Path) -> None:
    brief = Brief(key="odd\udcff/r\u00e9", state="finished")
    html = pages.row(brief)
    assert 'href="/run/odd%FF/r%C3%A9"' in html
    html.encode(errors="replace")


def test_bars_and_marks_are_where_the_values_are(tmp_path: Path) -> None:
    brief = read_brief(str(example_run(tmp_path / "run")), "run")
    assert brief.designed and brief.human and brief.designed.interval
    seen = Seen(pages.row(brief))
    rects = {attributes.get("class"): attributes for tag, attributes in seen.elements if tag == "rect"}
    low, high = brief.designed.low, brief.designed.high
    assert float(rects["value"]["width"]) == pytest.approx(100 * (brief.success or 0), abs=0.01)
    assert float(rects["range"]["x"]) == pytest.approx(100 * low, abs=0.01)
    assert float(rects["range"]["width"]) == pytest.approx(max(100 * (high - low), 0.6), abs=0.01)
    assert float(rects["human"]["x"]) == pytest.approx(100 * brief.human.mean, abs=0.01)


def test_the_summary_counts(tmp_path: Path) -> None:
    done = read_brief(str(example_run(tmp_path / "run")), "run")
    briefs = [done, replace(done, key="b", standing="worse than"), Brief(key="c", state="damaged")]
    text = Seen(str(pages.summary(briefs)).replace("</", " </")).text
    text = " ".join(text.split())
    assert "runs 3 2 finished" in text
    assert "better than human 1 of 2 1 worse, 0 not clearly different" in text
    assert "1 damaged" in text


def test_a_record_that_says_the_impossible_costs_no_other_run_its_row(tmp_path: Path) -> None:
    run = example_run(tmp_path / "run", finished=False)
    for spent in ('{"wall_seconds": NaN}', '{"wall_seconds": 1e999}', f'{{"env_steps": {10**400}}}'):
        (run / "spent.json").write_text(spent)
        brief = read_brief(str(run), "run")
        assert (
            'data-key="run"' in pages.table_page([brief, Brief(key="other", state="damaged")], tmp_path, "1").decode()
        )


def test_the_same_program_is_never_said_to_be_missing() -> None:
    """Where no distance is measured, as in environments that the user has not trusted."""
    side = Side(
        name="A",
        run="one",
        folder="one",
        task="reacher",
        state="stopped",
        designer="composer",
        candidate="0.1",
        seeds=None,
        best=None,
        reference=None,
        spent=Spent(),
    )
    pair = Pair(first="A", second="B", not_measured="they need Python that the run names")
    for candidate, told in (("0.2", "Nothing differs"), (None, "There are no two programs to compare")):
        other = side.model_copy(update={"name": "B", "candidate": candidate})
        found = Comparison(sides=(side, other), pairs=(pair,), settings=())
        assert told in Seen(pages.comparison_page(found).decode()).text
        said = [str(part) for part in _parts(found, Console())]
        assert ("the best rewards of A and B do not differ, as far as they could be read" in said) == bool(candidate)


def test_a_sparkline_stays_within_its_box_and_the_best_never_falls() -> None:
    drawn = sparkline([(0.2, 0.9), (0.1,), (), (1.0,)], planned=6, level=0.5)
    seen = Seen(drawn)
    dots = [(float(one["cx"]), float(one["cy"])) for tag, one in seen.elements if tag == "circle"]
    assert len(dots) == 4
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in dots)
    assert max(x for x, _ in dots) < WIDTH * 4 / 6, "rounds that are still to come leave room"
    best = next(one["d"] for _, one in seen.elements if one.get("class") == "best")
    heights = [float(part.split("H")[0]) for part in best.replace("M", "V").split("V")[2:]]
    assert heights == sorted(heights, reverse=True), "up is towards 0"
    assert sparkline([(), ()], planned=2) == ""
    assert sparkline([[0.5] * 500], planned=1).count("<circle") == 0


def test_what_a_page_is_told_can_be_sent_as_json(tmp_path: Path) -> None:
    brief = Brief(key="odd\udcff", state="damaged", note="\udcff \u2028 </script>")
    assert json.loads(json.dumps(pages.row(brief))) == pages.row(brief)
