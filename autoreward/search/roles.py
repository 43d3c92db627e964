"""Who plays which role in a run: Designer, language model, cell and engine."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass

from autoreward.config import LLMConfig, RunConfig
from autoreward.designer.contract import Designer
from autoreward.designer.registry import find_designer
from autoreward.engine.contract import Engine
from autoreward.engine.local import LocalEngine
from autoreward.llm.contract import Chat
from autoreward.llm.openai_chat import OpenAIChat
from autoreward.llm.prices import Prices
from autoreward.llm.recorded import RecordedChat
from autoreward.prompts.render import Templates
from autoreward.sandbox.contract import Cell
from autoreward.sandbox.isolation import Level
from autoreward.sandbox.process import ProcessCell
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
    """What `auto` means here: the language model where an endpoint is configured, else the composer."""
    if name != "auto":
        return name
    configured = llm.base_url or os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL")
    return "llm" if configured else "composer"


def least_isolation(config: RunConfig, designer: str, task: Task) -> Level:
    """What a run asks for: its own `--isolation`, else B; C where only the composer's and our packs' programs run."""
    if config.isolation is not None:
        return config.isolation
    ours = task.reference is None or (task.name in task_names() and load_task(task.name).reference == task.reference)
    return "C" if designer == "composer" and config.start_from is None and ours else "B"


def cast(
    folder: RunFolder,
    designer: str,
    config: RunConfig,
    least: Level,
    chat: Chat | None = None,
    engine: Engine | None = None,
) -> Roles:
    """Fill the roles from a configuration; `chat` and `engine` replace the configured ones.

    Raises:
        EndpointError: the language model designs, and no key or endpoint is configured.
        UnknownName: there is no such designer.
        UserError: the folder of prompt templates is broken, or money is capped and the model's price unknown.
    """
    templates = Templates(config.llm.prompts)
    recorded = None
    if chat is not None or designer == "llm":
        prices = Prices(config.llm)
        recorded = RecordedChat(chat or OpenAIChat(config.llm), folder.rounds_path, config.budget, prices)
    return Roles(
        designer=find_designer(designer, recorded, templates),
        engine=engine or LocalEngine(config.slots, config.training_timeout),
        new_cell=functools.partial(ProcessCell, least=least),
        templates=templates,
        least=least,
        chat=recorded,
    )
