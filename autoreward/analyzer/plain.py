"""A candidate told by means alone, as Eureka's reward reflection tells it: what the Analyzer is compared with.

Ma et al., Eureka: Human-Level Reward Design via Coding Large Language Models, ICLR 2024, https://arxiv.org/abs/2310.12931
(section 3.3): success, episode lengths and each component of the reward at about ten points of the training.
"""

from __future__ import annotations

from autoreward.designer.contract import PastCandidate
from autoreward.training.contract import Evaluation, TermStatistics


def plain(past: PastCandidate) -> PastCandidate:
    """The candidate without label, findings, told episodes, outcomes, correlations and the Critic's warnings.

    Success rate and score stay, by which candidates are ranked, and so do its program and why it failed.
    """
    kept = past.measured
    if kept is not None:
        course = kept.course.model_copy(update={"outcomes": {}}) if kept.course else None
        kept = kept.model_copy(update={"course": course, "others": {}, "saturation": {}})
    return past.model_copy(
        update={
            "evaluations": tuple(map(_evaluation, past.evaluations)),
            "terms": {name: _term(term) for name, term in past.terms.items()},
            "label": None,
            "measured": kept,
            "findings": (),
            "episodes": "",
            "warnings": (),
            "plain": True,
        }
    )


def _evaluation(evaluation: Evaluation) -> Evaluation:
    return evaluation.model_copy(update={"outcomes": {}, "measures": {}})


def _term(term: TermStatistics) -> TermStatistics:
    return term.model_copy(update={"success_correlation": None, "score_correlation": None, "constant": False})
