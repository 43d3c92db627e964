"""The configuration of a run. Every field can be given in YAML (`--config FILE`) or as a flag."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import tyro
from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from autoreward.errors import UserError
from autoreward.records import Record
from autoreward.task import Fraction, Positive, Task, TrainerSettings, Widths

PASSWORD_IN_URL = (
    "the endpoint's URL must hold no user and no password, since it is shown and recorded. Type "
    "`export OPENAI_API_KEY=...` for the key; an @ of the path is written %40"
)
Effort = Literal["full", "small"]
CriticScope = Literal["full", "smoke"]
AnalyzerScope = Literal["full", "statistics"]
EpisodesScope = Literal["all", "own"]
SeedCount = Annotated[int, Field(gt=0, le=1000)]


def _as_json(value: object) -> object:
    """A mapping of a YAML file as the text that a flag would give, which has to be a JSON object."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ValueError("""this is no JSON object; type for example '{"tau": 0.01}'""")
    return text


class TrainerOverrides(Record):
    """Settings of PPO that replace the pack's; None keeps them. Meanings: `autoreward.task.TrainerSettings`."""

    name: str | None = None
    """Which trainer: `batch`, `sb3`, or `module:attr`."""
    device: Annotated[Literal["auto", "cpu", "cuda"] | None, tyro.conf.arg(aliases=["--device"])] = None
    """Where the policy is trained."""
    worlds: Literal["auto", "batch", "gym", "warp"] | None = None
    """Who simulates: MuJoCo all together, mujoco-warp on a GPU, or Gymnasium's environments one by one."""
    stack: Positive | None = None
    """For GPUs: trainings that share one process, their policies in one batch. On a CPU small minibatches gain."""
    algorithm: str | None = None
    """For `sb3`: PPO, A2C, SAC, TD3, DDPG, DQN, or `module:Class`."""
    algorithm_kwargs: Annotated[str | None, BeforeValidator(_as_json)] = None
    """For `sb3`: arguments of the algorithm's class, a JSON object (in YAML: a mapping)."""
    num_envs: Positive | None = None
    """Environments stepped together, N."""
    rollout: Positive | None = None
    """Steps of each environment between two updates, T."""
    minibatch: Positive | None = None
    """Rows of one optimiser step."""
    epochs: Positive | None = None
    """Passes over each rollout."""
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Adam's step size."""
    gamma: Fraction | None = None
    """Discount of a step."""
    gae_lambda: Fraction | None = None
    """Weight of longer returns in the advantage (GAE)."""
    clip: Annotated[float, Field(gt=0)] | None = None
    """PPO's clipping range of the probability ratio."""
    entropy: Annotated[float, Field(ge=0)] | None = None
    """Weight of the entropy bonus."""
    value: Annotated[float, Field(ge=0)] | None = None
    """Weight of the value loss."""
    max_grad_norm: Annotated[float, Field(gt=0)] | None = None
    """Gradients are clipped to this norm."""
    log_std: float | None = None
    """Initial logarithm of the standard deviation of continuous actions."""
    hidden: Widths | None = None
    """Widths of the hidden layers of actor and critic."""
    use_sde: bool | None = None
    """State-dependent exploration (gSDE)."""
    evaluations: Positive | None = None
    """Evaluations on the true success during a training."""
    evaluation_episodes: Positive | None = None
    """Episodes of each of these evaluations."""
    acting: Literal["best", "drawn"] | None = None
    """How evaluated policies choose among discrete actions: the best one, or drawn by their probabilities."""
    shipped: Literal["best", "last"] | None = None
    """Which policy a training gives: that with the best return under its own reward, or the last."""

    def applied_to(self, settings: TrainerSettings) -> TrainerSettings:
        """The settings with every override that is given."""
        update = self.model_dump(exclude_none=True)
        if self.algorithm_kwargs is not None:
            update["algorithm_kwargs"] = json.loads(self.algorithm_kwargs)
        return settings.model_copy(update=update)


class Budget(Record):
    """Caps of a run; None is no cap. At a cap the search stops, and what is there is selected and reported."""

    env_steps: Positive | None = None
    """Environment steps of all search trainings together."""
    wall_seconds: Positive | None = None
    """Seconds of the search, counted over all resumptions."""
    llm_calls: Positive | None = None
    """Calls of the language model."""
    llm_tokens: Positive | None = None
    """Tokens of prompts and replies together."""
    llm_usd: Annotated[float, Field(gt=0)] | None = None
    """US dollars for the language model; needs a known price, or `llm.price_in` and `llm.price_out`."""


class LLMConfig(Record):
    """The language model's endpoint and settings. The key comes from OPENAI_API_KEY, never from here."""

    model: str = "gpt-5.2"
    """Name of the model, as the endpoint knows it."""
    base_url: str | None = None
    """OpenAI-compatible endpoint; None: OPENAI_BASE_URL, or the SDK's default."""
    temperature: float | None = None
    """None: the endpoint's default, as reasoning models demand."""
    max_completion_tokens: Positive | None = None
    """Longest reply, thinking included; None: the endpoint's default."""
    extra_body: Annotated[str | None, BeforeValidator(_as_json)] = None
    """What else each request holds, a JSON object (in YAML: a mapping), such as '{"reasoning_effort": "low"}'."""
    price_in: Annotated[float, Field(ge=0)] | None = None
    """US dollars per million tokens of prompts; None: as listed for the endpoint, where it is."""
    price_out: Annotated[float, Field(ge=0)] | None = None
    """US dollars per million tokens of replies; given together with `price_in`."""
    replay: str | None = None
    """Instead of an endpoint: the recorded replies of a run (its folder, or a unique beginning of its name) or of a
    cassette file."""
    concurrency: Positive = 4
    """Calls at once, at most: the analyses of a round. Designs follow each other, since each is shown those before it;
    so do analyses that might reach a cap of the budget."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 600.0
    """Longest silence of the endpoint while a reply is waited for."""
    retries: Annotated[int, Field(ge=0)] = 4
    """How often a failed call is tried again."""
    effort: Effort = "full"
    """`small` is for weak models: a skeleton to fill in, few functions, grammar `terms`, more repairs, no review."""
    review: bool | None = None
    """Whether the Critic reviews candidates with the language model after its executable checks. None: not where the
    effort is small."""
    prompts: Path | None = None
    """Folder of templates that replace the built-in ones of the same name (`autoreward prompts copy`)."""

    @property
    def reviews(self) -> bool:
        """`review`, decided."""
        return self.effort == "full" if self.review is None else self.review

    @field_validator("base_url")
    @classmethod
    def _without_user(cls, url: str | None) -> str | None:
        """The configuration is written into run folders, so nothing secret may be in it.

        Pydantic puts the input of a ValueError into its message, so the fault is given with another one.
        """
        if url is not None and "@" in url:
            fault = InitErrorDetails(type=PydanticCustomError("password_in_url", PASSWORD_IN_URL), input="***")
            raise ValidationError.from_exception_data(cls.__name__, [fault])
        return url


class EngineConfig(Record):
    """Where trainings run, and what each is given there."""

    name: Annotated[str, tyro.conf.arg(aliases=["--engine"])] = "local"
    """`local`, `ray`, `slurm`, or `module:attr` of an engine of your own. (In YAML, `engine: ray` says it too.)"""
    address: str | None = None
    """For `ray`: `auto` or `HOST:PORT` of a cluster that is there; None: one is started on this machine."""
    partition: str | None = None
    """For `slurm`: None: the cluster's default."""
    options: Annotated[str | None, BeforeValidator(_as_json)] = None
    """For `slurm`: further options of sbatch, a JSON object (in YAML: a mapping), such as '{"account": "robots"}'."""
    cpus: Annotated[float, Field(gt=0)] = 1.0
    """Cores for each worker."""
    gpus: Annotated[float, Field(ge=0)] = 0.0
    """GPUs for each worker; below 1: a share of one. 0: it may use those that it sees."""
    memory: Annotated[float, Field(gt=0)] | None = None
    """GB for each worker; one that takes more is ended."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Longest time of one training; one that takes longer is ended."""


def _named(value: object) -> object:
    """`engine: ray` in a YAML file."""
    return {"name": value} if isinstance(value, str) else value


class RunConfig(Record):
    """One run: a task, a designer, a search and what it may spend."""

    designer: str = "auto"
    """`composer`, `llm`, `module:attr`, or `auto`: the language model where an endpoint is configured."""
    rounds: Positive = 3
    """Generations: each learns from those before."""
    candidates: Positive = 4
    """Candidates of each round."""
    halvings: Annotated[int, Field(ge=0, le=4)] = 0
    """Successive halving: with 2, all candidates of a round train for a quarter of the steps, the better half goes on
    to a half, and the better half of those to the end. 0: all train to the end."""
    repairs: Annotated[int, Field(ge=0)] | None = None
    """How often the Designer may mend a candidate that the Critic refused. None: 3, or 5 with a small `llm.effort`."""
    probe_seconds: Annotated[float, Field(gt=0)] = 10.0
    """Seconds that the Critic's executable checks of a candidate may take together; what does not fit says nothing."""
    critic: CriticScope = "full"
    """`smoke` leaves the dry run alone: no probes, and no review by the language model. To compare with."""
    analyzer: AnalyzerScope = "full"
    """`statistics` tells the Designer means alone: no label, no findings, no episodes, no analysis by the language
    model; and no training is stopped for hacking. To compare with."""
    episodes: EpisodesScope = "all"
    """Whose recorded episodes the Critic has candidates put in order: of all runs in the folder of runs, or of this
    run's `own` trainings alone, as in a sweep: runs that are compared must not help each other."""
    steps: Positive | None = None
    """Environment steps of one training; None: the task's budget."""
    seed: Annotated[int, Field(ge=0, lt=200_000)] = 0
    """Seeds the composer and the search; training seeds are derived from it (search, select, report split)."""
    search_seeds: SeedCount = 2
    """Seeds that each candidate is trained on during the search."""
    finalists: Positive = 2
    """The best candidates, compared on seeds of their own."""
    selection_seeds: SeedCount = 3
    """Seeds of that comparison."""
    report_seeds: SeedCount = 5
    """Fresh seeds that winner and baselines are measured on; below 5 no interval is given."""
    report_episodes: Positive | None = None
    """Evaluation episodes of each training on selection and report seeds; None: as many as the task says."""
    grammar: Literal["terms", "signs"] | None = None
    """None: the task's grammar."""
    start_from: Path | None = None
    """A reward file that the first round begins with."""
    stop_when_hopeless: bool = True
    """End the search after two rounds or more in which every reward failed, where the environment's own reward (or the
    pack's) fails alike: then it is not the reward."""
    stop_when_hacked: bool = True
    """End a candidate's training as soon as its own return rises and the true aim no longer follows. Finalists,
    baselines and the report's trainings always go to their end."""
    replay_trainings: bool = False
    """Nothing is trained: the results too are those of the run of `llm.replay`, to the last digit."""
    engine: Annotated[EngineConfig, BeforeValidator(_named)] = EngineConfig()
    """Where trainings run: on this machine, on Ray, on SLURM."""
    slots: Annotated[int, Field(ge=0)] = 0
    """Trainings at once; 0: as many as cores (of the machine, or the Ray cluster), and with `slurm` without bound."""
    training_timeout: Positive = 3600
    """Seconds without any progress after which a training is killed."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""
    shared_trainings: Path | None = None
    """Folder of finished trainings that several runs share, so that a baseline is trained once; may be deleted."""
    track: Literal["wandb", "mlflow"] | None = None
    """Who is told of the run as it goes on, besides TensorBoard's event files in its folder: Weights & Biases, or the
    MLflow server of MLFLOW_TRACKING_URI."""
    isolation: Literal["A", "B", "C"] | None = None
    """Least isolation of reward programs (`autoreward doctor` shows what there is). None: B, but C for the composer's
    own programs."""
    budget: Budget = Budget()
    """Caps of the search."""
    llm: LLMConfig = LLMConfig()
    """The language model."""
    trainer: TrainerOverrides = TrainerOverrides()
    """PPO's settings, where they replace the pack's."""

    @property
    def most_repairs(self) -> int:
        """`repairs`, decided."""
        return {"full": 3, "small": 5}[self.llm.effort] if self.repairs is None else self.repairs

    def for_task(self, task: Task) -> Task:
        """The task with this run's overrides: steps, grammar and trainer settings.

        Raises:
            UserError: a small effort of the language model in another grammar than `terms`.
        """
        if self.llm.effort == "small" and self.grammar not in (None, "terms"):
            raise UserError(f"--llm.effort small knows the grammar terms alone; leave --grammar {self.grammar} out")
        grammar = "terms" if self.llm.effort == "small" else self.grammar
        return task.model_copy(
            update={
                "steps": self.steps or task.steps,
                "grammar": grammar or task.grammar,
                "trainer": self.trainer.applied_to(task.trainer),
            }
        )
