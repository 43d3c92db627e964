"""What went wrong at an endpoint, and what to type next."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from autoreward.config import LLMConfig

NO_KEY = (
    "the language model needs a key, and OPENAI_API_KEY is not set. Type `export OPENAI_API_KEY=...`, or give a local "
    "endpoint with --llm.base-url http://localhost:8000/v1; `--designer composer` needs neither"
)
_WITHOUT = "`--designer composer` needs no language model"


class Declined(ValueError):
    """An endpoint answers with success, and with its own word for a failure in place of a completion."""


def one_line(text: object, limit: int = 200) -> str:
    """Foreign text, fit for a message: one line, printable, not long."""
    line = " ".join(str(text).split())
    line = "".join(letter for letter in line if letter.isprintable())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def explain(error: Exception, config: LLMConfig, url: str, key: str) -> str:
    """One message for a fault of the SDK, of the network or of the endpoint; it never holds the key."""
    import openai

    where, model, said = without_password(url), config.model, _said(error, key)
    tries = f" after {config.retries + 1} tries" if config.retries else ""
    connected = type(error.__cause__).__name__ != "ConnectTimeout"
    if isinstance(error, openai.APITimeoutError) and connected:
        return (
            f"{where} was silent for {config.timeout_seconds:g} s{tries}; "
            f"allow more with --llm.timeout-seconds, or see whether the server is busy"
        )
    if isinstance(error, openai.APIConnectionError):
        cause = one_line(_without_key(error.__cause__ or error, key))
        return (
            f"{where} cannot be reached{tries} ({cause}). Is the server running, and is the URL right "
            f"(--llm.base-url, OPENAI_BASE_URL)? {_WITHOUT}"
        )
    if isinstance(error, openai.APIStatusError):
        return _explain_status(error, where, model, said, tries, key)
    if isinstance(error, Declined):
        return f"{where} failed{tries} ({said}). Wait a while, then `autoreward resume` the run"
    if isinstance(error, openai.APIResponseValidationError) or not isinstance(error, openai.OpenAIError):
        return (
            f"{where} replied with something that is no chat completion{tries} ({said}). Is it an OpenAI-compatible "
            f"endpoint, and {model!r} a model for chats (--llm.model)? {_path_hint(url)}"
        )
    return f"{where} failed ({said}). {_WITHOUT}"


def _explain_status(error: Any, where: str, model: str, said: str, tries: str, key: str) -> str:  # noqa: ANN401
    status, code = error.status_code, error.code or ""
    if status in (401, 403):
        if not key:
            return f"{where} wants a key ({status}: {said}). Type `export OPENAI_API_KEY=...`; {_WITHOUT}"
        return (
            f"{where} refuses the key in OPENAI_API_KEY ({status}: {said}). Type `export OPENAI_API_KEY=...` "
            f"with a key that may use {model!r}; {_WITHOUT}"
        )
    if status == 404:
        return (
            f"{where} knows no model {model!r}, or is not the right URL (404: {said}). Choose a model with "
            f"--llm.model NAME. {_path_hint(where)}"
        )
    if status == 429 and code == "insufficient_quota":
        return f"the quota of the key is used up at {where} (429: {said}); add credit, or set another OPENAI_API_KEY"
    if status == 429:
        wait = one_line(error.response.headers.get("retry-after", ""), 40)
        asked = f", with Retry-After: {wait}" if wait else tries
        return (
            f"{where} still limits the rate{asked} (429: {said}). Wait a while, then `autoreward resume` the run; "
            "--llm.retries N tries longer"
        )
    if status in (400, 413) and (code == "context_length_exceeded" or "context" in said.lower() or status == 413):
        return (
            f"the prompt is too long for {model!r} ({status}: {said}). Choose a model with a longer context "
            "(--llm.model NAME), or shorten the templates (--llm.prompts FOLDER)"
        )
    if status in (400, 422):
        return (
            f"{where} refuses the request ({status}: {said}). Check --llm.model, --llm.temperature, "
            "--llm.max-completion-tokens and --llm.extra-body"
        )
    return f"{where} failed{tries} ({status}: {said}). Wait a while, then `autoreward resume` the run"


def _said(error: Exception, key: str) -> str:
    """The endpoint's own words, without the key."""
    body = getattr(error, "body", None)
    text = body.get("message") if isinstance(body, dict) else None
    return one_line(_without_key(text or getattr(error, "message", None) or error, key))


def _without_key(text: object, key: str) -> str:
    """Before a text is cut, since half a key would no longer be found."""
    return str(text).replace(key, "***") if key else str(text)


def _path_hint(url: str) -> str:
    if urlsplit(url).path.rstrip("/").endswith("/v1"):
        return "See --llm.base-url and OPENAI_BASE_URL"
    return "Base URLs mostly end in /v1 (--llm.base-url, OPENAI_BASE_URL)"


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
