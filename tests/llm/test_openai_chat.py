"""The endpoint client against a real HTTP server on loopback: what works, and what each failure tells the user."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import openai
import pytest
from faulty_endpoint import Answer, endpoint, refused, said
from pydantic import ValidationError

from autoreward.cli import main
from autoreward.config import LLMConfig, RunConfig
from autoreward.errors import EndpointError, UserError
from autoreward.llm.contract import CallName, Message
from autoreward.llm.failures import explain
from autoreward.llm.openai_chat import OpenAIChat
from autoreward.records import read_yaml
from autoreward.testing.chat import check_chat

ASK = (Message(role="system", content="Be short."), Message(role="user", content="Hello?"))
NAME = CallName(role="designer", round=0, candidate=0)
KEY = "sk-secret-123456"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def config(url: str | None, **given: Any) -> LLMConfig:
    return LLMConfig(**{"base_url": url, "model": "tiny", "retries": 0, **given})


def failure(*answers: Answer, **given: Any) -> str:
    with endpoint(*answers) as server, pytest.raises(EndpointError) as caught:
        OpenAIChat(config(server.url, **given)).complete(NAME, ASK)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_reply_with_what_it_cost() -> None:
    with endpoint((200, said("Hi."))) as server:
        reply = OpenAIChat(config(server.url)).complete(NAME, ASK)
    assert (reply.text, reply.model, reply.prompt_tokens, reply.completion_tokens) == ("Hi.", "tiny-1", 11, 3)
    assert server.requests == [{"model": "tiny", "messages": [message.model_dump() for message in ASK]}]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_it_keeps_the_contract() -> None:
    with endpoint((200, said("torso"))) as server:
        check_chat(lambda: OpenAIChat(config(server.url)))


def test_temperature_and_token_cap_are_sent_where_they_are_configured() -> None:
    with endpoint((200, said("Hi."))) as server:
        OpenAIChat(config(server.url, temperature=0.2, max_completion_tokens=500)).complete(NAME, ASK)
    assert server.requests[0]["temperature"] == 0.2
    assert server.requests[0]["max_completion_tokens"] == 500


def test_no_key_and_no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(EndpointError, match=r"export OPENAI_API_KEY=.*--designer composer"):
        OpenAIChat(LLMConfig())


def test_a_local_endpoint_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with endpoint((200, said("Hi."))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert OpenAIChat(config(None)).complete(NAME, ASK).text == "Hi."


@pytest.mark.parametrize("url", ["localhost:8000", "http://[::1", "http://"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(EndpointError, match="http://localhost:8000/v1"):
        OpenAIChat(config(url))


PASSWORDS = ("http://me:pass@host/v1", "me:pass@host/v1", "http://me:pass/#w@host/v1")


@pytest.mark.parametrize("url", PASSWORDS)
def test_a_url_with_a_password_is_refused_and_not_shown(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValidationError) as caught:
        LLMConfig(base_url=url)
    assert main(["run", "hopper", "--dry-run", "--llm.base-url", url]) == 2
    (tmp_path / "run.yaml").write_text(f"llm:\n  base_url: {url!r}\n")
    with pytest.raises(UserError, match=r"run\.yaml: llm\.base_url") as unread:
        read_yaml(tmp_path / "run.yaml", RunConfig, "config file")
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(EndpointError) as caught_too:
        OpenAIChat(LLMConfig())
    for text in (str(caught.value), capsys.readouterr().err, str(unread.value), str(caught_too.value)):
        assert "export OPENAI_API_KEY=" in text
        assert "pass" not in text.replace("password", "")


def test_a_wrong_key() -> None:
    message = failure((401, refused(f"Incorrect API key provided: {KEY}", "invalid_api_key")))
    assert "401" in message
    assert "export OPENAI_API_KEY=" in message


def test_an_endpoint_that_wants_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "wants a key" in failure((401, refused("Missing bearer")))


def test_an_unknown_model() -> None:
    message = failure((404, refused("The model `tiny` does not exist", "model_not_found")))
    assert "'tiny'" in message
    assert "--llm.model" in message


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(EndpointError, match=rf"{url} cannot be reached.*--designer composer"):
            OpenAIChat(config(url)).complete(NAME, ASK)


def test_nobody_takes_the_connection() -> None:
    """A listener whose queue is full: what a server behind a firewall looks like."""
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            queued = waiting.enter_context(socket.socket())
            queued.setblocking(False)
            queued.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        with pytest.raises(EndpointError, match=f"{url} cannot be reached"):
            OpenAIChat(config(url, timeout_seconds=0.3)).complete(NAME, ASK)


def test_a_rate_limit_that_passes_is_waited_for() -> None:
    with endpoint((429, refused("slow down")), (200, said("Hi."))) as server:
        assert OpenAIChat(config(server.url, retries=1)).complete(NAME, ASK).text == "Hi."


def test_a_rate_limit_for_good() -> None:
    message = failure((429, refused("slow down")), retries=1)
    assert "Retry-After: 1" in message
    assert "autoreward resume" in message


def test_a_quota_that_is_used_up() -> None:
    assert "add credit" in failure((429, refused("You exceeded your quota", "insufficient_quota")))


def test_no_reply_in_time() -> None:
    assert "--llm.timeout-seconds" in failure("slow", timeout_seconds=0.2)


def test_a_prompt_that_is_too_long() -> None:
    message = failure((400, refused("maximum context length is 8192 tokens", "context_length_exceeded")))
    assert "too long" in message
    assert "8192" in message


def test_a_setting_that_the_model_refuses() -> None:
    assert "--llm.temperature" in failure((400, refused("Unsupported value: 'temperature'", "unsupported_value")))


def test_a_server_that_fails() -> None:
    assert "500" in failure((500, refused("out of memory")))


@pytest.mark.parametrize("body", ["<html>a login page</html>", '{"id": "x", "choices": [{"mess', "[]", '"text"', "{}"])
def test_a_body_that_is_no_completion(body: str) -> None:
    assert "gave" in (message := failure((200, body))) or "no chat completion" in message


@pytest.mark.parametrize("body", ['{"choices": 3}', '{"choices": [7]}', '{"choices": [{"message": {"content": 5}}]}'])
def test_a_body_of_wrong_types(body: str) -> None:
    assert "no chat completion" in failure((200, body))


ODD = (5.5, -5, "many", [], {}, True, None, 10**400)


@pytest.mark.parametrize(
    "usage",
    [
        *ODD,
        *({"prompt_tokens": odd, "completion_tokens": 3} for odd in ODD),
        *({"prompt_tokens": odd, "completion_tokens": odd, "prompt_tokens_details": odd} for odd in ODD[:-1]),
        {"prompt_tokens_details": {"cached_tokens": "all"}, "completion_tokens_details": [3]},
    ],
)
def test_a_reply_with_odd_counts_is_a_reply(usage: Any) -> None:
    """What is no count is not known, and neither is its price then."""
    with endpoint((200, {**said("Hi."), "usage": usage})) as server:
        reply = OpenAIChat(config(server.url, price_in=1.0, price_out=1.0)).complete(NAME, ASK)
    assert (reply.text, reply.usd, reply.cached_tokens, reply.reasoning_tokens) == ("Hi.", None, None, None)
    assert reply.prompt_tokens is None


@pytest.mark.parametrize("part", [{"model": 7}, {"model": None}, {"model": ["a"]}])
def test_a_reply_with_odd_words_is_a_reply(part: dict[str, Any]) -> None:
    with endpoint((200, {**said("Hi.", finish_reason=3, message={"refusal": [1]}), **part})) as server:
        reply = OpenAIChat(config(server.url)).complete(NAME, ASK)
    assert (reply.text, reply.model, reply.finish, reply.refusal) == ("Hi.", "tiny", "", "")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": f"provider is down {KEY}", "code": 502}},
        {"error": "provider is down", "choices": []},
        {"error": {"code": 502, "why": "provider is down"}, "choices": None},
    ],
)
def test_a_success_that_is_a_failure_shows_the_words_of_the_endpoint(body: dict[str, Any]) -> None:
    message = failure((200, body))
    assert "failed (" in message
    assert "provider is down" in message
    assert "autoreward resume" in message
    with endpoint((200, body), "Hi.") as server:
        assert OpenAIChat(config(server.url, retries=1)).complete(NAME, ASK).text == "Hi."


def test_a_key_that_no_header_can_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-\u2026")
    with pytest.raises(EndpointError, match="OPENAI_API_KEY holds characters"):
        OpenAIChat(LLMConfig())


def test_no_choices() -> None:
    assert "--llm.model" in failure((200, {**said("x"), "choices": []}))


@pytest.mark.parametrize(
    "body",
    [said(None), said("  "), said(None, finish_reason="length"), said(None, message={"refusal": "I cannot help"})],
)
def test_a_reply_without_content_is_a_reply(body: dict[str, Any]) -> None:
    """Whoever asked repairs, or goes on without it; its tokens are counted."""
    with endpoint((200, body)) as server:
        reply = OpenAIChat(config(server.url)).complete(NAME, ASK)
    assert not reply.text.strip()
    assert reply.prompt_tokens == 11


def test_half_a_key_is_not_shown_either() -> None:
    long = "x" * 150 + f" your key {KEY * 3} is wrong"
    message = failure((401, refused(long)))
    assert KEY[:8] not in message


def test_a_connection_that_fails_does_not_show_the_key() -> None:
    error = openai.APIConnectionError(request=cast(Any, None))
    error.__cause__ = OSError("x" * 170 + f" no header: Bearer {KEY}")
    message = explain(error, config("http://localhost/v1"), "http://localhost/v1", KEY)
    assert "Bearer ***" in message
    assert KEY[:8] not in message
