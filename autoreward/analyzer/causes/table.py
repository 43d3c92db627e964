"""The rules in order of gravity: the first that holds gives a candidate its label."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autoreward.analyzer.causes.case import Case
from autoreward.analyzer.causes.learnt import (
    budget_too_short,
    ending_pays,
    exploration_failure,
    lost_again,
    observation_limited,
    premature_death,
    seeds_apart,
    solved,
    weak_shaping,
)
from autoreward.analyzer.causes.paid import (
    exploit,
    hacked,
    never_fires,
    reward_flooding,
    stopped,
    survival_farming,
    wrong_frame,
    wrong_sign,
)
from autoreward.analyzer.recorded import Training
from autoreward.designer.contract import Finding
from autoreward.schema import EnvSchema
from autoreward.task import Task

RULES: tuple[Callable[[Case], Finding | None], ...] = (
    solved,
    stopped,  # measured while it trained, and what comes after has less of the training to go by
    never_fires,  # without pay nothing below says anything
    survival_farming,  # before wrong_sign: where success ends episodes, lasting goes against the score too
    ending_pays,  # before wrong_sign, for the same reason
    wrong_sign,
    hacked,
    lost_again,
    budget_too_short,  # what still rises is not yet wrong, and one seed may only be slower than another
    seeds_apart,
    premature_death,
    observation_limited,
    reward_flooding,
    wrong_frame,  # a kind of exploit, and named more exactly
    exploit,
    exploration_failure,
    weak_shaping,  # holds always
)


def cause(task: Task, schema: EnvSchema, trainings: Sequence[Training]) -> Finding | None:
    """The label of one candidate with its evidence; None where no training ended well.

    Args:
        task: what it was trained for.
        schema: the environment's fields.
        trainings: one a search seed, with their files as far as they are there.
    """
    ended = tuple(one for one in trainings if one.result.status == "ok" and one.result.final is not None)
    if not ended:
        return None
    case = Case(task, schema, ended)
    return next((found for rule in RULES if (found := rule(case))), None)
