"""The language model behind an OpenAI-compatible endpoint (chat completions), with every failure in plain words."""

from __future__ import annotations

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from autoreward.config import PASSWORD_IN_URL, LLMConfig
from autoreward.errors import EndpointError
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.llm.failures import NO_KEY, explain, one_line, without_password

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

DEFAULT_URL = "https://api.openai.com/v1"


class OpenAIChat:
    """Asks an endpoint of the OpenAI API: the vendor's own, or any server that speaks it, such as vLLM or Ollama.

    The key comes from OPENAI_API_KEY. With a base URL (configuration, or OPENAI_BASE_URL) it may be missing, since
    local servers need none. Time-outs, dropped connections and the statuses 408, 409, 429 and 5xx are tried again by
    the SDK, which keeps to `Retry-After`.
    """

    def __init__(self, config: LLMConfig) -> None:
        """Nothing is sent yet.

        Raises:
            EndpointError: there is neither a key nor a base URL, or the URL is none, or holds a password.
        """
        self._config = config
        given = config.base_url or os.environ.get("OPENAI_BASE_URL", "").strip()
        self._url = given or DEFAULT_URL
        self._key = os.environ.get("OPENAI_API_KEY", "").strip()
        if not self._key and not given:
            raise EndpointError(NO_KEY)
        if not (self._key.isascii() and self._key.isprintable()):
            raise EndpointError(
                "OPENAI_API_KEY holds characters that no key has; type `export OPENAI_API_KEY=...` anew"
            )
        if "@" in self._url:
            raise EndpointError(f"{PASSWORD_IN_URL} (OPENAI_BASE_URL)")
        if not _is_url(self._url):
            raise EndpointError(
                f"{one_line(self._url)!r} is not the URL of an endpoint; it looks like http://localhost:8000/v1 "
                "(--llm.base-url, or OPENAI_BASE_URL)"
            )

    def complete(self, name: CallName, messages: tuple[Message, ...]) -> Reply:
        """Ask for the next turn.

        Raises:
            EndpointError: the endpoint failed for good; the message says what to do.
        """
        started = time.monotonic()
        try:
            completion = self._client.chat.completions.create(
                model=self._config.model,
                messages=cast("list[ChatCompletionMessageParam]", [message.model_dump() for message in messages]),
                **self._options(),
            )
            return self._reply(completion, time.monotonic() - started)
        except EndpointError:
            raise
        except Exception as error:
            # The SDK does not validate: a broken server shows as ValueError, TypeError or AttributeError.
            raise EndpointError(explain(error, self._config, self._url, self._key)) from error

    @cached_property
    def _client(self) -> OpenAI:
        from openai import OpenAI

        return OpenAI(
            api_key=self._key or "none",
            base_url=self._url,
            timeout=self._config.timeout_seconds,
            max_retries=self._config.retries,
        )

    def _options(self) -> dict[str, Any]:
        """Only what is configured: reasoning models refuse a temperature, older servers the cap on tokens."""
        options = {
            "temperature": self._config.temperature,
            "max_completion_tokens": self._config.max_completion_tokens,
        }
        return {name: value for name, value in options.items() if value is not None}

    def _reply(self, completion: ChatCompletion, seconds: float) -> Reply:
        """The text of the first choice. The SDK does not validate, so a foreign body can be anything."""
        where = f"model {self._config.model!r} at {without_password(self._url)}"
        if not hasattr(completion, "choices"):
            raise ValueError(str(completion))
        if not completion.choices:
            raise EndpointError(
                f"{where} gave a reply without any choice; try again, or another model with --llm.model NAME"
            )
        choice = completion.choices[0]
        # An empty or declined reply is a reply: whoever asked repairs, or goes on without it.
        text = (choice.message.content if choice.message else None) or ""
        usage = completion.usage
        return Reply(
            text=text,
            model=completion.model or self._config.model,
            prompt_tokens=usage.prompt_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
            seconds=seconds,
        )


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
