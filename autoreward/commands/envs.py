"""`envs`: the packs and their tasks. `envs show`: the fields of one environment."""

from __future__ import annotations

from typing import Annotated

import tyro
from rich.table import Table
from rich.text import Text

from autoreward.api import describe, pack_task
from autoreward.commands.arguments import Command, Json
from autoreward.display import new_console, one_line, show, table
from autoreward.records import validate
from autoreward.report.text import clean, number
from autoreward.schema import EnvSchema, Field
from autoreward.task import EnvSpec, load_task, task_names


class EnvsList(Command):
    """List the packs' tasks."""

    def execute(self) -> int:
        """Print a table of tasks."""
        tasks = [load_task(name) for name in task_names()]
        rows = [(task.name, task.env.id, one_line(task.text, 400), str(task.success)) for task in tasks]
        console = new_console()
        console.print(table(("task", "environment", "text", "success"), rows))
        console.print(Text("any Gymnasium id works too: autoreward envs show CartPole-v1 lists its fields"))
        return 0


class EnvsShow(Command):
    """Show the fields that rewards and success expressions can read, and the action."""

    id: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ID")]
    """Gymnasium id, `module:Id`, `module:factory`, or a pack's task."""
    env_kwargs: Annotated[str | None, tyro.conf.arg(metavar="JSON")] = None
    """Keyword arguments of the environment."""
    trust: Annotated[str | None, tyro.conf.arg(metavar="PACK.yaml")] = None
    """A pack file whose own Python may be imported and run."""
    json_: Json = False
    """Print the schema as JSON."""

    def execute(self) -> int:
        """Print the schema."""
        from autoreward.api import TaskChoice

        task = pack_task(self.id, self.trust)
        spec = task.env if task else EnvSpec(id=self.id)
        kwargs = validate(TaskChoice, {"env_kwargs": self.env_kwargs}, "autoreward envs show").env_kwargs
        schema = describe(spec.model_copy(update={"kwargs": {**spec.kwargs, **(kwargs or {})}}))
        console = new_console()
        if self.json_:
            console.file.write(schema.model_dump_json(indent=1) + "\n")
            return 0
        if schema.description:
            console.print(Text(clean(schema.description.strip())))
        show(console, (schema_table(schema), Text(action_line(schema))))
        return 0


Envs = (
    Annotated[EnvsList, tyro.conf.subcommand("list", is_default=True)]
    | Annotated[EnvsShow, tyro.conf.subcommand("show")]
)
"""`envs`, and `envs show`."""


def schema_table(schema: EnvSchema) -> Table:
    """The fields of an environment."""
    columns = ("field", "shape", "type", "unit", "range", "policy", "meaning", "source")
    rows = [
        (
            field.name,
            "x".join(map(str, field.shape)) or "1",
            field.dtype,
            field.unit,
            _range(field),
            "sees it" if field.policy_sees else "-",
            field.meaning,
            field.source,
        )
        for field in schema.fields
    ]
    title = f"{schema.env_id}: {len(rows)} fields, episodes of at most {schema.step_limit} steps"
    return table(columns, rows, title=title)


def action_line(schema: EnvSchema) -> str:
    """The action in words."""
    action = schema.action
    if action.kind == "discrete":
        what = f"one of {action.choices} choices"
    else:
        what = f"{'x'.join(map(str, action.shape)) or '1'} number(s) from {number(action.low)} to {number(action.high)}"
    return clean(f"action: {what}{'; ' + action.meaning if action.meaning else ''}")


def _range(field: Field) -> str:
    if field.low is None and field.high is None:
        return ""
    low = "-inf" if field.low is None else number(field.low)
    return f"{low} .. {'inf' if field.high is None else number(field.high)}"
