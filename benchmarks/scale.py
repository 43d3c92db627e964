"""How sweeps grow: 1,000 runs of 12 candidates with a trainer that only sleeps.

    python benchmarks/scale.py [--runs 100 1000] [--engine local] [--slots 8] [--quick] [--json FILE]

Everything but the trainings is real: run folders, the search loop with its analyses, selection, report and pages, the
pool and the store of the sweep, the engine with its worker processes, and the summary. What is left out, and why:
rewards are designed and checked once, and those records are put into every run's folder, since 12,000 checks in cells
would take hours and are the same work whatever else is done; and the sleeping trainer leaves no policy and no episodes,
so there are no films.

Told for each size, of a process of its own: seconds to read the matrix and begin (`index`), to carry the sweep out, to
write the summary, and to do all of that again where everything is finished (`resume`); the largest memory of the
parent; and for each training what the parent computes (`parent_cpu_ms_a_job`) and what the clock shows beyond the
sleeping itself, spread over the slots (`wall_ms_a_job`; other work on the machine lengthens it). `engine_ms_a_job` is
that of the engine alone, without any search. `short/busy` is the share of the time of two slots that trainings have,
between the first and the last, in a sweep of 20 short runs that are designed as they go (2 candidates each, checked in
cells; trainings of 4 s). `growth` is what a run of the largest sweep takes, divided by what one of the smallest takes:
1 is linear.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STEPS_A_SECOND = 10_000
"""As in `_sleeper`, which sleeps for so many steps a second."""
CANDIDATES, OTHERS = 12, 5
"""Trainings of a run: its candidates; and a finalist, random, sparse, human and designed, on one seed each."""
LIMITS = {"memory_mib": 500.0, "parent_cpu_ms_a_job": 50.0, "engine_ms_a_job": 50.0}
TASK = {
    "env": "autoreward.testing.trainer:LineEnv",
    "text": "Climb above 3.",
    "success": "obs_0 > 3",
    "step_limit": 10,
}


def sweep_file(folder: Path, runs: int, engine: str, slots: int, seconds: float) -> Path:
    """A matrix of so many runs: one task, one arm, a seed each, so that no training is shared."""
    config = {
        "designer": "_sleeper:Numbered",
        "rounds": 1,
        "candidates": CANDIDATES,
        "critic": "smoke",
        "analyzer": "statistics",
        "search_seeds": 1,
        "finalists": 1,
        "selection_seeds": 1,
        "report_seeds": 1,
        "report_episodes": 2,
        "steps": round(seconds * STEPS_A_SECOND),
        "stop_when_hopeless": False,
        "slots": slots,
        "trainer": {"name": "_sleeper:Sleeper"},
    } | ({} if engine == "local" else {"engine": engine})
    path = folder / "scale.yaml"
    path.write_text(json.dumps({"tasks": [TASK], "seeds": list(range(runs)), "config": config}))
    return path


def prepare(file: Path, folder: Path) -> None:
    """Design one run for real, and give every run of the file its records: what is left to do is to train."""
    from autoreward.records import write_record
    from autoreward.search.loop import start
    from autoreward.search.observer import Observer
    from autoreward.store.folder import RunFolder
    from autoreward.sweeps.matrix import read_sweep
    from autoreward.testing.engine import InProcessEngine

    class Designed(Exception):
        """All candidates are."""

    class Stop(Observer):
        def training_progress(self, *_: object) -> None:
            raise Designed

    _, planned = read_sweep(file)
    first = folder.parent / "first"
    try:
        start(planned[0].task, planned[0].config, Stop(), engine=InProcessEngine(), folder=first)
    except Designed:
        run = RunFolder(first).run()
    for each in planned:
        path = folder / each.run.name
        shutil.copytree(first / "rounds", path / "rounds", copy_function=os.link)
        write_record(path / "run.json", run.model_copy(update={"id": path.name, "config": each.config}))


def carry_out(file: Path, folder: Path) -> dict[str, float]:
    """In this process: carry the sweep out, or find that it is finished."""
    from autoreward.store.folder import locked
    from autoreward.sweeps.board import Board
    from autoreward.sweeps.carry_out import begin, finish, pool_of
    from autoreward.sweeps.matrix import read_sweep

    clock = [time.perf_counter()]
    with locked(folder):
        sweep, planned = read_sweep(file)
        record = begin(folder, planned, str(file))
        clock.append(time.perf_counter())
        with pool_of(sweep, record, planned, folder, Board(lambda text: None)) as pool:
            before = time.process_time()
            record = pool.carry_out()
            cpu = time.process_time() - before
        clock.append(time.perf_counter())
        finish(folder, record)
        clock.append(time.perf_counter())
    assert all(run.status == "finished" for run in record.runs), "a run has failed"
    index, carried, summary = (later - earlier for earlier, later in itertools.pairwise(clock))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"index": index, "carried": carried, "summary": summary, "cpu": cpu, "memory": memory}


def engine_alone(folder: Path, engine: str, slots: int, jobs: int, seconds: float) -> dict[str, float]:
    """In this process: so many jobs, given to the engine at once."""
    from autoreward.config import RunConfig
    from autoreward.engine.contract import run_all
    from autoreward.search.roles import new_engine
    from autoreward.testing.engine import line_request

    chosen = {} if engine == "local" else {"engine": engine}
    steps = round(seconds * STEPS_A_SECOND)
    requests = [line_request(folder / f"{seed:05d}", seed, steps, "_sleeper:Sleeper") for seed in range(jobs)]
    with new_engine(RunConfig.model_validate({"slots": slots, **chosen})) as given:
        run_all(given, requests[:slots], lambda *_: None)  # workers start, and import what they need
        began, cpu = time.perf_counter(), time.process_time()
        run_all(given, requests[slots:], lambda *_: None)
        return {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}


def in_a_process(what: str, *given: object) -> dict[str, float]:
    """One of the two above, in a process of its own."""
    paths = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, __file__, "--part", what, *map(str, given)]
    shown = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(shown.stdout.splitlines()[-1])
    return found


def measure(runs: int, engine: str, slots: int, seconds: float, place: Path) -> dict[str, float]:
    """A sweep of so many runs."""
    folder = place / "sweep"
    folder.mkdir(parents=True)
    file = sweep_file(place, runs, engine, slots, seconds)
    prepare(file, folder)
    first = in_a_process("sweep", file, folder)
    again = in_a_process("sweep", file, folder)
    jobs = runs * (CANDIDATES + OTHERS)
    return {
        "jobs": jobs,
        "index_seconds": first["index"],
        "seconds": first["carried"],
        "summary_seconds": first["summary"],
        "resume_seconds": again["index"] + again["carried"] + again["summary"],
        "memory_mib": max(first["memory"], again["memory"]),
        "parent_cpu_ms_a_job": 1000 * first["cpu"] / jobs,
        "wall_ms_a_job": 1000 * (first["carried"] - jobs * seconds / slots) / jobs,
        "cpu_seconds_a_run": first["cpu"] / runs,
    }


def busy(engine: str, runs: int, seconds: float, place: Path) -> dict[str, float]:
    """Which share of the time of two slots trainings have, in a sweep of short runs that are designed as they go."""
    place.mkdir(parents=True)
    file = sweep_file(place, runs, engine, 2, seconds)
    sweep = json.loads(file.read_text())
    sweep["config"] |= {"candidates": 2}
    file.write_text(json.dumps(sweep))
    folder = place / "sweep"
    folder.mkdir()
    carried = in_a_process("sweep", file, folder)["carried"]
    results = {path.parent.name: path for path in folder.glob("*/trainings/*/result-*.json")}.values()
    ends = [path.stat().st_mtime for path in results]
    trained = len(ends) * seconds
    return {
        "busy": trained / (2 * (max(ends) - min(ends) + seconds)),
        "busy_from_start_to_end": trained / (2 * carried),
        "jobs": len(ends),
    }


def growth(found: dict[int, dict[str, float]]) -> dict[str, float]:
    """What a run of the largest size takes, divided by what one of the smallest takes."""
    small, large = min(found), max(found)
    names = ("index_seconds", "seconds", "resume_seconds", "cpu_seconds_a_run")
    per_run = {name: 1 if name.endswith("a_run") else large / small for name in names}
    return {name: found[large][name] / found[small][name] / per_run[name] for name in names}


def main() -> int:
    """Measure, print, and write the flat figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 1000], help="sizes of sweeps")
    parser.add_argument("--engine", default="local", help="local or ray")
    parser.add_argument("--slots", type=int, default=8, help="workers; they sleep, so more than cores do no harm")
    parser.add_argument("--seconds", type=float, default=0.05, help="that a training sleeps")
    parser.add_argument("--folder", type=Path, help="where the sweeps go; without it they are thrown away")
    parser.add_argument("--quick", action="store_true", help="2 and 6 runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="flat figures")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(part(*options.part)))
        return 0
    sys.path.insert(0, str(HERE))
    sizes: Sequence[int] = [2, 6] if options.quick else options.runs
    flat: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="autoreward-scale-") as name:
        place = (options.folder or Path(name)).resolve()
        jobs = 100 if options.quick else 1000
        alone = in_a_process("engine", place / "engine", options.engine, options.slots, jobs, options.seconds)
        rest = (jobs - options.slots) * options.seconds / options.slots
        flat[f"{options.engine}/engine_ms_a_job"] = 1000 * (alone["wall"] - rest) / (jobs - options.slots)
        flat[f"{options.engine}/engine_cpu_ms_a_job"] = 1000 * alone["cpu"] / (jobs - options.slots)
        short = (4, 1.0) if options.quick else (20, 4.0)
        flat |= {
            f"{options.engine}/short/{key}": value
            for key, value in busy(options.engine, *short, place / "short").items()
        }
        found = {}
        for runs in sizes:
            found[runs] = measure(runs, options.engine, options.slots, options.seconds, place / str(runs))
            flat |= {f"{options.engine}/{runs}/{key}": value for key, value in found[runs].items()}
            print(
                f"{runs} runs: {json.dumps({key: round(value, 2) for key, value in found[runs].items()})}", flush=True
            )
        if len(found) > 1:
            flat |= {f"{options.engine}/growth/{key}": value for key, value in growth(found).items()}
    flat = {key: round(value, 3) for key, value in flat.items()}
    print(json.dumps(flat, indent=1))
    if options.json:
        options.json.write_text(json.dumps(flat, indent=1) + "\n")
    return 0 if all(value <= LIMITS.get(key.rpartition("/")[2], value) for key, value in flat.items()) else 1


def part(what: str, *given: str) -> dict[str, float]:
    """What a process of its own does."""
    if what == "sweep":
        return carry_out(Path(given[0]), Path(given[1]))
    return engine_alone(Path(given[0]), given[1], int(given[2]), int(given[3]), float(given[4]))


if __name__ == "__main__":
    sys.exit(main())
