"""Who plays which role in a run: Designer, language model, cell and engine."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autoreward.config import LLMConfig, RunConfig
from autoreward.designer.contract import Designer
from autoreward.designer.registry import find_designer
from autoreward.engine.contract import Engine
from autoreward.engine.registry import find_engine
from autoreward.engine.replay import ReplayEngine
from autoreward.errors import UserError
from autoreward.llm.contract import Chat
from autoreward.llm.openai_chat import OpenAIChat
from autoreward.llm.prices import Prices
from autoreward.llm.recorded import RecordedChat
from autoreward.llm.replay import ReplayChat
from autoreward.prompts.render import Templates
from autoreward.sandbox.contract import Cell
from autoreward.sandbox.isolation import Level
from autoreward.sandbox.process import ProcessCell
from autoreward.store.find import find_run
from autoreward.store.folder import RunFolder
from autoreward.task import Task, load_task, task_names


@dataclass(frozen=True)
class Roles:
    """The parts that a search works with; plug-ins and tests give their own."""

    designer: Designer
    engine: Engine
    new_cell: Callable[[], Cell]
    templates: Templates
    least: Level = "B"
    """Of the isolation of every cell, here and in workers."""
    chat: RecordedChat | None = None
    """None where no language model takes part."""


def resolve_designer(name: str, llm: LLMConfig) -> str:
    """What `auto` means here: the language model where an endpoint or a recording is configured, else the composer."""
    if name != "auto":
        return name
    configured = llm.replay or llm.base_url or os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL")
    return "llm" if configured else "composer"


def least_isolation(config: RunConfig, designer: str, task: Task) -> Level:
    """What a run asks for: its own `--isolation`, else B; C where only the composer's and our packs' programs run."""
    if config.isolation is not None:
        return config.isolation
    ours = task.reference is None or (task.name in task_names() and load_task(task.name).reference == task.reference)
    return "C" if designer == "composer" and config.start_from is None and ours else "B"


def with_recording(config: RunConfig) -> RunConfig:
    """The configuration with the whole path of what it replays, by which the run can be resumed from anywhere.

    Raises:
        UserError: there is no such recording, or trainings are to be replayed and it holds none.
    """
    name = config.llm.replay
    if not name:
        if config.replay_trainings:
            raise UserError("--replay-trainings replays those of a recorded run: say which, with --llm.replay RUN")
        return config
    path = Path(name) if Path(name).is_file() else find_run(name, config.runs)
    if config.replay_trainings and path.is_file():
        raise UserError(f"--replay-trainings: {name} holds replies alone; give --llm.replay the folder of a run")
    changes: dict[str, object] = {"llm": config.llm.model_copy(update={"replay": str(path.resolve())})}
    if config.replay_trainings:  # what was trained to its end was another training
        changes["stop_when_hacked"] = RunFolder.open(path).run().config.stop_when_hacked
    return config.model_copy(update=changes)


def cast(
    folder: RunFolder,
    designer: str,
    config: RunConfig,
    least: Level,
    note: Callable[[str], None],
    chat: Chat | None = None,
    engine: Engine | None = None,
) -> Roles:
    """Fill the roles from a configuration; `chat` and `engine` replace the configured ones.

    Args:
        folder: the run's.
        designer: as `resolve_designer` gives it.
        config: as `with_recording` gives it.
        least: isolation of every cell.
        note: is told of a replayed call whose prompt differs from the recorded one.
        chat: asked in place of the endpoint or recording.
        engine: where trainings run.

    Raises:
        EndpointError: the language model designs, and no key or endpoint is configured.
        UnknownName: there is no such designer.
        UserError: the folder of prompt templates is broken, or money is capped and the model's price unknown.
    """
    templates = Templates(config.llm.prompts)
    recorded = None
    if chat is not None or designer == "llm":
        prices = Prices(config.llm)
        recorded = RecordedChat(chat or new_chat(config.llm, note), folder.rounds_path, config.budget, prices)
    return Roles(
        designer=find_designer(designer, recorded, templates, config.llm.effort),
        engine=engine or new_engine(config),
        new_cell=functools.partial(ProcessCell, least=least),
        templates=templates,
        least=least,
        chat=recorded,
    )


def new_chat(llm: LLMConfig, note: Callable[[str], None]) -> Chat:
    """The configured endpoint, or the recording; `note` is told of a replayed call whose prompt differs.

    Raises:
        EndpointError: no key or endpoint is configured.
        UserError: there is no such recording.
    """
    return ReplayChat(Path(llm.replay), note) if llm.replay else OpenAIChat(llm)


def new_engine(config: RunConfig) -> Engine:
    """Where a configuration has its trainings run; to be shut down.

    Raises:
        UnknownName: there is no such engine.
        UserError: it cannot be had here: an extra or a program is missing, or an address does not answer.
    """
    if config.replay_trainings and config.llm.replay:
        return ReplayEngine(Path(config.llm.replay))
    return find_engine(config.engine, config.slots, config.training_timeout)
