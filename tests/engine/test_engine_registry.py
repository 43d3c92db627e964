"""Engines by name, and what is told of those that cannot be had."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from autoreward.config import EngineConfig, RunConfig
from autoreward.engine.contract import Resources
from autoreward.engine.local import LocalEngine
from autoreward.engine.registry import NEEDED, find_engine
from autoreward.errors import UnknownName, UserError
from autoreward.records import read_yaml
from autoreward.testing.engine import InProcessEngine, line_request


def own(settings: EngineConfig, slots: int, timeout: float) -> InProcessEngine:
    return InProcessEngine()


def nothing(settings: EngineConfig, slots: int, timeout: float) -> object:
    return object()


def find(**settings: object) -> object:
    return find_engine(EngineConfig.model_validate(settings), slots=1, timeout=60)


def test_engines_by_name() -> None:
    assert isinstance(find(), LocalEngine)
    assert isinstance(find(name=f"{__name__}:own"), InProcessEngine)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"name": "rya"}, r"unknown engine 'rya'\. Closest: ray\. Type local, ray, slurm, or module:attr of your own"),
        ({"name": "nowhere:engine"}, "engine 'nowhere:engine': module 'nowhere' cannot be imported"),
        ({"name": f"{__name__}:missing"}, "has no 'missing'"),
        ({"name": f"{__name__}:find"}, r"cannot be made from \(settings, slots, timeout\)"),
        ({"name": f"{__name__}:nothing"}, r"has no submit\(request, progress\) and shutdown\(\)"),
        ({"cpus": 2}, r"asks for 2 cores, and the engine has 1 slots; type --engine\.cpus 1, or more --slots"),
        ({"gpus": 1.5}, "engine: gpus: .*a share of one GPU, or whole GPUs: 0.5, 1, 2"),
        ({"address": "auto"}, r"--engine\.address is for --engine ray, and the engine is local"),
        ({"name": "ray", "partition": "gpu"}, r"--engine\.partition is for --engine slurm, and the engine is ray"),
    ],
)
def test_what_is_wrong_with_an_engine_is_told(settings: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told):
        find(**settings)
    assert issubclass(UnknownName, UserError)


@pytest.mark.parametrize("name", NEEDED)
def test_an_extra_that_is_not_installed_is_told_with_the_line_to_type(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec(NEEDED[name]) is not None:
        there = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda package: None if package == NEEDED[name] else there(package)
        )
    with pytest.raises(UserError, match=rf"type pip install 'autoreward\[{name}\]'"):
        find(name=name)


def test_a_job_that_asks_for_more_than_there_is_is_refused(tmp_path: Path) -> None:
    request = line_request(tmp_path)
    with LocalEngine(slots=2, timeout=60) as engine:
        for resources, told in {
            Resources(cpus=3): r"asks for 3 cores, and the engine has 2 slots; type --engine\.cpus 2, or more --slots",
            Resources(gpus=999): r"asks for 999 GPUs, and this machine has .*--engine\.gpus",
        }.items():
            with pytest.raises(UserError, match=told):
                engine.submit(request.model_copy(update={"resources": resources}))
    with pytest.raises(ValueError, match="a share of one GPU, or whole GPUs"):
        Resources(gpus=1.5)


def test_a_yaml_file_may_give_the_name_alone(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text("engine: ray\n")
    (tmp_path / "long.yaml").write_text("engine: {name: slurm, partition: gpu, options: {account: robots}}\n")
    assert read_yaml(tmp_path / "short.yaml", RunConfig, "config").engine == EngineConfig(name="ray")
    engine = read_yaml(tmp_path / "long.yaml", RunConfig, "config").engine
    assert (engine.partition, engine.options) == ("gpu", '{"account": "robots"}')
