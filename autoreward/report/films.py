"""The page's part on rollouts: what `rollouts/` holds of the best candidate, as `data:` addresses of a bounded size."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from autoreward.records import read_record
from autoreward.report.choosing import for_page
from autoreward.report.plots import data_address
from autoreward.report.rollouts import RECORD, Rollout, Rollouts, folder_of
from autoreward.store.folder import RunFolder

MOST_FILM_BYTES = 5 * 2**20
"""Of all films in the page; a third more in the page itself."""
PICTURE = "rollout.png"
"""In `best/` of older runs: the contact sheet of one episode."""
KINDS = {".gif": ("image/gif", b"GIF8"), ".png": ("image/png", b"\x89PNG")}


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
