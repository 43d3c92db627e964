"""Loading a reward by path: a program's file, or an exported package's folder."""

from __future__ import annotations

from pathlib import Path

from autoreward.errors import RewardRefused, UserError
from autoreward.language.static import grammar_of
from autoreward.reward.package import load_package
from autoreward.reward.reward import Reward, read_source
from autoreward.sandbox.isolation import Level
from autoreward.schema import EnvSchema

__all__ = ["Reward", "find_schema", "load_reward"]


def load_reward(
    path: str | Path, env: str | EnvSchema | None = None, trusted: bool = False, isolation: Level = "B"
) -> Reward:
    """Load a reward program from a file, or a reward package from its folder.

    Args:
        path: a reward file, or the folder of an exported package (such as a run's `best/`).
        env: what it is for: a task's name, a Gymnasium id, `module:Id`, or a schema. A package knows it.
        trusted: run the program in this process, without a cell. Faster for single steps, and without protection
            from a program that hangs, fills the memory, or breaks out of the reward language.
        isolation: the least level of the program's cell, where it is not trusted; `"C"` accepts a process of its own
            that the kernel does not restrict. Less than that is refused when the cell starts (`Reward.start`).

    Raises:
        UserError: the file cannot be read, or the environment is not given.
        UnknownName: there is no such task or environment.
        RewardRefused: the program breaks a rule.
    """
    path = Path(path)
    if path.is_dir():
        return load_package(path, trusted, isolation)
    source = read_source(path)
    if env is None:
        raise UserError(f"{path}: say which environment the reward is for: load_reward({str(path)!r}, env=...)")
    schema = env if isinstance(env, EnvSchema) else find_schema(env)
    try:
        return Reward(source, schema, grammar_of(source), trusted, isolation)
    except RewardRefused as error:
        named = RewardRefused(f"{path}: {error}", error.rule)
        named.line, named.column = error.line, error.column
        raise named from None


def find_schema(name: str) -> EnvSchema:
    """The schema of a task's environment (`reacher`, `pack.yaml`), or of a Gymnasium id.

    Raises:
        UnknownName: there is neither; the message lists the closest names.
    """
    from autoreward.envs.registry import describe  # gymnasium takes a while to import
    from autoreward.task import EnvSpec, load_task, task_names

    if ".yaml" in name or name in task_names():
        return describe(load_task(name).env)
    return describe(EnvSpec(id=name))
