"""From a sweep file to its runs: the matrix, what is left out of it, and what is added."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoreward.api import TaskChoice, merged
from autoreward.config import RunConfig
from autoreward.designer.registry import DESIGNERS
from autoreward.errors import UnknownName, UserError
from autoreward.records import read_yaml
from autoreward.search.roles import resolve_designer, with_recording
from autoreward.sweeps.records import Include, SweepFile, SweepRun
from autoreward.task import Task

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
OF_THE_SWEEP = ("seed", "slots", "runs", "training_timeout", "engine")
"""Settings in which the runs of a sweep cannot differ: they share one pool of slots and one folder."""


@dataclass(frozen=True)
class Planned:
    """A run of the matrix, with all that it takes to start it."""

    run: SweepRun
    task: Task
    config: RunConfig


@dataclass(frozen=True)
class _Arm:
    """A designer, a model and settings."""

    designer: str
    model: str
    override: str
    name: str
    config: RunConfig


@dataclass(frozen=True)
class _Place:
    """A place in the matrix."""

    choice: TaskChoice
    task: Task
    seed: int
    arm: _Arm

    def matches(self, field: str, wanted: Sequence[object]) -> bool:
        """Whether this place has one of the wanted values; any, where none is given."""
        own: dict[str, tuple[object, ...]] = {
            "task": (self.task.name, self.choice.task, self.choice.env),
            "designer": (self.arm.designer,),
            "model": (self.arm.model,),
            "override": (self.arm.override,),
            "seed": (self.seed,),
        }
        return not wanted or any(value in own[field] for value in wanted)


def read_sweep(path: Path) -> tuple[SweepFile, list[Planned]]:
    """A sweep file, and its runs in the order in which they are carried out, all checked before the first one starts.

    All arms of one task and seed follow each other, and every task has its first seed before one has its second: so
    whatever ends a sweep early leaves whole comparisons.

    Raises:
        UserError: the file has a wrong field, an unknown task, overrides without names of their own, an `exclude` that
            nothing matches, or no run in it.
    """
    where = f"sweep file {path}"
    sweep = read_yaml(path, SweepFile, "sweep file")
    if "seed" in sweep.config.model_fields_set:
        raise UserError(f"{where}: config: a sweep has several seeds; put them under `seeds`")
    matrix = _Matrix(sweep, where)
    places = [*matrix.left(), *matrix.added()]
    if not places:
        raise UserError(f"{where} has no run in it: {_why_empty(sweep)}")
    return sweep, list(_planned(places, where))


def _why_empty(sweep: SweepFile) -> str:
    if not sweep.tasks:
        return "`tasks` is empty; name one, such as tasks: [reacher] (`autoreward envs` lists them)"
    if not sweep.seeds:
        return "`seeds` is empty; write for example seeds: [0]"
    return "`exclude` leaves nothing of the matrix; take a line out of it, or add runs with `include`"


class _Matrix:
    def __init__(self, sweep: SweepFile, where: str) -> None:
        self._sweep, self._where = sweep, where
        self._overrides = _overrides(sweep, where)

    def left(self) -> list[_Place]:
        """The product of the file's axes, without what is excluded."""
        places, out = list(self._product(Include())), set[int]()
        for number, rule in enumerate(self._sweep.exclude):
            given = {name: value for name, value in rule if value}
            if not given:
                raise UserError(f"{self._where}: exclude.{number} is empty; say which runs, such as {{task: reacher}}")
            hit = {id(place) for place in places if all(place.matches(*each) for each in given.items())}
            if places and not hit:
                there = dict.fromkeys(f"{place.task.name} with {place.arm.name}" for place in places)
                raise UserError(f"{self._where}: exclude.{number} matches no run; there are {', '.join(there)}")
            out |= hit
        return [place for place in places if id(place) not in out]

    def added(self) -> Iterator[_Place]:
        """The runs of `include`."""
        for number, rule in enumerate(self._sweep.include):
            if unknown := [name for name in rule.override if name not in self._overrides]:
                raise UnknownName(f"override of {self._where}: include.{number}:", unknown[0], self._overrides)
            yield from self._product(rule)

    def _product(self, given: Include) -> Iterator[_Place]:
        sweep = self._sweep
        arms = self._arms(
            given.designer or sweep.designers, given.model or sweep.models, given.override or tuple(self._overrides)
        )
        tasks = [(choice, choice.resolve()) for choice in given.task or sweep.tasks]
        for seed, (choice, task), arm in itertools.product(given.seed or sweep.seeds, tasks, arms):
            yield _Place(choice, task, seed, arm)

    def _arms(self, designers: Sequence[str], models: Sequence[str], overrides: Sequence[str]) -> list[_Arm]:
        """What is compared; models make a difference only to who asks one."""
        arms: dict[tuple[str, str, str], _Arm] = {}
        for designer, override in itertools.product(designers or ("",), overrides):
            config = merged(self._sweep.config, self._overrides[override], f"{self._where}: override {override}")
            config = merged(config, {"designer": designer} if designer else {}, f"{self._where}: designers")
            if config.designer not in (*DESIGNERS, "auto") and ":" not in config.designer:
                raise UnknownName("designer", config.designer, DESIGNERS, f"It stands in {self._where}.")
            asks = resolve_designer(config.designer, config.llm) == "llm"
            for model in models if models and asks else ("",):
                own = merged(config, {"llm": {"model": model}} if model else {}, f"{self._where}: models")
                parts = [designer, model, override if self._sweep.overrides or not (designer or model) else ""]
                name = "-".join(_safe(part) for part in parts if part)
                arm = _Arm(config.designer, own.llm.model if asks else "", override, name, own)
                key = arm.designer, arm.model, arm.override
                if any(each.name == name for other, each in arms.items() if other != key):
                    raise UserError(
                        f"{self._where}: two arms would be named {name!r}, after designer, model and override; "
                        "give the override another name, or put these models into sweeps of their own"
                    )
                arms.setdefault(key, arm)
        return list(arms.values())


def _overrides(sweep: SweepFile, where: str) -> dict[str, dict[str, Any]]:
    """Name -> settings."""
    found: dict[str, dict[str, Any]] = {}
    for place, override in enumerate(sweep.overrides or ({"name": "base"},)):
        name = override.get("name")
        if not isinstance(name, str) or not name or not set(name) <= _LETTERS:
            raise UserError(f"{where}: overrides.{place}: give it a name of letters, digits, '-' and '_'")
        if name in found:
            raise UserError(f"{where}: overrides.{place}: the name {name!r} is there twice")
        found[name] = {key: value for key, value in override.items() if key != "name"}
        if common := [key for key in OF_THE_SWEEP if key in found[name]]:
            home = "`seeds`" if common == ["seed"] else "`config`"
            raise UserError(f"{where}: overrides.{place}: {common[0]} is the whole sweep's; put it under {home}")
        llm = found[name].get("llm")
        both = {"designers": "designer" in found[name], "models": isinstance(llm, dict) and "model" in llm}
        if twice := [axis for axis, there in both.items() if there and getattr(sweep, axis)]:
            raise UserError(f"{where}: overrides.{place} ({name}) sets what `{twice[0]}` sets; leave one of them out")
        merged(sweep.config, found[name], f"{where}: overrides.{place} ({name})")
    return found


def _planned(places: Sequence[_Place], where: str) -> Iterator[Planned]:
    """The runs of these places, each once, under names of their own."""
    labels, names, seen = dict[str, str](), set[str](), set[tuple[str, RunConfig]]()
    seeds = {seed: rank for rank, seed in enumerate(dict.fromkeys(place.seed for place in places))}
    texts = {id(place): place.task.model_dump_json() for place in places}
    for text, place in ((texts[id(place)], place) for place in places):
        if text not in labels:
            labels[text] = _distinct(place.task.name, labels.values())
    ranks = {text: rank for rank, text in enumerate(labels)}
    for place in sorted(places, key=lambda place: (seeds[place.seed], ranks[texts[id(place)]])):
        text = texts[id(place)]
        config = with_recording(merged(place.arm.config, {"seed": place.seed}, where))
        if (text, config) in seen:
            continue
        seen.add((text, config))
        name = _distinct(f"{_safe(labels[text])}_seed{place.seed}_{place.arm.name}", names)
        names.add(name)
        yield Planned(SweepRun(name=name, task=labels[text], seed=place.seed, arm=place.arm.name), place.task, config)


def _distinct(name: str, taken: Collection[str]) -> str:
    """Two tasks of one environment have names of their own, and so have their folders."""
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return next(each for each in itertools.chain([name], numbered) if each not in taken)


def _safe(text: str) -> str:
    return "".join(letter if letter in _LETTERS else "_" for letter in text)
