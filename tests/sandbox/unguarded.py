"""A cell whose program is executed as it is: no static check, no RestrictedPython, all builtins. For tests alone.

It shows what the kernel's locks are worth by themselves: everything that `child.py` shuts itself in with is in force.
"""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path
from typing import Any

from autoreward.sandbox import child  # and nothing that loads NumPy: the child locks itself before it does


def boot(ordinary: str, folder: Path) -> str:
    """What a cell's interpreter executes instead of the ordinary boot; `folder` becomes its working folder."""
    here, paths = str(Path(__file__).parent), ordinary.partition("from autoreward.sandbox.child")[0]
    return f"{paths}sys.path.append({here!r}); import unguarded; unguarded.main({str(folder)!r})"


def main(folder: str) -> None:
    """As `child.main`, with another runner."""
    os.chdir(folder)
    ordinary = child._load

    def load() -> None:
        ordinary()
        from autoreward.sandbox import serve

        serve.Runner = Unguarded  # type: ignore[assignment,misc]

    child._load = load
    child.main()


class Unguarded:
    """Takes the place of `Runner`."""

    def __init__(self, source: str, field_names: list[str], grammar: str) -> None:
        from autoreward.language.program import Program

        self.scope: dict[str, Any] = {"np": sys.modules["numpy"], "math": math}
        guarded(lambda: exec(compile(source, "<reward>", "exec"), self.scope))
        self.program = Program(
            source=source,
            grammar="terms",
            idea="",
            weights=self.scope.get("WEIGHTS", {}),
            state_fields=tuple(field_names),
            next_state_fields=tuple(field_names),
            reads_action=True,
            uses_memory=False,
        )

    def score(self, inputs: dict[str, Any], begun: Any, store: object, place: object) -> tuple[list[str], Any, float]:
        started = time.perf_counter()
        return *called(self.scope, inputs, begun.shape), time.perf_counter() - started


def called(scope: dict[str, Any], inputs: dict[str, Any], shape: tuple[int, int]) -> tuple[list[str], Any]:
    """The names and values [K, T, N] of what `compute_reward` of `scope` returns."""
    np = sys.modules["numpy"]
    rows = shape[0] * shape[1]
    flat = {name: array.reshape(rows, *array.shape[2:]) for name, array in inputs.items()}
    state, after = (
        {name.partition(".")[2]: array for name, array in flat.items() if name.startswith(side)}
        for side in ("state.", "next_state.")
    )
    terms = guarded(lambda: scope["compute_reward"](state, flat["action"], after, {}))
    values = guarded(lambda: np.stack([np.broadcast_to(term, rows) for term in terms.values()]).astype(np.float32))
    return [str(name) for name in terms], values.reshape(-1, *shape)


def guarded(step: Any) -> Any:
    """What the step gives; whatever it raises, `SystemExit` too, becomes the program's fault."""
    from autoreward.sandbox.runner import Fault

    try:
        return step()
    except MemoryError:
        raise
    except BaseException as error:
        raise Fault(f"{type(error).__name__}: {error}", "exception") from None
