"""Trainings on `line_task` with rewards of one fault each, recorded in `data/`; as a script it records anew."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from autoreward.analyzer.recorded import Training, read_training
from autoreward.envs.registry import describe
from autoreward.records import read_record, write_record
from autoreward.schema import EnvSchema
from autoreward.task import SuccessRule, Task
from autoreward.testing.trainer import line_task
from autoreward.training.batch import BatchTrainer
from autoreward.training.contract import RewardSpec, TrainingJob, TrainingResult
from autoreward.training.files import EPISODES, TRAJECTORIES, result_name

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class LineCase:
    """A reward and its task."""

    terms: str
    weights: str
    far: float | None = None
    """Success from here on, in 40 steps: walks at random fall off now and then, and never come so far."""
    steps: int = 4_000

    @property
    def task(self) -> Task:
        """What it is trained for."""
        if self.far is None:
            return line_task(steps=self.steps)
        success = SuccessRule(expression=f"position > {self.far}")
        return line_task(steps=self.steps, step_limit=40, success=success)

    @property
    def source(self) -> str:
        """The reward program."""
        return (
            f"WEIGHTS = {self.weights}\n\n"
            "def compute_reward(state, action, next_state, memory):\n"
            '    here, before = next_state["position"], state["position"]\n'
            f"    return {self.terms}\n"
        )


CASES = {
    "climb": LineCase('{"climb": here - before}', '{"climb": 2.0}'),
    "climb_briefly": LineCase('{"climb": here - before}', '{"climb": 2.0}', far=30, steps=1_500),
    "sink": LineCase('{"sink": before - here}', '{"sink": 2.0}'),
    "far_bonus": LineCase('{"far": 1.0 * (here > 90)}', '{"far": 10.0}', far=35),
    "alive": LineCase('{"alive": np.ones_like(here)}', '{"alive": 1.0}', far=12, steps=12_000),
    "time": LineCase('{"time": -np.ones_like(here)}', '{"time": 1.0}', far=12, steps=12_000),
    "swing": LineCase('{"up": np.maximum(here - before, 0) * (here < 1)}', '{"up": 2.0}', steps=12_000),
    "rest": LineCase(
        '{"rest": -np.square(action[:, 0]), "climb": here - before}', '{"rest": 50.0, "climb": 1.0}', steps=12_000
    ),
}


def recorded(name: str) -> tuple[Task, EnvSchema, Training]:
    """A case's task, fields and training."""
    task, folder = CASES[name].task, DATA / name
    result = read_record(folder / result_name(task.steps), TrainingResult)
    return task, describe(task.env), read_training(7, result, folder)


def record(name: str) -> None:
    """Train a case and keep what the Analyzer reads."""
    case, folder = CASES[name], DATA / name
    job = TrainingJob(task=case.task, reward=RewardSpec(kind="program", source=case.source), seed=7, episodes=20)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        result = BatchTrainer().train(job, case.steps, Path(place), lambda progress: None)
        for file in (EPISODES, TRAJECTORIES):
            (folder / file).write_bytes((Path(place) / file).read_bytes())
    write_record(folder / result_name(case.steps), result)


if __name__ == "__main__":
    for each in CASES:
        record(each)
