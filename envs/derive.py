"""Schema of an environment without a pack. (Filled in next.)"""

from __future__ import annotations

from typing import Any

import gymnasium

from autoreward.schema import EnvSchema


def derive_schema(env: gymnasium.Env[Any, Any], env_id: str, step_limit: int, description: str = "") -> EnvSchema:
    raise NotImplementedError
