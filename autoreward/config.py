"""The configuration of a run. Every field can be given in YAML (`--config FILE`) or as a flag."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from autoreward.records import Record
from autoreward.task import Fraction, Positive, Task, TrainerSettings

SeedCount = Annotated[int, Field(gt=0, le=1000)]


class TrainerOverrides(Record):
    """Settings of PPO that replace the pack's; None keeps them. Meanings: `autoreward.task.TrainerSettings`."""

    name: str | None = None
    num_envs: Positive | None = None
    rollout: Positive | None = None
    minibatch: Positive | None = None
    epochs: Positive | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    gamma: Fraction | None = None
    gae_lambda: Fraction | None = None
    clip: Annotated[float, Field(gt=0)] | None = None
    entropy: Annotated[float, Field(ge=0)] | None = None
    value: Annotated[float, Field(ge=0)] | None = None
    max_grad_norm: Annotated[float, Field(gt=0)] | None = None
    log_std: float | None = None
    hidden: tuple[Positive, ...] | None = None
    use_sde: bool | None = None
    evaluations: Positive | None = None
    evaluation_episodes: Positive | None = None

    def applied_to(self, settings: TrainerSettings) -> TrainerSettings:
        """The settings with every override that is given."""
        return settings.model_copy(update=self.model_dump(exclude_none=True))


class Budget(Record):
    """Caps of a run; None is no cap. At a cap the search stops, and what is there is selected and reported."""

    env_steps: Positive | None = None
    """Environment steps of all search trainings together."""
    wall_seconds: Positive | None = None
    """Seconds of the search, counted over all resumptions."""
    llm_calls: Positive | None = None
    llm_tokens: Positive | None = None


class LLMConfig(Record):
    """The language model's endpoint and settings. The key comes from OPENAI_API_KEY, never from here."""

    model: str = "gpt-5.2"
    base_url: str | None = None
    """OpenAI-compatible endpoint; None: OPENAI_BASE_URL, or the SDK's default."""
    temperature: float | None = None
    """None: the endpoint's default, as reasoning models demand."""
    max_completion_tokens: Positive | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 600.0
    retries: Annotated[int, Field(ge=0)] = 4
    review: bool = True
    """Whether the Critic reviews candidates with the language model after its executable checks."""
    prompts: Path | None = None
    """Folder of templates that replace the built-in ones of the same name (`autoreward prompts copy`)."""


class RunConfig(Record):
    """One run: a task, a designer, a search and what it may spend."""

    designer: str = "auto"
    """`composer`, `llm`, `module:attr`, or `auto`: the language model where an endpoint is configured."""
    rounds: Positive = 3
    candidates: Positive = 4
    """Candidates of each round."""
    repairs: Annotated[int, Field(ge=0)] = 3
    """How often the Designer may mend a candidate that the Critic refused."""
    steps: Positive | None = None
    """Environment steps of one training; None: the task's budget."""
    seed: Annotated[int, Field(ge=0, lt=200_000)] = 0
    """Seeds the composer and the search; training seeds are derived from it (search, select, report split)."""
    search_seeds: SeedCount = 2
    finalists: Positive = 2
    selection_seeds: SeedCount = 3
    report_seeds: SeedCount = 5
    report_episodes: Positive = 50
    """Evaluation episodes of each training on report seeds."""
    grammar: Literal["terms", "signs"] | None = None
    """None: the task's grammar."""
    start_from: Path | None = None
    """A reward file that the first round begins with."""
    slots: Annotated[int, Field(ge=0)] = 0
    """Trainings at once; 0: as many as cores."""
    training_timeout: Positive = 3600
    """Seconds without any progress after which a training is killed."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""
    shared_trainings: Path | None = None
    """Folder of finished trainings that several runs share, so that a baseline is trained once; may be deleted."""
    budget: Budget = Budget()
    llm: LLMConfig = LLMConfig()
    trainer: TrainerOverrides = TrainerOverrides()

    def for_task(self, task: Task) -> Task:
        """The task with this run's overrides: steps, grammar and trainer settings."""
        return task.model_copy(
            update={
                "steps": self.steps or task.steps,
                "grammar": self.grammar or task.grammar,
                "trainer": self.trainer.applied_to(task.trainer),
            }
        )
