"""Gymnasium's id of Crafter, registered by the import of this module. Crafter itself is imported when one is made."""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

GYM_ID = "autoreward/Crafter-v0"

if GYM_ID not in registry:
    register(GYM_ID, entry_point="autoreward.envs.crafter.env:CrafterEnv")
