"""`run --dry-run`: what a run would do, shown without doing it."""

from __future__ import annotations

from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from autoreward.commands.envs import schema_table
from autoreward.config import RunConfig
from autoreward.designer.contract import Brief
from autoreward.display import code, show
from autoreward.errors import AutorewardError
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.report.text import clean
from autoreward.schema import EnvSchema
from autoreward.search.racing import most_steps, rungs
from autoreward.search.seeds import report_seeds, search_seeds, selection_seeds
from autoreward.task import Task


class _Shown(Exception):
    """Ends a dry run's conversation where the first reply would be paid for."""


class _Listening:
    """A chat that keeps what it is asked, and never answers."""

    def __init__(self) -> None:
        self.messages: tuple[Message, ...] = ()

    def complete(self, name: CallName, messages: tuple[Message, ...], answer: type[BaseModel] | None = None) -> Reply:
        """Keep the messages; there is no reply."""
        self.messages = messages
        raise _Shown


def show_plan(task: Task, config: RunConfig, console: Console) -> None:
    """Print the plan of a run: task, fields, trainings, seeds, and what the Designer is asked or proposes first."""
    from autoreward.search.loop import prepared
    from autoreward.search.roles import least_isolation, resolve_designer

    task, config, schema = prepared(task, config)
    designer = resolve_designer(config.designer, config.llm)
    if designer == "llm":
        from autoreward.prompts.render import Templates
        from autoreward.search.rehearsal import rehearse

        rehearse(Templates(config.llm.prompts), task, schema, config.llm.effort)
    lines = plan_lines(task, config, designer)
    lines.append(f"isolation  of reward programs: level {least_isolation(config, designer, task)} at least")
    show(console, (Text(clean(line)) for line in lines))
    console.print(schema_table(schema))
    for title, body in _first_words(task, schema, config, designer):
        console.rule(Text(title))
        console.print(Text(clean(body)) if designer == "llm" else code(body, console))
    console.print(Text("dry run: nothing was trained, asked or written"))


def plan_lines(task: Task, config: RunConfig, designer: str) -> list[str]:
    """The plan in words: what is searched, what it may cost, and on which seeds."""
    each = task.steps
    finals = config.finalists * config.selection_seeds
    # The winner, the sparse reward, and the human or reference reward; random actions train nothing.
    reports = 3 * config.report_seeds
    caps = ", ".join(f"{name} {value:,}" for name, value in config.budget if value is not None) or "none"
    return [
        f"task       {task.name}: {task.text}",
        *([f"wishes     {task.wishes}"] if task.wishes else []),
        f"env        {task.env.id}",
        f"success    {task.success}",
        f"score      {task.score.expression + ' (' + task.score.reduce + ')' if task.score else 'none'}",
        f"designer   {designer}, grammar {task.grammar}",
        f"search     {config.rounds} rounds x {config.candidates} candidates x {config.search_seeds} seeds"
        f"{_search_cost(task, config)}",
        f"selection  at most {finals} trainings = {finals * each:,} environment steps",
        f"report     at most {reports} trainings = {reports * each:,} environment steps, with the baselines",
        f"caps       {caps}",
        f"seeds      search {_span(search_seeds(config))}, selection {_span(selection_seeds(config))}, "
        f"report {_span(report_seeds(config))}",
    ]


def _search_cost(task: Task, config: RunConfig) -> str:
    """What the search's trainings take at most, in words."""
    trainings = config.rounds * config.search_seeds
    cap = config.budget.env_steps
    if not config.halvings:
        allowed = trainings * config.candidates
        allowed = allowed if cap is None else min(allowed, cap // task.steps)
        return f": at most {allowed} trainings of {task.steps:,} steps = {allowed * task.steps:,} environment steps"
    steps = rungs(task, config.halvings)
    usual, most = (trainings * most_steps(config.candidates, steps, extra) for extra in (0, 1))
    usual, most = (value if cap is None else min(value, cap) for value in (usual, most))
    at = ", ".join(f"{rung:,}" for rung in steps[:-1])
    return f", halved at {at} of {task.steps:,} steps: about {usual:,} environment steps, at most {most:,}"


def _span(seeds: tuple[int, ...]) -> str:
    return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]}-{seeds[-1]}"


def _first_words(task: Task, schema: EnvSchema, config: RunConfig, designer: str) -> list[tuple[str, str]]:
    """Title and body of each prompt that the language model would get first, or of the first proposals."""
    if config.start_from is not None:
        from autoreward.commands.verify import read_reward

        return [(f"candidate 0.0, from {config.start_from}", read_reward(config.start_from))]
    if designer == "llm":
        chat = _Listening()
        return [
            (f"prompt: {message.role}", message.content)
            for message in _prompts(chat, _brief(task, schema, config, 0, ()), config)
        ]
    from autoreward.designer.registry import find_designer
    from autoreward.prompts.render import Templates

    chosen = find_designer(designer, None, Templates(config.llm.prompts))
    shown: list[tuple[str, str]] = []
    sources: tuple[str, ...] = ()
    for index in range(config.candidates):
        proposal = chosen.propose(_brief(task, schema, config, index, sources))
        sources += (proposal.source,)
        shown.append((f"candidate 0.{index}", proposal.source))
    return shown


def _prompts(chat: _Listening, brief: Brief, config: RunConfig) -> tuple[Message, ...]:
    from autoreward.designer.llm import LLMDesigner
    from autoreward.prompts.render import Templates

    try:
        LLMDesigner(chat, Templates(config.llm.prompts), config.llm.effort).propose(brief)
    except _Shown:
        return chat.messages
    raise AutorewardError("the Designer asked for nothing; this is a bug")


def _brief(task: Task, schema: EnvSchema, config: RunConfig, index: int, siblings: tuple[str, ...]) -> Brief:
    return Brief(
        task=task,
        schema_=schema,
        grammar=task.grammar,
        round=0,
        index=index,
        candidates=config.candidates,
        siblings=siblings,
        seed=config.seed,
    )
