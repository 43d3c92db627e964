"""autoreward: say in words what an agent should do; get a reward function and the evidence that it works."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autoreward.api import load_run, resume, run
    from autoreward.reward.load import load_reward

__version__ = "0.1.0"
__all__ = ["load_reward", "load_run", "resume", "run"]

_HOMES = {"load_reward": "autoreward.reward.load"} | dict.fromkeys(("load_run", "resume", "run"), "autoreward.api")

if "gymnasium" in sys.modules:  # whoever has imported it may make our environments; nobody else has to wait for it
    for _world in ("voxel", "minetest", "crafter", "metaworld"):
        import_module(f"autoreward.envs.{_world}.gym")


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the module offers under that name
    """The Python API, imported when it is first used: `import autoreward` itself stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'autoreward' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
