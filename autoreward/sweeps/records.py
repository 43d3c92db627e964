"""The records of a sweep: the file that asks for it, and `sweep.json`, which says how far it has come."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field

from autoreward.api import TaskChoice
from autoreward.config import RunConfig
from autoreward.records import Record
from autoreward.store.records import Row
from autoreward.task import Positive

ItemT = TypeVar("ItemT")


def _by_name(value: object) -> object:
    return {"task": value} if isinstance(value, str) else value


def _apart(value: object) -> object:
    """Runs of a sweep are compared, so none is judged by the episodes of those before it, unless the file says so."""
    return {"episodes": "own", **value} if isinstance(value, dict) else value


def _listed(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else (value,)


Choice = Annotated[TaskChoice, BeforeValidator(_by_name)]
Several = Annotated[tuple[ItemT, ...], BeforeValidator(_listed)]
"""One value or a list of them."""


class Exclude(Record):
    """Runs that are left out: those of which every field that is given holds."""

    task: Several[str] = ()
    designer: Several[str] = ()
    model: Several[str] = ()
    override: Several[str] = ()
    seed: Several[int] = ()


class Include(Record):
    """Runs in addition: a matrix of its own. What is not given is as in the file: each of its tasks, its seeds ..."""

    task: Several[Choice] = ()
    designer: Several[str] = ()
    model: Several[str] = ()
    override: Several[str] = ()
    seed: Several[Annotated[int, Field(ge=0)]] = ()


class SweepBudget(Record):
    """Caps of a whole sweep; None is no cap. At a cap no further work is begun; a larger one goes on where it stood."""

    env_steps: Positive | None = None
    """Environment steps of all trainings, those of selection and report too; a shared one counts once."""
    wall_seconds: Positive | None = None
    """Seconds, counted over all resumptions."""
    llm_tokens: Positive | None = None
    """Tokens of prompts and replies of all runs together."""
    llm_usd: Annotated[float, Field(gt=0)] | None = None
    """US dollars for the language model; needs a known price, or `llm.price_in` and `llm.price_out`."""


class SweepFile(Record):
    """A sweep as its YAML file gives it: every task with every designer, model, override and seed."""

    tasks: tuple[Choice, ...]
    """Names of packs' tasks, or mappings with env, text, success, success_rule, env_kwargs, step_limit."""
    designers: tuple[str, ...] = ()
    """`RunConfig.designer` of the runs; none: that of `config`."""
    models: tuple[str, ...] = ()
    """`RunConfig.llm.model` of those that ask a language model; none: that of `config`."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = (0,)
    """`RunConfig.seed` of each run."""
    config: Annotated[RunConfig, BeforeValidator(_apart)] = RunConfig(episodes="own")
    """What all runs share."""
    overrides: tuple[dict[str, Any], ...] = ()
    """Settings to compare: each a `name` with fields of `RunConfig` that replace those of `config`; none: `config`."""
    include: tuple[Include, ...] = ()
    """Runs beside those of the matrix."""
    exclude: tuple[Exclude, ...] = ()
    """Runs of the matrix that are left out; those of `include` are not."""
    budget: SweepBudget = SweepBudget()
    """Caps of the whole."""


class Point(Record):
    """Where a run's search stood when a round had ended."""

    env_steps: int
    """Environment steps of the search so far."""
    usd: float | None
    """US dollars of the language model so far; None where a price is not known."""
    success: float
    """True success of the best candidate so far on its search seeds, which chose it; 0 while there is none."""


class SweepRun(Record):
    """One run of a sweep."""

    name: str
    """Of its folder in the sweep's folder."""
    task: str
    seed: int
    arm: str
    """What is compared: designer, model and override, as far as the sweep varies them."""
    status: Literal["waiting", "unfinished", "finished", "failed"] = "waiting"
    """`failed` runs ended through a fault, and are gone on with when the sweep is called again."""
    error: str = ""
    rows: tuple[Row, ...] = ()
    """Of the run's report."""
    path: tuple[Point, ...] = ()
    """A point a round."""

    @property
    def designed(self) -> Row | None:
        """The designed reward on the report's seeds."""
        return next((row for row in self.rows if row.name == "designed"), None)


class SweepSpent(Record):
    """What a sweep has used so far."""

    env_steps: int = 0
    """Of trainings that are over, each counted once."""
    wall_seconds: float = 0.0
    """Over all resumptions."""
    llm_tokens: int = 0
    llm_usd: float | None = 0.0
    """US dollars; None where the price of a call is not known."""
    reckoned_usd: float = 0.0
    """The same as the cap on money reckons: calls of no known price at the usual one."""
    under_way: dict[str, int] = {}
    """Trainings that were begun and are not counted yet -> their steps; they may go on without this process."""
    steps_needed: int = 0
    """What the cap on steps would have had to be for the training that it refused last."""


class SweepRecord(Record):
    """`sweep.json`: every run of a sweep and how it ended."""

    file: str
    runs: tuple[SweepRun, ...]
    spent: SweepSpent = SweepSpent()
    stopped: str = ""
    """Which cap ended the sweep, in words; empty where none did."""
    schema_version: int = 2
