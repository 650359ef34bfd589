"""Each requirement of SDK is seen to be broken where the SDK raises or loses something."""

import asyncio
import base64
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict

from ..defects import Answer, Asked, changed, error, with_request_id
from ..edits import (
    Wrap,
    asked_as,
    asks,
    chunk,
    chunks,
    drop,
    event,
    is_chat,
    put,
    reply,
    stream,
)
from ..judged import gateway_app
from .played import answers, by_sdk, refusing, verdicts

FAIL, WARN = Verdict.FAIL, Verdict.WARN
HI = [{"role": "user", "content": "hi"}]
DELTA = "choices[].delta"
tools = asks("tools")
with_usage = asks("stream_options")
EVERY_CHAT = {f"SDK-{n:03}": FAIL for n in (1, 2, 3, 9, 22, 23, 24)} | {"SDK-021": WARN}
EVERY_STREAM = {f"SDK-{n:03}": FAIL for n in (4, 5, 6, 24, 25)} | {"SDK-026": WARN}

EVERY_HELPER = {"SDK-005": FAIL, "SDK-006": FAIL, "SDK-025": FAIL, "SDK-026": WARN}


def as_page(answer: Answer) -> Answer:
    return replace(answer, body=b"<p>hello</p>").with_header("content-type", "text/html")


def with_another_id(answer: Answer) -> Answer:
    return replace(answer, headers=((b"x-request-id", b"req-0"), *answer.headers))


def is_unknown(asked: Asked) -> bool:
    return "gateproof-no-such-model" in str(asked.object.get("model"))


def is_turn(asked: Asked) -> bool:
    return len(asked.object.get("messages") or []) == 3 and "annotations" in asked.object["messages"][1]


def with_wrong_key(asked: Asked) -> bool:
    return "sk-gateproof-" in (asked.header("authorization") or "")


def failing_stream(message: str | None) -> Answer:
    """A stream that reports an error, or nothing at all."""
    told = b'data: {"error": {"message": "%b", "code": 404}}\n\n' % message.encode() if message else b""
    return with_request_id(Answer(200, ((b"content-type", b"text/event-stream"),), told + b"data: [DONE]\n\n"))


def streamed_as(answer: Answer) -> Wrap:
    """All streamed chats become this."""
    where = by_sdk(is_chat)
    return lambda app: changed(app, lambda asked, old: answer if old.is_stream and where(asked) else None)


def listed(edit: Callable[[Any], Any]) -> Wrap:
    return answers("/models", lambda answer: answer.with_json(edit(answer.json)))


def fragments(edit: Callable[[Any], None], later: bool = True) -> Callable[[Any], None]:
    """Changes the fragments of tool calls, those that begin a call or the later ones."""

    def change(document: Any) -> None:
        for each in document["choices"]:
            for fragment in each["delta"].get("tool_calls", ()):
                if ("id" in fragment) is not later:
                    edit(fragment)

    return change


def named_again(fragment: Any) -> None:
    fragment["function"]["name"] = "get_weather"


def usage_first(found: list[Any]) -> list[Any]:
    """The usage comes with the first chunk, and not at the end."""
    *rest, last = found
    rest[0]["usage"] = last["usage"]
    return rest


def swapped(found: list[Any]) -> list[Any]:
    """The second choice begins."""
    first = next(n for n, c in enumerate(found) if c["choices"] and c["choices"][0]["index"] == 1)
    return [found[first], *found[:first], *found[first + 1 :]]


def from_one(found: list[Any]) -> list[Any]:
    for each in found:
        for choice in each["choices"]:
            choice["index"] += 1
    return found


def some_without_object(found: list[Any]) -> list[Any]:
    found[2]["object"] = "chat.completion.delta"
    return found


def doubled(value: Any) -> Any:
    return value + value if isinstance(value, str) else value


def big_endian(vector: Any) -> Any:
    if not isinstance(vector, str):
        return vector
    data = base64.b64decode(vector)
    return base64.b64encode(struct.pack(f">{len(data) // 4}f", *struct.unpack(f"<{len(data) // 4}f", data))).decode()


def as_double(vector: Any) -> Any:
    if not isinstance(vector, str):
        return vector
    data = base64.b64decode(vector)
    return base64.b64encode(struct.pack(f"<{len(data) // 4}d", *struct.unpack(f"<{len(data) // 4}f", data))).decode()


def embedded(edit: Callable[[Any], Any]) -> Wrap:
    def change(answer: Answer) -> Answer:
        document = answer.json
        for item in document["data"]:
            item["embedding"] = edit(item["embedding"])
        return answer.with_json(document)

    return answers("/embeddings", change)


def fenced(document: Any) -> None:
    for each in document["choices"]:
        each["message"]["content"] = f"```json\n{each['message']['content']}\n```"


def as_object(document: Any) -> None:
    for each in document["choices"]:
        for call in each["message"].get("tool_calls") or []:
            call["function"]["arguments"] = {"name": "Oslo", "people": 700_000}


def other_arguments(document: Any) -> None:
    for each in document["choices"]:
        for call in each["message"].get("tool_calls") or []:
            call["function"]["arguments"] = '{"town": "Oslo"}'


class Leaking:
    """Every stream that is left takes a place, and there are two. Streams are slow, so that they can be left."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.taken = app, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        ended = False

        async def sending(message: Any) -> None:
            nonlocal ended
            ended = ended or (message["type"] == "http.response.body" and not message.get("more_body"))
            if message.get("more_body"):
                await asyncio.sleep(0.005)
            await send(message)

        if scope["type"] == "http" and self.taken >= 2:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        try:
            await self.app(scope, receive, sending)
        finally:
            self.taken += not ended


DEFECTS: dict[str, tuple[Wrap, Any]] = {
    "an answer without choices": (reply(drop("choices"), by_sdk()), EVERY_CHAT | {"SDK-007": FAIL, "SDK-008": FAIL}),
    "messages without a role": (reply(drop("choices[].message.role"), by_sdk()), EVERY_CHAT),
    "a page for every chat": (
        answers("/chat/completions", as_page),
        EVERY_CHAT | {"SDK-007": FAIL, "SDK-008": FAIL},
    ),
    "async calls fail": (
        refusing(by_sdk(lambda a: "(1" in str(a.object.get("messages"))), error(500)),
        {"SDK-002": FAIL},
    ),
    "a ping with text": (event(lambda piece: b"data: ping\n\n" + piece, by_sdk(is_chat), slice(2, 3)), EVERY_STREAM),
    "retry alone": (stream(lambda body: b"retry: 3000\n\n" + body, by_sdk(is_chat)), EVERY_STREAM),
    "a stream that is JSON": (
        streamed_as(Answer(200).with_json({"error": {"message": "no"}})),
        EVERY_STREAM,
    ),
    "an empty stream": (streamed_as(failing_stream(None)), EVERY_STREAM),
    "streams without choices": (
        chunk(put("choices", lambda old: []), by_sdk(is_chat)),
        {"SDK-004": FAIL, "SDK-005": FAIL, "SDK-024": FAIL},
    ),
    "the role repeated": (chunk(put(f"{DELTA}.role", "assistant"), by_sdk()), {"SDK-005": FAIL}),
    "no role": (chunk(drop(f"{DELTA}.role"), by_sdk()), {"SDK-005": FAIL}),
    "choices without an index": (
        chunk(drop("choices[].index"), by_sdk()),
        EVERY_HELPER,
    ),
    "choices count from one": (
        chunks(from_one, by_sdk()),
        EVERY_HELPER,
    ),
    "chunks of another kind": (
        chunk(put("object", "chat.chunk"), by_sdk()),
        EVERY_HELPER,
    ),
    "one chunk of another kind": (chunks(some_without_object, by_sdk()), {"SDK-005": FAIL, "SDK-006": FAIL}),
    "an unknown list in every delta": (
        chunk(put(f"{DELTA}.reasoning_details", [{"type": "text", "text": "Hm."}]), by_sdk()),
        EVERY_HELPER,
    ),
    "ids of calls repeated": (chunk(fragments(lambda f: f.update(id="call_1")), by_sdk(tools)), {"SDK-006": FAIL}),
    "names of calls repeated": (chunk(fragments(named_again), by_sdk(tools)), {"SDK-006": FAIL}),
    "fragments without an index": (chunk(fragments(lambda f: f.pop("index")), by_sdk(tools)), {"SDK-006": FAIL}),
    "calls count from one": (
        chunk(fragments(lambda f: f.update(index=1), later=False), by_sdk(tools)),
        {"SDK-006": FAIL},
    ),
    "a null type later": (chunk(fragments(lambda f: f.update(type=None)), by_sdk(tools)), {"SDK-006": FAIL}),
    "JSON in a fence": (reply(fenced, by_sdk(asks("response_format"))), {"SDK-007": FAIL}),
    "JSON of another schema": (
        reply(put("choices[].message.content", '{"town": "Oslo"}'), by_sdk(asks("response_format"))),
        {"SDK-007": FAIL},
    ),
    "arguments as an object": (reply(as_object, by_sdk(tools)), {"SDK-008": FAIL}),
    "arguments of another schema": (reply(other_arguments, by_sdk(tools)), {"SDK-008": WARN}),
    "two request ids": (answers("/chat/completions", with_another_id), {"SDK-009": FAIL}),
    "no request id on answers": (
        answers("/chat/completions", lambda a: a.with_header("x-request-id", None)),
        {"SDK-010": WARN},
    ),
    "no request id on the list": (answers("/models", lambda a: a.with_header("x-request-id", None)), {"SDK-010": WARN}),
    "no request id on errors": (
        answers("/chat/completions", lambda a: a.with_header("x-request-id", None), 404),
        {"SDK-010": WARN},
    ),
    "a list under another name": (
        listed(lambda document: {"object": "list", "models": document["data"]}),
        {"SDK-011": FAIL, "SDK-021": WARN},
    ),
    "a bare list": (listed(lambda document: document["data"]), {"SDK-011": FAIL, "SDK-021": WARN}),
    "an id that is a number": (
        listed(lambda document: document | {"data": [*document["data"], document["data"][0] | {"id": 7}]}),
        {"SDK-011": FAIL, "SDK-021": WARN},
    ),
    "an id that is missing": (
        listed(lambda document: document | {"data": [*document["data"], {"object": "model"}]}),
        {"SDK-011": FAIL, "SDK-021": WARN},
    ),
    "a page for a model": (answers("llama-3.3-70b-instruct", as_page), {"SDK-012": FAIL}),
    "slashes are not decoded": (
        refusing(lambda a: "/models/" in a.path and "/" in a.path.split("/models/")[1], error(404)),
        {"SDK-012": FAIL},
    ),
    "an unknown model is 400": (refusing(is_unknown, error(400)), {"SDK-013": FAIL}),
    "an unknown model is 400 with its code": (
        refusing(is_unknown, error(400, code="model_not_found")),
        {"SDK-013": WARN},
    ),
    "an unknown model is told in the stream": (
        refusing(lambda a: is_unknown(a) and a.streams, failing_stream("no such model")),
        {"SDK-013": FAIL},
    ),
    "an unknown model is an empty stream": (
        refusing(lambda a: is_unknown(a) and a.streams, failing_stream(None)),
        {"SDK-013": FAIL},
    ),
    "a wrong key is 403": (refusing(with_wrong_key, error(403)), {"SDK-014": FAIL}),
    "a wrong key is told in the stream": (
        refusing(lambda a: with_wrong_key(a) and a.streams, failing_stream("no such key")),
        {"SDK-014": FAIL},
    ),
    "no messages is 404": (refusing(lambda a: a.object.get("messages") == [], error(404)), {"SDK-015": WARN}),
    "no messages is served when streamed": (
        asked_as(
            put("messages", HI),
            by_sdk(lambda a: a.object["messages"] == [] and a.streams),
        ),
        {"SDK-015": WARN},
    ),
    "errors as text": (answers("/chat/completions", lambda a: a.with_json({"error": "no"}), 400), {"SDK-015": WARN}),
    "errors without code and type": (
        answers("/chat/completions", lambda a: a.with_json({"error": {"message": "no"}}), 400),
        {"SDK-015": WARN},
    ),
    "big-endian floats": (embedded(big_endian), {"SDK-019": FAIL}),
    "doubles": (embedded(as_double), {"SDK-019": FAIL}),
    "unpadded base64": (embedded(lambda v: v[:-3] if isinstance(v, str) else v), {"SDK-019": FAIL}),
    "no embeddings in the answer": (
        answers("/embeddings", lambda a: a.with_json(a.json | {"data": []})),
        {"SDK-019": FAIL},
    ),
    "a page for a completion": (answers("v1/completions", as_page), {"SDK-020": FAIL}),
    "streamed completions without text": (
        lambda app: changed(
            app,
            lambda asked, answer: (
                replace(answer, body=answer.body.replace(b'"text"', b'"said"'))
                if answer.is_stream and asked.path.endswith("v1/completions") and by_sdk()(asked)
                else None
            ),
        ),
        {"SDK-020": FAIL},
    ),
    "an unknown finish reason": (reply(put("choices[].finish_reason", "eos"), by_sdk()), {"SDK-021": WARN}),
    "a created with a fraction": (reply(put("created", 1_700_000_000.5), by_sdk()), {"SDK-021": WARN}),
    "usage without a total": (reply(drop("usage.total_tokens"), by_sdk()), {"SDK-021": WARN}),
    "returned messages are refused": (refusing(is_turn, error(400)), {"SDK-022": FAIL}),
    "unknown members crash": (refusing(asks("x_conformance"), error(500)), {"SDK-023": FAIL}),
    "unknown queries crash": (refusing(lambda a: b"conformance" in a.query, error(500)), {"SDK-023": FAIL}),
    "nulls crash": (refusing(lambda a: "seed" in a.object and a.object["seed"] is None, error(500)), {"SDK-023": FAIL}),
    "streams that are left take a place": (Leaking, {"SDK-024": FAIL}),
    "usage in the first chunk": (chunks(usage_first, by_sdk(with_usage)), {"SDK-025": FAIL}),
    "no usage": (chunk(put("usage", None), by_sdk(with_usage)), {"SDK-025": FAIL}),
    "the second choice begins": (chunks(swapped, by_sdk(asks("n", 2))), {"SDK-026": WARN}),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_defect_is_seen_and_nothing_else(name: str) -> None:
    defect, expected = DEFECTS[name]
    assert verdicts(defect(gateway_app())) == expected
