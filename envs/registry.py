"""Finds and makes environments: Gymnasium ids, `module:Id`, `module:factory`; and their schemas."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable
from contextlib import closing
from types import ModuleType
from typing import Any, Literal

import gymnasium
from gymnasium.envs.registration import registry as registered
from gymnasium.wrappers import TimeLimit

from autoreward.envs.contract import BatchEnv
from autoreward.envs.crafter import gym as _crafter  # noqa: F401 - registers its ids
from autoreward.envs.declared import derive_action
from autoreward.envs.derive import derive_schema
from autoreward.envs.docstring import action_meaning
from autoreward.envs.elsewhere import ElsewhereEnv
from autoreward.envs.gym import GymBatchEnv, flat_observation_space
from autoreward.envs.interpreter import is_own
from autoreward.envs.metaworld import gym as _metaworld  # noqa: F401
from autoreward.envs.minetest import gym as _minetest  # noqa: F401
from autoreward.envs.voxel import gym as voxel
from autoreward.errors import AutorewardError, UnknownName, UserError
from autoreward.schema import EnvSchema
from autoreward.task import EnvSpec, task_names

Worlds = Literal["auto", "batch", "gym", "warp"]

logger = logging.getLogger("autoreward.envs")

SLOWER = "{} is stepped one by one in Python, which is slower than simulations that are stepped together"
MANY = 1024
"""Environments from which on a GPU is worth its launches and copies."""
DEFAULT_STEP_LIMIT = 1000
"""For environments that say none: an episode that never ends can neither be trained on nor judged."""


def make_env(spec: EnvSpec, num_envs: int, worlds: Worlds = "auto") -> BatchEnv:
    """N environments of a kind, stepped together.

    Args:
        spec: which environment, and how it is made.
        num_envs: N.
        worlds: `batch` simulates them together in MuJoCo, `warp` in mujoco-warp (a GPU where there is one), `gym`
            steps Gymnasium's environments one by one, `auto` simulates together what can be.

    Raises:
        UnknownName: no environment has that id.
        UserError: it does not construct, its spaces are not supported, or `batch` or `warp` is asked for and cannot be.
    """
    if not is_own(spec):
        return ElsewhereEnv(spec, num_envs, worlds)
    if (given := voxel.arguments(spec.id, spec.kwargs, spec.step_limit)) is not None:
        return _voxel_worlds(spec.id, num_envs, worlds, given)
    schema = describe(spec)
    together = None
    if worlds == "warp" or (worlds == "auto" and picks_warp(num_envs)):
        try:
            together = _simulated_together(spec, num_envs, schema, on_gpu=True)
        except UserError as error:
            if worlds == "warp":
                raise
            logger.info("%s is simulated on the CPU: %s", spec.id, error)
    if together is None and worlds in ("auto", "batch"):
        together = _simulated_together(spec, num_envs, schema, on_gpu=False)
    if together is not None:
        return together
    if worlds in ("batch", "warp"):
        raise UserError(
            f"{spec.id} cannot be simulated together: MuJoCo 3.17 does it for Gymnasium's v5 tasks and data robots; "
            "type --trainer.worlds auto"
        )
    if worlds == "auto":
        _tell_slower(spec.id)
    return GymBatchEnv(functools.partial(make_single, spec), num_envs, schema)


def _voxel_worlds(env_id: str, num_envs: int, worlds: Worlds, given: dict[str, Any]) -> BatchEnv:
    if worlds not in ("auto", "batch"):
        raise UserError(f"{env_id}: voxel worlds are always stepped together; leave --trainer.worlds {worlds} out")
    from autoreward.envs.voxel.env import VoxelEnv  # brings numba

    env: BatchEnv = _constructed(functools.partial(VoxelEnv, num_envs=num_envs), env_id, given)
    return env


def picks_warp(num_envs: int) -> bool:
    """The rule behind `auto`: mujoco-warp for `MANY` environments and more, where it is installed and finds a GPU."""
    if num_envs < MANY:
        return False
    try:
        from autoreward.envs.mujoco.warp_device import has_gpu
    except ImportError:
        return False
    return has_gpu()


def _simulated_together(spec: EnvSpec, num_envs: int, schema: EnvSchema, on_gpu: bool) -> BatchEnv | None:
    entry = registered.get(spec.id.rpartition(":")[2])
    from_gymnasium = entry is not None and str(entry.entry_point).startswith("gymnasium.envs.mujoco")
    if spec.robot is None and not from_gymnasium:
        return None
    template = make_single(spec)  # says what is missing where MuJoCo is not there
    together = _batched(template, num_envs, schema, on_gpu)
    if together is None:
        template.close()
    return together


def _batched(template: gymnasium.Env[Any, Any], num_envs: int, schema: EnvSchema, on_gpu: bool) -> BatchEnv | None:
    if importlib.util.find_spec("mujoco.batch") is None:
        return None
    from autoreward.envs.mujoco.build import batched  # only where MuJoCo is there, and new enough

    if not on_gpu:
        return batched(template, num_envs, schema)
    try:
        from autoreward.envs.mujoco.warp import WarpWorlds
    except ImportError as error:
        raise UserError(
            f"worlds on mujoco-warp: {error}; type pip install 'autoreward[gpu]', or --trainer.worlds auto"
        ) from None
    return batched(template, num_envs, schema, WarpWorlds)


def slower_path(spec: EnvSpec) -> str | None:
    """What to tell a user whose environments are stepped one by one; None where they are simulated together."""
    if voxel.arguments(spec.id, spec.kwargs, None) is not None:
        return None
    if not is_own(spec):
        with closing(ElsewhereEnv(spec, 1, "auto")) as env:
            return None if env.together else SLOWER.format(spec.id)
    together = _simulated_together(spec, 1, describe(spec), on_gpu=False)
    if together is None:
        return SLOWER.format(spec.id)
    together.close()
    return None


@functools.cache
def _tell_slower(env_id: str) -> None:
    """Once a process and id."""
    logger.info(SLOWER.format(env_id))


def describe(spec: EnvSpec) -> EnvSchema:
    """The schema of an environment: the pack's fields where it has any, derived otherwise. Computed once a process.

    Raises:
        UnknownName: no environment has that id.
        UserError: it does not construct, or its spaces are not supported.
    """
    return _describe(spec.model_dump_json())


@functools.lru_cache(maxsize=256)
def _describe(text: str) -> EnvSchema:
    spec = EnvSpec.model_validate_json(text)
    if not is_own(spec):
        with closing(ElsewhereEnv(spec, 1, "auto")) as elsewhere:
            return elsewhere.schema
    env = make_single(spec)
    try:
        if isinstance(own := getattr(env.unwrapped, "schema", None), EnvSchema):
            return own
        flat_observation_space(env.observation_space)
        limit = spec.step_limit or step_limit(env)
        if not spec.fields:
            return derive_schema(env, spec.id, limit, spec.description)
        return EnvSchema(
            env_id=spec.id,
            fields=spec.fields,
            action=derive_action(env, spec.robot.action if spec.robot else action_meaning(type(env.unwrapped).__doc__)),
            step_limit=limit,
            description=" ".join(spec.description.split()),
        )
    finally:
        env.close()


def step_limit(env: gymnasium.Env[Any, Any]) -> int:
    """The environment's own step limit, or `DEFAULT_STEP_LIMIT`."""
    layer: Any = env
    while isinstance(layer, gymnasium.Wrapper):
        if isinstance(layer, TimeLimit):
            return int(layer._max_episode_steps)
        layer = layer.env
    declared = env.spec.max_episode_steps if env.spec is not None else None
    return int(declared or DEFAULT_STEP_LIMIT)


def make_single(spec: EnvSpec) -> gymnasium.Env[Any, Any]:
    """One Gymnasium environment, without Gymnasium's own step limit and checker where it is a registered one.

    In this process, whatever interpreter its pack names: where that is another one, it may not be there.

    Raises:
        UnknownName: no environment has that id.
        UserError: it does not construct; the message says why.
    """
    if spec.robot is not None:
        return _make_robot(spec)
    given = voxel.arguments(spec.id, spec.kwargs, spec.step_limit)
    try:
        env = _constructed(_maker(spec.id), spec.id, spec.kwargs if given is None else given)
    except UserError as error:
        if is_own(spec):
            raise
        raise UserError(f"{error}. It lives in another interpreter: do this with {spec.python}") from None
    if not isinstance(env, gymnasium.Env):
        raise UserError(f"{spec.id!r} gives a {type(env).__name__}, not a gymnasium.Env")
    return env


def _constructed(maker: Callable[..., Any], env_id: str, kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - anything
    try:
        return maker(**kwargs)
    except AutorewardError:
        raise
    except Exception as error:  # the constructor is somebody else's code
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"environment {env_id!r} does not construct: {reason}") from None


def _make_robot(spec: EnvSpec) -> gymnasium.Env[Any, Any]:
    _quieten_mujoco()
    try:
        from autoreward.envs.mujoco.single import RobotEnv  # MuJoCo comes with it
    except ImportError as error:
        raise UserError(f"{spec.id} is a robot of MuJoCo's: {error}; pip install mujoco") from None
    return RobotEnv(spec)


def _maker(env_id: str) -> Callable[..., Any]:
    module_name, colon, name = env_id.partition(":")
    if not colon:
        return _registered_maker(env_id)
    module = _import(module_name, env_id)
    target = getattr(module, name, None)
    if callable(target):
        return target  # type: ignore[no-any-return]
    if name in registered:
        return _registered_maker(name)
    known = [entry for entry in vars(module) if callable(getattr(module, entry)) and entry[0] != "_"]
    raise UnknownName("environment", env_id, [f"{module_name}:{entry}" for entry in (*known, *registered)])


def _registered_maker(env_id: str) -> Callable[..., Any]:
    if env_id not in registered:
        advice = "`autoreward envs` lists the tasks; any Gymnasium id works, module:Id, or module:factory of your own."
        # A name without a task is looked up as an id: who mistyped a task's name is to find it in the message.
        raise UnknownName("environment", env_id, [*task_names(), *registered], advice)
    declared = registered[env_id].max_episode_steps
    if any(name in str(registered[env_id].entry_point) for name in ("mujoco", "metaworld")):
        _quieten_mujoco()

    def make(**kwargs: object) -> gymnasium.Env[Any, Any]:
        # The batch counts steps itself; the declared limit stays readable in `env.spec`.
        env: gymnasium.Env[Any, Any] = gymnasium.make(env_id, max_episode_steps=-1, disable_env_checker=True, **kwargs)
        if env.unwrapped.spec is not None:
            env.unwrapped.spec.max_episode_steps = declared
        return env

    return make


def _quieten_mujoco() -> None:
    """Send MuJoCo's warnings to the log: by itself it prints them and writes MUJOCO_LOG.TXT wherever it runs."""
    try:
        mujoco: Any = importlib.import_module("mujoco")
    except ImportError:
        return  # making the environment says what is missing
    if mujoco.get_mju_user_warning() is None:
        mujoco.set_mju_user_warning(logging.getLogger("autoreward.mujoco").info)


def _import(module_name: str, env_id: str) -> ModuleType:
    here = os.getcwd()
    added = here not in sys.path and "" not in sys.path
    if added:
        sys.path.insert(0, here)  # so that an environment beside the user is found, as `python -m` does
    try:
        return importlib.import_module(module_name)
    except Exception as error:  # importing somebody else's module can raise anything
        raise UserError(f"environment {env_id!r}: module {module_name!r} does not import: {error}") from None
    finally:
        if added:
            sys.path.remove(here)
