"""What it costs to look at runs: seconds, memory and size of what shows them, beside what they may be.

    python benchmarks/inspecting.py [RUN] [--parts report view inspect] [--candidates 60] [--quick] [--json FILE]

`report`: the page of a run with many candidates. That run is made from a real one (RUN, or the example of
`autoreward.testing`) by repeating its rounds, with calls, candidates, analyses and trainings, until it has so many.
`view`: the table of `autoreward view` over 1,000 runs, each a copy of that run, a third of them without its end, some
damaged, some in folders of sweeps. `seconds` is from the address, which is printed when the server listens, to the last
row; the browser is not in it. `start_seconds` is from the command to the address.
`inspect`: `autoreward inspect RUN`, from the command to its end; `large_seconds` of the run with many candidates, and
`help_seconds` of `autoreward --help`. Medians, since somebody waits for each.
Nothing is trained. Each figure is of fresh processes, and of the others the fastest counts: seconds on the clock, and
of the processor, which a busy machine lengthens less.

(The file is not `inspect.py`: beside a script of that name, Python's own module `inspect` would not be found.)
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from autoreward.store.folder import Drafted, RunFolder
from autoreward.testing.folder import example_run

RUNS = 1_000
"""In the table."""
LIMITS = {
    "report/seconds": 5.0,
    "report/megabytes": 10.0,
    "inspect/seconds": 0.5,
    "view/seconds": 1.0,
    "view/mib": 190.0,
}
"""What may not be exceeded."""
REPORT = """
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
        drafted, verdict = folder.drafted(number, record.index), folder.verdict(number, record.index)
        if drafted and verdict:
            own = f"{drafted.proposal.source}\n# as in round {next_}\n"
            proposal = drafted.proposal.model_copy(update={"parent": parent, "source": own})
            folder.write_draft(next_, record.index, Drafted(proposal=proposal, repairs=drafted.repairs), verdict)
    if analysis := folder.analysis(number):
        folder.write_analysis(analysis.model_copy(update={"round": next_}))


def fresh(code: str, *arguments: str) -> list[float]:
    """The numbers that Python code prints in a process of its own."""
    shown = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return [float(word) for word in shown.stdout.split()]


def report(run: Path, candidates: int, times: int, place: Path) -> dict[str, float]:
    """The page of a run with so many candidates."""
    large = place / "large"
    count = enlarged(run, candidates, large)
    best = min(fresh(REPORT, str(large)) for _ in range(times))
    return {"candidates": count, **dict(zip(("seconds", "cpu_seconds", "mib", "megabytes"), best, strict=True))}


def many(run: Path, to: Path) -> Path:
    """A folder of copies of a run, in several states; what no row is made of is left out."""
    for number in range(RUNS):
        name = f"2026-11-{1 + number % 28:02d}T{number % 24:02d}00_reacher_{number:04x}"
        copy = to / (f"sweep-{number % 3}" if number % 4 == 0 else "") / name
        left_out = shutil.ignore_patterns("trainings", "best", *(["report.json"] if number % 3 == 0 else []))
        shutil.copytree(run, copy, ignore=left_out, copy_function=os.link)
        record = (copy / "run.json").read_text()
        (copy / "run.json").unlink()  # a link to the one of all copies
        named = re.sub(r'"id": "[^"]*"', f'"id": "{name}"', record)
        (copy / "run.json").write_text(record[:500] if number % 50 == 7 else named)
    return to


def view(run: Path, candidates: int, times: int, place: Path) -> dict[str, float]:
    """The table over many runs."""
    runs = many(run, place / "runs")
    return min((table(runs) for _ in range(times)), key=lambda found: found["seconds"])


def table(runs: Path) -> dict[str, float]:
    """Open the table once, and ask what is new."""
    command = [sys.executable, "-m", "autoreward", "view", str(runs), "--no-browser"]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        listening, used = time.perf_counter(), processor(process.pid)
        page = urllib.request.urlopen(address).read()
        whole, used = time.perf_counter(), processor(process.pid) - used
        assert page.count(b"<tr data-key=") == RUNS, "each run has its row"
        time.sleep(1)
        version = re.search(rb'data-version="([^"]*)"', page)
        assert version
        asked = time.perf_counter()
        urllib.request.urlopen(f"{address}changes?since={version[1].decode()}").read()
        again = time.perf_counter() - asked
        memory = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        assert memory
        process.terminate()
    return {
        "runs": RUNS,
        "seconds": whole - listening,
        "cpu_seconds": used,
        "start_seconds": listening - begun,
        "again_seconds": again,
        "mib": int(memory[1]) / 1024,
        "megabytes": len(page) / 1e6,
    }


def processor(process: int) -> float:
    """Seconds of the processor that a process has used."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def inspect(run: Path, candidates: int, times: int, place: Path) -> dict[str, float]:
    """The terminal's view of a run."""
    large = place / "large"
    enlarged(run, candidates, large)
    shown = {"": ("inspect", str(run)), "large_": ("inspect", str(large)), "help_": ("--help",)}
    figures = {}
    for name, arguments in shown.items():
        clock, processor = zip(*(command(*arguments) for _ in range(2 * times + 1)), strict=True)
        figures |= {f"{name}seconds": statistics.median(clock), f"{name}cpu_seconds": statistics.median(processor)}
    return figures


def command(*arguments: str) -> tuple[float, float]:
    """Seconds that `autoreward` with these arguments takes: on the clock, and of the processor."""
    used, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "autoreward", *arguments], stdout=subprocess.DEVNULL, check=True)
    clock, now = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


PARTS: dict[str, Callable[[Path, int, int, Path], dict[str, float]]] = {
    "report": report,
    "view": view,
    "inspect": inspect,
}
"""Each is given a run, how many candidates, how often to measure, and a folder of its own."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", type=Path, help="run folder that the large one is made from")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--candidates", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="once, in place of three times")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    found: dict[str, float] = {}
    for name in arguments.parts:
        with tempfile.TemporaryDirectory() as place:
            run = arguments.run or example_run(Path(place) / "example", episodes=True)
            figures = PARTS[name](run, arguments.candidates, 1 if arguments.quick else 3, Path(place))
        found |= {f"{name}/{figure}": round(value, 3) for figure, value in figures.items()}
    for name, value in found.items():
        limit = f"   at most {LIMITS[name]:g}" if name in LIMITS else ""
        sys.stdout.write(f"{name:<24}{value:>10.3f}{limit}\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(any(value > LIMITS.get(name, value) for name, value in found.items()))


if __name__ == "__main__":
    sys.exit(main())
