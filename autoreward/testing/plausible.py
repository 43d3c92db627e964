"""The candidates of the example run, and what their trainings might have given: formulas in place of PPO."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autoreward.training.contract import Evaluation, TermStatistics, TrainingJob, TrainingResult

_PROGRAM = """\
IDEA = "{idea}"
WEIGHTS = {weights}

def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["{field}"], axis=-1)
{body}
"""


@dataclass(frozen=True)
class Draft:
    """One candidate of the example: what it is, and how well its trainings are to come out."""

    idea: str
    weights: dict[str, float]
    terms: dict[str, str]
    success: float
    """What its trainings tend to in the end."""
    note: str = ""
    parent: tuple[int, int] | None = None
    field: str = "target_offset"

    @property
    def source(self) -> str:
        """The reward program."""
        body = "".join(f'        "{name}": {expression},\n' for name, expression in self.terms.items())
        return _PROGRAM.format(
            idea=self.idea, weights=self.weights, field=self.field, body=f"    return {{\n{body}    }}"
        )


_EFFORT = "-np.sum(np.square(action), axis=-1)"
DRAFTS = (
    (
        Draft("Close the distance to the target.", {"reach": 1.0}, {"reach": "-distance"}, 0.45),
        Draft(
            "Close the distance to the target, with little torque.",
            {"reach": 1.0, "effort": 0.4},
            {"reach": "-distance", "effort": _EFFORT},
            0.2,
        ),
        Draft("Bring the finger tip near.", {"reach": 1.0}, {"reach": "-distance"}, 0.0, field="finger_tip"),
    ),
    (
        Draft(
            "Close the distance; the last centimetres count most.",
            {"reach": 1.0, "precise": 2.0},
            {"reach": "-distance", "precise": "np.exp(-distance / 0.03)"},
            0.8,
            "adds a bonus that is steep near the target",
            (0, 0),
        ),
        Draft(
            "Close the distance, be exact at the end, and come to rest there.",
            {"reach": 1.0, "precise": 2.0, "rest": 0.05},
            {
                "reach": "-distance",
                "precise": "np.exp(-distance / 0.03)",
                "rest": '-np.linalg.norm(next_state["joint_velocity"], axis=-1) * np.exp(-distance / 0.03)',
            },
            0.94,
            "adds rest where the target is reached",
            (0, 0),
        ),
        Draft(
            "Only being on the target counts.",
            {"on_target": 1.0},
            {"on_target": "(distance < 0.03) * 1.0"},
            0.3,
            "drops what leads there",
            (0, 1),
        ),
    ),
)


def plausible(job: TrainingJob, steps: int, draft: Draft) -> TrainingResult:
    """What a training might have given: curves that rise to the draft's success, a little otherwise for each seed."""
    rng = np.random.default_rng([job.seed, int(job.hash, 16) % 2**32])
    reached = float(np.clip(draft.success + rng.normal(0.0, 0.04), 0.0, 1.0)) if draft.success else 0.0
    points = tuple(round(steps * (part + 1) / 10) for part in range(10))
    course = [1.0 - math.exp(-4.0 * point / steps) for point in points]
    train_success = tuple(reached * part * (0.9 + 0.1 * rng.random()) for part in course)

    def evaluated(step: int, success: float, episodes: int) -> Evaluation:
        counted = round(success * episodes) / episodes
        outcomes = {"on_target": counted, "far": (1.0 - counted) * 0.3}
        score = -2.0 - 12.0 * (1.0 - success) + float(rng.normal(0.0, 0.2))
        return Evaluation(
            step=step, episodes=episodes, success_rate=counted, score=score, length=50.0, outcomes=outcomes
        )

    if job.reward.kind == "random":
        return TrainingResult(
            hash=job.hash, steps=steps, status="ok", final=evaluated(0, 0.0, job.episodes), seconds=1.2
        )
    terms = {}
    for place, (name, weight) in enumerate(draft.weights.items()):
        curve = tuple(weight * (8.0 * part - 9.0 / (place + 1)) for part in course)
        terms[name] = TermStatistics(
            curve=curve,
            mean=float(np.mean(curve)),
            std=abs(weight),
            share=abs(weight) / sum(map(abs, draft.weights.values())),
            success_correlation=-0.45 if name == "effort" else 0.6 - 0.2 * place,
            score_correlation=-0.4 if name == "effort" else 0.7 - 0.2 * place,
            constant=False,
        )
    own = [sum(term.curve[place] for term in terms.values()) if terms else train_success[place] for place in range(10)]
    return TrainingResult(
        hash=job.hash,
        steps=steps,
        status="ok",
        evaluations=tuple(evaluated(points[place], train_success[place], 20) for place in range(1, 10, 2)),
        final=evaluated(steps, reached, job.episodes),
        shipped_step=steps,
        own_return=tuple(own),
        train_success=train_success,
        points=points,
        terms=terms,
        seconds=38.0 + 6.0 * float(rng.random()),
        cpu_seconds=36.0,
        reward_seconds=1.5,
    )
