"""Where the language model is: the endpoint's URL, from the configuration or the environment."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from autoreward.config import PASSWORD_IN_URL, LLMConfig
from autoreward.errors import EndpointError
from autoreward.llm.failures import NO_KEY, one_line

DEFAULT_URL = "https://api.openai.com/v1"


def endpoint_url(config: LLMConfig) -> str:
    """The configured URL, or OPENAI_BASE_URL, or the vendor's."""
    return config.base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or DEFAULT_URL


def url_and_key(config: LLMConfig) -> tuple[str, str]:
    """Where to ask, and with which key; the key may be empty where a URL is given, since local servers need none.

    Raises:
        EndpointError: there is neither a key nor a URL, the URL is none or holds a password, or the key is none.
    """
    url, key = endpoint_url(config), os.environ.get("OPENAI_API_KEY", "").strip()
    if not key and url == DEFAULT_URL:
        raise EndpointError(NO_KEY)
    if not (key.isascii() and key.isprintable()):
        raise EndpointError("OPENAI_API_KEY holds characters that no key has; type `export OPENAI_API_KEY=...` anew")
    if "@" in url:
        raise EndpointError(f"{PASSWORD_IN_URL} (OPENAI_BASE_URL)")
    if not _is_url(url):
        raise EndpointError(
            f"{one_line(url)!r} is not the URL of an endpoint; it looks like http://localhost:8000/v1 "
            "(--llm.base-url, or OPENAI_BASE_URL)"
        )
    return url, key


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
