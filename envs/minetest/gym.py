"""Gymnasium's ids of the voxel tasks on a Minetest server, registered by the import of this module. No server here."""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

from autoreward.envs.minetest.fields import gym_id
from autoreward.envs.voxel.tasks import TASKS

for _task in TASKS.values():
    if gym_id(_task) not in registry:
        register(gym_id(_task), entry_point="autoreward.envs.minetest.env:MinetestEnv", kwargs={"task": _task.name})
