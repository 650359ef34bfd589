"""Probes of both sides of the gateway: the provider behind it is told what to answer, and keeps what it was sent."""

import json
import time
from asyncio import gather
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from conformance.exchange import Unusable
from conformance.probe import Phase, probe
from conformance.sending.gateway import Gateway
from conformance.sending.upstream import Answer, Told, told

CAP = 64
PIECES = ["One ", "two ", "three ", "four ", "five."]
WIDE = ["Grüße ", "日本 ", "👩‍👩‍👧 ", "नमस्ते ", "ß\u0301 ", "🇺🇳."]
"""Texts of which every character has several bytes."""
SEED = 2**53 + 1
"""The first integer that a double can't hold."""
MARKED, HOP_MARKED = "gateproof-marked", "gateproof-hop-marked"
"""Stand in what must not get through: from the provider, and from the client."""
HOP_HEADERS = {
    "Connection": "X-Gateproof-Hop",
    "X-Gateproof-Hop": HOP_MARKED,
    "Proxy-Authorization": f"Basic {HOP_MARKED}",
    "TE": "trailers",
    "Cookie": f"session={HOP_MARKED}",
}
BACKEND_HEADERS = {
    "Set-Cookie": f"session={MARKED}; Path=/",
    "Server": f"{MARKED}/1.0",
    "X-Internal-Host": f"{MARKED}.internal",
    "Connection": "X-Backend-Hop",
    "X-Backend-Hop": MARKED,
}
INTERNAL_MODEL = "internal-model-of-the-provider"
RETRY_AFTER_S = 2
TOO_LONG = "context_length_exceeded"
PACED = ["one ", "two ", "three ", "four ", "five ", "six ", "seven."]
PAUSE_S = 1.0
GAPS_S = [0.05, 0.05, 0.05, PAUSE_S, 0.05, 0.05, PAUSE_S, 0.05]
"""Between the events of a stream whose times are looked at: two pauses, before each of which another number of events
has come, so that whoever passes events on by twos or threes holds one back for as long."""
BURST = [f"{number} " for number in range(100)]
"""Pieces that a fast provider has all at once."""
MOST_TRIES, FLOOD = 4, 8
"""Of one failing request, its first one among them: more are a warning, and a failure."""
USAGE = {
    "prompt_tokens": 1234,
    "completion_tokens": 567,
    "total_tokens": 1801,
    "prompt_tokens_details": {"cached_tokens": 1024},
    "completion_tokens_details": {"reasoning_tokens": 321},
}
ARGUMENTS = '{"city": "Łódź \\"1\\" \\u00e9", "days": [1, 2.50], "note": "<b>&amp;</b>"}'
TOOL = {
    "type": "function",
    "function": {
        "name": "getWeather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "array"}, "note": {"type": "string"}},
        },
    },
}
CALL = {"id": "call_gateproof1", "type": "function", "function": {"name": "getWeather", "arguments": ARGUMENTS}}


def chunk(delta: dict[str, Any], reason: str | None = None, **fields: Any) -> dict[str, Any]:
    """What a chunk of a stream says; `fields` are others of its choice."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason} | fields]}


def _fragment(**fields: Any) -> dict[str, Any]:
    return chunk({"tool_calls": [fields]})


def call_in_fragments(index: int | None, call: dict[str, Any]) -> list[dict[str, Any]]:
    """The chunks of a tool call, its arguments in pieces of seven letters; without an index where that is None."""
    place = {} if index is None else {"index": index}
    name, arguments = call["function"]["name"], call["function"]["arguments"]
    pieces = [arguments[start : start + 7] for start in range(0, len(arguments), 7)]
    first = _fragment(**place, id=call["id"], type="function", function={"name": name, "arguments": ""})
    return [first, *(_fragment(**place, function={"arguments": piece}) for piece in pieces)]


QUIRKS: dict[str, Answer] = {
    "an unknown finish_reason": {"pieces": PIECES, "finish_reason": "eos"},
    "fragments of tool calls without an index": {
        "chunks": [
            chunk({"role": "assistant", "content": None}),
            *call_in_fragments(None, CALL),
            chunk({}, "tool_calls"),
        ]
    },
    "a first chunk without a choice": {
        "chunks": [
            {"choices": []},
            chunk({"role": "assistant", "content": ""}),
            *(chunk({"content": piece}) for piece in PIECES),
            chunk({}, "stop"),
        ]
    },
}
VARIANTS: dict[str, Answer] = {
    "lines that end with CR LF": {"newline": "\r\n"},
    "lines that end with CR": {"newline": "\r"},
    "no space behind the colon": {"space": False},
    "comments": {"comments": True},
    "event, id and retry fields": {"fields": True},
    "data in several lines": {"multiline": True},
}
ERROR = {"error": {"message": "The provider has failed.", "type": "server_error", "param": None, "code": "failed"}}
FAILURES: dict[str, Answer] = {
    "500": {"status": 500, "body": json.dumps(ERROR)},
    "502 in HTML": {
        "status": 502,
        "headers": {"Content-Type": "text/html"},
        "body": "<html><h1>Bad gateway</h1></html>",
    },
    "503": {"status": 503, "body": json.dumps(ERROR)},
    "200 with half of a JSON object": {"body": '{"id": "chatcmpl-1", "choices": [{"index": 0, "mess'},
    "200 with an empty body": {"body": ""},
    "a connection that is cut": {"then": "cut"},
}


async def _each(gateway: Gateway, answers: Mapping[str, Answer], **fields: Any) -> dict[str, Told]:
    """A chat for each of these answers, all at once."""
    found = await gather(*(told(gateway, case, answer, cap=CAP, **fields) for case, answer in answers.items()))
    return dict(zip(answers, found, strict=True))


@probe()
async def scripted_reply(gateway: Gateway) -> Told:
    """The simplest scripted chat."""
    return await told(gateway, "plain", {"pieces": PIECES, "usage": USAGE}, cap=CAP)


@probe()
async def scripted_hop(gateway: Gateway) -> Told:
    """A chat with headers that are meant for the gateway alone."""
    return await told(gateway, "headers of a hop", {"pieces": PIECES}, headers=HOP_HEADERS, cap=CAP)


@probe()
async def scripted_stream(gateway: Gateway) -> Told:
    answer = {"pieces": PIECES, "usage": USAGE}
    return await told(gateway, "streamed", answer, cap=CAP, stream=True, stream_options={"include_usage": True})


def completion(message: dict[str, Any], reason: str) -> dict[str, Any]:
    """A whole answer with this message."""
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    head = {"id": "chatcmpl-scripted", "object": "chat.completion", "created": 1_700_000_000, "model": "scripted"}
    return head | {"choices": [choice], "usage": USAGE}


@probe()
async def scripted_variants(gateway: Gateway) -> dict[str, Told]:
    """The same stream in all forms that an event stream may have."""
    return await _each(gateway, {case: form | {"pieces": PIECES} for case, form in VARIANTS.items()}, stream=True)


@probe()
async def scripted_bytes(gateway: Gateway) -> Told:
    """A stream that is written byte by byte."""
    return await told(gateway, "byte by byte", {"pieces": WIDE, "split": 1}, cap=CAP, stream=True)


@probe()
async def scripted_without_done(gateway: Gateway) -> Told:
    return await told(gateway, "no [DONE]", {"pieces": PIECES, "done": False}, cap=CAP, stream=True)


@probe()
async def scripted_extras(gateway: Gateway) -> dict[str, Told]:
    """Fields that no client knows, in the answer and in its message."""
    extra: dict[str, Any] = {"x_provider": {"region": ["eu", 1]}, "kv_transfer_params": None}
    thought = {"reasoning_content": "Hm.", "x_mood": 0.5}
    streamed = [chunk({"role": "assistant", "content": "", **thought}), *map(_said, PIECES), chunk({}, "stop")]
    return {
        "plain": await told(gateway, "plain", {"pieces": PIECES, "message": thought, "extra": extra}, cap=CAP),
        "streamed": await told(gateway, "streamed", {"chunks": streamed, "extra": extra}, cap=CAP, stream=True),
    }


def _said(piece: str) -> dict[str, Any]:
    return chunk({"content": piece})


@probe()
async def scripted_model(gateway: Gateway) -> dict[str, Told]:
    """A provider that calls its model by a name of its own."""
    answer: Answer = {"pieces": PIECES, "extra": {"model": INTERNAL_MODEL}}
    return {
        "plain": await told(gateway, "plain", answer, cap=CAP),
        "streamed": await told(gateway, "streamed", answer, cap=CAP, stream=True),
    }


@probe()
async def scripted_quirks(gateway: Gateway) -> dict[str, Told]:
    """Streams of providers that do not quite keep to the API."""
    return await _each(gateway, QUIRKS, stream=True, tools=[TOOL])


@probe()
async def scripted_gzip(gateway: Gateway) -> dict[str, Told]:
    """A provider that compresses."""
    return {
        "plain": await told(gateway, "plain", {"pieces": WIDE, "gzip": True}, cap=CAP),
        "streamed": await told(gateway, "streamed", {"pieces": WIDE, "gzip": True}, cap=CAP, stream=True),
    }


@probe()
async def scripted_headers(gateway: Gateway) -> dict[str, Told]:
    """A provider that sends headers which are not meant for clients; and what it gets of the next client."""
    return {
        "sent": await told(gateway, "headers", {"pieces": PIECES, "headers": BACKEND_HEADERS}, cap=CAP),
        "next": await told(gateway, "after a cookie", {"pieces": PIECES}, cap=CAP),
    }


@probe(phase=Phase.TIMED)
async def scripted_pace(gateway: Gateway) -> Told:
    """A stream whose events have known times; once more if we ourselves were kept from reading it."""
    answer: Answer = {"pieces": PACED, "gaps_s": GAPS_S}
    found = await told(gateway, "paced", answer, cap=CAP, stream=True)
    if found["asked"].late_s < PAUSE_S / 4:
        return found
    return await told(gateway, "paced, again", answer, cap=CAP, stream=True)


@probe(phase=Phase.TIMED)
async def scripted_burst(gateway: Gateway) -> Told:
    """A stream of a provider that is fast."""
    return await told(gateway, "a burst", {"pieces": BURST}, cap=CAP, stream=True)


@probe(phase=Phase.FAILING)
async def scripted_failures(gateway: Gateway) -> dict[str, dict[str, Told]]:
    """A provider that fails, in every way once: one after the other, so that each is asked again once it may be."""
    found: dict[str, dict[str, Told]] = {"plain": {}, "streamed": {}, "later": {}, "error": {}}
    for case, answer in FAILURES.items():
        found["plain"][case] = await told(gateway, case, answer, cap=CAP)
    for case in ("500", "a connection that is cut"):
        found["streamed"][case] = await told(gateway, f"{case}, streamed", FAILURES[case], cap=CAP, stream=True)
    broken: Answer = {"pieces": PIECES, "events": 3, "then": "cut"}
    found["later"]["cut"] = await told(gateway, "cut in the middle", broken, {"pieces": PIECES}, cap=CAP, stream=True)
    chunks = [chunk({"role": "assistant", "content": ""}), _said(PIECES[0]), _said(PIECES[1]), ERROR]
    reported: Answer = {"chunks": chunks, "done": False}
    found["later"]["reported"] = await told(gateway, "error in the middle", reported, cap=CAP, stream=True)
    garbled: Answer = {"chunks": [*chunks[:-1], '{"id": "chatcmpl-1", "cho', _said(PIECES[2]), chunk({}, "stop")]}
    found["later"]["garbled"] = await told(gateway, "no JSON in the middle", garbled, cap=CAP, stream=True)
    found["error"]["200 with an error"] = await told(gateway, "200 with an error", {"body": json.dumps(ERROR)}, cap=CAP)
    return found


@probe(phase=Phase.FAILING)
async def scripted_refusals(gateway: Gateway) -> dict[str, Told]:
    """A provider that refuses the gateway's own key, and one that has no time."""
    refused = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}
    limited = {"error": {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}
    wrong = {"error": {"message": "too long", "type": "invalid_request_error", "param": "messages", "code": TOO_LONG}}
    spent = {
        "error": {"message": "no money", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}
    }
    found: dict[str, Told] = {}
    for status, error in ((401, refused), (403, refused), (400, wrong), (422, wrong)):
        found[str(status)] = await told(gateway, str(status), {"status": status, "body": json.dumps(error)}, cap=CAP)
    found["429, spent"] = await told(gateway, "429, spent", {"status": 429, "body": json.dumps(spent)}, cap=CAP)
    later: Answer = {"status": 429, "headers": {"Retry-After": str(RETRY_AFTER_S)}, "body": json.dumps(limited)}
    found["429"] = await told(gateway, "429", later, cap=CAP, settled_s=1.0)
    found["429, streamed"] = await told(gateway, "429, streamed", later, cap=CAP, stream=True, settled_s=1.0)
    moment = formatdate(time.time() + RETRY_AFTER_S + 1, usegmt=True)
    found["429, a moment"] = await told(
        gateway, "429, a moment", later | {"headers": {"Retry-After": moment}}, cap=CAP, settled_s=1.0
    )
    found["503"] = await told(
        gateway, "503", later | {"status": 503, "body": json.dumps(ERROR)}, cap=CAP, settled_s=1.0
    )
    return found


@probe(phase=Phase.FAILING)
async def scripted_recovery(gateway: Gateway) -> Told:
    """A provider that fails once, and then serves."""
    failing: Answer = {"status": 500, "body": json.dumps(ERROR)}
    return await told(gateway, "once", failing, {"pieces": PIECES}, cap=CAP)


@probe(phase=Phase.FAILING)
async def scripted_silence(gateway: Gateway) -> Told:
    """A provider that does not answer, for longer than the gateway is said to wait."""
    if gateway.target.upstream_timeout_s is None:
        raise Unusable("how long the gateway waits for its provider is not given (--upstream-timeout)")
    return await told(gateway, "silent", {"then": "hang"}, cap=CAP, settled_s=1.0)
