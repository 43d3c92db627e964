"""Trainers by name, and which settings they can work with."""

from __future__ import annotations

import importlib.util

from autoreward import plugins
from autoreward.errors import UnknownName, UserError
from autoreward.schema import EnvSchema
from autoreward.task import Task
from autoreward.training.contract import Trainer

BUILT_IN = {"batch": "autoreward.training.batch:BatchTrainer", "sb3": "autoreward.training.sb3:SB3Trainer"}

ALGORITHMS = {
    "PPO": ("continuous", "discrete"),
    "A2C": ("continuous", "discrete"),
    "SAC": ("continuous",),
    "TD3": ("continuous",),
    "DDPG": ("continuous",),
    "DQN": ("discrete",),
}
"""Stable-Baselines3's algorithms, and the kinds of actions that they choose from."""


def check_settings(task: Task, schema: EnvSchema) -> None:
    """Refuse settings with which every training of a task would fail, before anything is spent.

    Raises:
        UnknownName: there is no such trainer or algorithm.
        UserError: the algorithm is for another trainer, or for another kind of actions; the worlds that are asked
            for cannot simulate the environment; or there is no GPU to train on.
    """
    settings = task.trainer
    if settings.worlds in ("batch", "warp"):
        from autoreward.envs.registry import make_env  # Gymnasium, which most commands do without

        make_env(task.env, 1, "batch").close()  # mujoco-warp simulates no others, and is slow to begin
    if settings.worlds == "warp" and importlib.util.find_spec("mujoco_warp") is None:
        raise UserError("mujoco-warp is not there; type pip install 'autoreward[gpu]', or --trainer.worlds auto")
    if settings.device == "cuda":
        import torch  # 1.6 s, which only who asks for a GPU waits

        if not torch.cuda.is_available():
            raise UserError("--trainer.device cuda: torch finds no CUDA GPU; type --trainer.device cpu, or auto")
    if ":" not in settings.name and settings.name not in BUILT_IN:
        raise _unknown_trainer(settings.name)
    if settings.name == "batch" and (settings.algorithm != "PPO" or settings.algorithm_kwargs):
        raise UserError("trainer batch is PPO alone; add --trainer.name sb3 for another algorithm or for its arguments")
    if settings.name == "batch" and settings.use_sde:
        raise UserError("trainer batch has no gSDE; type --trainer.name sb3, or --trainer.no-use-sde")
    if settings.name == "sb3" and settings.stack > 1:
        raise UserError("trainer sb3 trains one policy a process; leave --trainer.stack out, or --trainer.name sb3")
    if settings.name != "sb3" or ":" in settings.algorithm:
        return
    if settings.algorithm not in ALGORITHMS:
        raise unknown_algorithm(settings.algorithm)
    if (kind := schema.action.kind) not in ALGORITHMS[settings.algorithm]:
        fitting = ", ".join(name for name, kinds in ALGORITHMS.items() if kind in kinds)
        raise UserError(
            f"{settings.algorithm} cannot choose the {kind} actions of {schema.env_id}; "
            f"type --trainer.algorithm with one of {fitting}"
        )


def unknown_algorithm(name: str) -> UnknownName:
    """The error for an algorithm that is not there."""
    return UnknownName("algorithm", name, ALGORITHMS, f"Type {', '.join(ALGORITHMS)}, or module:Class.")


def _unknown_trainer(name: str) -> UnknownName:
    return UnknownName("trainer", name, BUILT_IN, "Type batch, sb3, or module:attr for a trainer of your own.")


def find_trainer(name: str) -> Trainer:
    """The trainer of that name: a built-in one, or `module:attr`, a class or factory without arguments.

    Raises:
        UserError: there is no such module or attribute.
        UnknownName: the name is neither built in nor of that form.
    """
    path = BUILT_IN.get(name, name)
    if ":" not in path:
        raise _unknown_trainer(name)
    trainer: Trainer = plugins.find("trainer", path)()
    return trainer
