"""Records transitions of a random policy, for the Critic's dry run and for the composer's scales."""

from __future__ import annotations

import numpy as np

from autoreward.envs.contract import Transitions
from autoreward.envs.episodes import EpisodeJudge
from autoreward.envs.registry import make_env
from autoreward.task import Task


def record_transitions(task: Task, seed: int, steps: int = 512, num_envs: int = 16) -> Transitions:
    """Step N environments with uniformly random actions.

    Args:
        task: environment and success expression.
        seed: of the environments and of the actions.
        steps: T, of each environment.
        num_envs: N.

    Returns:
        Every field of the schema before and after each step, and the actions; see `Transitions`.

    Raises:
        UserError: the environment or an expression of the task is wrong.
    """
    env = make_env(task.env, num_envs)
    try:
        names = env.schema.names
        judge = EpisodeJudge(task, env.schema, num_envs)
        env.action_space.seed(seed)
        env.reset(seed=seed)
        begun = np.ones(num_envs, dtype=np.bool_)
        state = env.read(names)
        rows = []
        for _ in range(steps):
            action = env.random_actions()
            _, _, terminated, truncated, _ = env.step(action)
            after = env.read(names)
            verdict = judge.step(after)
            done = terminated | truncated | verdict.ends
            rows.append((state, action, after, begun, verdict.success_now))
            begun, state = done, after
            if done.any():
                judge.finish(done)
                env.reset(options={"reset_mask": done})
                state = env.read(names)
    finally:
        env.close()
    inputs = {f"state.{name}": np.stack([row[0][name] for row in rows]) for name in names}
    inputs |= {f"next_state.{name}": np.stack([row[2][name] for row in rows]) for name in names}
    inputs["action"] = np.stack([row[1] for row in rows])
    return Transitions(inputs, np.stack([row[3] for row in rows]), np.stack([row[4] for row in rows]))
