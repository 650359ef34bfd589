"""Streams in trouble: each requirement of how they are delivered fires on its defect alone, and on no gateway that is
merely unusual."""

import asyncio
import itertools
import socket
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conformance.verdict import Verdict
from reference_gateway.faults.asgi import each_event
from reference_gateway.faults.tcp import Client, Given, Heard, Tcp, closing, relaying, rewritten
from reference_gateway.server import listen

from ..defects import Answer, Asked, before, changed, error
from ..edits import (
    Wrap,
    answered,
    asked_as,
    asks,
    chained,
    chunk,
    chunks,
    drop,
    headers,
    judge_with,
    put,
    reply,
    stream,
)
from ..judged import gateway_app, judge, judge_url, on_stage, paced, red

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("STREAM",)
DONE, LAST_CHUNK = b"data: [DONE]\n\n", b"0\r\n\r\n"
with_usage = asks("stream_options", {"include_usage": True})
SSE = Answer(200, ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")))


def verdicts(judged: dict[str, Any]) -> dict[str, Verdict]:
    return {id: said.verdict for id, said in red(judged).items()}


def of_text(asked: Asked) -> bool:
    return asked.streams and "tools" not in asked.object


def without_stream(asked: Asked) -> bool:
    return with_usage(asked) and not asked.streams


def has_null_options(asked: Asked) -> bool:
    return asked.streams and asked.object.get("stream_options", 0) is None


def asks_no_usage(asked: Asked) -> bool:
    return asked.object.get("stream_options") == {"include_usage": False}


def asks_no_obfuscation(asked: Asked) -> bool:
    return asked.object.get("stream_options") == {"include_obfuscation": False}


def second_choice_first(found: list[Any]) -> list[Any]:
    first = next(each for each in found if each["choices"] and each["choices"][0]["index"] == 1)
    found.remove(first)
    return [first, *found]


def broken_off(body: bytes) -> bytes:
    """A stream that ends with an error after its first event."""
    first = body.split(b"\n\n")[0]
    return first + b'\n\ndata: {"error": {"message": "the model is down", "type": "server_error"}}\n\n' + DONE


def with_a_chunk_of_another(app: ASGIApp) -> ASGIApp:
    """Streams with stop sequences hold a chunk of the stream before."""
    seen: list[bytes] = []

    def change(asked: Asked, answer: Answer) -> Answer:
        if not (answer.is_stream and asks("stop")(asked)):
            return answer
        events = answer.body.split(b"\n\n")
        seen.append(events[1])
        other = seen[-2] if len(seen) > 1 else events[1]
        return replace(answer, body=b"\n\n".join([events[0], other, *events[2:]]))

    return changed(app, change)


def lingering(app: ASGIApp) -> ASGIApp:
    """Streams with usage end a while after [DONE]."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message.get("body", b"").endswith(DONE) and b'"usage":{' in sent:
                await send({**message, "more_body": True})
                await asyncio.sleep(1.2)
                message = {"type": "http.response.body", "body": b""}
            sent.extend(message.get("body", b"")[-1000:])
            await send(message)

        sent = bytearray()
        await app(scope, receive, sending if scope["type"] == "http" else send)

    return wrapped


TROUBLE: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "a chunk in a comment": (
        stream(lambda body: body.replace(b"\n\n", b"\n\n: " + body[: body.index(b"\n\n")] + b"\n\n", 1)),
        {"STREAM-009": WARN},
    ),
    "streams that end late": (lingering, {"STREAM-028": WARN}),
    "usage asked for without use": (asked_as(drop("stream_options"), without_stream), {"STREAM-035": WARN}),
    "a stream for options of one": (
        asked_as(put("stream", True), without_stream),
        {"STREAM-035": WARN},
    ),
    "null options refused": (answered(has_null_options, error(400)), {"STREAM-035": WARN}),
    "null options crash": (answered(has_null_options, error(500)), {"STREAM-035": FAIL}),
    "options without a stream crash": (answered(without_stream, error(500)), {"STREAM-035": FAIL}),
    "usage though it is declined": (
        chunks(
            lambda found: [*found, found[0] | {"choices": [], "usage": dict.fromkeys(USAGE, 0) | {"prompt_tokens": 0}}],
            asks_no_usage,
        ),
        {"STREAM-029": WARN},
    ),
    "the second choice first": (
        chunks(second_choice_first, lambda asked: of_text(asked) and "n" in asked.object),
        {"STREAM-046": WARN},
    ),
    "proxies told to buffer": (headers("x-accel-buffering", "yes"), {"STREAM-051": WARN}),
    "an option that crashes": (answered(asks_no_obfuscation, error(500)), {"STREAM-062": FAIL}),
    "obfuscation that is not switched off": (
        chunk(put("obfuscation", "xxxx"), asks_no_obfuscation),
        {"STREAM-062": WARN},
    ),
    "a chunk of another stream": (with_a_chunk_of_another, {"STREAM-014": FAIL, "STREAM-057": FAIL}),
    "an error in a stream that would be served": (stream(broken_off, asks_no_usage), {"STREAM-071": FAIL}),
}
USAGE = ("prompt_tokens", "completion_tokens", "total_tokens")


@pytest.mark.parametrize("name", TROUBLE)
def test_a_defect_of_delivery_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = TROUBLE[name]
    judged = judge_with(wrap, *AREAS)
    assert verdicts(judged) == expected, red(judged)


def test_another_text_where_it_is_streamed_is_seen_if_seeds_are_said_to_repeat_it() -> None:
    def loud(document: Any) -> None:
        for each in document["choices"]:
            if each["delta"].get("content"):
                each["delta"]["content"] = each["delta"]["content"].upper()

    judged = judge_with(chunk(loud, of_text), *AREAS, claimed=frozenset({"seed_determinism"}))
    assert verdicts(judged) == {"STREAM-058": WARN}
    assert judge(gateway_app(), "STREAM-058", claimed=frozenset({"seed_determinism"}))["STREAM-058"].verdict == "pass"


# In time

IN_TIME = ("STREAM-047", "STREAM-048", "STREAM-052")


def collecting(count: int, *, role_at_once: bool) -> Wrap:
    """The first so many events are sent together, the role before them or with them."""

    def begin(asked: Asked) -> Callable[[bytes], bytes] | None:
        held, number = bytearray(), itertools.count()

        def edit(event: bytes) -> bytes:
            at = next(number)
            if role_at_once and at == 0:
                return event
            held.extend(event)
            if at < count and event != DONE:
                return b""
            sent = bytes(held)
            held.clear()
            return sent

        return edit if asked.streams else None

    return lambda app: each_event(app, begin)


@pytest.mark.parametrize("role_at_once", [True, False])
def test_a_stream_whose_first_text_is_held_back_is_seen(role_at_once: bool) -> None:
    app = collecting(57, role_at_once=role_at_once)(paced(itl_s=0.015))
    assert verdicts(judge(app, *IN_TIME)) == {"STREAM-048": WARN}


def test_a_stream_that_comes_as_it_is_made_passes() -> None:
    judged = judge(paced(), *IN_TIME)
    assert [said.verdict for said in judged.values()] == ["pass"] * 3


def test_a_model_that_is_slow_to_begin_is_not_blamed() -> None:
    judged = judge(paced(0.6, 0.001), *IN_TIME)
    assert not red(judged)


def compressing(*, flushed: bool) -> Wrap:
    """Streams in gzip for those who can read it, each event flushed or not."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            coder = zlib.compressobj(wbits=31)

            async def sending(message: Message) -> None:
                nonlocal coded
                if message["type"] == "http.response.start":
                    coded = b"event-stream" in dict(message["headers"]).get(b"content-type", b"")
                    if coded:
                        pairs = [*message["headers"], (b"content-encoding", b"gzip")]
                        message = {**message, "headers": pairs}
                elif coded:
                    data = coder.compress(message.get("body", b""))
                    data += coder.flush(zlib.Z_SYNC_FLUSH) if flushed else b""
                    data += b"" if message.get("more_body") else coder.flush()
                    message = {**message, "body": data}
                await send(message)

            coded = False
            takes = b"gzip" in dict(scope.get("headers", ())).get(b"accept-encoding", b"")
            await app(scope, receive, sending if takes else send)

        return wrapped

    return wrap


def test_a_compressor_that_is_not_flushed_is_seen() -> None:
    assert verdicts(judge(compressing(flushed=False)(paced()), *AREAS)) == {"STREAM-052": WARN}


def test_a_compressor_that_is_flushed_passes() -> None:
    judged = judge(compressing(flushed=True)(paced()), *AREAS)
    assert verdicts(judged) == {}
    assert judged["STREAM-052"].verdict is Verdict.PASS


# Left in the middle


class Leaving:
    """Counts the streams that were begun and not ended, as a gateway with that leak would."""

    def __init__(self, app: ASGIApp, act: Callable[[int], Any]) -> None:
        self.app, self.act, self.left = app, act, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            nonlocal ended
            await send(message)
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)

        if scope["type"] != "http" or not scope["path"].endswith("/chat/completions"):
            await self.app(scope, receive, send)
            return
        ended = False
        await self.act(self.left)
        try:
            await self.app(scope, receive, sending)
        finally:
            self.left += not ended


async def hangs(left: int) -> None:
    if left > 7:
        await asyncio.Event().wait()


async def grows_slower(left: int) -> None:
    await asyncio.sleep(left * 0.25)


async def crashes(left: int) -> None:
    if left:
        raise RuntimeError("a stream was left")


@pytest.mark.parametrize("act", [hangs, grows_slower, crashes])
def test_a_gateway_that_streams_leave_worse_is_seen(act: Callable[[int], Any]) -> None:
    app = Leaving(paced(0.01, 0.004), act)
    assert verdicts(judge(app, "STREAM", timeout_s=3.0)) == {"STREAM-056": FAIL}


def test_a_gateway_that_takes_few_streams_at_once_is_not_blamed() -> None:
    """Of the streams that are left at once most are turned away."""
    open_now = 0

    def wrap(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal open_now
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            open_now += 1
            try:
                busy = before(app, lambda asked: error(429).with_header("retry-after", "0.05"))
                await (busy if open_now > 4 else app)(scope, receive, send)
            finally:
                open_now -= 1

        return wrapped

    assert judge(wrap(paced(0.01, 0.002)), "STREAM-056")["STREAM-056"].verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)


# Below HTTP


@contextmanager
def relayed(speak: Tcp) -> Any:
    """The bundled gateway behind a relay that speaks so."""
    listener = listen("127.0.0.1", 0)
    with on_stage(gateway_app()) as url, relaying(listener, int(url.rsplit(":", 1)[1]), speak):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def counts_usage(heard: Heard, given: Given) -> bool:
    return given.is_stream and b'"include_usage": true' in heard.data


def is_old(heard: Heard, given: Given) -> bool:
    return b" HTTP/1.0\r\n" in heard.data


def in_chunks(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    return b"%b\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n%b" % (head, len(body), body, LAST_CHUNK)


async def never_ending(heard: Heard, given: Given, client: Client) -> None:
    if not counts_usage(heard, given):
        await client.pass_on(given)
        return
    await client.write((await given.whole()).removesuffix(LAST_CHUNK))
    await client.hang()


async def impatient(heard: Heard, given: Given, client: Client) -> None:
    """Gives up a client that does not take what is written to it at once."""
    writer = client._writer
    writer.transport.set_write_buffer_limits(0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024)
    await client.write(given.head)
    async for piece in given.body:
        try:
            async with asyncio.timeout(0.2):
                await client.write(piece)
        except TimeoutError:
            await client.reset()


async def confused_by_refusals(heard: Heard, given: Given, client: Client) -> None:
    """What was refused before on a connection stands before the next stream."""
    if client.notes.get("refused", 0) > 1 and given.is_stream:
        await client.write(b"left over\r\n")
    client.notes["refused"] = client.notes.get("refused", 0) + (given.status >= 400 and heard.is_chat)
    await client.pass_on(given)


async def deaf_after_refusals(heard: Heard, given: Given, client: Client) -> None:
    if client.notes.get("refused", 0) > 1 and given.is_stream:
        await client.hang()
    client.notes["refused"] = client.notes.get("refused", 0) + (given.status >= 400 and heard.is_chat)
    await client.pass_on(given)


BELOW: dict[str, tuple[Tcp, dict[str, Verdict]]] = {
    "chunked coding for HTTP/1.0": (rewritten(in_chunks, is_old), {"STREAM-063": WARN}),
    "no last chunk": (closing(lambda data: data.removesuffix(LAST_CHUNK), counts_usage), {"STREAM-072": FAIL}),
    "a reset after [DONE]": (
        closing(lambda data: data.removesuffix(LAST_CHUNK), counts_usage, reset=True),
        {"STREAM-072": FAIL},
    ),
    "no end": (never_ending, {"STREAM-072": FAIL}),
    "a stream that waits for nobody": (impatient, {"STREAM-023": FAIL, "STREAM-026": FAIL, "STREAM-073": FAIL}),
    "something left over from a refusal": (confused_by_refusals, {"STREAM-074": FAIL}),
    "silence after refusals": (deaf_after_refusals, {"STREAM-074": FAIL}),
}


@pytest.mark.parametrize("name", BELOW)
def test_a_defect_below_http_is_seen_by_its_requirement_alone(name: str) -> None:
    speak, expected = BELOW[name]
    with relayed(speak) as url:
        judged = judge_url(url, *AREAS, timeout_s=2.0)
    assert verdicts(judged) == expected, red(judged)


def refusing_old(status: bytes) -> Tcp:
    answer = b"HTTP/1.1 %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status
    return closing(lambda data: answer, is_old)


UNUSUAL: dict[str, Tcp] = {
    "HTTP/1.0 is not served": refusing_old(b"505 HTTP Version Not Supported"),
    "HTTP/1.0 is to be upgraded": refusing_old(b"426 Upgrade Required"),
    "HTTP/1.0 is not answered": closing(lambda data: b"", is_old),
    "a connection is closed after a refusal": closing(
        lambda data: data, lambda heard, given: given.status >= 400 and heard.is_chat
    ),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_below_http_turns_nothing_red(name: str) -> None:
    with relayed(UNUSUAL[name]) as url:
        judged = judge_url(url, *AREAS)
    assert red(judged) == {}


GREEN: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "no word to proxies": (headers("x-accel-buffering", None), {}),
    "pings with words": (
        stream(lambda body: body.replace(b"\n\n", b'\n\n: ping {"at": 1700000000}\n\n')),
        {},
    ),
    "stream options unknown altogether": (
        answered(lambda asked: isinstance(asked.object.get("stream_options"), dict), error(400)),
        {},
    ),
    "options that ask for nothing refused": (
        answered(lambda asked: asks_no_usage(asked) or asks_no_obfuscation(asked), error(422)),
        {},
    ),
    "no seed taken": (
        answered(asks("seed"), error(400)),
        {},
    ),
    "a model for plain answers beside the usual one": (
        chained(reply(put("model", lambda old: next(NAMES))), chunk(put("model", "gpt-4o-mini"))),
        {},
    ),
}
NAMES = itertools.cycle(["gpt-4o-mini", "gpt-4o-mini-2024-07-18"])


@pytest.mark.parametrize("name", GREEN)
def test_what_is_unusual_turns_nothing_red(name: str) -> None:
    wrap, expected = GREEN[name]
    judged = judge_with(wrap, *AREAS)
    assert verdicts(judged) == expected, red(judged)
