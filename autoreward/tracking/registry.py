"""The sinks by name."""

from __future__ import annotations

from autoreward.tracking import mlflow, tensorboard, wandb
from autoreward.tracking.background import Background
from autoreward.tracking.contract import Opening, Sink, TrackerName


def check(name: TrackerName) -> None:
    """Whether a tracker could be used; nothing is asked of any server.

    Raises:
        UserError: it is not installed, or lacks an address or a key; the message says what to type.
    """
    if name == "mlflow":
        mlflow.check()
    elif name == "wandb":
        wandb.check()


def open_sink(name: TrackerName, opening: Opening) -> Sink:
    """Begin, or go on with, a run.

    Raises:
        Exception: whatever the tracker's client raises.
    """
    if name == "tensorboard":
        return tensorboard.TensorBoard(opening)
    return Background(mlflow.MLflow(opening) if name == "mlflow" else wandb.WandB(opening))
