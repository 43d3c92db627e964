"""`rollouts/` of a run: its records, and the page's part on them.

Covered: what a page takes from there is a GIF or PNG of a bounded size that lies there itself, under the name that the
record gives, and is no link.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from markupsafe import Markup
from pydantic import Field

from autoreward.records import Record, read_record
from autoreward.report.plots import data_address
from autoreward.store.folder import RunFolder

ROLLOUTS, RECORD = "rollouts", "rollouts.json"
"""Folder in a run, with a folder of each candidate that was filmed; and the record in it."""
FILE = r"^[A-Za-z0-9_][A-Za-z0-9_-]*\.(gif|png)$"
BEST, MEDIAN, WORST, FAILED = "best", "median", "worst", "failed"
"""What an episode is chosen for."""
MOST_FILM_BYTES = 5 * 2**20
"""Of all films in the page; a third more in the page itself."""
PICTURE = "rollout.png"
"""In `best/` of older runs: the contact sheet of one episode."""
KINDS = {".gif": ("image/gif", b"GIF8"), ".png": ("image/png", b"\x89PNG")}


class Rollout(Record):
    """An episode that was filmed."""

    labels: tuple[str, ...]
    """What it was chosen for."""
    seed: int
    """With the policy it makes the episode again."""
    steps: int
    success: bool
    outcomes: tuple[str, ...]
    score: float | None
    file: Annotated[str, Field(pattern=FILE)]
    """In the record's folder: a GIF, or a PNG of the terms alone where nothing could be drawn."""


class Rollouts(Record):
    """`rollouts/CANDIDATE/rollouts.json`: the films of a candidate's policy."""

    candidate: str
    training: int
    """Seed of the training whose policy it is."""
    played: int
    """Episodes from which these were chosen."""
    succeeded: int
    """Of those."""
    note: str = ""
    """Why there are no films, or no terms in them."""
    rollouts: tuple[Rollout, ...] = ()


@dataclass(frozen=True)
class Shown:
    """A rollout in the page."""

    rollout: Rollout
    address: Markup
    """Empty where its film is not in the page."""

    @property
    def what(self) -> str:
        """What it was chosen for."""
        return ", ".join(self.rollout.labels)


@dataclass(frozen=True)
class FilmsPart:
    """What the page's part on rollouts shows."""

    record: Rollouts | None
    films: tuple[Shown, ...]
    """With a film in the page."""
    others: tuple[Shown, ...]
    """The rest."""
    sheet: Markup
    """The contact sheet of a run of before there were films."""
    again: str
    """The command that makes an episode again, but for its seed; or that makes rollouts."""

    @property
    def only_terms(self) -> bool:
        """Whether nothing could be drawn."""
        return any(shown.rollout.file.endswith(".png") for shown in self.films)


def films_part(folder: RunFolder, best: tuple[int, int] | None) -> FilmsPart | None:
    """What there is to show of the best candidate; None where there is none, or the run has not come to its end.

    Raises:
        RunDamaged: the record of its rollouts does not read.
    """
    if best is None:
        return None
    candidate, quoted = f"{best[0]}.{best[1]}", shlex.quote(str(folder.path))
    kept, sheet = folder_of(folder.path, candidate), _bytes(folder.best / PICTURE)
    record = read_record(kept / RECORD, Rollouts) if _own(kept / RECORD) else None
    if record is None:
        if not sheet and folder.report() is None:
            return None
        return FilmsPart(None, (), (), _address(sheet, ".png"), f"autoreward play {quoted}")
    left, addresses = MOST_FILM_BYTES, dict[str, Markup]()
    for place in for_page([rollout.labels for rollout in record.rollouts]):
        rollout = record.rollouts[place]
        data = _bytes(kept / rollout.file)
        if len(data) <= left:
            addresses[rollout.file] = _address(data, Path(rollout.file).suffix)
            left -= len(data)
    shown = [Shown(rollout, addresses.get(rollout.file, Markup(""))) for rollout in record.rollouts]
    return FilmsPart(
        record,
        tuple(one for one in shown if one.address),
        tuple(one for one in shown if not one.address),
        Markup(""),
        f"autoreward play {quoted} {candidate} --training {record.training} --seed",
    )


def folder_of(run: Path, candidate: str) -> Path:
    """Where a candidate's rollouts are kept."""
    return run / ROLLOUTS / candidate


def for_page(labels: Sequence[Sequence[str]]) -> list[int]:
    """Places of the three episodes that a page shows: the best, a failed one, the median; the worst where one lacks.

    Args:
        labels: of each choice.
    """
    kinds = [[label.partition(":")[0] for label in each] for each in labels]
    wanted = (BEST, FAILED, MEDIAN, WORST)
    found = (next((place for place, each in enumerate(kinds) if kind in each), None) for kind in wanted)
    return list(dict.fromkeys(place for place in found if place is not None))[:3]


def _own(path: Path) -> bool:
    """Whether it is a file of the run itself: a link could bring a file of the user's into a page that is mailed."""
    return path.is_file() and not any(part.is_symlink() for part in (path, *list(path.parents)[:2]))


def _bytes(path: Path) -> bytes:
    if not _own(path) or path.stat().st_size > MOST_FILM_BYTES:
        return b""
    return path.read_bytes()


def _address(data: bytes, ending: str) -> Markup:
    """`data:` address of a picture; empty where the bytes do not begin as one of this kind does."""
    kind, begins = KINDS[ending]
    return Markup(data_address(data, kind)) if data.startswith(begins) else Markup("")
