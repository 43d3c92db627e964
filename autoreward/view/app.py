"""What the local page answers, by address.

A run is named by its path from the runs folder, and only one that the index has found is answered for: no address leads
to a file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from autoreward.errors import RunDamaged
from autoreward.records import parse_record
from autoreward.report.comparison import Comparison
from autoreward.report.page import MOST_BYTES
from autoreward.view import pages
from autoreward.view.files import read_plain, unshowable
from autoreward.view.guard import Guard
from autoreward.view.index import Entry, Index
from autoreward.view.slow import NotMade, SlowPages

MOST_COMPARED = 26
RUN, COMPARE = "/run/", "/compare"


@dataclass(frozen=True)
class View:
    """The pages over one runs folder."""

    index: Index
    slow: SlowPages

    def app(self) -> Guard:
        """All of it, behind its guard."""
        routes = [
            Route("/", self.table),
            Route("/changes", self.changes),
            Route(RUN + "{path:path}", self.report),
            Route(COMPARE, self.compare),
            Route("/view.css", lambda _: Response(pages.style(), media_type="text/css")),
            Route("/view.js", lambda _: Response(pages.script(), media_type="text/javascript")),
            Route("/favicon.ico", lambda _: Response(status_code=204)),
        ]
        return Guard(Starlette(routes=routes))

    def prepare(self) -> None:
        """Read all runs and draw their rows, before anybody asks."""
        for brief in self.index.briefs():
            pages.row(brief)

    def table(self, _: Request) -> Response:
        """All runs."""
        self.index.refresh()
        # Before the rows: those that are newer than what the page has are told again, none is left out.
        version = self.index.version
        return _html(pages.table_page(self.index.briefs(), self.index.root, version))

    def changes(self, request: Request) -> Response:
        """The rows that are new since the version that the page has."""
        new = self.index.changes(request.query_params.get("since", ""))
        rows = {pages.quoted(brief.key): pages.row(brief) for brief in new.briefs}
        gone = [pages.quoted(key) for key in new.gone]
        summary = pages.summary(self.index.briefs()) if rows or gone or new.fresh else None
        return JSONResponse(
            {
                "version": new.version,
                "fresh": new.fresh,
                "rows": rows,
                "gone": gone,
                "summary": summary,
            }
        )

    def report(self, request: Request) -> Response:
        """A run's report: the one that lies in its folder where that is of now and of this version, or a new one."""
        raw: bytes = request.scope["raw_path"]
        key = os.fsdecode(unquote_to_bytes(raw.removeprefix(RUN.encode())))
        entry = self.index.entry(key)
        if entry is None:
            return _unknown(key)
        if stored := self._stored(entry):
            return _html(stored, policy=pages.report_policy())
        path = str(self.index.root / key)
        return self._made(
            "report", [entry], lambda made: _html(made, policy=pages.report_policy()), ("report", path, "--out")
        )

    def compare(self, request: Request) -> Response:
        """Runs side by side."""
        query = parse_qsl(request.scope["query_string"].decode("latin-1"))
        keys = list(dict.fromkeys(os.fsdecode(unquote_to_bytes(value)) for name, value in query if name == "run"))
        if not 2 <= len(keys) <= MOST_COMPARED:
            text = f"Choose 2 to {MOST_COMPARED} runs in the table; {len(keys)} are chosen."
            return _html(pages.message_page("Runs side by side", text), 400)
        entries = []
        for key in keys:
            if (entry := self.index.entry(key)) is None:
                return _unknown(key)
            entries.append(entry)
        paths = [str(self.index.root / key) for key in keys]
        return self._made("comparison", entries, self._compared, ("compare", *paths, "--json"))

    def _compared(self, made: bytes) -> Response:
        found = parse_record(made, Comparison, self.index.root)
        keys = (os.path.relpath(side.folder, self.index.root) for side in found.sides)
        sides = tuple(side.model_copy(update={"folder": key}) for side, key in zip(found.sides, keys, strict=True))
        page = pages.comparison_page(found.model_copy(update={"sides": sides}), home="/")
        return _html(page, policy=pages.comparison_policy())

    def _stored(self, entry: Entry) -> bytes | None:
        """The report that a finished run has written, where this version would write it with the same looks."""
        run = self.index.root / entry.brief.key
        if entry.brief.state not in ("finished", "failed"):
            return None
        try:
            if (run / "report.html").lstat().st_mtime_ns < (run / "report.json").lstat().st_mtime_ns:
                return None
            page = read_plain(str(run / "report.html"), MOST_BYTES)
        except (OSError, RunDamaged):
            return None
        return page if page and pages.is_report(page) else None

    def _made(
        self, what: str, entries: Sequence[Entry], answer: Callable[[bytes], Response], command: Sequence[str]
    ) -> Response:
        """A page that a command makes, one that says that it is being made, or one that says why it cannot be."""
        for entry in entries:
            key = entry.brief.key
            if entry.brief.state == "damaged":
                return _html(pages.message_page(f"The {what} cannot be shown", f"{key}: {entry.brief.note}"), 422)
            if why := unshowable(self.index.root / key):
                return _html(pages.message_page(f"The {what} is not shown", key + why), 422)
        subject, state = (what, *(entry.brief.key for entry in entries)), tuple(entry.signature for entry in entries)
        try:
            made = self.slow.get(
                subject, state, lambda out: [*command, str(out)] if command[-1] == "--out" else command
            )
            if made is not None:
                return answer(made)
        except (NotMade, RunDamaged) as error:
            return _html(pages.message_page(f"The {what} cannot be shown", str(error)), 422)
        text = "It is being made, which can take some seconds. This page then shows it."
        return _html(pages.message_page(f"The {what}", text, again=True), 202)


def _unknown(key: str) -> Response:
    text = f"The runs folder has no run {key}. It may have been moved or deleted."
    return _html(pages.message_page("No such run", text), 404)


def _html(page: bytes, status: int = 200, policy: str = "") -> Response:
    headers = {"content-security-policy": f"{policy}; frame-ancestors 'none'"} if policy else None
    return Response(page, status, headers, media_type="text/html")
