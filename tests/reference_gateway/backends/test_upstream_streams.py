"""The proxy's streams: every spelling understood, passed on at once, and never made to look complete."""

import asyncio
from typing import Any

import pytest

from reference_gateway.backends.upstream import Upstream
from reference_gateway.call import BackendError, Call, Endpoint
from tests.reference_gateway.backends.provider import (
    DONE,
    HEAD,
    KEY,
    Script,
    ScriptedProvider,
    chunk,
    chunked,
    event,
    reply,
    stream_of,
)

TEXT = "naïve 👩‍🚀東京"
CALL = Call(Endpoint.CHAT, {"model": "public/name", "stream": True, "messages": []}, "inner")
SAID, END = event(chunk(TEXT)), event(chunk(finish="stop"))


async def collect(script: Script, **options: Any) -> tuple[list[dict[str, Any]], BackendError | None]:
    """The chunks that came, and the error that ended them."""
    async with ScriptedProvider(script) as provider:
        upstream = Upstream(provider.url, KEY, **options)
        chunks: list[dict[str, Any]] = []
        failed: BackendError | None = None
        try:
            async for one in upstream.stream(CALL):
                chunks.append(one)
        except BackendError as error:
            failed = error
        finally:
            await upstream.close()
        told = failed.message if failed else ""
        assert not [secret for secret in (KEY, "127.0.0.1", str(provider.port)) if secret in told]
        return chunks, failed


def text_of(chunks: list[dict[str, Any]]) -> str:
    return "".join(choice["delta"].get("content", "") for one in chunks for choice in one["choices"])


def test_chunks_come_with_the_clients_model_name() -> None:
    chunks, error = asyncio.run(collect(stream_of(SAID, END, DONE)))
    assert error is None
    assert chunks == [chunk(TEXT, model="public/name"), chunk(finish="stop", model="public/name")]


USAGE = {"id": "c1", "choices": [], "usage": {"total_tokens": 9007199254740993}}
LEGAL: dict[str, bytes] = {
    "CRLF": stream_of(*(part.replace(b"\n", b"\r\n") for part in (SAID, END, DONE))),
    "no space": stream_of(*(part.replace(b"data: ", b"data:") for part in (SAID, END, DONE))),
    "comments": stream_of(b": ping\n\n", SAID, b":\n\n", END, DONE),
    "multi-line data": stream_of(SAID.replace(b'"choices"', b'\ndata: "choices"'), END, DONE),
    "other fields": stream_of(b"event: message\nid: 3\nretry: 5\n" + SAID, b"retry: 1\n\n", END, DONE),
    "byte by byte": HEAD + b"".join(chunked(bytes([byte])) for byte in SAID + END + DONE) + b"0\r\n\r\n",
    "byte-order mark": stream_of(b"\xef\xbb\xbf" + SAID, END, DONE),
    "all at once": stream_of(SAID + END + DONE),
    "pings": stream_of(b"event: ping\ndata: {}\n\n", b"data:\n\n", SAID, END, DONE),
    "no [DONE]": stream_of(SAID, END),
    "cut after the finish": stream_of(SAID, END, ended=False),
    "closed connection as end": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + SAID + END + DONE,
    "a strange media type": stream_of(SAID, END, DONE).replace(b"text/event-stream", b"text/plain"),
    "after [DONE]": stream_of(SAID, END, DONE, b"data: junk\n\n"),
}


@pytest.mark.parametrize("script", LEGAL.values(), ids=LEGAL.keys())
def test_legal_spellings_are_understood(script: bytes) -> None:
    chunks, error = asyncio.run(collect(script))
    assert error is None
    assert text_of(chunks) == TEXT
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_the_usage_chunk_is_passed_on_with_its_integers() -> None:
    chunks, error = asyncio.run(collect(stream_of(SAID, END, event(USAGE), DONE)))
    assert error is None
    assert chunks[-1] == {**USAGE, "model": "public/name"}


INCOMPLETE: dict[str, bytes] = {
    "cut": stream_of(SAID, SAID, ended=False),
    "ended": stream_of(SAID, SAID),
    "[DONE] too early": stream_of(SAID, SAID, DONE),
    "one choice unfinished": stream_of(SAID, SAID, event(chunk("x", index=1)), END, DONE),
    "no JSON": stream_of(SAID, SAID, b"data: {oops\n\n", END, DONE),
    "no object": stream_of(SAID, SAID, b"data: []\n\n", END, DONE),
    "invalid UTF-8": stream_of(SAID, SAID, b'data: {"x": "\xff"}\n\n', END, DONE),
    "an event that is not closed": stream_of(SAID, SAID, END[:-1]),
}


@pytest.mark.parametrize("script", INCOMPLETE.values(), ids=INCOMPLETE.keys())
def test_an_end_before_the_answers_end_is_an_error_and_never_a_finish(script: bytes) -> None:
    chunks, error = asyncio.run(collect(script))
    assert error is not None
    assert (error.status, error.type) == (502, "api_error")
    assert text_of(chunks).startswith(TEXT * 2)
    assert not [one for one in chunks if one["choices"][0]["index"] == 1 and one["choices"][0]["finish_reason"]]


@pytest.mark.parametrize("script", [stream_of(), stream_of(DONE), stream_of(b": hi\n\n", event(USAGE), DONE)])
def test_a_stream_without_a_choice_is_an_error(script: bytes) -> None:
    _, error = asyncio.run(collect(script))
    assert error is not None
    assert error.status == 502


@pytest.mark.parametrize(
    "told",
    [
        event({"error": {"message": "GPU fell over", "type": "server_error"}}),
        b"event: error\n" + event({"message": "GPU fell over", "type": "server_error", "code": None}),
        event({"error": "GPU fell over"}),
    ],
)
def test_an_error_event_is_an_error_of_the_stream(told: bytes) -> None:
    chunks, error = asyncio.run(collect(stream_of(SAID, told, DONE)))
    assert len(chunks) == 1
    assert error is not None
    assert (error.status, error.message) == (502, "GPU fell over")


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        (reply({"error": {"message": "no"}}, 429, "Retry-After: 3\r\n"), 429, "rate_limit_exceeded"),
        (reply({"error": {"message": "no"}}, 401), 502, "upstream_auth_error"),
        (reply({"error": {"message": "no", "code": "bad"}}, 400), 400, "bad"),
        (reply({"error": {"message": "no"}}), 502, "upstream_error"),
        (reply({"choices": []}), 502, "upstream_invalid_response"),
        (reply(b"<html>", kind="text/html; charset=utf-8"), 502, "upstream_invalid_response"),
        (b"garbage\r\n\r\n", 502, "upstream_invalid_response"),
    ],
)
def test_a_refusal_before_the_first_chunk_is_an_error_of_the_request(script: bytes, status: int, code: str) -> None:
    chunks, error = asyncio.run(collect(script))
    assert chunks == []
    assert error is not None
    assert (error.status, error.code) == (status, code)


@pytest.mark.parametrize("said", [b"", SAID])
def test_a_stream_that_falls_silent_is_a_504(said: bytes) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + (chunked(said) if said else b""))
        await asyncio.Event().wait()

    chunks, error = asyncio.run(collect(script, timeout_s=0.1))
    assert len(chunks) == bool(said)
    assert error is not None
    assert (error.status, error.code) == (504, "upstream_timeout")


def test_a_finished_stream_that_is_left_open_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reference_gateway.backends.upstream.proxy._LINGER_S", 0.05)

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(stream_of(SAID, END, ended=False))
        await asyncio.Event().wait()

    chunks, error = asyncio.run(collect(script))
    assert (len(chunks), error) == (2, None)


def test_a_chunk_is_passed_on_before_the_next_is_made() -> None:
    async def run() -> list[str]:
        got = asyncio.Event()

        async def script(writer: asyncio.StreamWriter) -> None:
            writer.write(HEAD)
            for text in "abc":
                writer.write(chunked(event(chunk(text))))
                await asyncio.wait_for(got.wait(), 5)
                got.clear()
            writer.write(chunked(END + DONE) + b"0\r\n\r\n")

        async with ScriptedProvider(script) as provider:
            seen = []
            async for one in Upstream(provider.url).stream(CALL):
                seen.append(text_of([one]))
                got.set()
            return seen

    assert asyncio.run(run()) == ["a", "b", "c", ""]


async def endless(writer: asyncio.StreamWriter) -> None:
    """One chunk, then nothing; the provider waits for the client to go."""
    writer.write(HEAD + chunked(SAID))


def test_closing_the_iterator_closes_the_providers_connection() -> None:
    async def run() -> None:
        async with ScriptedProvider(endless) as provider:
            upstream = Upstream(provider.url)
            stream = upstream.stream(CALL)
            await anext(stream)
            await stream.aclose()
            await asyncio.wait_for(provider.gone.wait(), 5)
            await upstream.close()

    asyncio.run(run())


def test_cancelling_a_reader_closes_the_providers_connection() -> None:
    async def run() -> None:
        async with ScriptedProvider(endless) as provider:
            waiting = asyncio.Event()

            async def read() -> None:
                async for _ in upstream.stream(CALL):
                    waiting.set()

            upstream = Upstream(provider.url)
            task = asyncio.create_task(read())
            await waiting.wait()
            task.cancel()
            await asyncio.wait_for(provider.gone.wait(), 5)
            await upstream.close()

    asyncio.run(run())


def test_a_connection_is_used_again_after_a_finished_stream() -> None:
    async def run() -> int:
        async with ScriptedProvider(stream_of(SAID, END, DONE), keep_open=True) as provider:
            upstream = Upstream(provider.url)
            for _ in range(3):
                assert len([one async for one in upstream.stream(CALL)]) == 2
            await upstream.close()
            return provider.connections

    assert asyncio.run(run()) == 1
