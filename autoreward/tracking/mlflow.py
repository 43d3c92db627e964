"""MLflow: a run of an experiment, on the server that MLFLOW_TRACKING_URI names. The extra `mlflow`.

The address may hold a password, so it is kept nowhere; MLflow reads it, and MLFLOW_TRACKING_TOKEN and the like, itself.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping

from autoreward.errors import UserError
from autoreward.tracking.contract import PROJECT, Opening

USUAL = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A server that is away shall be a line at the start, and no wait of minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Of MLflow's settings in the environment, those that we want otherwise; what the user has set stays."""
MOST = 500
"""Characters of a parameter: all that older servers take."""
_KEY = re.compile(r"[^\w. /-]", re.ASCII)
"""What no server takes in a metric's name."""


def check() -> None:
    """Whether it could be used.

    Raises:
        UserError: MLflow is not installed, or no server is named.
    """
    try:
        import_()
    except ImportError:
        raise UserError("--track mlflow needs MLflow; type: pip install 'autoreward[mlflow]'") from None
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        raise UserError(
            "--track mlflow: no server is named; type for example: export MLFLOW_TRACKING_URI=http://127.0.0.1:5000"
        )


def import_() -> None:
    """Load MLflow, with its settings as we want them: it reads them then."""
    for name, value in USUAL.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401 - loaded


class MLflow:
    """A `Sink`."""

    def __init__(self, opening: Opening) -> None:
        import_()
        from mlflow import MlflowClient

        self._client = MlflowClient()
        if opening.id:
            self.id = opening.id
            self._client.update_run(self.id, status="RUNNING")
            return
        run = self._client.create_run(self._experiment(), run_name=opening.name, tags={"mlflow.source.name": PROJECT})
        self.id = str(run.info.run_id)
        for name, value in opening.settings.items():
            self._client.log_param(self.id, name, value[:MOST])

    def _experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        if found := self._client.get_experiment_by_name(name):
            return str(found.experiment_id)
        try:
            return str(self._client.create_experiment(name))
        except MlflowException:
            # Of the runs of a sweep, which begin together, one makes it.
            if found := self._client.get_experiment_by_name(name):
                return str(found.experiment_id)
            raise

    def scalars(self, series: str, step: int, values: Mapping[str, float]) -> None:
        """One point of each metric `SERIES/NAME`."""
        from mlflow.entities import Metric

        now = round(time.time() * 1000)
        points = [Metric(_KEY.sub("_", f"{series}/{name}"), value, now, step) for name, value in values.items()]
        self._client.log_batch(self.id, metrics=points)

    def text(self, name: str, text: str) -> None:
        """As an artifact."""
        self._client.log_text(self.id, text, f"rewards/{name}.py")

    def close(self, finished: bool) -> None:
        """Say how the run stands. Not `set_terminated`, which prints."""
        self._client.update_run(self.id, status="FINISHED" if finished else "KILLED")
