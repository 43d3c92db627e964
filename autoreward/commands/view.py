"""`view`: a local page over all runs."""

from __future__ import annotations

import contextlib
import signal
import webbrowser
from pathlib import Path
from typing import Annotated

import tyro
from pydantic import Field
from rich.text import Text

from autoreward.commands.arguments import Command, Flag
from autoreward.display import new_console
from autoreward.report.text import clean


class ViewRuns(Command):
    """Show all runs on a local page, live, until Ctrl-C: a table, each run's report, and runs side by side."""

    runs: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="[RUNS]")] = Path("runs")
    """Folder that holds run folders, in folders of their own too; or one run."""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Of this machine's own address, 127.0.0.1, which no other machine can reach; 0 takes a free one."""
    no_browser: Flag = False
    """Only print the address."""

    def execute(self) -> int:
        """Serve until interrupted."""
        from autoreward.view.pages import quoted
        from autoreward.view.server import serve

        one = (self.runs / "run.json").exists()
        folder = self.runs.resolve()
        with serve(folder.parent if one else self.runs, self.port) as served:
            address = f"{served.url}run/{quoted(folder.name)}" if one else served.url
            told = f"{address}\nshows the runs in {self.runs}; Ctrl-C ends it"
            # A terminal that is closed ends it too, and deletes what it keeps, unless it was begun by `nohup`.
            for end in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(end) != signal.SIG_IGN:
                    signal.signal(end, signal.default_int_handler)
            with contextlib.suppress(KeyboardInterrupt):
                new_console().print(Text(clean(told)), soft_wrap=True)
                if not self.no_browser:
                    webbrowser.open(address)
                served.wait()
        return 0
