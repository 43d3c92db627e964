"""Gymnasium's id of Meta-World's tasks, registered by the import of this module. Meta-World comes when one is made."""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

GYM_ID = "autoreward/MetaWorld-v0"
OWN_LIMIT = 500
"""Meta-World's steps of an episode."""

if GYM_ID not in registry:
    register(GYM_ID, entry_point="autoreward.envs.metaworld.env:MetaWorldEnv", max_episode_steps=OWN_LIMIT)
