"""Which trainings a page draws and tabulates: learning curves, and the terms of the best reward."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoreward.report.plots import MOST_LINES, Line
from autoreward.store.folder import RunFolder
from autoreward.store.records import Report
from autoreward.training.contract import TermStatistics, TrainingResult

SMALL = 0.02
"""Share of the return below which a term hardly counts."""
CLEAR = 0.2
"""Correlation with success that is worth a word."""
MOST_LINES_READ = 2_000
"""Of a program whose terms are looked up."""
Key = tuple[int, int]


@dataclass(frozen=True)
class TermRow:
    """A term of the best reward, averaged over the trainings shown."""

    name: str
    weight: float | None
    share: float
    mean: float
    success_correlation: float | None
    constant: bool
    line: tuple[int, str] | None
    """Where the program computes it, as (line, code), as far as that can be read off."""

    @property
    def reading(self) -> str:
        """What these numbers say of it."""
        with_success = self.success_correlation
        if self.constant:
            return "never changed: it teaches nothing"
        how_much = "hardly counts" if self.share < SMALL else ""
        if with_success is None:
            return how_much or "no word on success: all episodes ended alike"
        if with_success <= -CLEAR:
            way = "pays against success"
        else:
            way = "pays more where the task is done" if with_success >= CLEAR else "pays alike with and without success"
        return f"{how_much}; {way}" if how_much else way


def results(folder: RunFolder, hashes: Iterable[str], steps: int) -> list[TrainingResult]:
    """The trainings that came to a result."""
    found = (folder.result(training, steps) for training in hashes)
    return [result for result in found if result is not None and result.status == "ok"]


def best_trainings(folder: RunFolder, report: Report | None, best: Key | None) -> list[TrainingResult]:
    """Trainings of the best reward: on report seeds where there are any, else on search seeds."""
    for row in report.rows if report else ():
        if row.name == "designed" and (found := results(folder, row.trainings.values(), row.steps)):
            return found
    record = folder.candidate(*best) if best else None
    return results(folder, record.trainings.values(), record.steps) if record else []


def report_lines(folder: RunFolder, report: Report | None) -> list[Line]:
    """True success of each row of the report."""
    order = ("designed", "human", "reference", "sparse")
    rows = [row for row in report.rows if row.name in order] if report else []
    rows.sort(key=lambda row: order.index(row.name))
    return [_success_line(row.label, results(folder, row.trainings.values(), row.steps)) for row in rows]


def search_lines(folder: RunFolder, best: Key | None) -> list[Line]:
    """True success of the best candidates of the search, the winner first."""
    trained = [record for record in folder.all_candidates() if record.status == "trained"]
    trained.sort(key=lambda one: ((one.round, one.index) != best, -one.steps, -(one.success_rate or 0.0)))
    return [
        _success_line(record.name, results(folder, record.trainings.values(), record.steps))
        for record in trained[:MOST_LINES]
    ]


def _success_line(label: str, found: Sequence[TrainingResult]) -> Line:
    return Line(label, [[(part.step, part.success_rate) for part in result.evaluations] for result in found])


def term_lines(found: Sequence[TrainingResult]) -> list[Line]:
    """Own return and terms during these trainings, the largest shares first."""
    shares: dict[str, float] = {}
    for name, term in ((name, term) for result in found for name, term in result.terms.items()):
        shares[name] = shares.get(name, 0.0) + term.share
    names = sorted(shares, key=lambda name: -shares[name])
    total = Line("own return", [list(zip(result.points, result.own_return, strict=False)) for result in found])
    return [
        *([total] if len(names) > 1 else []),  # a single term is the return
        *(
            Line(
                name,
                [
                    list(zip(result.points, result.terms[name].curve, strict=False))
                    for result in found
                    if name in result.terms
                ],
            )
            for name in names
        ),
    ]


def term_rows(found: Sequence[TrainingResult], weights: Mapping[str, float], source: str) -> list[TermRow]:
    """The terms of these trainings, the largest share first.

    Args:
        found: trainings of one reward.
        weights: of its terms.
        source: the reward program.
    """
    rows = []
    for name in dict.fromkeys(name for result in found for name in result.terms):
        each = [result.terms[name] for result in found if name in result.terms]
        rows.append(_term_row(name, each, weights.get(name), source))
    return sorted(rows, key=lambda row: -row.share)


def _term_row(name: str, each: Sequence[TermStatistics], weight: float | None, source: str) -> TermRow:
    known = [term.success_correlation for term in each if term.success_correlation is not None]
    return TermRow(
        name=name,
        weight=weight,
        share=sum(term.share for term in each) / len(each),
        mean=sum(term.mean for term in each) / len(each),
        success_correlation=sum(known) / len(known) if known else None,
        constant=all(term.constant for term in each),
        line=term_line(source, name),
    )


def term_line(source: str, name: str) -> tuple[int, str] | None:
    """Where a program computes a term, as (line, code); read as text, for a hostile program may break a parser.

    That is what is returned for it, or, where this only names a variable, the last line that sets the variable.
    """
    lines = source.split("\n")[:MOST_LINES_READ]
    function, _, own = name.rpartition(".")  # `sparse.diamond` in the grammar `signs`
    inside = range(*_function(lines, function)) if function else range(len(lines))
    quoted = re.compile(rf"""["']{re.escape(own)}["']\s{{0,9}}:\s{{0,9}}(\w*)""")
    found = [(at, match) for at in inside if (match := quoted.search(lines[at]))]
    if not found:
        return None
    at, match = found[-1]
    if match[1].isidentifier() and re.match(r"\s*[,}]", lines[at][match.end() :]):
        sets = re.compile(rf"\s*{match[1]}\s*[-+*]?=(?!=)")
        at = next((earlier for earlier in reversed(range(inside.start, at)) if sets.match(lines[earlier])), at)
    code = match[0] + _to_its_end(lines[at][match.end() :]) if at == found[-1][0] else lines[at]
    return at + 1, code.strip()


def _to_its_end(code: str) -> str:
    """Code up to the comma or bracket that ends it: of a long line that returns many terms, the one that is meant."""
    depth = 0
    for at, sign in enumerate(code):
        depth += (sign in "([{") - (sign in ")]}")
        if depth < 0 or (sign == "," and not depth):
            return code[:at]
    return code


def _function(lines: Sequence[str], name: str) -> tuple[int, int]:
    """First line of a function at the top of a program, and the line after it."""
    starts = [at for at, line in enumerate(lines) if line.startswith("def ")] + [len(lines)]
    at = next((at for at in starts[:-1] if lines[at].startswith(f"def {name}(")), len(lines))
    return at, next((after for after in starts if after > at), len(lines))
