"""What a page does in the browser that it must not: requests to elsewhere, errors, dialogs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

HELD_BACK = """addEventListener("securitypolicyviolation", (event) =>
  console.error("policy:", event.violatedDirective, event.blockedURI))"""
"""Says aloud what a page's own policy has kept from happening; a page without faults has nothing kept from it."""


@dataclass
class Seen:
    """What a page has asked for, and what went wrong in it."""

    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def outside(self, *own: str) -> list[str]:
        """Requests to addresses that do not begin as one of its own."""
        return [url for url in self.requests if not url.startswith(own)]


def watched(page: Page) -> Seen:
    """Note from now on what a page asks for, and what goes wrong in it."""
    seen = Seen()
    page.add_init_script(HELD_BACK)

    def said(message: Any) -> None:
        if message.type in ("error", "warning"):
            seen.faults.append(f"{message.type}: {message.text}")

    def asked(dialog: Any) -> None:
        seen.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", said)
    page.on("pageerror", lambda error: seen.faults.append(f"error: {error}"))
    page.on("dialog", asked)
    return seen
