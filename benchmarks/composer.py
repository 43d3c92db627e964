"""Compares the composer with random search in its grammar, at the same number of trainings.

    python benchmarks/composer.py                       # 2 tasks x 2 arms x 5 repeats x 8 trainings x 50,000 steps
    python benchmarks/composer.py --quick               # under a minute: that it works, not who is better
    python benchmarks/composer.py --repeats 2 --json composer.json

Each arm of a repeat gets the same trainings: 2 rounds of 4 candidates, one seed each, the same settings, and the same
Critic (a refused proposal is drawn again, up to 3 times, by either arm). The composer is told of its first round what
the Analyzer computed; random search draws one to five terms uniformly from the whole grammar, weights log-uniform in
0.1 to 3. The best candidate of each arm, by true success and then score, is trained once more on a seed of its own.
Finished trainings are kept in `--out` and not repeated.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from _page import machine

from autoreward.analyzer.diagnosis import diagnose
from autoreward.critic.verify import verify
from autoreward.designer.composer import Composer, RandomComposer
from autoreward.designer.contract import Brief, Designer, PastCandidate
from autoreward.engine.contract import JobRequest, run_all
from autoreward.engine.local import LocalEngine
from autoreward.envs.contract import Transitions
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.records import write_bytes, write_record
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import EnvSchema
from autoreward.search.statistics import CONFIDENCE, MIN_SEEDS, RESAMPLES, SEED, TRIM, interval, iqm
from autoreward.task import Task, load_task
from autoreward.training.contract import Progress, RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import JOB

ROOT = Path(__file__).resolve().parent.parent
FIRST_SEED = 700_000
"""Away from the seeds of searches, selections, reports and calibrations."""
ROUNDS = 2
REPAIRS = 3
EPISODES = 50
"""Evaluation episodes of each training."""
ARMS: dict[str, Designer] = {"composer": Composer(), "random": RandomComposer()}
METRICS = {
    "success": "success of the best candidate",
    "score": "score of the best candidate",
    "fresh_success": "its success, trained again on a fresh seed",
    "fresh_score": "its score, trained again on a fresh seed",
    "anytime": "best success so far, mean over 1 to 8 trainings",
    "solving": "share of the 8 candidates with success above 90%",
}


@dataclass
class Options:
    """What to compare."""

    tasks: tuple[str, ...] = ("reacher", "mountain_car_continuous")
    repeats: int = 5
    candidates: int = 4
    """Of each of the two rounds."""
    steps: int = 50_000
    out: Path = ROOT / "runs" / "composer"
    """Folder of the trainings; finished ones are not repeated."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures, one flat object."""
    slots: int = 0
    """Trainings at once; 0: as many as cores."""
    quick: bool = False
    """One repeat with tiny trainings, to see that everything runs."""


@dataclass
class Arm:
    """One arm of one repeat: its candidates in the order of their training."""

    designer: str
    task: Task
    schema: EnvSchema
    transitions: Transitions
    repeat: int
    history: list[PastCandidate] = field(default_factory=list)
    fresh: TrainingResult | None = None

    def propose(self, round_: int, candidates: int) -> list[str]:
        """Sources of a round, each accepted by the Critic where it can be within three repairs."""
        sources: list[str] = []
        for index in range(candidates):
            brief = Brief(
                task=self.task,
                schema_=self.schema,
                grammar=self.task.grammar,
                round=round_,
                index=index,
                candidates=candidates,
                history=tuple(self.history),
                siblings=tuple(sources),
                seed=self.repeat,
            )
            proposal = ARMS[self.designer].propose(brief)
            for attempt in range(1, REPAIRS + 1):
                verdict = verify(proposal.source, self.schema, self.task.grammar, self.transitions, ProcessCell)
                if verdict.status == "accepted":
                    break
                proposal = ARMS[self.designer].repair(brief, proposal, verdict.reason, attempt)
            sources.append(proposal.source)
        return sources

    def learn(self, round_: int, sources: Sequence[str], results: Sequence[TrainingResult]) -> None:
        """Keep a round's results as its Designer is told of them."""
        for index, (source, result) in enumerate(zip(sources, results, strict=True)):
            final = result.final
            self.history.append(
                PastCandidate(
                    round=round_,
                    index=index,
                    idea="",
                    source=source,
                    status="trained" if final else "failed",
                    reason=result.error or "",
                    success_rate=final.success_rate if final else None,
                    score=final.score if final else None,
                    evaluations=result.evaluations,
                    terms=result.terms,
                    findings=diagnose(self.task, [result]),
                )
            )

    def best(self) -> PastCandidate:
        """The best candidate by true success, then score."""
        return max(self.history, key=lambda past: (past.success_rate or 0.0, _score(past.score)))

    def figures(self) -> dict[str, float]:
        """One number a metric."""
        success = [past.success_rate or 0.0 for past in self.history]
        best, final = self.best(), self.fresh.final if self.fresh else None
        return {
            "success": best.success_rate or 0.0,
            "score": _score(best.score),
            "fresh_success": final.success_rate if final else 0.0,
            "fresh_score": _score(final.score if final else None),
            "anytime": float(np.mean(np.maximum.accumulate(success))),
            "solving": float(np.mean([rate > 0.9 for rate in success])),
        }


def _score(score: float | None) -> float:
    return float("nan") if score is None else score


def main(options: Options) -> None:
    if options.quick:
        options.repeats, options.candidates, options.steps = 1, 1, 2_000
    engine = LocalEngine(options.slots, timeout=900)
    figures: dict[str, float | str] = {"machine": machine(), "steps": options.steps, "repeats": options.repeats}
    lines = ["| task | measure | composer | random search | difference |", "| --- | --- | --- | --- | --- |"]
    for name in options.tasks:
        arms = compare(name, options, engine)
        lines += table(name, arms, figures)
        sys.stdout.write("\n".join([*lines, ""]) + "\n")
    sys.stdout.write(f"{machine()}\n")
    if options.json_:
        write_bytes(options.json_, (json.dumps(figures, indent=1) + "\n").encode())


def compare(name: str, options: Options, engine: LocalEngine) -> list[Arm]:
    """Carry out every arm of every repeat; trainings of all arms share the machine."""
    task = load_task(name).model_copy(update={"steps": options.steps})
    if options.quick:
        trainer = task.trainer.model_copy(update={"evaluations": 1, "evaluation_episodes": 2})
        task = task.model_copy(update={"trainer": trainer})
    schema, transitions = describe(task.env), record_transitions(task, seed=0)
    arms = [Arm(arm, task, schema, transitions, repeat) for repeat in range(options.repeats) for arm in ARMS]
    for round_ in range(ROUNDS):
        sources = [arm.propose(round_, options.candidates) for arm in arms]
        wanted = [
            _job(arm, source, 100 * arm.repeat + 10 * round_ + index, options)
            for arm, made in zip(arms, sources, strict=True)
            for index, source in enumerate(made)
        ]
        results = iter(_train(wanted, options, engine, f"{name} round {round_}"))
        for arm, made in zip(arms, sources, strict=True):
            arm.learn(round_, made, [next(results) for _ in made])
    again = [_job(arm, arm.best().source, 100 * arm.repeat + 99, options) for arm in arms]
    for arm, result in zip(arms, _train(again, options, engine, f"{name} fresh seeds"), strict=True):
        arm.fresh = result
    return arms


def _job(arm: Arm, source: str, seed: int, options: Options) -> TrainingJob:
    """A training; the n-th candidates of both arms of a repeat share their seed."""
    reward = RewardSpec(kind="program", source=source, grammar=arm.task.grammar)
    episodes = 2 if options.quick else EPISODES
    return TrainingJob(task=arm.task, reward=reward, seed=FIRST_SEED + seed, episodes=episodes)


def _train(jobs: Sequence[TrainingJob], options: Options, engine: LocalEngine, label: str) -> list[TrainingResult]:
    requests = []
    for job in jobs:
        folder = options.out / "trainings" / job.hash
        if not (folder / JOB).exists():
            write_record(folder / JOB, job)
        requests.append(JobRequest(folder=folder, steps=options.steps))
    finished: set[Path] = set()

    def show(request: JobRequest, progress: Progress) -> None:
        if progress.stage in ("finished", "failed") and request.folder not in finished:
            finished.add(request.folder)
            sys.stderr.write(f"{label}: {len(finished)} of at most {len(requests)} trainings\n")

    results = run_all(engine, requests, show)
    return [results[request.folder] for request in requests]


def table(name: str, arms: Sequence[Arm], figures: dict[str, float | str]) -> list[str]:
    """Lines of the result table; the same numbers go into `figures`."""
    lines = []
    for metric, meaning in METRICS.items():
        both = {designer: [arm.figures()[metric] for arm in arms if arm.designer == designer] for designer in ARMS}
        cells = []
        for designer, values in both.items():
            figures |= {f"{name}.{designer}.{metric}.{repeat}": value for repeat, value in enumerate(values)}
            figures[f"{name}.{designer}.{metric}.iqm"] = iqm(values)
            bounds = interval(values)
            listed = " ".join(f"{value:.2f}" for value in values)
            cells.append(
                f"{iqm(values):.3f}" + (f" [{bounds[0]:.3f}, {bounds[1]:.3f}]" if bounds else "") + f" ({listed})"
            )
        difference = iqm(both["composer"]) - iqm(both["random"])
        figures[f"{name}.difference.{metric}"] = difference
        between = _difference(both["composer"], both["random"])
        if between:
            figures |= {f"{name}.difference.{metric}.low": between[0], f"{name}.difference.{metric}.high": between[1]}
        cells.append(f"{difference:+.3f}" + (f" [{between[0]:+.3f}, {between[1]:+.3f}]" if between else ""))
        lines.append(f"| {name} | {meaning} | {' | '.join(cells)} |")
    return lines


def _difference(one: Sequence[float], other: Sequence[float]) -> tuple[float, float] | None:
    """95% bootstrap interval of the difference of interquartile means; None below five repeats."""
    if min(len(one), len(other)) < MIN_SEEDS:
        return None
    if len({*one}) == len({*other}) == 1:
        return one[0] - other[0], one[0] - other[0]
    from scipy.stats import bootstrap, trim_mean

    found = bootstrap(
        (list(one), list(other)),
        lambda a, b, axis: trim_mean(a, TRIM, axis=axis) - trim_mean(b, TRIM, axis=axis),
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        vectorized=True,
        random_state=SEED,
    ).confidence_interval
    return float(found.low), float(found.high)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
