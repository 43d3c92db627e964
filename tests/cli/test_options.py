"""Every field of the configuration is a flag; flags override the file; the help says so."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from autoreward.api import TaskChoice
from autoreward.cli import main, parse
from autoreward.commands.run import Run
from autoreward.config import RunConfig, TrainerOverrides
from autoreward.task import TrainerSettings

COMMANDS = ["run", "sweep", "inspect", "report", "resume", "verify", "train", "export", "envs", "doctor", "prompts"]


def fields(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Every field of a model and of those nested in it, by its dotted name."""
    found = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= fields(field.annotation, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = field
    return found


def value_for(name: str, field: Any) -> tuple[list[str], Any]:
    """Words of a command line for a field, and what it should become: never the default."""
    text = str(field.annotation)
    if "tuple" in text:
        return ["32", "16"], (32, 16)
    if "bool" in text:
        return [], not field.default
    if "Literal" in text:
        last = re.findall(r"'(\w+)'", text)[-1]
        return [last], last
    if name.endswith(("_kwargs", "extra_body", ".options")):
        return ['{"tau": 0.5}'], '{"tau": 0.5}'
    if "Path" in text:
        return ["some/where"], Path("some/where")
    if "float" in text:
        return ["0.625"], 0.625
    if "int" in text:
        number = 1 if name == "halvings" else 7
        return [str(number)], number
    return [f"my-{name}"], f"my-{name}"


def parsed(*arguments: str) -> RunConfig:
    command = parse(["run", "reacher", *arguments])
    assert isinstance(command, Run)
    assert command.task == "reacher"
    return command.config


@pytest.mark.parametrize("name", list(fields(RunConfig)))
def test_every_field_is_a_flag(name: str) -> None:
    field = fields(RunConfig)[name]
    words, expected = value_for(name, field)
    flag = "--" + name.replace("_", "-")
    if not words:
        parent, dot, last = flag.removeprefix("--").rpartition(".")
        flag = f"--{parent}{dot}no-{last}" if field.default else flag
    config: Any = parsed(flag, *words)
    for part in name.split("."):
        config = getattr(config, part)
    assert config == expected


def test_trainer_overrides_name_the_settings() -> None:
    assert list(TrainerOverrides.model_fields) == list(TrainerSettings.model_fields)


def test_arguments_of_an_algorithm_come_from_yaml_and_from_flags(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"tau": 0.5, "policy_kwargs": {"activation_fn": "Tanh"}}
    file = tmp_path / "config.yaml"
    file.write_text("trainer: {algorithm: SAC, algorithm_kwargs: {tau: 0.5, policy_kwargs: {activation_fn: Tanh}}}\n")
    for config in (parsed("--config", str(file)), parsed("--trainer.algorithm-kwargs", json.dumps(given))):
        assert config.trainer.applied_to(TrainerSettings()).algorithm_kwargs == given
    assert parsed("--config", str(file)).trainer.algorithm == "SAC"
    for wrong in ("[1]", "{tau"):
        assert main(["run", "reacher", "--trainer.algorithm-kwargs", wrong]) == 2
        said = capsys.readouterr().err
        assert "--trainer.algorithm-kwargs" in said
        assert "no JSON object" in said


def test_flags_override_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("rounds: 7\ncandidates: 5\nbudget: {env_steps: 500, llm_calls: 3}\nllm: {review: false}\n")
    config = parsed("--config", str(file), "--rounds", "9", "--budget.llm-calls", "4")
    assert (config.rounds, config.candidates) == (9, 5)
    assert (config.budget.env_steps, config.budget.llm_calls) == (500, 4)
    assert not config.llm.review
    assert parsed(f"--config={file}", "--llm.review").llm.review
    for flags in (["--budget.env-steps", "none", "--rounds", "2"], ["--budget.env_steps=none", "--rounds=2"]):
        lifted = parsed("--config", str(file), *flags)
        assert (lifted.budget.env_steps, lifted.budget.llm_calls, lifted.rounds) == (None, 3, 2)
    assert parsed("--designer", "none").designer == "none"


def test_defaults_are_those_of_the_configuration() -> None:
    assert parsed() == RunConfig()


def test_underscores_do_as_well() -> None:
    assert parsed("--search_seeds", "4").search_seeds == 4


@pytest.mark.parametrize("command", [*COMMANDS, "envs show", "prompts copy"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    assert f"usage: autoreward {command.split()[0]}" in capsys.readouterr().out


def test_without_arguments_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "First steps" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("autoreward 0.")


def test_wishes_are_said_beside_a_task_of_a_pack_and_beside_ones_own() -> None:
    own = {"env": "CartPole-v1", "text": "Balance.", "success": "abs(pole_angle) < 0.05"}
    for choice in (TaskChoice(task="reacher", wishes="Gently."), TaskChoice(**own, wishes="Gently.")):
        assert choice.resolve().wishes == "Gently."
    assert TaskChoice(task="reacher").resolve().wishes == ""
    command = parse(["run", "reacher", "--wishes", "Gently."])
    assert isinstance(command, Run)
    assert command.wishes == "Gently."


@pytest.mark.parametrize("command", [["run", "reacher"], ["train", "reward.py", "--env", "reacher"]])
def test_the_device_has_a_short_name(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--device", "--trainer.device"):
        given: Any = parse([*command, flag, "cpu"])
        assert (given.config if isinstance(given, Run) else given).trainer.device == "cpu"
    assert main([command[0], "--help"]) == 0
    assert "--device {" in capsys.readouterr().out
