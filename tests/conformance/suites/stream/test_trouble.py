"""Streams in trouble: each requirement of how they are delivered fires on its defect alone, and on no gateway that is
merely unusual."""

import asyncio
import itertools
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conformance.verdict import Verdict
from reference_gateway.faults.asgi import each_event

from ..defects import Answer, Asked, changed, error
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
from ..judged import gateway_app, judge, paced, red, red_verdicts

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("STREAM",)
DONE = b"data: [DONE]\n\n"
with_usage = asks("stream_options", {"include_usage": True})


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
    assert red_verdicts(judged) == expected, red(judged)


def test_another_text_where_it_is_streamed_is_seen_if_seeds_are_said_to_repeat_it() -> None:
    def loud(document: Any) -> None:
        for each in document["choices"]:
            if each["delta"].get("content"):
                each["delta"]["content"] = each["delta"]["content"].upper()

    judged = judge_with(chunk(loud, of_text), *AREAS, claimed=frozenset({"seed_determinism"}))
    assert red_verdicts(judged) == {"STREAM-058": WARN}
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
    assert red_verdicts(judge(app, *IN_TIME)) == {"STREAM-048": WARN}


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
    assert red_verdicts(judge(compressing(flushed=False)(paced()), *AREAS)) == {"STREAM-052": WARN}


def test_a_compressor_that_is_flushed_passes() -> None:
    judged = judge(compressing(flushed=True)(paced()), *AREAS)
    assert red_verdicts(judged) == {}
    assert judged["STREAM-052"].verdict is Verdict.PASS


# What is unusual

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
    assert red_verdicts(judged) == expected, red(judged)
