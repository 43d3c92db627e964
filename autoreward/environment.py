"""Which environment a task takes place in, and how it is made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field as PydanticField
from pydantic import model_validator

from autoreward.records import Record
from autoreward.schema import Field

Positive = Annotated[int, PydanticField(gt=0)]
Use = Literal["training", "evaluation", "report"]
"""What an environment is made for."""


class RobotSpec(Record):
    """A MuJoCo robot that is data only: a model, and what the policy sees, where it starts and when it has failed."""

    model: str
    """MJCF: in a pack, a file beside it; in a task, its text. It stands alone: no meshes, textures or includes."""
    frame_skip: Positive = 1
    """Physics steps of one control step."""
    observations: Annotated[tuple[str, ...], PydanticField(min_length=1)]
    """What the policy sees, joined in this order: sources of MuJoCo's such as `qpos[2:]`, `qvel` or `sensor.gyro`."""
    reset_noise: Annotated[float, PydanticField(ge=0)] = 0.0
    """An episode begins with uniform noise of up to so much on every position and velocity."""
    start: dict[str, tuple[float, float]] = {}
    """Parts of the start that are drawn from a range instead, such as `qpos[3]: [-0.5, 0.5]`."""
    healthy: str = "True"
    """Expression over the fields after a step: the episode ends when it is false."""
    reward: str = "0"
    """The robot's own reward: an expression over the fields after a step and `action`."""
    action: str = ""
    """What the action's numbers are, in order."""

    @property
    def has_model(self) -> bool:
        """Whether `model` is the MJCF itself, no longer a file's name."""
        return self.model.lstrip().startswith("<")


class EnvSpec(Record):
    """Which environment, and how it is made."""

    id: str
    """Gymnasium id, `module:Id`, or `module:factory`; with `robot`, any name."""
    kwargs: dict[str, Any] = {}
    evaluation: dict[str, Any] = {}
    """Keyword arguments that are others where policies are evaluated and compared, such as worlds not trained in."""
    report: dict[str, Any] = {}
    """Keyword arguments that are others in the final report, whose worlds nothing was chosen by."""
    step_limit: Positive | None = None
    """Overrides the environment's own limit."""
    fields: tuple[Field, ...] = ()
    """Named and documented fields of a pack; empty: the schema is derived."""
    description: str = ""
    robot: RobotSpec | None = None
    """A robot that is data only, instead of an environment of Gymnasium's."""
    python: Annotated[str, PydanticField(min_length=1)] | None = None
    """The interpreter that it lives in, where that is not autoreward's own; in a pack, relative to its file, or `~`."""
    install: str = ""
    """What a user types who has no such interpreter."""

    def used_for(self, use: Use) -> EnvSpec:
        """The environment as it is made for training, evaluation or report."""
        other: dict[str, Any] = {} if use == "training" else getattr(self, use)
        return self.model_copy(update={"kwargs": {**self.kwargs, **other}, "evaluation": {}, "report": {}})

    def with_interpreter(self, pack: Path) -> EnvSpec:
        """The environment with the whole path of its interpreter, which a pack's file gives from where it lies.

        A link is kept: that of a virtual environment is what makes it one.
        """
        if self.python is None:
            return self
        python = os.path.normpath(pack.resolve().parent / os.path.expanduser(self.python))
        return self.model_copy(update={"python": python})

    @model_validator(mode="after")
    def _robot_is_described(self) -> EnvSpec:
        if self.robot is not None and (self.kwargs or self.evaluation or self.report):
            raise ValueError("kwargs: a robot that is data only takes none")
        if self.robot is not None and not self.fields:
            raise ValueError("fields: name and document what rewards can read of the robot")
        return self


class EnvChanges(Record):
    """What a task or a tier has otherwise than its pack's `env`."""

    id: str | None = None
    kwargs: dict[str, Any] = {}
    """Added to the pack's."""

    def applied_to(self, env: EnvSpec) -> EnvSpec:
        """The environment with the changes."""
        return env.model_copy(update={"id": self.id or env.id, "kwargs": {**env.kwargs, **self.kwargs}})
