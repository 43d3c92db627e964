"""The voxel world beside Crafter and Craftax-Classic: in one process, in turns, so that other work slows all alike."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from autoreward.envs.voxel.env import VoxelEnv

Burst = Callable[[], int]
"""Makes some steps; how many environment steps they were."""
WORLDS = 512
"""Of ours."""


def beside(rounds: int, craftax_worlds: tuple[int, ...], quick: bool) -> dict[str, float]:
    """Environment steps a second by the clock (`steps`) and of CPU time (`cpu`): medians of the rounds.

    Args:
        rounds: in each of which every arm runs once; the ratios `ours_to/` are medians of the rounds' own.
        craftax_worlds: N of Craftax-Classic, each an arm; the best one counts.
        quick: a few steps.
    """
    there = [name for name in ("crafter", "craftax") if importlib.util.find_spec(name)]
    if not there:
        return {}
    arms = {f"ours/{WORLDS}/{threads}": ours(threads, 5 if quick else 600) for threads in (1, 2)}
    if "crafter" in there:
        arms["crafter/1"] = crafter(20 if quick else 500)
    if "craftax" in there:
        arms |= {f"craftax_classic/{count}": craftax(count, 2 if quick else 16) for count in craftax_worlds}
    load, held = os.getloadavg()[0], {name: list[tuple[float, float]]() for name in arms}
    for _ in range(rounds):
        for name, burst in arms.items():
            held[name].append(timed(burst))
    figures = {"beside/load_before": load, "beside/load_after": os.getloadavg()[0]}
    for name, speeds in held.items():
        figures[f"{name}/steps"] = median(clock for clock, _ in speeds)
        figures[f"{name}/cpu"] = median(cpu for _, cpu in speeds)
    return figures | ratios(held)


def ratios(held: dict[str, list[tuple[float, float]]]) -> dict[str, float]:
    """How many times the others' steps ours are: on two threads by the clock, on one thread by CPU time."""
    figures: dict[str, float] = {}
    for which, arm in (("clock", f"ours/{WORLDS}/2"), ("cpu", f"ours/{WORLDS}/1")):
        place = ("clock", "cpu").index(which)
        own = [speeds[place] for speeds in held[arm]]
        for name, speeds in held.items():
            if not name.startswith("ours/"):
                each = [mine / speed[place] for mine, speed in zip(own, speeds, strict=True)]
                figures[f"ours_to/{name}/{which}"] = median(each)
    return figures


def timed(burst: Burst) -> tuple[float, float]:
    """Steps a second: by the clock, and of CPU time, all threads together."""
    begun, used = time.perf_counter(), time.process_time()
    steps = burst()
    return steps / (time.perf_counter() - begun), steps / (time.process_time() - used)


def ours(threads: int, steps: int) -> Burst:
    """diamond_lava with observations; episodes end and begin anew."""
    env = VoxelEnv("diamond_lava", WORLDS, threads=threads)
    env.reset(seed=0)
    random = np.random.default_rng(0)

    def burst() -> int:
        for row in random.integers(0, env.task.actions, (steps, WORLDS)):
            _, _, terminated, truncated, _ = env.step(row)
            done = terminated | truncated
            if done.any():
                env.reset(options={"reset_mask": done})
        return steps * WORLDS

    burst()  # compiles, and generates worlds
    return burst


def crafter(steps: int) -> Burst:
    """One environment, as its users step it: it renders what the policy sees."""
    env: Any = importlib.import_module("crafter").Env(seed=0)
    env.reset()
    random = np.random.default_rng(0)

    def burst() -> int:
        for action in random.integers(0, 17, steps).tolist():
            if env.step(action)[2]:
                env.reset()
        return steps

    return burst


def craftax(count: int, steps: int) -> Burst:
    """Craftax-Classic with symbolic observations: `steps` of `count` worlds in one compiled `scan`.

    Without any reset: on a CPU those would cost it far more than its steps. The observations are summed up, or the
    compiler would leave them out.
    """
    jax: Any = importlib.import_module("jax")
    make: Any = importlib.import_module("craftax.craftax_env").make_craftax_env_from_name
    env = make("Craftax-Classic-Symbolic-v1", auto_reset=False)
    parameters, step = env.default_params, jax.vmap(env.step, in_axes=(0, 0, 0, None))

    def one(held: Any, _: Any) -> tuple[Any, None]:  # noqa: ANN401 - whatever JAX traces
        state, key, seen = held
        key, acting, moving = jax.random.split(key, 3)
        actions = jax.random.randint(acting, (count,), 0, 17)
        obs, state, *_ = step(jax.random.split(moving, count), state, actions, parameters)
        return (state, key, seen + obs.sum(axis=-1)), None

    reset = jax.jit(jax.vmap(env.reset, in_axes=(0, None)))
    _, state = reset(jax.random.split(jax.random.PRNGKey(0), count), parameters)
    held = (state, jax.random.PRNGKey(1), jax.numpy.zeros(count))
    # Compiled once and for all: called as usual, it would be compiled anew for the types that its first call makes.
    many = jax.jit(lambda held: jax.lax.scan(one, held, None, length=steps)[0]).lower(held).compile()
    held = jax.block_until_ready(many(held))

    def burst() -> int:
        nonlocal held
        held = jax.block_until_ready(many(held))
        return steps * count

    return burst
