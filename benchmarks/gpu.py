"""Measures the GPU path beside the CPU's, and beside Stable-Baselines3 on the same machine.

    python benchmarks/gpu.py --json gpu.json            # everything; needs a CUDA GPU and the extra `gpu`
    python benchmarks/gpu.py --speed --counts 4096      # one part
    python benchmarks/gpu.py --device cpu --quick       # without a GPU: that it works; no figure of it means anything

Parts: `parity` (PPO's gradient and update on the device beside the CPU's), `worlds` (how far simulations on
mujoco-warp part from MuJoCo's), `speed` (steps a second at 1k, 4k and 16k worlds, by physics on the CPU and by
mujoco-warp), `human` (seconds to the return that the pack's settings reach on the CPU), `stacked` (updates and whole
trainings of K candidates together against one after the other). Every other training is a process of its own.
"""

from __future__ import annotations

import os

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import importlib.util
import json
import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import _stacked
import _worlds
import numpy as np
import torch
import tyro
from _jobs import ROOT, SB3_DEFAULT, ArmJob, ArmResult, own_environment, run_once, say, unjudged, whole, with_settings
from _page import machine
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray
from torch import Tensor

from autoreward.records import write_bytes
from autoreward.task import Task, TrainerSettings, load_task
from autoreward.training.ppo import PPO
from autoreward.training.rollout import Rollout

PARTS = ("parity", "worlds", "speed", "human", "stacked")
FIRST_SEED = 830_000
"""Away from the seeds of searches, calibrations and other benchmarks."""
INPUTS, OUTPUTS = 17, 6
"""Of half_cheetah."""
SPACES: dict[str, Space[Any]] = {"continuous": Box(-1.0, 1.0, (OUTPUTS,)), "discrete": Discrete(OUTPUTS)}
WINDOW = 50
"""Episodes whose mean return counts as reached."""
CANDIDATES = 8
"""Whose updates are timed."""
FEW = 4
"""Whose trainings are."""
MINIBATCHES = (64, 512, 4096, 16384)

Array = NDArray[Any]
Figures = dict[str, float]


@dataclass
class Options:
    """What to measure."""

    device: Literal["cuda", "cpu"] = "cuda"
    """Where the policy is trained; worlds on mujoco-warp take the GPU where there is one."""
    parity: bool = False
    """The device's arithmetic beside the CPU's."""
    worlds: bool = False
    """Simulations on mujoco-warp beside MuJoCo's."""
    speed: bool = False
    """Steps a second."""
    human: bool = False
    """Seconds to the return of the pack's own settings."""
    stacked: bool = False
    """Candidates together."""
    counts: tuple[int, ...] = (1024, 4096, 16384)
    """Worlds of the speed table."""
    out: Path = ROOT / "runs" / "gpu"
    """Folder of the trainings."""
    json_: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures, one flat object."""
    quick: bool = False
    """Everything once and tiny, to see that it runs."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What is measured: all of it where nothing is named."""
        return tuple(part for part in PARTS if getattr(self, part)) or PARTS


def learner(space: Space[Any], device: Literal["cuda", "cpu"], seed: int, **changes: Any) -> PPO:  # noqa: ANN401
    settings = TrainerSettings(device=device, log_std=-0.7, entropy=0.01, epochs=2, minibatch=1024)
    return PPO(INPUTS, space, settings.model_copy(update=changes), seed)


def rollout_of(ppo: PPO, steps: int, count: int) -> tuple[Rollout, Array, Array]:
    """A rollout under another policy than the learner's present one, its advantages and returns."""
    random = np.random.default_rng(0)
    obs = random.normal(size=(steps, count, INPUTS)).astype(np.float32)
    action, log_prob = ppo.act(obs.reshape(-1, INPUTS))
    rollout = Rollout(obs, action.reshape(steps, count, *action.shape[1:]), log_prob.reshape(steps, count), None)
    rollout.log_prob += random.uniform(-0.3, 0.3, (steps, count)).astype(np.float32)
    advantage, returns = random.normal(size=(2, steps, count)).astype(np.float32)
    return rollout, advantage, returns


def rows_of(ppo: PPO, rollout: Rollout, advantage: Array, returns: Array) -> list[Tensor]:
    columns = [rollout.obs, rollout.action, rollout.log_prob, advantage, returns]
    return [torch.from_numpy(column).to(ppo.device).flatten(0, 1) for column in columns]


def parity(options: Options) -> Figures:
    """Largest difference from the CPU, as a share of the largest entry: of the gradient, and of one epoch's change."""
    found: Figures = {}
    for kind, space in SPACES.items():
        steps, count = (4, 64) if options.quick else (32, 1024)
        one = {"epochs": 1, "minibatch": steps * count}  # a single minibatch: the devices shuffle differently
        exact, there = (learner(space, device, FIRST_SEED, **one) for device in ("cpu", options.device))
        collected = rollout_of(exact, steps, count)
        expected = exact.gradient(*rows_of(exact, *collected)).clone()
        gradient = there.gradient(*rows_of(there, *collected)).cpu()
        found[f"parity/{kind}/gradient"] = float((gradient - expected).abs().max() / expected.abs().max())
        start = exact.net.flat.clone()
        for ppo in (exact, there):
            ppo.update(*collected)
        change = exact.net.flat - start
        found[f"parity/{kind}/update"] = float((there.net.flat.cpu() - exact.net.flat).abs().max() / change.abs().max())
    return found


def worlds(options: Options) -> Figures:
    """Every task of Gymnasium's; see `_worlds.apart`."""
    found: Figures = {}
    for name in ("Hopper",) if options.quick else _worlds.TASKS:
        say(f"worlds: {name}")
        found |= _worlds.apart(name)
    return found


def many(options: Options, count: int, worlds: str) -> TrainerSettings:
    """Settings for so many worlds: four minibatches an epoch, few epochs."""
    base = unjudged(load_task("half_cheetah").trainer)
    rollout = 8 if options.quick else 32
    changes = {"num_envs": count, "rollout": rollout, "minibatch": max(64, count * rollout // 4), "epochs": 4}
    return base.model_copy(update={**changes, "worlds": worlds, "device": options.device})


def train(options: Options, task: Task, settings: TrainerSettings, steps: int) -> ArmResult:
    job = ArmJob(arm="ours", task=with_settings(task, "batch", settings), seed=FIRST_SEED, steps=whole(steps, settings))
    (result,) = run_once([job], options.out)
    if result.training is None or result.training.status == "failed":
        raise SystemExit(f"{job.name} failed: {result.training.error if result.training else 'no result'}")
    return result


def speed(options: Options) -> Figures:
    """Environment steps a second of the training loop: start, kernels' compilation and evaluation are not in it."""
    task, found = load_task("half_cheetah"), dict[str, float]()
    for count in (64,) if options.quick else options.counts:
        for worlds in ("batch", "warp"):
            say(f"speed: {count} worlds on {worlds}")
            settings = many(options, count, worlds)
            rollouts = 2 if options.quick else 20
            result = train(options, task, settings, count * settings.rollout * rollouts)
            assert result.training is not None
            parts = result.training.timers
            found[f"speed/{count}/{worlds}/steps_per_second"] = result.steps / sum(parts.values())
            found |= {f"speed/{count}/{worlds}/share/{part}": s / sum(parts.values()) for part, s in parts.items()}
    for name, settings in (("default", SB3_DEFAULT), ("pack", task.trainer)):
        say(f"speed: Stable-Baselines3, {name} settings, on the CPU")
        steps = whole(1024 if options.quick else 100_000, settings)
        raw = ArmJob(
            arm="raw", task=own_environment(with_settings(task, "sb3", settings)), seed=FIRST_SEED, steps=steps
        )
        (result,) = run_once([raw], options.out)
        found[f"speed/sb3/{name}/steps_per_second"] = result.steps / result.seconds
    return found


def human(options: Options) -> Figures:
    """Seconds until the mean of `WINDOW` episodes is what the pack's settings reach on the CPU within its budget.

    The return is the environment's own, half_cheetah's human-written reward.
    """
    task, found = load_task("half_cheetah"), dict[str, float]()
    if options.quick:
        task = task.model_copy(update={"env": task.env.model_copy(update={"step_limit": 20})})
    pack = unjudged(task.trainer).model_copy(update={"device": "cpu", "worlds": "batch"})
    say("human: the pack's settings on the CPU")
    standard = train(options, task, pack, 20_000 if options.quick else task.steps)
    level = float(np.mean(standard.training_returns[-WINDOW:]))
    found["human/return"], found["human/pack/seconds"] = level, _seconds_to(standard, level)
    count = 64 if options.quick else 4096
    for worlds in ("batch", "warp"):
        say(f"human: {count} worlds on {worlds}")
        result = train(options, task, many(options, count, worlds), 40_000 if options.quick else 40_000_000)
        found[f"human/{count}/{worlds}/seconds"] = _seconds_to(result, level)
    return found


def _seconds_to(result: ArmResult, level: float) -> float:
    """Seconds by the clock, the start included; NaN where the level was not reached."""
    returns = np.array(result.training_returns)
    if len(returns) < WINDOW:
        return float("nan")
    means = np.convolve(returns, np.full(WINDOW, 1.0 / WINDOW), "valid")
    reached = np.flatnonzero(means >= level - 1e-9 * abs(level))
    if not len(reached):
        return float("nan")
    return result.seconds * result.training_steps[int(reached[0]) + WINDOW - 1] / result.steps


def stacked(options: Options) -> Figures:
    """K candidates: milliseconds of an update with one minibatch an epoch, and steps a second of whole trainings."""
    found: Figures = {}
    for size in (64,) if options.quick else MINIBATCHES:
        say(f"stacked: updates of {CANDIDATES} candidates, minibatches of {size}")

        def learners(size: int = size) -> list[PPO]:
            seeds = range(FIRST_SEED, FIRST_SEED + CANDIDATES)
            return [learner(SPACES["continuous"], options.device, seed, minibatch=size) for seed in seeds]

        lessons = [rollout_of(ppo, 1, size) for ppo in learners()]
        times = _stacked.updates(learners, lessons, 3 if options.quick else 20)
        found |= {f"stacked/{CANDIDATES}x{size}/{name}": value for name, value in times.items()}
    for name in ("half_cheetah",) if options.quick else ("half_cheetah", "hopper"):
        task = load_task(name)
        for size in dict.fromkeys((64, task.trainer.minibatch)):
            say(f"stacked: {FEW} trainings of {name}, minibatches of {size}")
            settings = unjudged(task.trainer).model_copy(update={"device": options.device, "minibatch": size})
            steps = whole(1024 if options.quick else 50_000, settings)
            sized = with_settings(task, "batch", settings)
            rates = _stacked.trainings(sized, FEW, steps, 1 if options.quick else 3, FIRST_SEED, options.out)
            found |= {f"stacked/{FEW} x {name}/{size}/{key}": value for key, value in rates.items()}
    return found


MEASURE = {"parity": parity, "worlds": worlds, "speed": speed, "human": human, "stacked": stacked}


def not_measured(options: Options) -> list[str]:
    """What no figure of this run says."""
    missing = [f"part {part}" for part in PARTS if part not in options.parts]
    if options.device == "cpu":
        missing.append("anything about a GPU: the device is the CPU, and parity compares the CPU with itself")
    if options.quick:
        missing.append("speeds and returns: --quick shows that it runs")
    missing.append("rsl_rl: nothing here adapts these worlds to it")
    missing.append("CUDA graphs or torch.compile for the learner's minibatches: the learner has neither")
    return missing


def check(options: Options) -> None:
    """Refuse what cannot be measured here."""
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("torch finds no CUDA GPU; type --device cpu --quick to see that the benchmark runs")
    if {"worlds", "speed", "human"} & set(options.parts) and importlib.util.find_spec("mujoco_warp") is None:
        raise SystemExit("mujoco-warp is not installed; type pip install 'autoreward[gpu]'")


def main(options: Options) -> int:
    check(options)
    options = replace(options, out=options.out.absolute())
    gpu = f"; {torch.cuda.get_device_name()}" if options.device == "cuda" else "; no GPU"
    figures: Figures = {}
    for part in options.parts:
        figures |= MEASURE[part](options)
    missing = not_measured(options)
    sys.stdout.write(f"{machine()}{gpu}\n")
    sys.stdout.writelines(f"{name}: {value:.4g}\n" for name, value in figures.items())
    sys.stdout.writelines(f"not measured: {line}\n" for line in missing)
    if options.json_ is not None:
        known = {name: value if math.isfinite(value) else None for name, value in figures.items()}
        text = json.dumps({"machine": machine() + gpu, "not_measured": missing, **known}, indent=1)
        write_bytes(options.json_, (text + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
