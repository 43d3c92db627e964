"""Who may ask the local page, and what a browser may do with its answers.

Covered: other sites that are open in the same browser. What they send is refused by its `Origin` and its
`Sec-Fetch-Site`; a name of theirs that they have pointed at this machine (DNS rebinding) is refused by its `Host`; none
can put a page of ours into a frame, or read it as a script, a picture or a style. Only GET is answered. A page loads
nothing but what its policy names.
Not covered: other programs and other users of this machine can ask as this browser does, while the page is served.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")
"""Names of this machine under which a browser may ask, with any port: the page may be forwarded by `ssh -L`."""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""What a page may load, unless its answer says otherwise."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-dns-prefetch-control": "off",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Refuses what is not asked by a page of ours, or by the user; adds the headers above to each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = refusal(scope["method"], Headers(scope=scope)) if scope["type"] == "http" else (403, "only HTTP")
        if refused is None:
            return await self._app(scope, receive, guarded)
        status, why = refused
        allow = {"allow": "GET"} if status == 405 else None
        await PlainTextResponse(f"refused: {why}\n", status, allow)(scope, receive, guarded)


def refusal(method: str, headers: Headers) -> tuple[int, str] | None:
    """Why a request is not answered, as status and words; None where it is."""
    if method != "GET":
        return 405, "this page only shows; nothing can be sent to it"
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _is_ours(hosts[0]):
        return 403, "the name in the address is none of this machine; type the address that autoreward view has printed"
    if any(origin != f"http://{hosts[0]}" for origin in headers.getlist("origin")):
        return 403, "another site has asked"
    if any(site not in ("none", "same-origin") for site in headers.getlist("sec-fetch-site")):
        return 403, "another site has led here; type the address into the browser"
    return None


def _is_ours(host: str) -> bool:
    name, colon, port = host.partition(":")
    return name.lower() in HOSTS and (not colon or (port.isascii() and port.isdecimal()))
