"""Which run folder a user means."""

from __future__ import annotations

from pathlib import Path

from autoreward.errors import RunDamaged, UnknownName, UserError


def find_run(name: str | None, runs: Path = Path("runs")) -> Path:
    """A run's folder by its path, or by a unique beginning of its name under `runs`; None means the latest one.

    Raises:
        UserError: there is no such run, or more than one, or this user may not enter its folder.
        RunDamaged: the folder is there, but holds no run.
    """
    try:
        return _found(name, runs)
    except PermissionError as error:
        raise UserError(f"{error.filename} cannot be read: permission denied; type it as its owner") from None


def _found(name: str | None, runs: Path) -> Path:
    if name is not None and Path(name).is_dir():
        if not (Path(name) / "run.json").exists():
            raise RunDamaged(f"{name} has no run.json: it is no run folder, or its run never began")
        return Path(name)
    records = sorted(runs.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    names = [path.parent.name for path in records]
    if name is None:
        if not names:
            raise UserError(f"there are no runs in {runs}; start one with `autoreward run reacher`, or give a path")
        return runs / names[-1]
    matches = [known for known in names if known == name] or [known for known in names if known.startswith(name)]
    if len(matches) > 1:
        raise UserError(f"{name!r} begins the names of {len(matches)} runs: {', '.join(sorted(matches)[:5])}")
    if not matches:
        raise UnknownName("run", name, names, f"`ls {runs}` shows those that are there.")
    return runs / matches[0]
