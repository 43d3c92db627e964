"""`python -m autoreward.envs.elsewhere_process`: makes and steps an environment for a process of another interpreter.

What the environment prints goes to standard error; the answers keep standard output for themselves.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np
from gymnasium import spaces

from autoreward.environment import EnvSpec
from autoreward.envs.contract import Array, BatchEnv
from autoreward.envs.elsewhere import FIELD, receive, send
from autoreward.envs.registry import make_env
from autoreward.errors import AutorewardError

Told = dict[str, Any]
Arrays = dict[str, Array]
Answer = tuple[Told, Arrays]


def _make(env: BatchEnv) -> Answer:
    space, action = env.single_observation_space, env.single_action_space
    assert isinstance(space, spaces.Box)
    told: Told = {"schema": env.schema.model_dump(mode="json"), "together": env.together}
    if isinstance(action, spaces.Discrete):
        return told | {"choices": int(action.n)}, {"low": space.low, "high": space.high}
    assert isinstance(action, spaces.Box)
    bounds = {"action_low": action.low, "action_high": action.high}
    return told | {"choices": 0}, {"low": space.low, "high": space.high, **bounds}


def _reset(env: BatchEnv, told: Told, arrays: Arrays) -> Answer:
    mask = {"reset_mask": arrays["mask"]} if "mask" in arrays else {}
    obs, _ = env.reset(seed=told["seed"], options={**told["options"], **mask})
    return {}, {"obs": obs, **_beside(env, told)}


def _step(env: BatchEnv, told: Told, arrays: Arrays) -> Answer:
    obs, rewards, terminated, truncated, _ = env.step(arrays["actions"])
    replied = {"obs": obs, "rewards": rewards, "terminated": terminated, "truncated": truncated}
    return {"faults": env.faults}, {**replied, **_beside(env, told)}


def _beside(env: BatchEnv, told: Told) -> Arrays:
    """What is asked for after each step: the actions that are allowed now, and the fields that were read last."""
    mask = env.action_mask()
    fields = {FIELD + name: values for name, values in env.read(told["names"]).items()}
    return fields if mask is None else {**fields, "mask": mask}


def _snapshot(env: BatchEnv, told: Told, arrays: Arrays) -> Answer:
    taken = env.snapshot()
    return {"there": taken is not None}, taken or {}


def _restore(env: BatchEnv, told: Told, arrays: Arrays) -> Answer:
    env.restore(arrays)
    return {}, {}


_ANSWERS: Mapping[str, Callable[[BatchEnv, Told, Arrays], Answer]] = {
    "reset": _reset,
    "step": _step,
    "read": lambda env, told, arrays: ({}, env.read(told["names"])),
    "snapshot": _snapshot,
    "restore": _restore,
    "render_frame": lambda env, told, arrays: ({}, {"frame": np.asarray(env.render_frame())}),
}


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer questions about one environment after another, until their pipe is closed."""
    env: BatchEnv | None = None
    while True:
        try:
            told, arrays = receive(questions)
        except EOFError:
            return
        what = told.pop("what")
        answer: Answer = {}, {}
        try:
            if what in ("make", "close"):
                if env is not None:
                    env.close()
                env = None
            if what == "make":
                env = make_env(EnvSpec.model_validate(told["spec"]), told["num_envs"], told["worlds"])
                answer = _make(env)
            elif env is not None:
                answer = _ANSWERS[what](env, told, arrays)
        except AutorewardError as error:
            answer = {"error": str(error), "user": True}, {}
        except Exception as error:  # the environment is somebody else's code
            answer = {"error": f"{type(error).__name__}: {error}", "user": False}, {}
        send(answers, *answer)


if __name__ == "__main__":
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, own)
