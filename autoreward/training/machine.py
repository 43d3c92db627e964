"""Which failures of a training are the machine's, so that they are tried again and say nothing about a reward."""

from __future__ import annotations

from autoreward.errors import MACHINE
from autoreward.training.contract import TrainingResult

_SIGNS = (
    MACHINE,
    # An engine's words for a worker that left no result, and a trainer's for an evaluator: neither runs reward code.
    "the worker ",
    "the evaluator died",
    "OSError: ",
    "MemoryError",
)
"""How such messages begin. What a reward program could have a part in stands later in a message, never at its start."""


def is_machine_fault(result: TrainingResult) -> bool:
    """Whether a training gave no result through a fault of the machine: no process, no memory, no disk, a kill."""
    return result.status == "failed" and (result.error or "").startswith(_SIGNS)


def failure(result: TrainingResult) -> str:
    """Why a training failed, with the machine named where it is to blame."""
    error = result.error or "unknown reason"
    return f"{MACHINE}{error}" if is_machine_fault(result) and not error.startswith(MACHINE) else error
