"""The proxy's plain answers: what the provider is sent, what the client gets, and what failures become."""

import asyncio
import gzip
import json
import socket
import struct
from typing import Any

import pytest

from reference_gateway.backends.upstream import Upstream
from reference_gateway.call import BackendError, Call, Endpoint
from tests.reference_gateway.backends.provider import KEY, Script, ScriptedProvider, reply

BODY: dict[str, Any] = {"model": "public/name", "messages": [{"role": "user", "content": "Hi"}]}
COMPLETION = {
    "id": "c1",
    "object": "chat.completion",
    "model": "inner",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "👩‍🚀"}, "finish_reason": "stop"}],
    "x_unknown": {"seed": 9007199254740993},
}


def call(body: dict[str, Any] | None = None, endpoint: Endpoint = Endpoint.CHAT) -> Call:
    return Call(endpoint, {**BODY, **(body or {})}, "inner")


async def ask(script: Script, asked: Call | None = None, **options: Any) -> tuple[Any, ScriptedProvider]:
    """The answer, or the BackendError, and the provider that was asked."""
    async with ScriptedProvider(script) as provider:
        upstream = Upstream(provider.url, KEY, {"X-Team": "team-secret"}, **options)
        try:
            async with asyncio.timeout(5):
                return await upstream.answer(asked or call()), provider
        except BackendError as error:
            assert_nothing_leaks(error, provider)
            return error, provider
        finally:
            await upstream.close()


def assert_nothing_leaks(error: BackendError, provider: ScriptedProvider) -> None:
    told = f"{error.message} {error.code} {error.type} {error.param}"
    assert not [secret for secret in (KEY, "127.0.0.1", str(provider.port), "team-secret") if secret in told]


def failure(script: Script, **options: Any) -> BackendError:
    error, _ = asyncio.run(ask(script, **options))
    assert isinstance(error, BackendError)
    return error


def test_the_answer_comes_back_with_the_clients_model_name() -> None:
    answer, _ = asyncio.run(ask(reply(COMPLETION)))
    assert answer == {**COMPLETION, "model": "public/name"}


def test_the_body_reaches_the_provider_unchanged_but_for_the_model() -> None:
    body = {
        "seed": 9007199254740993,
        "messages": [{"role": "user", "content": 'é👩‍🚀 "\\\n\u2028'}, {"role": "assistant", "content": ""}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"const": -(2**63)}}}],
        "x_unknown": None,
    }
    asked = call(body)
    _, provider = asyncio.run(ask(reply(COMPLETION), asked))
    (request,) = provider.requests
    assert request.line == "POST /v1/chat/completions HTTP/1.1"
    assert request.json == {**BODY, **body, "model": "inner"}
    assert "é👩‍🚀".encode() in request.body
    assert asked.body["model"] == "public/name"


def test_the_provider_gets_its_own_key_and_headers() -> None:
    _, provider = asyncio.run(ask(reply(COMPLETION)))
    headers = provider.requests[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["x-team"] == "team-secret"
    assert headers["content-type"] == "application/json"


def test_half_a_surrogate_pair_is_passed_on_as_an_escape() -> None:
    _, provider = asyncio.run(ask(reply(COMPLETION), call({"messages": [{"role": "user", "content": "\ud83d"}]})))
    assert provider.requests[0].json["messages"][0]["content"] == "\ud83d"


@pytest.mark.parametrize(
    ("endpoint", "path", "answer"),
    [
        (Endpoint.COMPLETIONS, "/v1/completions", {"choices": []}),
        (Endpoint.EMBEDDINGS, "/v1/embeddings", {"data": []}),
    ],
)
def test_every_endpoint_has_its_path(endpoint: Endpoint, path: str, answer: dict[str, Any]) -> None:
    got, provider = asyncio.run(ask(reply(answer), call(endpoint=endpoint)))
    assert got == {**answer, "model": "public/name"}
    assert provider.requests[0].line.split()[1] == path


def test_a_compressed_answer_is_understood() -> None:
    packed = gzip.compress(json.dumps(COMPLETION).encode())
    answer, _ = asyncio.run(ask(reply(packed, headers="Content-Encoding: gzip\r\n")))
    assert answer["id"] == "c1"


def test_connections_are_used_again() -> None:
    async def twice() -> int:
        async with ScriptedProvider(reply(COMPLETION), keep_open=True) as provider:
            upstream = Upstream(provider.url)
            await upstream.answer(call())
            await upstream.answer(call())
            await upstream.close()
            return provider.connections

    assert asyncio.run(twice()) == 1


TRUNCATED = reply(COMPLETION)[:-30]
INVALID: dict[str, bytes] = {
    "HTML": reply(b"<html>nginx</html>", kind="text/html"),
    "truncated JSON": reply(b'{"id": "c1", "choi'),
    "cut body": TRUNCATED,
    "empty": reply(b""),
    "a list": reply(b"[]"),
    "a string": reply(b'"ok"'),
    "no choices": reply(b"{}"),
    "NaN": reply(b'{"choices": [], "x": NaN}'),
    "invalid UTF-8": reply(b'{"choices": [], "x": "\xff"}'),
    "deep": reply(b"[" * 100_000),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "garbage": b"\x16\x03\x01 what is this\r\n\r\n",
    "nothing": b"",
    "bad gzip": reply(b"no gzip", headers="Content-Encoding: gzip\r\n"),
}


@pytest.mark.parametrize("script", INVALID.values(), ids=INVALID.keys())
def test_an_answer_that_cant_be_used_is_a_502(script: bytes) -> None:
    error = failure(script)
    assert (error.status, error.type, error.code) == (502, "api_error", "upstream_invalid_response")


def test_an_error_in_a_200_is_a_502_with_its_message() -> None:
    error = failure(reply({"error": {"message": "model overloaded", "type": "server_error", "code": "busy"}}))
    assert (error.status, error.message, error.type, error.code) == (502, "model overloaded", "server_error", "busy")


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


def test_a_reset_is_a_502() -> None:
    error = failure(reset)
    assert (error.status, error.type, error.code) == (502, "api_error", "upstream_unreachable")


def test_a_refused_connection_is_a_502() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

        async def run() -> None:
            await Upstream(f"http://127.0.0.1:{port}/v1").answer(call())

        with pytest.raises(BackendError) as caught:
            asyncio.run(run())
    assert (caught.value.status, caught.value.code) == (502, "upstream_unreachable")
    assert str(port) not in caught.value.message


@pytest.mark.parametrize("script", [silence, trickle])
def test_an_answer_that_takes_too_long_is_a_504(script: Script) -> None:
    error = failure(script, timeout_s=0.1)
    assert (error.status, error.code) == (504, "upstream_timeout")


@pytest.mark.parametrize(
    ("status", "expected", "code"),
    [
        (401, 502, "upstream_auth_error"),
        (403, 502, "upstream_auth_error"),
        (404, 502, "upstream_model_not_found"),
        (429, 429, "rate_limit_exceeded"),
        (500, 502, "upstream_error"),
        (502, 502, "upstream_error"),
        (503, 503, "upstream_unavailable"),
        (504, 504, "upstream_timeout"),
        (529, 502, "upstream_error"),
        (418, 502, "upstream_error"),
        (302, 502, "upstream_error"),
    ],
)
def test_a_refusal_has_the_status_that_is_honest_to_the_client(status: int, expected: int, code: str) -> None:
    headers = "Retry-After: 7\r\nLocation: http://elsewhere.example/\r\n"
    told = {"error": {"message": f"Bad key {KEY}", "code": "invalid_api_key"}}
    error = failure(reply(told, status, headers))
    assert (error.status, error.code) == (expected, code)
    assert error.retry_after == ("7" if status in (429, 503) else None)


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_the_clients_own_fault_is_passed_on(status: int) -> None:
    told = {"error": {"message": "temperature is too high", "type": "x", "code": "bad_value", "param": "temperature"}}
    error = failure(reply(told, status))
    assert (error.status, error.message) == (status, "temperature is too high")
    assert (error.type, error.code, error.param) == ("invalid_request_error", "bad_value", "temperature")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"detail": "too long"}, "too long"),
        (
            {"detail": [{"loc": ["body"], "msg": "field required"}, {"msg": "not a number"}]},
            "field required; not a number",
        ),
        ({"error": "plain words"}, "plain words"),
        ({"object": "error", "message": "flat", "code": 400}, "flat"),
        (b"<html>", "The provider refused the request with status 400."),
        (b"[" * 100_000, "The provider refused the request with status 400."),
        ({"error": {"message": ""}}, "The provider refused the request with status 400."),
    ],
)
def test_the_message_is_found_in_every_shape(body: Any, message: str) -> None:
    assert failure(reply(body, 400)).message == message


def test_a_message_is_freed_from_the_providers_internals() -> None:
    message = f"The model `inner` (not inner-2) at http://10.0.0.7:8000/v1 with {KEY} for team-secret says no"
    error = failure(reply({"error": {"message": message}}, 400))
    assert error.message == "The model `public/name` (not inner-2) at [redacted] with [redacted] for [redacted] says no"


def test_a_cancelled_call_closes_the_providers_connection() -> None:
    async def run() -> None:
        started = asyncio.Event()

        async def script(writer: asyncio.StreamWriter) -> None:
            started.set()

        async with ScriptedProvider(script) as provider:
            task = asyncio.create_task(Upstream(provider.url).answer(call()))
            await started.wait()
            task.cancel()
            await asyncio.wait_for(provider.gone.wait(), 5)

    asyncio.run(run())


def test_a_cookie_of_the_providers_is_not_kept() -> None:
    """The next request is another client's, and has nothing to do with this one's session."""

    async def twice() -> list[str | None]:
        async with ScriptedProvider(reply(COMPLETION, headers="Set-Cookie: session=1; Path=/\r\n")) as provider:
            upstream = Upstream(provider.url, KEY)
            for _ in range(2):
                await upstream.answer(call())
            await upstream.close()
            return [received.headers.get("cookie") for received in provider.requests]

    assert asyncio.run(twice()) == [None, None]
