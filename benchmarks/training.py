"""Measures the trainer beside Stable-Baselines3: speed, learning, return at equal cost, and where the time goes.

    python benchmarks/training.py                        # everything, and docs/performance.md; about 2 hours on 2 cores
    python benchmarks/training.py --quick                # under a minute: that it works, not what it finds
    python benchmarks/training.py --speed --tasks half_cheetah hopper
    python benchmarks/training.py --parity --seeds 10 --json parity.json
    python benchmarks/training.py --equal-cpu
    python benchmarks/training.py --profile

Each training is a process of its own with one thread. What is in `--out` is not measured again, so that a stopped
benchmark goes on where it was; another folder, or `--fresh`, begins anew.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import json
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import _curves
import _equal
import _page
import _parity
import _profile
import _speed
import tyro
from _jobs import ROOT, say, slots_or_cores

from autoreward.records import write_bytes

PARTS = ("speed", "parity", "equal_cpu", "profile")


@dataclass
class Options:
    """What to measure."""

    speed: bool = False
    """Steps per CPU-second and per second; two workers against one."""
    parity: bool = False
    """Same settings, same steps, many seeds."""
    equal_cpu: bool = False
    """Return at equal CPU-seconds."""
    profile: bool = False
    """Where the seconds of a training go, and how long a start takes."""
    tasks: tuple[str, ...] = ()
    """Tasks; empty: all that the part has."""
    trainer: str = "batch"
    """The trainer that is compared with Stable-Baselines3."""
    rounds: int = 3
    """Rounds of the speed table, for the tasks with a claim."""
    seeds: int = 10
    """Seeds of the parity table, three times as many where they lie far apart; at equal CPU-seconds half as many."""
    cpu_seconds: float = 30.0
    """Budget of one training in the table at equal CPU-seconds."""
    slots: int = 0
    """Trainings at once for the tables of returns; 0: as many as cores. Speed is always measured alone."""
    out: Path = ROOT / "runs" / "training"
    """Folder of the results."""
    fresh: bool = False
    """Forget what is in that folder."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures, one flat object."""
    docs: Path = ROOT / "docs"
    """Where performance.md and img/ are written: only when everything was measured, on all tasks."""
    quick: bool = False
    """Everything once and tiny, to see that it runs."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What is measured: all of it where nothing is named."""
        return tuple(part for part in PARTS if getattr(self, part)) or PARTS

    @property
    def whole(self) -> bool:
        """Whether this is the full run that the page is written from."""
        return self.parts == PARTS and not self.tasks and not self.quick and self.trainer == "batch"


@dataclass
class Measured:
    """What has been measured, as flat figures and as the page's sections."""

    figures: dict[str, float] = field(default_factory=dict)
    sections: dict[str, list[str]] = field(default_factory=dict)


def main(options: Options) -> None:
    started = time.monotonic()
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            measured = measure(replace(options, out=Path(folder), rounds=1, seeds=1, cpu_seconds=1.5))
    else:
        if options.fresh:
            shutil.rmtree(options.out, ignore_errors=True)
        measured = measure(options)
    for lines in measured.sections.values():
        sys.stdout.write("\n".join(lines) + "\n\n")
    if options.json_:
        write_bytes(options.json_, (json.dumps(measured.figures, indent=1) + "\n").encode())
    if options.whole:
        write_bytes(
            options.docs / "performance.md",
            _page.page(
                measured.sections, measured.figures, options.rounds, options.seeds, options.cpu_seconds
            ).encode(),
        )
        say(f"wrote {options.docs / 'performance.md'}")
    say(f"{time.monotonic() - started:.0f} s")


def measure(options: Options) -> Measured:
    """Measure the parts that are asked for."""
    measured = Measured()
    for part in options.parts:
        MEASURES[part](options, measured)
    return measured


def tasks(options: Options, known: tuple[str, ...], few: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks that are asked for; all that the part knows, or in quick runs a few."""
    chosen = options.tasks or (few if options.quick else known)
    return tuple(name for name in chosen if name in known)


def speed(options: Options, measured: Measured) -> None:
    """The speed tables."""
    out = options.out / "speed"
    names = tasks(options, _speed.TASKS, ("half_cheetah",))
    rounds = _speed.measure(names, options.trainer, options.rounds, out, options.quick)
    scaled = [name for name in names if name in _speed.SCALED]
    scalings = {name: _speed.scaling(name, options.trainer, options.rounds, out, options.quick) for name in scaled}
    measured.figures |= _speed.figures(rounds, scalings)
    measured.sections["speed"] = _speed.tables(rounds, scalings)


def parity(options: Options, measured: Measured) -> None:
    """The parity table and the picture of the curves."""
    names = tasks(options, tuple(_parity.SETTINGS), ("reacher",))
    slots = slots_or_cores(options.slots)
    found = _parity.measure(names, options.trainer, options.seeds, slots, options.out / "parity", options.quick)
    picture = options.out / "parity.png"
    _curves.draw(found, picture)
    if options.whole:
        write_bytes(options.docs / _page.PICTURE, picture.read_bytes())
    measured.figures |= _parity.figures(found)
    measured.sections["parity"] = _parity.tables(found)


def equal_cpu(options: Options, measured: Measured) -> None:
    """The table at equal CPU-seconds."""
    names = tasks(options, tuple(_parity.SETTINGS), ("inverted_pendulum",))
    found = _equal.measure(
        names,
        options.trainer,
        -(-options.seeds // 2),
        options.cpu_seconds,
        slots_or_cores(options.slots),
        options.out / "equal",
        options.quick,
    )
    measured.figures |= _equal.figures(found)
    measured.sections["equal_cpu"] = _equal.tables(found)


def profile(options: Options, measured: Measured) -> None:
    """The table of shares, and the start."""
    names = tasks(options, _profile.TASKS, ("half_cheetah",))
    if not names:
        return
    found, begun = _profile.measure(names, options.trainer, options.out / "profile", options.quick)
    measured.figures |= _profile.figures(found, begun)
    measured.sections["profile"] = _profile.tables(found, begun)


MEASURES = {"speed": speed, "parity": parity, "equal_cpu": equal_cpu, "profile": profile}


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
