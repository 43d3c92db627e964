"""The command line: `main` reads the arguments, executes a command, and turns errors into messages and exit codes."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Union

import tyro
from pydantic import BaseModel, ValidationError
from tyro.constructors import ConstructorRegistry, StructConstructorSpec, StructTypeInfo

import autoreward
from autoreward.commands.arguments import Command
from autoreward.config import Budget, RunConfig
from autoreward.errors import AutorewardError, UnknownName, UserError
from autoreward.records import read_yaml

INTERRUPTED = 130
BROKEN_PIPE = 141
"""As the shell counts a process that SIGPIPE ended."""

DESCRIPTION = """Say in words what an agent should do; get a reward function in Python, and the evidence that it works.

First steps: `autoreward run reacher`, then `autoreward inspect`.
COMMAND --help explains a command; --version prints the version."""

_COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run:Run", "Design a reward for a task."),
    "sweep": ("sweep:Sweep", "Run and compare the matrix of a YAML file."),
    "inspect": ("inspect:Inspect", "Show what a run found."),
    "report": ("report:ReportPage", "Write a run's page again: one HTML file."),
    "view": ("view:ViewRuns", "Show all runs on a local page, live."),
    "why": ("why:Why", "Tell why a candidate was kept or dropped."),
    "compare": ("compare:Compare", "Compare runs: success, rewards, settings, cost."),
    "resume": ("run:Resume", "Go on with a run that was stopped."),
    "verify": ("verify:Verify", "Check a reward file."),
    "train": ("files:Train", "Train on a reward file alone."),
    "play": ("play:Play", "Film episodes of a policy."),
    "export": ("files:Export", "Write a run's best reward as an importable package."),
    "envs": ("envs:Envs", "List tasks; `envs show ID` shows an environment's fields."),
    "doctor": ("doctor:Doctor", "Say what this machine offers."),
    "prompts": ("prompts:Prompts", "Show or copy the language model's prompts."),
}
"""Name -> where its class stands in `autoreward.commands`, and what it does.

A command is imported when it is asked for: some take long, and `inspect` is to be there at once."""


_MODEL = "_autoreward_model"
"""Of a class that stands for a record: types that are no plain classes bring typeguard with them, which brings asyncio
and much else, a quarter of the time that `inspect` takes."""


@dataclasses.dataclass
class _NotAsked:
    """Stands for every other command than the one that is asked for: its name and its text are all that help shows."""


def main(argv: Sequence[str] | None = None) -> int:
    """Execute a command.

    Args:
        argv: arguments without the program's name; None: those of the process.

    Returns:
        The exit code: 0; 2 for what the user can mend; 1 for a run that failed; 130 for an interrupt.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = parse(arguments).execute()
        sys.stdout.flush()
        return code
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except AutorewardError as error:
        return _say(f"error: {error}", error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except Exception as error:
        return _say(_bug(error), 1)


def parse(arguments: Sequence[str]) -> Command:
    """The command that the arguments mean.

    Raises:
        UserError: an unknown command, a value out of its range, or a configuration file that does not read.
        SystemExit: help or version was printed (0), or tyro has explained what does not parse (2).
    """
    first = arguments[0] if arguments else "--help"
    if first in ("--version", "-V"):
        sys.stdout.write(f"autoreward {autoreward.__version__}\n")
        raise SystemExit(0)
    if not first.startswith("-") and first not in _COMMANDS:
        raise UnknownName("command", first, _COMMANDS, f"Commands: {', '.join(_COMMANDS)}.")
    arguments, lifted = _lifted(arguments)
    command = _read(arguments, lifted, {})
    if first not in ("resume", "run"):
        return command
    from autoreward.commands.run import Resume, Run

    # What a run has recorded is the default of what can be changed of it, so the run must be known first.
    if isinstance(command, Resume):
        recorded = command.recorded()
        budget = recorded.budget.model_copy(update=lifted)
        return _read(arguments, lifted, {"resume": recorded.model_copy(update={"budget": budget})})
    if isinstance(command, Run) and (replayed := command.recorded()):
        budget = replayed.config.budget.model_copy(update=lifted)
        config = replayed.config.model_copy(update={"budget": budget})
        return _read(arguments, lifted, {"run": replayed.model_copy(update={"config": config})})
    return command


def _lifted(arguments: Sequence[str]) -> tuple[list[str], dict[str, None]]:
    """The arguments without `--budget.NAME none`, and the caps that these lift: tyro reads no None anywhere."""
    flags = {"--budget." + name.replace("_", mark): name for name in Budget.model_fields for mark in "_-"}
    words, left, lifted = list(arguments), list[str](), dict[str, None]()
    while words:
        word = words.pop(0)
        flag, _, value = word.partition("=")
        if flag in flags and (value == "none" or (not value and words[:1] == ["none"])):
            lifted[flags[flag]] = None
            words = words if value else words[1:]
        else:
            left.append(word)
    return left, lifted


def _read(arguments: Sequence[str], lifted: Mapping[str, None], defaults: Mapping[str, Command]) -> Command:
    """The command, with only the one that is asked for imported; advice on what does not parse knows them all."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return _parsed(arguments, _grammar(arguments, lifted, defaults))
    except SystemExit as stop:
        if not stop.code:
            raise
    return _parsed(arguments, _grammar(arguments, lifted, defaults, whole=True))


def _parsed(arguments: Sequence[str], grammar: Any) -> Command:  # noqa: ANN401 - made at run time
    command: Command = tyro.cli(
        grammar,
        prog="autoreward",
        description=DESCRIPTION,
        args=list(arguments) or ["--help"],
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.DisallowNone),
        registry=_registry(),
    )
    return command


def _registry() -> ConstructorRegistry:
    """How tyro makes our records: as it makes any pydantic model, but a value out of range is told in our words."""
    registry, busy = ConstructorRegistry(), False

    @registry.struct_rule
    def rule(info: StructTypeInfo) -> StructConstructorSpec | None:
        nonlocal busy
        model = getattr(info.type, _MODEL, info.type)
        if busy or not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None
        busy = True
        try:
            spec = ConstructorRegistry.get_struct_spec(dataclasses.replace(info, type=model))
        finally:
            busy = False

        def make(**values: Any) -> BaseModel:  # noqa: ANN401 - whatever the flags say
            try:
                return model(**values)
            except ValidationError as error:
                raise UserError("; ".join(_flag_fault(model, fault) for fault in error.errors()[:5])) from None

        return dataclasses.replace(spec, instantiate=make) if isinstance(spec, StructConstructorSpec) else None

    return registry


def _grammar(
    arguments: Sequence[str], lifted: Mapping[str, None], defaults: Mapping[str, Command], whole: bool = False
) -> Any:  # noqa: ANN401 - made at run time
    """The union of the commands; the values of `--config FILE` are the defaults of `run`'s options.

    Unless it is to be whole, commands that are not asked for have only their names and texts.
    """
    commands, first = [], arguments[0] if arguments else "--help"
    for name, (place, text) in _COMMANDS.items():
        default: dict[str, Any] = {"default": defaults[name]} if name in defaults else {}
        file = _config_file(arguments) if name == first == "run" else None
        if file is not None:
            default["default"] = _configured(file, lifted)
        kind = _class(place) if whole or name == first else _NotAsked
        if not default and isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = type(kind.__name__, (), {_MODEL: kind, "__doc__": kind.__doc__})
        commands.append(Annotated[kind, tyro.conf.subcommand(name, description=text, **default)])
    return Union[tuple(commands)]  # noqa: UP007


def _class(place: str) -> Any:  # noqa: ANN401 - a command, or a union of commands
    module, _, name = place.partition(":")
    return getattr(import_module(f"autoreward.commands.{module}"), name)


def _configured(file: Path, lifted: Mapping[str, None]) -> Command:
    """`run` with what a configuration file says."""
    from autoreward.commands.run import Run

    config = read_yaml(file, RunConfig, "config file")
    return Run(config=config.model_copy(update={"budget": config.budget.model_copy(update=lifted)}))


def _config_file(arguments: Sequence[str]) -> Path | None:
    """What is given with `--config`: it must be known before the other flags, whose defaults it sets."""
    for place, argument in enumerate(arguments):
        if argument.startswith("--config="):
            return Path(argument.partition("=")[2])
        if argument == "--config" and place + 1 < len(arguments):
            return Path(arguments[place + 1])
    return None


def _flag_fault(model: type[BaseModel], fault: Any) -> str:  # noqa: ANN401 - pydantic's description of a fault
    """A value out of its range, as `--flag VALUE: reason`."""
    prefix = next((f"{name}." for name, field in RunConfig.model_fields.items() if field.annotation is model), "")
    name = ".".join(str(part) for part in fault["loc"] if isinstance(part, (int, str)))
    flag = f"--{prefix}{name}".replace("_", "-").rstrip("-")
    return f"{flag} {fault['input']}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _say(text: str, code: int) -> int:
    """To standard error; what a file from elsewhere is named or holds drives no terminal."""
    from autoreward.report.text import clean

    sys.stderr.write(clean(text) + "\n")
    return code


def _bug(error: Exception) -> str:
    """One line about what nobody expected, and where its traceback is kept."""
    kept = next((note for note in getattr(error, "__notes__", ()) if note.startswith("traceback: ")), None)
    if kept is None:
        with tempfile.NamedTemporaryFile("w", prefix="autoreward-", suffix=".txt", delete=False) as file:
            file.write("".join(traceback.format_exception(error)))
        kept = f"traceback: {file.name}"
    return f"error: {type(error).__name__}: {error}\nthis is a bug in autoreward; please report it with the {kept}"


if __name__ == "__main__":
    sys.exit(main())
