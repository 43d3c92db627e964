"""The fields of the voxel tasks on the engine: the same names, shapes and units; what differs is said."""

from __future__ import annotations

from autoreward.envs.voxel.fields import action_meaning
from autoreward.envs.voxel.fields import schema as voxel_schema
from autoreward.envs.voxel.tasks import Knobs, VoxelTask
from autoreward.schema import ActionSpec, EnvSchema

PREFIX = "autoreward/Minetest-"


def gym_id(task: VoxelTask) -> str:
    """Gymnasium's id of a task on the engine, such as `autoreward/Minetest-DiamondLava-v0`."""
    return PREFIX + task.gym_id.partition("Voxel-")[2]


def schema(task: VoxelTask, knobs: Knobs) -> EnvSchema:
    """What rewards may read; every field comes from `info`."""
    ours = voxel_schema(task, knobs)
    fields = tuple(
        field.model_copy(update={"source": f"info.{field.name}", **_OTHERWISE.get(field.name, {})})
        for field in ours.fields
    )
    action = ActionSpec(kind="discrete", choices=task.actions, meaning=action_meaning(task.actions))
    return EnvSchema(
        env_id=gym_id(task), fields=fields, action=action, step_limit=knobs.limit, description=_DESCRIPTION
    )


_OTHERWISE = {
    "in_lava": {"meaning": "whether the agent stands in lava: 8 half-hearts lost each second, that is 2.5 steps"},
    "fall": {"meaning": "blocks fallen so far; more than 10 will hurt"},
    "mining_progress": {
        "meaning": "how much of the time has passed that breaking the block takes, in hits of the voxel world"
    },
}
_DESCRIPTION = (
    "A world of blocks, 1 m each, on a Minetest server. The agent is two blocks tall, walks one block a step (0.4 s) "
    "and climbs one by itself; it turns by 90 degrees and looks down, level or up. Attacks reach one block: level, the "
    "one at the head ahead, then the one at the feet; looking down, at the feet, then the floor ahead; looking up, the "
    "ceiling. Digging takes the tool's time in Minetest Game (stone 1 step with an iron pickaxe, diamond ore 5, earth "
    "2); tools wear out. Lava costs 8 of 20 half-hearts a second and flows on, several blocks far, into what is dug "
    "open. Falls of more than 10 blocks hurt. Nothing heals. The agent sees 45 rays, 90 degrees wide, 16 blocks far."
)
