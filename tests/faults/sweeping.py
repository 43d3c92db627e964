"""Short sweeps in processes of their own, that are killed and begun again, and what is compared of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from autoreward.llm.calls import RecordedCall
from autoreward.records import read_record

HERE = Path(__file__).parent
TASK = {
    "env": "autoreward.testing.trainer:LineEnv",
    "text": "Climb above 3.",
    "success": "obs_0 > 3",
    "step_limit": 10,
}
SMALL: dict[str, Any] = {
    "designer": "composer",
    "rounds": 1,
    "candidates": 1,
    "critic": "smoke",
    "analyzer": "statistics",
    "search_seeds": 1,
    "finalists": 1,
    "selection_seeds": 1,
    "report_seeds": 1,
    "report_episodes": 2,
    "steps": 512,
    "slots": 2,
    "stop_when_hopeless": False,
    "trainer": {"name": "short:Short"},
}
FORKED = multiprocessing.get_context("forkserver" if os.geteuid() == 0 else "fork")
"""Sweeps are forked from a process that has everything imported: 50 of them begin three times each. A user without
rights may have another libpython than Python's library was made for: its tracker of resources then does not start."""
IMPORTED = (
    *("autoreward.commands.sweep", "autoreward.sweeps.carry_out", "autoreward.designer.composer", "scipy.stats"),
    *("autoreward.designer.llm", "autoreward.llm.openai_chat", "openai", "gymnasium", "autoreward.report.page"),
)
FORKED.set_forkserver_preload(list(IMPORTED))
UNEQUAL = frozenset(("timers", "created", "id", "runs", "cpu", "path", "config", "versions"))
"""Fields of records that tell of times and places."""


def write_sweep(folder: Path, **changes: Any) -> Path:
    """The file of a small sweep; `config` is merged with what all of them share."""
    config = {**SMALL, **changes.pop("config", {})}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "s.yaml").write_text(json.dumps({"tasks": [TASK], "seeds": [0], **changes, "config": config}))
    return folder / "s.yaml"


def command(folder: Path, key: str = "") -> None:
    """In a process of its own: `autoreward sweep` of the file in a folder."""
    os.chdir(folder)
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE), "OPENAI_API_KEY": key}
    sys.path.insert(0, str(HERE))
    log = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", 1, closefd=False), os.fdopen(2, "w", 1, closefd=False)
    from autoreward.cli import main

    sys.exit(main(["sweep", "s.yaml", "--folder", "sweep"]))


def begin(folder: Path, key: str = "") -> multiprocessing.process.BaseProcess:
    """Start it, or go on with it."""
    process = FORKED.Process(target=command, args=(folder, key))
    process.start()
    return process


def kill(pid: int) -> bool:
    """`kill -9`; false where the process has ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def children_of(pid: int) -> dict[int, str]:
    """All processes below one, with what each is."""
    below, found = {pid}, dict[int, str]()
    table = {int(path.parent.name): parent for path in Path("/proc").glob("[0-9]*/stat") if (parent := _parent(path))}
    while more := {child for child, parent in table.items() if parent in below} - below:
        below |= more
    for child in below - {pid}:
        found[child] = _kind(child)
    return found


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _kind(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    names = {"autoreward.engine.worker": "worker", "autoreward.training.evaluator": "evaluator", "-I": "cell"}
    return next((kind for word, kind in names.items() if word in words), "other")


def wait_until_alone(pids: Collection[int], seconds: float = 30.0) -> list[int]:
    """Wait for processes to end by themselves; those that have not."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if Path(f"/proc/{pid}/exe").is_symlink() and _alive(pid)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.05)
    return left


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def finished(sweep: Path) -> dict[Path, bytes]:
    """Every record that says that a step is done, as it was written; results that blame the machine are done again."""
    patterns = ("*/rounds/**/*.json", "*/trainings/*/result-*.json", "*/selection.json", "*/report.json")
    found = {path: path.read_bytes() for pattern in patterns for path in sweep.glob(pattern)}
    again = {path for path in found if path.name == "anatomy.json"}  # of the best so far, and of all episodes so far
    return {path: data for path, data in found.items() if path not in again and b'"failure": "machine"' not in data}


def results(sweep: Path) -> dict[str, Any]:
    """What a sweep has found, record by record, without times and places."""
    records = (*finished(sweep), *sweep.glob("*/run.json"), *sweep.glob("*/rounds/*/candidates/*/anatomy.json"))
    found = {str(path.relative_to(sweep)): _without(json.loads(path.read_bytes())) for path in records}
    sweep_record = json.loads((sweep / "sweep.json").read_bytes())
    found["sweep.json"] = _without(sweep_record["runs"])
    found["runs.csv"] = (sweep / "runs.csv").read_text()
    found["summary.csv"] = (sweep / "summary.csv").read_text()
    return found


def _without(data: Any) -> Any:
    if isinstance(data, dict):
        data = {**data, "message": ""} if data.get("name") == "time" else data  # a check that says how long it took
        return {key: _without(value) for key, value in data.items() if key not in UNEQUAL and "seconds" not in key}
    return [_without(value) for value in data] if isinstance(data, list) else data


def damaged(sweep: Path) -> list[str]:
    """Records that do not read."""
    found = []
    for path in sweep.rglob("[!.]*.json"):
        try:
            json.loads(path.read_bytes())
        except ValueError as error:
            found.append(f"{path}: {error}")
    return found


def prompts(sweep: Path) -> Counter[str]:
    """How often each prompt's reply is recorded."""
    calls = (read_record(path, RecordedCall) for path in sweep.glob("*/rounds/*/calls/*.json"))
    return Counter(call.prompt_hash for call in calls)
