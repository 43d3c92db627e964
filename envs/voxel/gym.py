"""Gymnasium's ids of the voxel tasks, registered by the import of this module, as Gymnasium's users expect it.

`import autoreward` after Gymnasium imports it; so does `gymnasium.make("autoreward.envs.voxel.gym:ID")`. No numba here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium.envs.registration import register, registry

from autoreward.envs.voxel.tasks import TASKS

ENTRY_POINT = "autoreward.envs.voxel.single:VoxelSingle"

for _task in TASKS.values():
    if _task.gym_id not in registry:
        register(_task.gym_id, entry_point=ENTRY_POINT, kwargs={"task": _task.name})


def arguments(env_id: str, kwargs: Mapping[str, Any], step_limit: int | None) -> dict[str, Any] | None:
    """The keyword arguments of `VoxelEnv` and `VoxelSingle` that an id of Gymnasium's stands for; None: no voxel id."""
    entry = registry.get(env_id.rpartition(":")[2])
    if entry is None or entry.entry_point != ENTRY_POINT:
        return None
    given = {**entry.kwargs, **kwargs}
    if step_limit is not None:
        given["knobs"] = {**(given.get("knobs") or {}), "limit": step_limit}
    return given
