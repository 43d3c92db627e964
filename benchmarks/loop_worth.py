"""Are the full Critic and Analyzer worth it? The loop with them, and with a smoke test and plain statistics.

    python benchmarks/loop_worth.py                       # 3 tasks x 2 arms x 5 repeats x 9 trainings
    python benchmarks/loop_worth.py --quick               # under a minute: that it works, not who is better
    python benchmarks/loop_worth.py --tasks reacher --json loop_worth.json

Both arms are the loop of `autoreward run` with the composer, 3 rounds of 3 candidates, each trained once, for the steps
of `TASKS`, which are fewer than the packs'. `full` has `--critic full --analyzer full`; `plain` has `--critic smoke
--analyzer statistics`: only the dry run, and a history of programs, success and means. The arms of a repeat share
their seeds, so their first rounds are the same as long as the Critic refuses nothing. Each candidate that was the best
so far, by true success and then score, is trained once more on a seed of its own: that success is what is compared.
Finished trainings are kept in `--out` and not repeated.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from _curves import band
from _loops import Searched, Sharing, search
from _page import machine

from autoreward.config import RunConfig
from autoreward.engine.contract import Engine
from autoreward.engine.local import LocalEngine
from autoreward.records import write_bytes
from autoreward.search.statistics import MIN_SEEDS, TRIM, interval, iqm
from autoreward.task import load_task

ROOT = Path(__file__).resolve().parent.parent
FIRST_SEED = 70
"""Of the runs; away from those of results and calibrations."""
TASKS = {"reacher": 25_000, "mountain_car_continuous": 10_000, "acrobot": 12_000}
"""Environment steps of each training."""
PROBE_SECONDS = 60
"""That the Critic may take, so that a busy machine does not decide what it finds."""
ARMS: dict[str, dict[str, str]] = {
    "full": {"critic": "full", "analyzer": "full"},
    "plain": {"critic": "smoke", "analyzer": "statistics"},
}
NAMES = {"full": "full Critic and Analyzer", "plain": "smoke test and statistics"}
COLOURS = {"full": "#2f81d6", "plain": "#e08a1e"}
Results = dict[str, dict[str, list[Searched]]]
"""Task -> arm -> one a repeat."""


@dataclass
class Options:
    """What to compare."""

    tasks: tuple[str, ...] = tuple(TASKS)
    repeats: int = 5
    rounds: int = 3
    candidates: int = 3
    """Of each round."""
    steps: int | None = None
    """Of each training, instead of those of `TASKS`."""
    out: Path = ROOT / "runs" / "loop_worth"
    """Folder of runs and trainings; finished ones are not repeated."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures, one flat object."""
    picture: Path | None = None
    """File for the picture, such as docs/loop_worth.png."""
    slots: int = 0
    """Trainings at once; 0: as many as cores."""
    first_seed: int = FIRST_SEED
    """Of the first repeat."""
    quick: bool = False
    """One repeat of two rounds with one tiny training each, to see that everything runs."""


def main(options: Options) -> None:
    if options.quick:
        options.repeats, options.rounds, options.candidates, options.steps = 1, 2, 1, 2_000
        options.tasks = ("mountain_car_continuous",)
    results: Results = {name: {arm: [] for arm in ARMS} for name in options.tasks}
    engine = Sharing(LocalEngine(options.slots, timeout=1800), options.out / "trainings")
    for repeat in range(options.repeats):
        for name in options.tasks:
            for arm in ARMS:
                results[name][arm].append(one(name, arm, repeat, options, engine))
        sys.stdout.write("\n".join(table(results, options)) + "\n\n")
        sys.stdout.flush()
    if options.json_:
        write_bytes(options.json_, (json.dumps(figures(results, options), indent=1) + "\n").encode())
    if options.picture:
        draw(results, options, options.picture)


def one(name: str, arm: str, repeat: int, options: Options, engine: Engine) -> Searched:
    """One arm of one repeat."""
    seed = options.first_seed + repeat
    config = RunConfig.model_validate(
        {
            "rounds": options.rounds,
            "candidates": options.candidates,
            "steps": steps_of(name, options),
            "seed": seed,
            "search_seeds": 1,
            "selection_seeds": 1,
            "stop_when_hopeless": False,
            "probe_seconds": PROBE_SECONDS,
            "episodes": "own",
            "shared_trainings": options.out / "trainings",
            **ARMS[arm],
        }
    )
    label = f"{name}-{steps_of(name, options)}-{options.rounds}x{options.candidates}-{arm}-{seed}"
    return search(load_task(name), config, options.out / label, engine, f"{name} {arm} {seed}")


def steps_of(name: str, options: Options) -> int:
    return options.steps or TASKS.get(name) or load_task(name).steps


def curve(one: Searched, trainings: int) -> list[float]:
    """True success of the best candidate after each training; where fewer were trained, the last goes on."""
    known = [*one.fresh, *one.fresh[-1:] * trainings][:trainings]
    return known or [0.0] * trainings


def curves(results: Sequence[Searched], options: Options) -> np.ndarray:
    """[repeats, trainings]."""
    return np.array([curve(one, options.rounds * options.candidates) for one in results])


def figures(results: Results, options: Options) -> dict[str, float | str]:
    """Every number, flat."""
    flat: dict[str, float | str] = {"machine": machine(), "repeats": options.repeats}
    for name, arms in results.items():
        flat[f"{name}.steps"] = steps_of(name, options)
        for arm, searched in arms.items():
            values = curves(searched, options)
            for count, column in enumerate(values.T, start=1):
                flat[f"{name}.{arm}.after_{count}.iqm"] = iqm(column)
                flat |= _bounds(f"{name}.{arm}.after_{count}", column)
            for repeat, one in enumerate(searched):
                flat |= {f"{name}.{arm}.{repeat}.after_{n}": value for n, value in enumerate(values[repeat], start=1)}
                for key in ("refused", "repairs", "stopped"):
                    flat[f"{name}.{arm}.{repeat}.{key}"] = getattr(one, key)
                flat |= {f"{name}.{arm}.{repeat}.label.{label}": count for label, count in one.labels.items()}
        for key, gain in gains(arms, options).items():
            flat[f"{name}.gain.{key}"] = iqm(gain)
            flat |= _bounds(f"{name}.gain.{key}", gain)
    for key, gain in pooled(results, options).items():
        flat[f"all.gain.{key}"] = iqm(gain)
        flat |= _bounds(f"all.gain.{key}", gain)
    return flat


def _bounds(key: str, values: Sequence[float]) -> dict[str, float | str]:
    bounds = interval(list(values))
    return {f"{key}.low": bounds[0], f"{key}.high": bounds[1]} if bounds else {}


def gains(arms: dict[str, list[Searched]], options: Options) -> dict[str, list[float]]:
    """`full` less `plain`, a number a repeat: at the end, and as the mean over all trainings."""
    difference = curves(arms["full"], options) - curves(arms["plain"], options)
    return {"final": difference[:, -1].tolist(), "mean": difference.mean(axis=1).tolist()}


def pooled(results: Results, options: Options) -> dict[str, list[float]]:
    """The same as the mean over the tasks."""
    each = [gains(arms, options) for arms in results.values()]
    return {key: np.mean([gain[key] for gain in each], axis=0).tolist() for key in ("final", "mean")}


def table(results: Results, options: Options) -> list[str]:
    """A line a task: success after each round and the difference at the end."""
    ends = [options.candidates * (round_ + 1) for round_ in range(options.rounds)]
    header = "".join(f" after {count} |" for count in ends)
    lines = [
        f"| task (steps a training) | loop |{header} full less plain |",
        f"| --- | --- |{' --- |' * (len(ends) + 1)}",
    ]
    for name, arms in results.items():
        if not arms["plain"]:
            continue
        for arm, searched in arms.items():
            values = curves(searched, options)
            cells = " | ".join(_cell(values[:, count - 1]) for count in ends)
            gain = _cell(gains(arms, options)["final"], sign="+") if arm == "full" else ""
            lines.append(f"| {name} ({steps_of(name, options):,}) | {NAMES[arm]} | {cells} | {gain} |")
    done = {name: arms for name, arms in results.items() if arms["plain"]}
    if len(done) > 1:
        lines.append(
            f"| all | mean over the tasks |{'  |' * len(ends)} {_cell(pooled(done, options)['final'], sign='+')} |"
        )
    return lines


def _cell(values: Sequence[float], sign: str = "") -> str:
    bounds = interval(list(values))
    told = f"{iqm(values):{sign}.2f}" + (f" [{bounds[0]:{sign}.2f}, {bounds[1]:{sign}.2f}]" if bounds else "")
    return f"{told} ({' '.join(f'{value:{sign}.2f}' for value in values)})"


def draw(results: Results, options: Options, path: Path) -> None:
    """Success by environment steps spent: interquartile mean over the repeats with its 95% band, and each repeat."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter
    from scipy.stats import trim_mean

    figure = Figure(figsize=(4.2 * len(results), 3.3), layout="constrained")
    axes = figure.subplots(1, len(results), squeeze=False).ravel()
    for axis, (name, arms) in zip(axes, results.items(), strict=True):
        spent = steps_of(name, options) * np.arange(1, options.rounds * options.candidates + 1)
        for arm, searched in arms.items():
            values = curves(searched, options)
            axis.plot(spent, trim_mean(values, TRIM, axis=0), color=COLOURS[arm], label=NAMES[arm], marker=".")
            axis.plot(spent, values.T, color=COLOURS[arm], alpha=0.25, linewidth=0.7)
            if len(searched) >= MIN_SEEDS:
                axis.fill_between(spent, *band(values), color=COLOURS[arm], alpha=0.2, linewidth=0)
        for round_ in range(1, options.rounds):
            axis.axvline(
                (spent[round_ * options.candidates - 1] + spent[round_ * options.candidates]) / 2,
                color="#80868f",
                linestyle=":",
            )
        axis.set_title(name, fontsize=10)
        axis.set_ylim(-0.03, 1.03)
        axis.set_xlabel("environment steps of the search")
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.grid(alpha=0.25)
    axes[0].set_ylabel("success of the best so far,\ntrained on a fresh seed")
    axes[0].legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
