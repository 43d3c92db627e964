"""A chat endpoint on loopback that fails as it is told: one answer a call, in order, the last one again and again.

An answer is a text (a chat completion that says it), a dictionary (a body), `(status, body)`, or the name of a fault:
`429`, `503` ... (with `Retry-After` where real endpoints send it), `cut`, `garbage`, `empty`, `slow`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = str | dict[str, Any] | tuple[int, Any] | Callable[[dict[str, Any]], Any]
FAULTS = frozenset(("cut", "garbage", "empty", "slow"))
SLOW = 1.0
"""Seconds of silence."""


def said(text: str | None, **choice: Any) -> dict[str, Any]:
    """A chat completion."""
    message = {"role": "assistant", "content": text, **choice.pop("message", {})}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny-1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, **choice}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
    }


def refused(message: str, code: str | None = None) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"message": message, "type": "invalid_request_error", "code": code}}


class Endpoint:
    """See above.

    Attributes:
        requests: the bodies of all requests.
        headers: theirs, names in lower case.
        at_once: the most requests that were under way at the same time.
    """

    def __init__(self, *answers: Answer, port: int = 0) -> None:
        self.answers, self.lock = list(answers), threading.Lock()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.under_way = self.at_once = 0
        self.closed = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def next_answer(self, request: dict[str, Any], headers: dict[str, str]) -> Any:
        with self.lock:
            self.requests.append(request)
            self.headers.append(headers)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(request) if callable(answer) else answer

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self.lock:
            self.under_way += 1
            self.at_once = max(self.at_once, self.under_way)
        try:
            yield
        finally:
            with self.lock:
                self.under_way -= 1


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with endpoint.counted():  # until the answer goes out: the client may ask again before it is all sent
                answer = endpoint.next_answer(request, headers)
            self.answer(answer)

        def answer(self, answer: Any) -> None:
            if answer == "slow":
                endpoint.closed.wait(SLOW)
                self.close_connection = True
            elif answer == "cut":
                self.send(200, b'{"id": "x", "choices": [{"message": {"content": "half', missing=500)
            elif answer == "garbage":
                self.send(200, b"<html>not json</html>")
            elif answer == "empty":
                self.send(200, json.dumps({**said(""), "choices": []}).encode())
            elif isinstance(answer, str) and answer.isdigit():
                self.send(int(answer), json.dumps(refused(f"injected {answer}")).encode())
            elif isinstance(answer, tuple):
                status, body = answer
                self.send(status, body.encode() if isinstance(body, str) else json.dumps(body).encode())
            else:
                self.send(200, json.dumps(said(answer) if isinstance(answer, str) else answer).encode())

        def send(self, status: int, data: bytes, missing: int = 0) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data) + missing))
            if status in (429, 503):
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = self.close_connection or missing > 0 or endpoint.closed.is_set()

        def handle(self) -> None:
            with suppress(ConnectionError):  # a client that has gone away is no fault of the server
                super().handle()

    return Handler


@contextmanager
def endpoint(*answers: Answer, port: int = 0) -> Iterator[Endpoint]:
    """Serve while the block lasts."""
    made = Endpoint(*answers, port=port)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.closed.set()
        made.server.shutdown()
        made.server.server_close()
