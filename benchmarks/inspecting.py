"""How long it takes to look at a run: its report, for a run with as many candidates as wanted.

    python benchmarks/inspecting.py [RUN] [--candidates 60] [--quick] [--json]

A run is made from a real one (RUN, or the example of `autoreward.testing`) by repeating its rounds, with calls,
candidates, analyses and trainings, until it has so many candidates. Nothing is trained. Times are of a fresh process
each: seconds on the clock, and of the processor, which a busy machine does not lengthen.

(The file is not `inspect.py`: beside a script of that name, Python's own module `inspect` would not be found.)
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from autoreward.store.folder import RunFolder
from autoreward.testing.folder import example_run

LIMIT = 5.0
"""Seconds that a report of 60 candidates may take."""
MEASURED = """
import sys, time, resource
from pathlib import Path
clock = time.perf_counter()
from autoreward.report.page import write_report
page = write_report(Path(sys.argv[1]))
use = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - clock, use.ru_utime + use.ru_stime, use.ru_maxrss / 1024, page.stat().st_size / 1e6)
"""


def enlarged(run: Path, candidates: int, to: Path) -> int:
    """Copy a run, and repeat its rounds until it has at least so many candidates; gives how many it has."""
    shutil.copytree(run, to, ignore=shutil.ignore_patterns("*.npz", "*.safetensors", "episodes"))
    folder = RunFolder(to)
    numbers = [number for number in folder.rounds() if folder.analysis(number)]
    next_ = max(folder.rounds()) + 1
    while sum(len(folder.indices(number)) for number in folder.rounds()) < candidates:
        _repeat(folder, numbers[next_ % len(numbers)], next_)
        next_ += 1
    return sum(len(folder.indices(number)) for number in folder.rounds())


def _repeat(folder: RunFolder, number: int, next_: int) -> None:
    """The round once more under another number, its candidates made from those of the round before."""
    path = folder.rounds_path / f"{next_:02d}"
    shutil.copytree(folder.rounds_path / f"{number:02d}", path)
    for file in path.glob("calls/*.json"):
        file.write_text(re.sub(r'"round":\s*\d+', f'"round": {next_}', file.read_text(), count=1))
    for record in folder.candidates(number):
        parent = (next_ - 1, 0) if record.parent else None
        folder.write_candidate(record.model_copy(update={"round": next_, "parent": parent}))
    if analysis := folder.analysis(number):
        folder.write_analysis(analysis.model_copy(update={"round": next_}))


def measure(run: Path) -> dict[str, float]:
    """Write the report of a run in a fresh process."""
    shown = subprocess.run([sys.executable, "-c", MEASURED, str(run)], capture_output=True, text=True, check=True)
    names = ("seconds", "cpu_seconds", "mib", "megabytes")
    return dict(zip(names, (round(float(word), 3) for word in shown.stdout.split()), strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", type=Path, help="run folder that the large one is made from")
    parser.add_argument("--candidates", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="once, in place of three times")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run = arguments.run or example_run(Path(name) / "example")
        count = enlarged(run, arguments.candidates, Path(name) / "large")
        found = [measure(Path(name) / "large") for _ in range(1 if arguments.quick else 3)]
    best = min(found, key=lambda one: one["seconds"])
    result = {"candidates": count, "limit_seconds": LIMIT, "within": best["seconds"] < LIMIT, "report": best}
    if arguments.json:
        sys.stdout.write(json.dumps(result, indent=1) + "\n")
    else:
        sys.stdout.write(
            f"report of {count} candidates: {best['seconds']:.2f} s ({best['cpu_seconds']:.2f} s of the processor), "
            f"{best['mib']:.0f} MiB, a page of {best['megabytes']:.1f} MB; wanted under {LIMIT:.0f} s\n"
        )
    return 0 if result["within"] else 1


if __name__ == "__main__":
    sys.exit(main())
