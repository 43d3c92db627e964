"""Reads the page as a browser does, without one."""

import base64
import hashlib
from html.parser import HTMLParser
from pathlib import Path

from autoreward.report.page import PARTS

VOID = {"meta", "img", "br", "link", "hr", "input"}
HOSTILE = (
    '<script>alert("x")</script><img src=x onerror=alert(1)>{{ 7 * 191 }}</code></pre></summary></title></style>'
    '" onfocus="alert(2)" autofocus=" \' onmouseover=\'alert(3) --><svg/onload=alert(4)> &lt;b&gt; javascript:alert(5)'
)


class Page(HTMLParser):
    """Elements, attributes and visible text; elements must be closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.own: list[tuple[str, str]] = []
        self.html = path.read_text()
        self.feed(self.html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        kind = self.open[-1] if self.open else ""
        if kind in ("style", "script"):
            self.own.append((kind, data))
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def pictures(self) -> list[str]:
        return [value for name, value in self.attributes if name == "src"]


def assert_harmless(page: Page) -> None:
    """Nothing but the package's own script and style sheet, which the page's policy names by their hashes."""
    assert not {"iframe", "object", "embed", "link", "base", "form", "template", "use", "image"} & set(page.elements)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
    assert all(value.startswith("data:image/") for value in page.pictures), "the page loads nothing"
    assert all(value.startswith("#") for name, value in page.attributes if name == "href"), "and leads nowhere else"
    assert [kind for kind, _ in page.own] == ["style", "script"]
    policy = next(value for name, value in page.attributes if name == "content" and "default-src" in value)
    for (kind, text), file in zip(page.own, ("report.css", "report.js"), strict=True):
        assert text == (PARTS / file).read_text()
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
