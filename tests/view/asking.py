"""Asks a server as a browser, or as somebody else, would: what is sent is what is written here."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


def ask(url: str, path: str, method: str = "GET", host: str | None = "", **headers: str) -> Answer:
    """Send one request over a socket of its own.

    Args:
        url: the server's.
        path: as it is sent.
        method: of HTTP.
        host: the header of that name; empty for the server's own, None for none.
        headers: further ones; `_` in a name stands for `-`.
    """
    place = urlsplit(url)
    lines = [f"{method} {path} HTTP/1.1", "Connection: close"]
    lines += [] if host is None else [f"Host: {host or place.netloc}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        data = b""
        while part := connection.recv(65536):
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    found = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return Answer(int(first.split()[1]), found, body.decode(errors="replace"))


def patiently(url: str, path: str) -> Answer:
    """Ask again while a page is being made, as the page itself does."""
    deadline = time.monotonic() + 120
    while (answer := ask(url, path)).status == 202:
        assert time.monotonic() < deadline, "it is never made"
        time.sleep(0.2)
    return answer
