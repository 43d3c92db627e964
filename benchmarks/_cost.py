"""What a process has used."""

from __future__ import annotations

import resource
import time

from _jobs import ArmResult


class Cost:
    """CPU and wall seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), _cpu()

    def spent(self) -> float:
        """CPU seconds up to now."""
        return sum(_cpu()) - sum(self._cpu)

    def result(
        self, steps: int, training_steps: list[int], training_returns: list[float], evaluator: float = 0.0
    ) -> ArmResult:
        """What has been used up to now, with what it was used for; `evaluator`: CPU seconds of one that lives on."""
        own, children = (now - before for now, before in zip(_cpu(), self._cpu, strict=True))
        return ArmResult(
            steps=steps,
            seconds=time.monotonic() - self._wall,
            cpu_seconds=own + children + evaluator,
            child_cpu_seconds=children + evaluator,
            training_steps=tuple(training_steps),
            training_returns=tuple(training_returns),
        )


def _cpu() -> tuple[float, float]:
    """CPU seconds of this process, and of its children that have ended."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime
