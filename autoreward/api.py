"""autoreward from Python: `run` and `load_run`; and how the user's words become a `Task`."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from autoreward.config import RunConfig
from autoreward.errors import UserError
from autoreward.records import Record, validate
from autoreward.store.find import find_run
from autoreward.task import EnvSpec, Positive, SuccessRule, Task, load_task, task_names

if TYPE_CHECKING:
    from autoreward.report.run import Run
    from autoreward.schema import EnvSchema, Field
    from autoreward.search.observer import Observer

FREE_BYTES = 100 * 2**20
"""A run is refused where its disk has less room than this: a small run's records take a few megabytes."""


def _parsed_json(value: object) -> object:
    """Keyword arguments as typed on a command line."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise UserError(f"""--env-kwargs is not JSON ({error}); type for example '{{"max_steps": 50}}'""") from None


class TaskChoice(Record):
    """Which task: one of a pack by its name, or an environment with text and success rule of one's own."""

    task: str | None = None
    """Task of a pack, such as `reacher` (`autoreward envs` lists them), or `path/to/pack.yaml`."""
    tier: str | None = None
    """How hard, for a task of a pack that has tiers, such as `easy`."""
    env: str | None = None
    """Instead of TASK: a Gymnasium id, `module:Id` or `module:factory`, or a pack whose environment to use."""
    text: str | None = None
    """For --env: what the agent should do, in words."""
    wishes: str | None = None
    """How it should be done, in words, where success does not measure it; replaces a pack's."""
    success: str | None = None
    """For --env: expression over the environment's fields, true where the agent has done it."""
    success_rule: str | None = None
    """For --env: `ever`, `final` or `held:K` steps in a row. [default: ever]"""
    env_kwargs: Annotated[dict[str, Any] | None, BeforeValidator(_parsed_json)] = None
    """For --env: keyword arguments of the environment, as JSON."""
    step_limit: Positive | None = None
    """For --env: steps after which an episode is cut off."""
    trust: str | None = None
    """A pack file whose own Python may be imported and run."""

    def resolve(self) -> Task:
        """The task meant.

        Raises:
            UserError: the choice contradicts itself or lacks a part, the environment or task is unknown, or the
                success expression does not read; the message says what to type.
        """
        if self.env is not None:
            if self.task is not None:
                raise UserError(f"give a task of a pack ({self.task}) or --env {self.env}, not both")
            if self.tier is not None:
                raise UserError("--tier is for a task of a pack; leave it out with --env")
            return self._own_task(self.env)
        known = ("task", "tier", "env", "trust", "wishes")
        own = {name: value for name, value in self if name not in known and value is not None}
        if own:
            flags = ", ".join("--" + name.replace("_", "-") for name in own)
            raise UserError(f"{flags}: only for an environment of your own choice; add --env ID, or leave it out")
        if self.task is None:
            raise UserError(
                "which task? Name one of a pack, such as `autoreward run reacher` (`autoreward envs` lists all), or "
                'describe your own: autoreward run --env CartPole-v1 --text "..." --success EXPR'
            )
        return self._wished(load_task(self.task, trust=self.trust, tier=self.tier or ""))

    def _wished(self, task: Task) -> Task:
        return task if self.wishes is None else task.model_copy(update={"wishes": self.wishes})

    def _own_task(self, env: str) -> Task:
        base = pack_task(env, self.trust)
        spec = base.env if base else EnvSpec(id=env)
        if spec.robot is not None and self.env_kwargs:
            raise UserError(f"--env-kwargs: {env} is a robot that is data only and takes none; change its pack instead")
        spec = spec.model_copy(
            update={
                "kwargs": {**spec.kwargs, **(self.env_kwargs or {})},
                "step_limit": self.step_limit or spec.step_limit,
            }
        )
        schema = describe(spec)
        if self.success is None:
            raise UserError(
                f"--env {env} needs --success: an expression that is true where the agent has done the task, such as "
                f'--success "{example_success(schema)}". Fields: {_some(schema.names)}. `autoreward envs show {env}` '
                "describes them; --success-rule says when it makes an episode a success (ever, final, held:K)"
            )
        if not (self.text or "").strip():
            raise UserError(f'--env {env} needs --text: say in words what the agent should do, --text "..."')
        success = read_success(self.success, self.success_rule or "ever", schema)
        task = self._wished(Task(name=env, text=self.text or "", env=spec, success=success))
        return task.model_copy(update={"trainer": base.trainer, "steps": base.steps}) if base else task


def pack_task(name: str, trust: str | None = None) -> Task | None:
    """The task of a pack or pack file of that name; None where there is none. `trust`: see `load_task`."""
    known = ".yaml" in name or {name, name.rpartition("/")[0]} & {*task_names()}
    return load_task(name, trust=trust) if known else None


def task_for_file(env: str, success: str | None = None, rule: str = "ever", trust: str | None = None) -> Task:
    """The task that a reward file alone is checked or trained on.

    Args:
        env: a task of a pack, or a Gymnasium id as in `--env`.
        success: replaces the task's success expression; needed for an environment without a pack.
        rule: `ever`, `final` or `held:K`, for `success`.
        trust: a pack file whose own Python may be imported and run.
    """
    task = pack_task(env, trust)
    if task is None:
        return TaskChoice(env=env, text="(a reward file alone)", success=success, success_rule=rule).resolve()
    if success is None:
        return task
    return task.model_copy(update={"success": read_success(success, rule, describe(task.env))})


def describe(spec: EnvSpec) -> EnvSchema:
    """The schema of an environment; an unknown one is an error with the closest names."""
    from autoreward.envs.registry import describe as describe_env

    return describe_env(spec)


def read_success(expression: str, rule: str, schema: EnvSchema) -> SuccessRule:
    """A success rule as typed; an expression that does not read is an error that names the closest fields."""
    from autoreward.language.expressions import Expression

    kind, steps = SuccessRule.parse_rule(rule)
    Expression(expression, schema.names)
    return SuccessRule(expression=expression, rule=kind, steps=steps)


def example_success(schema: EnvSchema) -> str:
    """A well-formed success expression over the schema's fields, to show what one looks like."""

    def rank(field: Field) -> tuple[bool, bool, bool]:
        return field.shape != (), field.dtype != "float32", not field.policy_sees

    best = min(schema.fields, key=rank)
    ends = [abs(end) for end in (best.low, best.high) if end is not None]
    bound = f"{max(ends) / 10:.1g}" if ends and 0 < max(ends) < 1e6 else "0.1"
    read = f"norm({best.name})" if best.shape else f"abs({best.name})"
    return best.name if best.dtype == "bool" else f"{read} < {bound}"


def _some(names: list[str], count: int = 24) -> str:
    return ", ".join(names[:count]) + (f" and {len(names) - count} more" if len(names) > count else "")


def check_writable(folder: Path, option: str = "--runs") -> None:
    """Make a folder and write to it, before anything is spent; `option` of the command names another one.

    Raises:
        UserError: it cannot be made or written, or its disk is nearly full.
    """
    advice = f"give another folder with {option} FOLDER"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0" * 2**16)
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise UserError(f"runs cannot be written to {folder} ({error.strerror or error}); {advice}") from None
    if free < FREE_BYTES:
        raise UserError(f"the disk of {folder} has {free / 2**20:.0f} MiB left; make room, or {advice}")


def run(
    task: str | Task | TaskChoice | None = None,
    *,
    tier: str | None = None,
    config: RunConfig | None = None,
    observer: Observer | None = None,
    command: str = "",
    env: str | None = None,
    text: str | None = None,
    wishes: str | None = None,
    success: str | None = None,
    success_rule: str | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    step_limit: int | None = None,
    trust: str | None = None,
    **settings: Any,  # noqa: ANN401 - a field of RunConfig each, validated there
) -> Run:
    """Design a reward for a task, and report how well it trains.

    Args:
        task: name of a pack's task, or a task; None where `env`, `text` and `success` describe one.
        tier: how hard, for a pack's task that has tiers.
        config: the run's configuration.
        observer: is told what happens; None: nobody is.
        command: what the user typed, for the record.
        env: Gymnasium id, `module:Id` or `module:factory`.
        text: what the agent should do, in words.
        wishes: how it should be done, in words, where success does not measure it.
        success: expression over the environment's fields, true where the agent has done it.
        success_rule: `ever`, `final` or `held:K`.
        env_kwargs: keyword arguments of the environment.
        step_limit: steps after which an episode is cut off.
        trust: a pack file whose own Python may be imported and run.
        **settings: fields of `RunConfig` that replace those of `config`, such as `rounds=2, budget={"llm_calls": 9}`.

    Returns:
        The finished run, as `load_run` gives it.

    Raises:
        AutorewardError: bad input, or a run that failed; the message says what to do.
    """
    from autoreward.report.run import Run
    from autoreward.search.loop import start
    from autoreward.search.observer import Observer as Watcher

    if task is None or isinstance(task, str):
        own: dict[str, Any] = dict(env=env, text=text, wishes=wishes, success=success, success_rule=success_rule)
        own |= dict(task=task, tier=tier, env_kwargs=env_kwargs, step_limit=step_limit, trust=trust)
        task = validate(TaskChoice, own, "autoreward.run")
    config = merged(config or RunConfig(), settings, "autoreward.run")
    chosen = task.resolve() if isinstance(task, TaskChoice) else task
    check_writable(config.runs)
    return Run(start(chosen, config, observer or Watcher(), command))


def resume(
    run: str | Path | None = None,
    *,
    runs: Path = Path("runs"),
    budget: Mapping[str, Any] | None = None,
    llm: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
    trust: Collection[str] = (),
) -> Run:
    """Go on with a run that was stopped, or that a cap has ended and now has a larger one.

    Args:
        run: path of its folder, or a unique beginning of its name under `runs`; None: the latest one.
        runs: folder that holds run folders.
        budget: fields of `RunConfig.budget` that replace the recorded ones, such as `{"llm_calls": 50}`.
        llm: fields of `RunConfig.llm` that do.
        observer: is told what happens; None: nobody is.
        trust: Python of your own (`module:attr`) that the run's record may have imported, and the endpoint it may ask.

    Raises:
        AutorewardError: as `run` does; or the record names what is not in `trust`.
    """
    from autoreward.report.run import Run
    from autoreward.search.loop import resume as go_on
    from autoreward.search.observer import Observer as Watcher
    from autoreward.search.reopen import reopen
    from autoreward.store.folder import RunFolder
    from autoreward.store.trust import check_resume

    folder = RunFolder(find_run(None if run is None else str(run), runs))
    config = merged(folder.run().config, {"budget": budget or {}, "llm": llm or {}}, "autoreward.resume")
    check_resume(folder, config.llm, trust)
    reopen(folder, config.budget, config.llm)
    return Run(go_on(folder.path, observer or Watcher()))


def merged(config: RunConfig, settings: Mapping[str, Any], where: str) -> RunConfig:
    """The configuration with settings on top; nested mappings replace single fields. Faults name `where`."""
    data = config.model_dump()
    for name, value in settings.items():
        nested = isinstance(value, Mapping) and isinstance(data.get(name), dict)
        data[name] = {**data[name], **value} if nested else value
    return validate(RunConfig, data, where)


def load_run(path: str | Path) -> Run:
    """A run, finished or not, by the path of its folder or a unique beginning of its name under `runs/`.

    Returns:
        A view that is only read: `.task`, `.best`, `.candidates`, `.rounds`, `.report`, `.to_frame()` ...

    Raises:
        UserError: there is no such run, or its `run.json` does not read.
    """
    from autoreward.report.run import Run

    return Run(find_run(str(path)))
