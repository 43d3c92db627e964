"""A task: what the agent should do, when it has done it, and in which environment. Packs hold tasks as YAML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, model_validator
from pydantic import Field as PydanticField
from pydantic_core import PydanticCustomError

from autoreward.environment import EnvChanges
from autoreward.environment import EnvSpec as EnvSpec
from autoreward.environment import Positive as Positive
from autoreward.environment import RobotSpec as RobotSpec
from autoreward.errors import UnknownName, UserError
from autoreward.records import Record, read_yaml

PACKS = Path(__file__).parent / "envs" / "packs"

Fraction = Annotated[float, PydanticField(gt=0, le=1)]


def _some(widths: tuple[int, ...]) -> tuple[int, ...]:
    if not widths:
        raise PydanticCustomError("widths", "a policy needs a hidden layer at least; give its width, such as 64")
    return widths


Widths = Annotated[tuple[Positive, ...], AfterValidator(_some)]
"""Of hidden layers, one at least."""


class TrainerSettings(Record):
    """PPO's settings. Packs give those that suit their environment; `RunConfig.trainer` overrides single ones."""

    name: str = "batch"
    """Which trainer: `batch`, `sb3`, or `module:attr` of your own."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the policy is trained; `auto` takes a GPU where there is one and the batch is large enough to fill it."""
    worlds: Literal["auto", "batch", "gym", "warp"] = "auto"
    """Who simulates: MuJoCo all together (`batch`), mujoco-warp on a GPU (`warp`), or Gymnasium one by one (`gym`)."""
    stack: Positive = 1
    """How many trainings share one process, their policies in one batch: for GPUs; on a CPU small minibatches gain."""
    algorithm: str = "PPO"
    """For `sb3`: PPO, A2C, SAC, TD3, DDPG, DQN, or `module:Class`, such as `sb3_contrib:TQC`."""
    algorithm_kwargs: dict[str, Any] = {}
    """For `sb3`: arguments of the algorithm's class, where they differ from what the settings here make of it."""
    num_envs: Positive = 16
    """Environments stepped together, N."""
    rollout: Positive = 128
    """Steps of each environment between two updates, T."""
    minibatch: Positive = 512
    epochs: Positive = 10
    learning_rate: Annotated[float, PydanticField(gt=0)] = 3e-4
    gamma: Fraction = 0.99
    gae_lambda: Fraction = 0.95
    clip: Annotated[float, PydanticField(gt=0)] = 0.2
    entropy: Annotated[float, PydanticField(ge=0)] = 0.0
    value: Annotated[float, PydanticField(ge=0)] = 0.5
    max_grad_norm: Annotated[float, PydanticField(gt=0)] = 0.5
    log_std: float = 0.0
    """Initial logarithm of the standard deviation of continuous actions."""
    hidden: Widths = (64, 64)
    use_sde: bool = False
    """State-dependent exploration (gSDE) instead of independent noise in each step."""
    evaluations: Positive = 5
    """How many times the policy is evaluated on the true success during a training, evenly spaced."""
    evaluation_episodes: Positive = 20
    """Episodes of each evaluation."""
    acting: Literal["best", "drawn"] = "best"
    """How evaluated policies choose among discrete actions: the best (and may circle for ever), or as in training."""
    shipped: Literal["best", "last"] = "best"
    """Which policy is kept: the last, or that of the best own return (wrong where success ends what would pay on)."""


class SuccessRule(Record):
    """When an episode counts as a success."""

    expression: str
    """True or false in each step, over the fields after the step."""
    rule: Literal["ever", "final", "held"] = "ever"
    """`ever`: in some step; `final`: in the last step; `held`: in `steps` consecutive steps."""
    steps: Positive = 1
    """For `held`: how many consecutive steps."""
    ends_episode: bool = False
    """Whether the episode ends when the rule first holds (`ever` and `held`)."""

    @classmethod
    def parse_rule(cls, text: str) -> tuple[Literal["ever", "final", "held"], int]:
        """`ever`, `final` or `held:K` as typed by a user, as (rule, steps)."""
        if text in ("ever", "final"):
            return ("ever", 1) if text == "ever" else ("final", 1)
        if (match := re.fullmatch(r"held:(\d+)", text)) and int(match[1]) > 0:
            return "held", int(match[1])
        raise UserError(f"--success-rule {text!r} is not a rule; type ever, final or held:K (K steps in a row)")

    def __str__(self) -> str:
        """The rule as a person reads it."""
        when = {"ever": "in some step", "final": "in the last step", "held": f"{self.steps} steps in a row"}[self.rule]
        return f"{self.expression}   ({when}{'; ends the episode' if self.ends_episode else ''})"


class Score(Record):
    """A number for each episode, to rank candidates whose success rates are equal. Higher is better."""

    expression: str
    """A number in each step, over the fields after the step."""
    reduce: Literal["mean", "sum", "last", "max", "min"] = "mean"
    unit: str = ""


class Measure(Score):
    """A number for each episode of an evaluation that tells how the agent behaves; it ranks nothing."""

    among: str | None = None
    """Expression: only episodes count in which it held in some step. The measure is the mean over those."""


class Task(Record):
    """Everything that defines a task. Records of a run hold it whole, so that a changed pack cannot change a run."""

    name: str
    text: str
    wishes: str = ""
    """How it should be done, in words, where success does not measure it: gently, quietly, without tipping over."""
    env: EnvSpec
    success: SuccessRule
    score: Score | None = None
    outcomes: dict[str, str] = {}
    """Named expressions over the fields after an episode's last step, such as `fell: height < 0.7`."""
    measures: dict[str, Measure] = {}
    """Named numbers of every evaluation, such as the share of steps in which the agent stood still."""
    reference: str | None = None
    """Source of a hand-written reward program, where the environment has no reward for this task."""
    grammar: Literal["terms", "signs"] = "terms"
    steps: Positive = 200_000
    """Environment steps of one training."""
    report_episodes: Positive = 50
    """Evaluation episodes of each training on selection and report seeds, where the run says none."""
    trainer: TrainerSettings = TrainerSettings()

    @model_validator(mode="after")
    def _has_text(self) -> Task:
        if not self.text.strip():
            raise ValueError("text: say in words what the agent should do")
        return self


class Tier(Record):
    """How hard a task is: `pack/task/tier`."""

    env: EnvChanges = EnvChanges()
    steps: Positive | None = None
    """None: as many as the task says."""


class PackTask(Record):
    """A task as a pack file gives it."""

    text: str
    wishes: str = ""
    success: SuccessRule
    score: Score | None = None
    outcomes: dict[str, str] = {}
    measures: dict[str, Measure] = {}
    reference: str | None = None
    """File beside the pack with a hand-written reward program."""
    grammar: Literal["terms", "signs"] = "terms"
    steps: Positive = 200_000
    report_episodes: Positive = 50
    trainer: TrainerSettings = TrainerSettings()
    env: EnvChanges | None = None
    """Where the task's environment is another one than the pack's, which then is no task by itself."""
    tiers: dict[str, Tier] = {}
    """By name; the task without one has the first."""


class Pack(Record):
    """An environment with its tasks: one YAML file."""

    env: EnvSpec
    tasks: Annotated[dict[str, PackTask], PydanticField(min_length=1)]
    """The first is what the pack's bare name means."""


def task_names(folder: Path = PACKS) -> list[str]:
    """Every task of the packs in a folder: `pack` for the first task of a pack, `pack/task` for others; no tiers."""
    names = []
    for path in sorted(folder.glob("*.yaml")):
        pack = read_yaml(path, Pack, "pack")
        names += [_name(path, pack, task) for task in pack.tasks]
    return names


def _name(pack_file: Path, pack: Pack, task: str) -> str:
    """`pack` for the first task of a pack, unless each has an environment of its own."""
    first = task == next(iter(pack.tasks)) and pack.tasks[task].env is None
    return pack_file.stem if first else f"{pack_file.stem}/{task}"


def foreign_code(pack: Pack) -> list[str]:
    """Where a pack names Python that is imported and run (`field: module:attribute`), or its interpreter."""
    interpreter = [f"env.python: {pack.env.python}"] if pack.env.python else []
    names = {} if pack.env.robot is not None else {"env.id": pack.env.id}
    for name, task in pack.tasks.items():
        names |= {f"tasks.{name}.trainer.{part}": getattr(task.trainer, part) for part in ("name", "algorithm")}
        changes = {"": task.env, **{f"tiers.{tier}.": given.env for tier, given in task.tiers.items()}}
        names |= {f"tasks.{name}.{at}env.id": change.id for at, change in changes.items() if change and change.id}
    return interpreter + [f"{field}: {value}" for field, value in names.items() if ":" in value]


def _check_trusted(pack: Pack, path: Path, trust: str | None) -> None:
    """A pack is data, and may come from anywhere but here; what it wants to be run is said before it is."""
    named = trust is not None and (Path(trust).resolve() == path.resolve() or trust == path.stem)
    named |= path.resolve().parent == PACKS.resolve()
    if (code := foreign_code(pack)) and not named:
        raise UserError(
            f"pack {path} wants Python to be imported and run in this process and in workers ({'; '.join(code)}). "
            f"Look at that code, and if you trust it, add --trust {path}"
        )


def load_task(name: str, folder: Path = PACKS, trust: str | None = None, tier: str = "") -> Task:
    """The task of that name, or of a pack file of one's own.

    Args:
        name: `pack`, `pack/task` or `pack/task/tier`; with `path/to/pack.yaml` for `pack` where it is a file.
        folder: of the packs that are known by name.
        trust: path or name of a pack file that may have Python imported and run.
        tier: how hard, where the name does not say it; empty: the first of the task's tiers.

    Raises:
        UnknownName: no pack, task or tier has that name.
        UserError: the pack file has a wrong field, or names Python to run and is not trusted.
    """
    file, _, rest = name.partition(".yaml")
    if ".yaml" in name:
        path = Path(file + ".yaml")
    else:
        stem, _, rest = name.partition("/")
        path = folder / f"{stem}.yaml"
        if not path.exists():
            raise UnknownName("task", name, task_names(folder), "`autoreward envs` lists all tasks.")
    pack = read_yaml(path, Pack, "pack")
    _check_trusted(pack, path, trust)
    wanted, _, named = rest.strip("/").partition("/")
    if tier and named and tier != named:
        raise UserError(f"{name} is of the tier {named}, and --tier says {tier}; leave one of them out")
    wanted = wanted or next(iter(pack.tasks))
    if wanted not in pack.tasks:
        raise UnknownName("task", f"{path.stem}/{wanted}", [f"{path.stem}/{task}" for task in pack.tasks])
    task = _task(path, pack, wanted)
    return _in_tier(task, pack.tasks[wanted].tiers, tier or named)


def _task(path: Path, pack: Pack, wanted: str) -> Task:
    given = pack.tasks[wanted]
    env = _with_model(pack.env, path).with_interpreter(path)
    reference = None
    if given.reference is not None:
        reference = _beside(path, given.reference, f"tasks.{wanted}.reference")
    own = ("reference", "env", "tiers")
    return Task(
        name=_name(path, pack, wanted),
        env=env if given.env is None else given.env.applied_to(env),
        reference=reference,
        **{key: getattr(given, key) for key in PackTask.model_fields if key not in own},
    )


def _in_tier(task: Task, tiers: dict[str, Tier], wanted: str) -> Task:
    """The task as hard as is wanted; without a wish, in the first of its tiers and under its own name."""
    if wanted and wanted not in tiers:
        there = f"{task.name} has {', '.join(tiers)}." if tiers else f"{task.name} has no tiers; leave it out."
        raise UnknownName("tier", wanted, tiers, there)
    if not tiers:
        return task
    usual = next(iter(tiers))
    tier, name = tiers[wanted or usual], f"{task.name}/{wanted}" if wanted not in ("", usual) else task.name
    update = {"name": name, "env": tier.env.applied_to(task.env), "steps": tier.steps or task.steps}
    return task.model_copy(update=update)


def _with_model(env: EnvSpec, pack: Path) -> EnvSpec:
    """The environment with its robot's model as text, so that a task needs no file beside it."""
    if env.robot is None or env.robot.has_model:
        return env
    model = _beside(pack, env.robot.model, "env.robot.model")
    return env.model_copy(update={"robot": env.robot.model_copy(update={"model": model})})


def _beside(pack: Path, name: str, field: str) -> str:
    """The text of a file in a pack's folder; a pack from elsewhere reads no other files of the user's."""
    file = (pack.parent / name).resolve()
    if not file.is_relative_to(pack.parent.resolve()):
        raise UserError(f"pack {pack}: {field}: {name} lies outside the pack's folder; put the file beside the pack")
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"pack {pack}: {field}: {error}") from None
