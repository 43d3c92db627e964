"""Weights & Biases: a run of a project, or with WANDB_MODE=offline its files in the run folder. The extra `wandb`.

Nothing is sent but what a sink is given: no console output, no code, no state of the machine, no git repository; and
nothing to those who collect W&B's own errors.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping

from autoreward.errors import UserError
from autoreward.tracking.contract import PROJECT, Opening

USUAL = {"WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
"""Of W&B's settings in the environment, those that we want otherwise; what the user has set stays."""
AWAY = ("offline", "disabled", "dryrun")
"""Of WANDB_MODE: nobody is logged in to."""
START_SECONDS = 30.0


def check() -> None:
    """Whether it could be used.

    Raises:
        UserError: wandb is not installed, or it would ask for a key.
    """
    try:
        import_()
    except ImportError:
        raise UserError("--track wandb needs Weights & Biases; type: pip install 'autoreward[wandb]'") from None
    import wandb

    if os.environ.get("WANDB_MODE") not in AWAY and not wandb.api.api_key:
        raise UserError("--track wandb: you are not logged in; type: wandb login, or: export WANDB_MODE=offline")


def import_() -> None:
    """Load wandb, with its settings as we want them: it reads them then."""
    for name, value in USUAL.items():
        os.environ.setdefault(name, value)
    import wandb  # noqa: F401 - loaded


class WandB:
    """A `Sink`."""

    def __init__(self, opening: Opening) -> None:
        import_()
        import wandb

        self.id = opening.id or uuid.uuid4().hex[:12]
        settings = wandb.Settings(
            console="off",
            save_code=False,
            disable_code=True,
            disable_git=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
            host="-",
            silent=True,
            init_timeout=START_SECONDS,
        )
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=self.id,
            resume="allow",
            name=opening.name,
            config=dict(opening.settings),
            dir=str(opening.folder),
            reinit="create_new",
            settings=settings,
        )
        self._known: set[str] = set()

    def scalars(self, series: str, step: int, values: Mapping[str, float]) -> None:
        """One point of each curve `SERIES/NAME`, over the environment steps of that training.

        A point in a name would make W&B look for a value within another one, so candidate `1.2` is `1-2` here.
        """
        series = series.replace(".", "-")
        steps = f"{series}/env_steps"
        if series not in self._known:
            self._run.define_metric(f"{series}/*", step_metric=steps)
            self._known.add(series)
        self._run.log({steps: step} | {f"{series}/{name}": value for name, value in values.items()})

    def text(self, name: str, text: str) -> None:
        """A table of one row."""
        import wandb

        self._run.log({f"text/{name.replace('.', '-')}": wandb.Table(columns=["name", "text"], data=[[name, text]])})

    def close(self, finished: bool) -> None:
        """End the process that sends, as soon as it has sent all. One that may go on shows as failed until then."""
        self._run.finish(exit_code=0 if finished else 1)
