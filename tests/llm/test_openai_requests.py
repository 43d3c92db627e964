"""What the endpoint is asked, and what is read out of a whole reply; over a real socket."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pytest
from faulty_endpoint import endpoint, refused, said
from pydantic import BaseModel, ValidationError

from autoreward.config import LLMConfig
from autoreward.errors import EndpointError
from autoreward.llm.contract import CallName, Message, Reply
from autoreward.llm.openai_chat import OpenAIChat

ASK = (Message(role="user", content="Hello?"),)
NAME = CallName(role="critic", round=0, candidate=0)


class Part(BaseModel):
    text: str
    term: str | None = None


class Opinion(BaseModel):
    verdict: Literal["approve", "reject"]
    parts: tuple[Part, ...] = ()


def config(url: str, **given: Any) -> LLMConfig:
    return LLMConfig(**{"base_url": url, "model": "tiny", "retries": 0, **given})


def replied(body: Any, **given: Any) -> Reply:
    with endpoint(body) as server:
        return OpenAIChat(config(server.url, **given)).complete(NAME, ASK)


def test_what_a_model_needs_beyond_the_standard_is_configured() -> None:
    with endpoint("Hi.") as server:
        chat = OpenAIChat(config(server.url, extra_body='{"reasoning_effort": "low", "top_k": 5}'))
        chat.complete(NAME, ASK)
    assert (server.requests[0]["reasoning_effort"], server.requests[0]["top_k"]) == ("low", 5)
    assert "temperature" not in server.requests[0]
    assert "max_completion_tokens" not in server.requests[0]


def test_an_extra_body_is_a_mapping() -> None:
    assert LLMConfig.model_validate({"extra_body": {"top_k": 5}}).extra_body == '{"top_k": 5}'
    with pytest.raises(ValidationError, match="JSON object"):
        LLMConfig(extra_body="[1]")


def test_no_more_calls_at_once_than_configured() -> None:
    def slowly(request: Any) -> Any:
        time.sleep(0.1)
        return request["messages"][0]["content"]

    with endpoint(slowly) as server:
        chat = OpenAIChat(config(server.url, concurrency=2))
        asked = [f"number {number}" for number in range(6)]
        with ThreadPoolExecutor(6) as threads:
            given = list(
                threads.map(lambda text: chat.complete(NAME, (Message(role="user", content=text),)).text, asked)
            )
    assert given == asked
    assert server.at_once == 2


def test_a_place_is_given_back_after_a_failure() -> None:
    with endpoint("401", "401", "Hi.") as server:
        chat = OpenAIChat(config(server.url, concurrency=1))
        for _ in range(2):
            with pytest.raises(EndpointError):
                chat.complete(NAME, ASK)
        assert chat.complete(NAME, ASK).text == "Hi."


def test_usage_in_detail() -> None:
    body = said("Hi.")
    body["usage"] |= {
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    reply = replied(body)
    assert (reply.prompt_tokens, reply.cached_tokens) == (11, 8)
    assert (reply.completion_tokens, reply.reasoning_tokens) == (3, 2)


def test_what_is_not_told_is_not_made_up() -> None:
    reply = replied({**said("Hi."), "usage": None}, price_in=1.0, price_out=1.0)
    assert reply.prompt_tokens is reply.completion_tokens is reply.cached_tokens is reply.usd is None


def test_the_price_of_a_call() -> None:
    assert replied(said("Hi."), price_in=2.0, price_out=10.0).usd == pytest.approx((11 * 2 + 3 * 10) / 1e6)
    assert replied(said("Hi.")).usd is None, "a server of one's own is in no list"


@pytest.mark.parametrize(
    ("choice", "cut", "declined"),
    [
        ({}, False, False),
        ({"finish_reason": "length"}, True, False),
        ({"finish_reason": "content_filter"}, False, True),
        ({"message": {"refusal": "I cannot\nhelp"}}, False, True),
    ],
)
def test_how_a_reply_ended(choice: dict[str, Any], cut: bool, declined: bool) -> None:
    reply = replied(said(None, **choice))
    assert (reply.text, reply.cut, reply.declined) == ("", cut, declined)


def test_content_in_parts() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Hi."}]
    assert replied(said(None, message={"content": parts})).text == "Hi."


def test_a_filter_before_the_model_declines() -> None:
    reply = replied((400, refused("The prompt was filtered", "content_filter")))
    assert reply.declined
    assert "filtered" in reply.refusal


def test_the_form_of_a_reply_is_told_as_a_strict_schema() -> None:
    with endpoint('{"verdict": "approve", "parts": []}') as server:
        OpenAIChat(config(server.url)).complete(NAME, ASK, Opinion)
    told = server.requests[0]["response_format"]["json_schema"]
    assert (told["name"], told["strict"]) == ("Opinion", True)
    for part in (told["schema"], told["schema"]["$defs"]["Part"]):
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False
    assert "default" not in str(told)


@pytest.mark.parametrize("status", [400, 422, 500])
def test_an_endpoint_without_response_formats_is_told_of_none_again(status: int) -> None:
    def old(request: Any) -> Any:
        return (status, refused("response_format: unknown")) if "response_format" in request else "{}"

    with endpoint(old) as server:
        chat = OpenAIChat(config(server.url))
        for _ in range(3):
            assert chat.complete(NAME, ASK, Opinion).text == "{}"
    assert [("response_format" in request) for request in server.requests] == [True, False, False, False]


def test_another_refusal_is_not_taken_for_one_of_the_format() -> None:
    too_long = (400, refused("maximum context length is 8192 tokens", "context_length_exceeded"))
    with endpoint(too_long, too_long, "{}") as server:
        chat = OpenAIChat(config(server.url))
        with pytest.raises(EndpointError, match="too long"):
            chat.complete(NAME, ASK, Opinion)
        chat.complete(NAME, ASK, Opinion)
    assert "response_format" in server.requests[-1]
