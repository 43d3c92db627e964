"""`report`: a run's page, written again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro
from rich.text import Text

from autoreward.commands.arguments import Command, RunName
from autoreward.display import new_console
from autoreward.errors import UserError
from autoreward.report.text import clean
from autoreward.store.find import find_run


class ReportPage(Command):
    """Write a run's page again, from what its folder holds: one HTML file that can be mailed and needs no network."""

    run: RunName = None
    """Path of the run folder, or a unique beginning of its name. Without it: the latest run."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Where to; without it: `report.html` in the run folder."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""

    def execute(self) -> int:
        """Write the page and say where it is."""
        from autoreward.report.page import write_report

        folder = find_run(self.run, self.runs)
        try:
            page = write_report(folder, self.out)
        except OSError as error:
            target = error.filename or self.out or folder
            raise UserError(f"cannot write {target}: {error.strerror}; name another place with --out FILE") from None
        new_console().print(Text(clean(f"wrote {page} ({page.stat().st_size / 1e6:.1f} MB)")))
        return 0
