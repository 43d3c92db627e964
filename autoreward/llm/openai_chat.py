"""The language model behind an OpenAI-compatible endpoint (chat completions), with every failure in plain words."""

from __future__ import annotations

import json
import time
from functools import cached_property
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from autoreward.config import LLMConfig
from autoreward.errors import EndpointError
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.llm.endpoint import url_and_key
from autoreward.llm.failures import Declined, explain, one_line
from autoreward.llm.prices import Prices
from autoreward.llm.response_format import response_format

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletion

LONGEST_CONNECT = 15.0
"""Seconds in which a server that is there takes a connection, however long it then thinks."""
REFUSALS = (400, 422, 500, 501)
"""What servers say that know no response format; some fail over it."""
MOST_TOKENS = 1_000_000_000
"""A call has fewer; a count beyond it is none."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds before a reply that is no chat completion is asked for again; the pause doubles, as the SDK's does."""


class OpenAIChat:
    """Asks an endpoint of the OpenAI API: the vendor's own, or any server that speaks it, such as vLLM or Ollama.

    The key comes from OPENAI_API_KEY. With a base URL (configuration, or OPENAI_BASE_URL) it may be missing, since
    local servers need none. Silence, dropped connections and the statuses 408, 409, 429 and 5xx are tried again by
    the SDK, which keeps to `Retry-After`; a body that is no chat completion is tried again here. All of them together
    are tried `retries` times. At most `concurrency` calls are made at once; further threads wait their turn.

    Models differ in what they take, so only what is configured is sent: reasoning models refuse a temperature, older
    servers the cap on tokens. `extra_body` says the rest.
    """

    def __init__(self, config: LLMConfig) -> None:
        """Nothing is sent yet.

        Raises:
            EndpointError: there is neither a key nor a base URL, or the URL is none, or holds a password.
        """
        self._config, self._prices = config, Prices(config)
        self._url, self._key = url_and_key(config)
        self._turns = BoundedSemaphore(config.concurrency)
        self._takes_format = True

    def complete(self, name: CallName, messages: tuple[Message, ...], answer: type[BaseModel] | None = None) -> Reply:
        """Ask for the next turn. An endpoint that refuses a response format is not sent one again.

        Raises:
            EndpointError: the endpoint failed for good; the message says what to do.
        """
        asked = [message.model_dump() for message in messages]
        with self._turns:
            if answer is None or not self._takes_format:
                return self._ask(messages=asked)
            try:
                return self._ask(messages=asked, response_format=response_format(answer))
            except EndpointError as error:
                if getattr(error.__cause__, "status_code", None) not in REFUSALS:
                    raise
            reply = self._ask(messages=asked)
            self._takes_format = False
            return reply

    def _ask(self, **request: Any) -> Reply:  # noqa: ANN401 - parts of a request
        import openai

        started = time.monotonic()
        try:
            completion = self._completion(request)
            return self._reply(completion, time.monotonic() - started)
        except openai.BadRequestError as error:
            if error.code == "content_filter":  # some endpoints decline so, and only so
                said = one_line(error.message)
                return Reply(text="", finish="content_filter", refusal=said, seconds=time.monotonic() - started)
            raise self._failure(error) from error
        except Exception as error:
            # The SDK does not validate: a broken server shows as ValueError, TypeError or AttributeError.
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> EndpointError:
        return EndpointError(explain(error, self._config, self._url, self._key))

    def _completion(self, request: dict[str, Any]) -> ChatCompletion:
        """A whole chat completion; one that is none is asked for again while tries are left."""
        left, pause = self._config.retries, FIRST_PAUSE
        options = {**self._options(), **request}
        while True:
            raw = self._client.with_options(max_retries=left).chat.completions.with_raw_response.create(**options)
            left -= raw.retries_taken
            try:
                return _checked(raw.parse())
            except (ValueError, TypeError, AttributeError, LookupError):
                if left <= 0:
                    raise
            left, pause = left - 1, min(2 * pause, LONGEST_PAUSE)
            time.sleep(pause / 2)

    @cached_property
    def _client(self) -> OpenAI:
        from openai import OpenAI, Timeout

        silence = self._config.timeout_seconds
        timeout = Timeout(silence, connect=min(silence, LONGEST_CONNECT))
        return OpenAI(api_key=self._key or "none", base_url=self._url, timeout=timeout)

    def _options(self) -> dict[str, Any]:
        """Only what is configured."""
        config = self._config
        options = {
            "model": config.model,
            "temperature": config.temperature,
            "max_completion_tokens": config.max_completion_tokens,
            "extra_body": json.loads(config.extra_body) if config.extra_body else None,
        }
        return {name: value for name, value in options.items() if value is not None}

    def _reply(self, completion: ChatCompletion, seconds: float) -> Reply:
        """The first choice. An empty or declined reply is a reply: whoever asked repairs, or goes on without it."""
        choice = completion.choices[0]
        prompt = _count(completion, "usage", "prompt_tokens")
        said = _count(completion, "usage", "completion_tokens")
        cached = _count(completion, "usage", "prompt_tokens_details", "cached_tokens")
        thought = _count(completion, "usage", "completion_tokens_details", "reasoning_tokens")
        model = _word(completion, "model") or self._config.model
        return Reply(
            text=_text(choice.message.content) or "",
            model=model,
            finish=_word(choice, "finish_reason"),
            refusal=one_line(_word(choice.message, "refusal")),
            prompt_tokens=prompt,
            cached_tokens=cached,
            completion_tokens=said,
            reasoning_tokens=thought,
            usd=None if prompt is None or said is None else self._prices.usd(prompt, said, cached or 0, model),
            seconds=seconds,
        )


def _count(completion: object, *names: str) -> int | None:
    """A count somewhere in a completion; None where it is not there, or is no number of tokens."""
    found: Any = completion
    for name in names:
        found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < MOST_TOKENS else None


def _word(part: object, name: str) -> str:
    """A text in a completion; empty where it is not there, or is no text."""
    found = getattr(part, name, None)
    return found if isinstance(found, str) else ""


def _checked(completion: ChatCompletion) -> ChatCompletion:
    """The SDK does not validate, so a foreign body can be anything, and its attributes may be missing.

    Raises:
        Declined: it is the endpoint's word for a failure.
        ValueError: it is no chat completion with a first choice.
    """
    fault = getattr(completion, "error", None)
    if fault and not getattr(completion, "choices", None):  # some servers answer 200, whatever happened behind them
        raise Declined(str(fault.get("message", fault) if isinstance(fault, dict) else fault))
    if not hasattr(completion, "choices"):
        raise ValueError(str(completion))
    if not completion.choices:
        raise ValueError("a reply without any choice")
    message = completion.choices[0].message
    if message is None or not isinstance(_text(message.content), str | None):
        raise ValueError("a choice without a message")
    return completion


def _text(content: object) -> str | None:
    """A message's content; some endpoints give it in parts, with the thoughts in parts of their own."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return cast("str | None", content)
