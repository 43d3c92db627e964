"""Run by Meta-World's interpreter: its own scripts and random actions in one task, written as an `.npz`."""

from __future__ import annotations

import sys

import metaworld.policies as scripts
import numpy as np

from autoreward.envs.gym import GymBatchEnv
from autoreward.envs.registry import make_env
from autoreward.task import load_task

SCRIPTS = {
    "drawer_open": scripts.SawyerDrawerOpenV3Policy,
    "window_close": scripts.SawyerWindowCloseV3Policy,
    "button_press": scripts.SawyerButtonPressV3Policy,
    "door_close": scripts.SawyerDoorCloseV3Policy,
}


def main(name: str, out: str, count: int) -> None:
    """Play `count` episodes by the script, and as many by chance, all at once and from the same starts."""
    env = make_env(load_task(f"metaworld/{name}").env, 2 * count)
    assert isinstance(env, GymBatchEnv)
    script, random = SCRIPTS[name](), np.random.default_rng(0)
    obs, _ = env.reset(seed=[*range(count), *range(count)])
    rows = [env.read(env.schema.names)]
    actions, rewards, success = [], [], []
    for _ in range(env.schema.step_limit):
        expert = [np.clip(script.get_action(each), -1, 1) for each in obs[:count]]
        actions.append(np.concatenate([expert, random.uniform(-1, 1, (count, 4))]).astype(np.float32))
        obs, reward, *_ = env.step(actions[-1])
        rows.append(env.read(env.schema.names))
        rewards.append(reward)
        success.append([info["success"] for info in env._infos])
    fields = {f"field.{field}": np.stack([row[field] for row in rows], axis=1) for field in env.schema.names}
    told = {"action": actions, "reward": rewards, "success": success}
    np.savez(out, **fields, **{key: np.stack(values, axis=1) for key, values in told.items()})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
