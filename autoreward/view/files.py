"""Reading what lies in a run folder, which may come from anywhere, without being led out of it or held up by it.

Covered: links, devices and pipes are not opened; a file is read up to a size; folders are walked to a
depth and a number, without following links.
Not covered: whoever may write to the runs folder can swap a folder for a link between two looks at it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from autoreward.errors import RunDamaged
from autoreward.records import RecordT, parse_record

MOST_BYTES = 4 * 2**20
"""Of a record; the largest of real runs have some 100 kB."""
DEPTH = 4
"""Folders between the runs folder and a run, the run included: sweeps and benchmarks put theirs in folders."""
MOST_FOLDERS = 20_000
"""That are looked into for runs."""
MOST_WALKED = 50_000
"""Files and folders of one run that are looked at for links; in one with more there may be any."""


def read_plain(path: str, most: int = MOST_BYTES, end: bool = False) -> bytes | None:
    """What a plain file holds; None where there is none.

    Args:
        path: the file.
        most: bytes that are read.
        end: of a longer file, give its end, in place of refusing it.

    Raises:
        RunDamaged: it is a link, no plain file, too long, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        why = "is a link, which is not followed" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
        raise RunDamaged(f"{path} {why}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise RunDamaged(f"{path} is no plain file")
        if found.st_size > most and not end:
            raise RunDamaged(f"{path} has {found.st_size:,} bytes, more than any record")
        return os.pread(descriptor, min(found.st_size, most), max(0, found.st_size - most))
    finally:
        os.close(descriptor)


def plain_record(path: str, model: type[RecordT]) -> RecordT | None:
    """A record of a run; None where it is not there.

    Raises:
        RunDamaged: it is there but does not read, or is no plain file.
    """
    data = read_plain(path)
    return None if data is None else parse_record(data, model, path)


def find_runs(root: Path) -> Iterator[str]:
    """Runs below a folder, as paths from it; runs within runs are not looked for, and links are not followed.

    What lies nearer comes first: a run beside a large tree of other folders is found before all of these are looked at.
    """
    waiting, looked, within = deque([("", 0)]), 0, str(root)
    while waiting and looked < MOST_FOLDERS:
        key, depth = waiting.popleft()
        looked += 1
        names, folders = _listed(f"{within}/{key}")
        # What has no run.json but the rest of a run is a damaged one.
        if key and ("run.json" in names or {"rounds", "report.json"} & names):
            yield key
        elif depth < DEPTH:
            waiting.extend((f"{key}/{name}" if key else name, depth + 1) for name in folders)


def _listed(folder: str) -> tuple[set[str], list[str]]:
    """All names in a folder, and those of real folders that are not hidden; nothing of a link to one."""
    if os.path.islink(folder):
        return set(), []
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:
        return set(), []
    folders = [
        entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
    ]
    return {entry.name for entry in entries}, folders


def numbered(folder: str) -> list[tuple[int, str]]:
    """Number and path of the real folders whose names are numbers, in order."""
    _, folders = _listed(folder)
    return sorted((int(name), f"{folder}/{name}") for name in folders if name.isdecimal())


def unshowable(run: Path) -> str:
    """Why no page is made of a run folder, in words that follow its path from the runs folder; empty where one may be.

    What makes a page would follow a link in it, and wait at a pipe.
    """
    waiting, looked = [""], 0
    while waiting:
        key = waiting.pop()
        # What cannot be listed cannot be read either.
        with contextlib.suppress(OSError), os.scandir(run / key) as found:
            for entry in found:
                looked += 1
                path = f"{key}/{entry.name}" if key else entry.name
                if entry.is_symlink():
                    return f"/{path} is a link. It could bring other files into the page, so none is made of this run."
                if looked > MOST_WALKED:
                    return f" has more than {MOST_WALKED:,} files, too many to look for links before a page is made."
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif not entry.is_file(follow_symlinks=False):
                    return f"/{path} is no plain file. It could hold up what makes the page, so none is made."
    return ""
