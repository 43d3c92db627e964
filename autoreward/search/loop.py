"""The loop: rounds of candidates, then selection, then the report. A state machine over the run folder.

Every step whose record exists is skipped, so a stopped run goes on without asking for a recorded reply or a finished
training again; only what was in flight is repeated.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import yaml

import autoreward
from autoreward.config import RunConfig
from autoreward.critic.verify import verify
from autoreward.engine.contract import Engine
from autoreward.envs import interpreter
from autoreward.envs.contract import Transitions
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe, slower_path
from autoreward.errors import AutorewardError, RewardRefused, UserError
from autoreward.language.expressions import Expression
from autoreward.llm.contract import Chat
from autoreward.records import write_bytes
from autoreward.sandbox.isolation import Isolation, require
from autoreward.sandbox.linux.process import hide_process
from autoreward.sandbox.process import witness
from autoreward.schema import EnvSchema
from autoreward.search.account import Account
from autoreward.search.candidate import Drafting
from autoreward.search.final import Final
from autoreward.search.generation import Generation
from autoreward.search.hopeless import HOW_TO_GO_ON
from autoreward.search.log import LoggedObserver
from autoreward.search.observer import Observer
from autoreward.search.racing import rungs
from autoreward.search.rehearsal import rehearse
from autoreward.search.roles import Roles, cast, least_isolation, resolve_designer, with_recording
from autoreward.search.tracked import TrackedObserver
from autoreward.store.folder import RunFolder, locked
from autoreward.store.records import RoundAnalysis, RunRecord
from autoreward.task import EnvSpec, Task
from autoreward.tracking.registry import check as check_tracker
from autoreward.training.registry import check_settings

START_FROM = "start_from.py"


def start(
    task: Task,
    config: RunConfig,
    observer: Observer,
    command: str = "",
    *,
    chat: Chat | None = None,
    engine: Engine | None = None,
    folder: Path | None = None,
) -> Path:
    """Begin a run and carry it out. From here on no other process can read this one's memory and environment (Linux).

    Args:
        task: what to design a reward for; the configuration's overrides are applied here.
        config: the search and what it may spend.
        observer: is told what happens.
        command: what the user typed, for the record.
        chat: a language model in place of the configured endpoint.
        engine: where trainings run, in place of local processes.
        folder: the run folder; None: a new one under `config.runs`.

    Returns:
        The finished run folder.

    Raises:
        UserError: the task, the configuration or the runs folder is wrong; nothing has been spent.
        IsolationTooWeak: reward programs would be isolated less than the run asks for; nothing has been spent.
        EndpointError: the language model failed for good; the run can be resumed.
    """
    hide_process()
    task, config, schema = prepared(task, config)
    path = folder or config.runs / _new_name(task)
    _check_shared(config)
    designer = resolve_designer(config.designer, config.llm)
    least = least_isolation(config, designer, task)
    isolation = witness()
    require(isolation, least)
    if config.track:
        check_tracker(config.track)
    watch = TrackedObserver(LoggedObserver(path / "run.log", observer), config.track)
    roles = cast(RunFolder(path), designer, config, least, watch.note, chat, engine)
    with _until_the_end(roles, engine):
        if roles.chat is not None:
            rehearse(roles.templates, task, schema, config.llm.effort)
        transitions = record_transitions(task, config.seed)
        start_from = _own_reward(task, config, roles, transitions)
        run = RunRecord(
            id=path.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            autoreward=autoreward.__version__,
            task=task,
            env_schema=schema,
            config=config,
            designer=designer,
            isolation=isolation,
        )
        _create(RunFolder(path), run, command, start_from)
        return _Run(RunFolder(path), run, roles, transitions, watch).carry_out(isolation, resumed=False)


def resume(folder: Path, observer: Observer, *, chat: Chat | None = None, engine: Engine | None = None) -> Path:
    """Go on with a stopped run; a finished one only gets its page written again.

    Raises:
        UserError: the folder is no run, another process is at work on it, or a prompt template is broken.
        IsolationTooWeak: reward programs would be isolated less here than the run asks for.
        RunDamaged: a record does not read; the message names it.
    """
    hide_process()
    run_folder = RunFolder.open(folder)
    run = run_folder.run()
    least = least_isolation(run.config, run.designer, run.task)
    isolation = witness()
    require(isolation, least)
    watch = TrackedObserver(LoggedObserver(folder / "run.log", observer), run.config.track)
    roles = cast(run_folder, run.designer, with_recording(run.config), least, watch.note, chat, engine)
    with _until_the_end(roles, engine):
        if roles.chat is not None:
            rehearse(roles.templates, run.task, run.env_schema, run.config.llm.effort)
        transitions = record_transitions(run.task, run.config.seed)
        return _Run(run_folder, run, roles, transitions, watch).carry_out(isolation, resumed=True)


def _until_the_end(roles: Roles, given: Engine | None) -> AbstractContextManager[object]:
    """Shut the engine down with the block, unless it is the caller's."""
    return nullcontext() if given is not None else roles.engine


class _Run:
    """One run, from wherever its folder stands to its report."""

    def __init__(
        self, folder: RunFolder, run: RunRecord, roles: Roles, transitions: Transitions, watch: Observer
    ) -> None:
        self._folder, self._run, self._roles, self._watch = folder, run, roles, watch
        drafting = Drafting(folder, roles, transitions, run.config, self._watch)
        self._account = Account(folder, run, roles.chat)
        self._generation = Generation(folder, run, roles, drafting, self._account, self._watch)
        self._final = Final(folder, run, roles, self._watch)

    def carry_out(self, isolation: Isolation, resumed: bool) -> Path:
        with locked(self._folder.path):
            self._watch.run_started(self._folder.path, self._run, resumed)
            try:
                self._carry_out(isolation, resumed)
            except (Exception, KeyboardInterrupt) as error:
                told = str(error) if isinstance(error, AutorewardError) else f"{type(error).__name__}: {error}"
                if self._roles.engine.detached:
                    self._watch.note(
                        f"jobs in the queue go on; `autoreward resume {self._folder.path}` comes back to them"
                    )
                self._watch.run_stopped("interrupted" if isinstance(error, KeyboardInterrupt) else told)
                raise
        return self._folder.path

    def _carry_out(self, isolation: Isolation, resumed: bool) -> None:
        if isolation.level not in ("A", "B"):
            self._watch.note(f"reward programs run at {isolation.text}")
        if not resumed and (slower := slower_path(self._run.task.env)):
            self._watch.note(slower)
        if self._folder.selection() is None:
            try:
                self._search()
            finally:  # however it ends: the cap on time counts over resumptions
                self._account.save()
        report = self._final.report(self._final.select(), self._account.stopped)
        self._watch.run_finished(self._folder.path, report)

    def _search(self) -> None:
        """Carry out the rounds that are not closed, as far as the caps allow."""
        start_from = self._folder.path / START_FROM
        own = start_from.read_text() if start_from.exists() else None
        for round_ in range(self._run.config.rounds):
            if self._account.stopped:
                return
            if analysis := self._folder.analysis(round_):
                self._end_if_hopeless(analysis)
                continue
            candidates, cap = self._account.affordable(round_)
            if candidates == 0:
                self._watch.note(f"{cap}; the search ends")
                self._account.save(cap)
            else:
                self._end_if_hopeless(self._generation.carry_out(round_, candidates, own))
        if not self._account.stopped and (cap := self._account.shortened()):
            self._account.save(cap)

    def _end_if_hopeless(self, analysis: RoundAnalysis) -> None:
        """End the search where it is not the reward that fails, unless the user wants it to go on."""
        if analysis.hopeless is None:
            return
        self._watch.note(
            f"round {analysis.round}: not the reward: {analysis.hopeless.text}. {analysis.hopeless.suggestion}"
        )
        if self._run.config.stop_when_hopeless:
            self._account.save(f"the reward is not the problem: {analysis.hopeless.text}; {HOW_TO_GO_ON}")


def prepared(task: Task, config: RunConfig) -> tuple[Task, RunConfig, EnvSchema]:
    """A run's task, configuration and fields, as they are recorded.

    Raises:
        UserError: the task reads what is not there, or every training would fail with these settings.
    """
    config = with_recording(config)
    task = config.for_task(task)
    schema = describe(task.env)
    numbers = [number for number in (task.score, *task.measures.values()) if number]
    among = [measure.among for measure in task.measures.values() if measure.among]
    for text in (task.success.expression, *task.outcomes.values(), *(each.expression for each in numbers), *among):
        Expression(text, schema.names)
    check_settings(task, schema)
    rungs(task, config.halvings)
    return task, config, schema


def _own_reward(task: Task, config: RunConfig, roles: Roles, transitions: Transitions) -> str | None:
    """The user's reward file of `--start-from`, verified: a fault in it is the user's to mend, not the Designer's."""
    if config.start_from is None:
        return None
    try:
        source = config.start_from.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--start-from {config.start_from}: {error}") from None
    given = (describe(task.env), task.grammar, transitions, roles.new_cell, task, config.probe_seconds)
    verdict = verify(source, *given, probes=config.critic == "full")
    if verdict.status != "accepted":
        raise RewardRefused(f"--start-from {config.start_from}: {verdict.reason}")
    return source


def _check_shared(config: RunConfig) -> None:
    if config.shared_trainings is None:
        return
    try:
        write_bytes(config.shared_trainings / ".writable", b"")
    except OSError as error:
        raise UserError(
            f"--shared-trainings {config.shared_trainings} cannot be written: {error.strerror or error}"
        ) from None


def _new_name(task: Task) -> str:
    """`2026-11-21T0314_reacher_a1b2`: when, what, and four digits that keep two runs of a minute apart."""
    digits = hashlib.sha256(os.urandom(8)).hexdigest()[:4]
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in task.name)
    return f"{datetime.now(UTC):%Y-%m-%dT%H%M}_{safe}_{digits}"


def _create(folder: RunFolder, run: RunRecord, command: str, start_from: str | None) -> None:
    """Write the folder's first files; `run.json` last, since it makes the folder a run."""
    try:
        if folder.path.exists() and any(folder.path.iterdir()):
            raise UserError(f"{folder.path} is not empty; `autoreward resume {folder.path}` goes on with a run")
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.write_text("command.txt", command + "\n")
        folder.write_text("config.yaml", yaml.safe_dump(run.config.model_dump(mode="json"), sort_keys=False))
        folder.write_text("environment.txt", _environment(run.task.env))
        if start_from is not None:
            folder.write_text(START_FROM, start_from)
        folder.write_run(run)
    except OSError as error:
        raise UserError(
            f"cannot write the run folder {folder.path}: {error.strerror or error}; "
            "give a folder that can be written with --runs FOLDER"
        ) from None


def _environment(env: EnvSpec) -> str:
    """The versions of what this process and the environment's interpreter have."""
    own = interpreter.packages()
    lines = [f"python {own.pop('python')}", platform.platform(), f"cores {os.cpu_count()}", *_pinned(own)]
    if not interpreter.is_own(env):
        lines += ["", f"interpreter of {env.id}: {env.python}", *_pinned(interpreter.check(env))]
    return "\n".join([*lines, ""])


def _pinned(versions: Mapping[str, str]) -> list[str]:
    return [f"{name}=={version}" for name, version in versions.items()]
