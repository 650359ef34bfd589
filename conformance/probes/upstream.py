"""Probes of both sides of the gateway: the provider behind it is told what to answer, and keeps what it was sent."""

import json
from asyncio import gather, sleep
from collections.abc import Mapping
from typing import Any

from conformance.exchange import Unusable
from conformance.probe import Phase, probe
from conformance.reading.upstream import received
from conformance.sending.gateway import Gateway
from conformance.sending.manners import Manner
from conformance.sending.upstream import Answer, Told, told

CAP = 64
PIECES = ["One ", "two ", "three ", "four ", "five."]
WIDE = ["Grüße ", "日本 ", "👩‍👩‍👧 ", "नमस्ते ", "ß\u0301 ", "🇺🇳."]
"""Texts of which every character has several bytes."""
SEED = 2**53 + 1
"""The first integer that a double can't hold."""
LETTERS = [
    *("\n\n  ", "def f(x):", "\n", "\t", 'return "<b>&amp;</b>"', " ", " ", "+ '\\n'  "),
    *("🙂", "e\u0301é", "\r\n", "\u2028", "%20 ${x}", " \n"),
]
"""Pieces of text of which careless hands lose or change something."""
MARKED = "gateproof-marked"
"""Stands in what must not get through to the client."""
HOP = "gateproof-of-this-hop"
"""Stands in what must not get through to the provider."""
HOP_HEADERS = {
    "Connection": "X-Gateproof-Hop",
    "X-Gateproof-Hop": HOP,
    "Proxy-Authorization": f"Basic {HOP}",
    "TE": "trailers",
}
BACKEND_HEADERS = {
    "Set-Cookie": f"session={MARKED}; Path=/",
    "Server": f"{MARKED}/1.0",
    "X-Internal-Host": f"{MARKED}.internal",
    "Connection": "X-Backend-Hop",
    "X-Backend-Hop": MARKED,
}
INTERNAL_MODEL = "internal-model-of-the-provider"
RETRY_AFTER = "2"
PACED = ["one ", "two ", "three ", "four ", "five ", "six ", "seven "]
GAP_S = 0.2
"""Between two events of a stream whose times are looked at."""
LEAVING_AFTER = 3
CANCELLED_S = 5.0
"""How soon a provider must be left after its client has gone."""
MOST_TRIES = 4
"""Of one failing request, its first one among them."""
USAGE = {"prompt_tokens": 1234, "completion_tokens": 567, "total_tokens": 1801}
ARGUMENTS = '{"city": "Łódź \\"1\\"", "days": [1, 2.50], "note": "<b>&amp;</b>"}'
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "array"}, "note": {"type": "string"}},
        },
    },
}
CALL = {"id": "call_gateproof1", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
PARAMETERS: dict[str, Any] = {
    "temperature": 0.3,
    "top_p": 0.9,
    "presence_penalty": 0.25,
    "frequency_penalty": -0.5,
    "stop": ["\n\n", "END"],
    "user": "gateproof-user",
    "seed": SEED,
    "n": 1,
}
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Answer in one word.\n\n\t“Quoted”, \\n and \u2028 stay."},
    {"role": "user", "content": "Grüße, 日本, 👩‍👩‍👧 and e\u0301 \u0000-free  <b>&amp;</b> ${x} {{y}} %s"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": CALL["id"], "content": '{"degrees": 1.50, "empty": ""}'},
    {"role": "assistant", "content": " leading and trailing "},
    {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b\n"}]},
]


def _chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def _fragment(**fields: Any) -> dict[str, Any]:
    return _chunk({"tool_calls": [fields]})


_FIRST = {"id": CALL["id"], "type": "function", "function": {"name": "weather", "arguments": ""}}
_REST = [ARGUMENTS[:9], ARGUMENTS[9:21], ARGUMENTS[21:]]
STREAMED_CALL = [
    _chunk({"role": "assistant", "content": None}),
    _fragment(index=0, **_FIRST),
    *(_fragment(index=0, function={"arguments": piece}) for piece in _REST),
    _chunk({}, "tool_calls"),
]
QUIRKS: dict[str, Answer] = {
    "an unknown finish_reason": {"pieces": PIECES, "finish_reason": "eos"},
    "fragments of tool calls without an index": {
        "chunks": [
            _chunk({"role": "assistant", "content": None}),
            _fragment(**_FIRST),
            *(_fragment(function={"arguments": piece}) for piece in _REST),
            _chunk({}, "tool_calls"),
        ]
    },
    "a first chunk without a choice": {
        "chunks": [
            {"choices": []},
            _chunk({"role": "assistant", "content": ""}),
            *(_chunk({"content": piece}) for piece in PIECES),
            _chunk({}, "stop"),
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

STANDBY: Answer = {
    "pieces": ["Six ", "seven ", "eight."],
    "usage": {"prompt_tokens": 1235, "completion_tokens": 568, "total_tokens": 1803},
}
"""What the provider answers that stands in for another."""
REFUSAL = {"error": {"message": "no", "type": "invalid_request_error", "param": "messages", "code": "invalid_value"}}
FAILOVER: dict[str, tuple[Answer, bool]] = {
    "none": ({"pieces": PIECES, "usage": USAGE}, False),
    "none, streamed": ({"pieces": PIECES, "usage": USAGE}, True),
    "a refusal": ({"status": 400, "body": json.dumps(REFUSAL)}, False),
    "a refusal, streamed": ({"status": 400, "body": json.dumps(REFUSAL)}, True),
    "a cut in the middle": ({"pieces": PIECES, "events": 3, "then": "cut"}, True),
    "500": (FAILURES["500"], False),
    "500, streamed": (FAILURES["500"], True),
    "503": (FAILURES["503"], False),
    "a connection that is cut": (FAILURES["a connection that is cut"], False),
    "a connection that is cut, streamed": (FAILURES["a connection that is cut"], True),
}
"""What the first provider does, and whether it is asked for a stream."""
PAUSES_S = (1.0, 6.0)


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


@probe()
async def scripted_messages(gateway: Gateway) -> Told:
    """A conversation with all kinds of messages, and characters that encoders trip over."""
    return await told(gateway, "messages", {"pieces": PIECES}, messages=MESSAGES, tools=[TOOL], cap=CAP)


@probe()
async def scripted_parameters(gateway: Gateway) -> dict[str, Told]:
    """Each parameter by itself, so that one that is refused tells nothing of the others."""
    cases = {name: {name: value} for name, value in PARAMETERS.items()}
    found = await gather(*(told(gateway, case, {"pieces": PIECES}, cap=CAP, **cases[case]) for case in cases))
    return dict(zip(cases, found, strict=True))


@probe()
async def scripted_calls(gateway: Gateway) -> dict[str, Told]:
    """A tool call with arguments that encoders trip over, plain and streamed."""
    plain = {
        "body": json.dumps(_completion({"role": "assistant", "content": None, "tool_calls": [CALL]}, "tool_calls"))
    }
    return {
        "plain": await told(gateway, "plain", plain, tools=[TOOL], cap=CAP),
        "streamed": await told(gateway, "streamed", {"chunks": STREAMED_CALL}, tools=[TOOL], cap=CAP, stream=True),
    }


def _completion(message: dict[str, Any], reason: str) -> dict[str, Any]:
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
async def scripted_letters(gateway: Gateway) -> dict[str, Told]:
    """A text with all that is easily lost."""
    return {
        "plain": await told(gateway, "plain", {"pieces": LETTERS}, cap=CAP),
        "streamed": await told(gateway, "streamed", {"pieces": LETTERS}, cap=CAP, stream=True),
    }


@probe()
async def scripted_without_done(gateway: Gateway) -> Told:
    return await told(gateway, "no [DONE]", {"pieces": PIECES, "done": False}, cap=CAP, stream=True)


@probe()
async def scripted_extras(gateway: Gateway) -> dict[str, Told]:
    """Fields that no client knows, in the answer and in its message."""
    extra: dict[str, Any] = {"x_provider": {"region": ["eu", 1]}, "kv_transfer_params": None}
    thought = {"reasoning_content": "Hm.", "x_mood": 0.5}
    streamed = [_chunk({"role": "assistant", "content": "", **thought}), *map(_said, PIECES), _chunk({}, "stop")]
    return {
        "plain": await told(gateway, "plain", {"pieces": PIECES, "message": thought, "extra": extra}, cap=CAP),
        "streamed": await told(gateway, "streamed", {"chunks": streamed, "extra": extra}, cap=CAP, stream=True),
    }


def _said(piece: str) -> dict[str, Any]:
    return _chunk({"content": piece})


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
async def scripted_headers(gateway: Gateway) -> Told:
    """A provider that sends headers which are not meant for clients."""
    return await told(gateway, "headers", {"pieces": PIECES, "headers": BACKEND_HEADERS}, cap=CAP)


@probe(phase=Phase.TIMED)
async def scripted_pace(gateway: Gateway) -> Told:
    """A stream whose events have known times."""
    answer: Answer = {"pieces": PACED, "gap_s": GAP_S}
    return await told(gateway, "paced", answer, cap=CAP, stream=True)


@probe(phase=Phase.TIMED)
async def scripted_leave(gateway: Gateway) -> Told:
    """A client that leaves a stream which has seconds to go."""
    answer: Answer = {"pieces": ["word "] * 60, "gap_s": GAP_S}
    manner = Manner(leave_after=LEAVING_AFTER)
    return await told(gateway, "left", answer, cap=CAP, stream=True, manner=manner, settled_s=CANCELLED_S + 1)


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
    chunks = [_chunk({"role": "assistant", "content": ""}), _said(PIECES[0]), _said(PIECES[1]), ERROR]
    reported: Answer = {"chunks": chunks, "done": False}
    found["later"]["reported"] = await told(gateway, "error in the middle", reported, cap=CAP, stream=True)
    found["error"]["200 with an error"] = await told(gateway, "200 with an error", {"body": json.dumps(ERROR)}, cap=CAP)
    return found


@probe(phase=Phase.FAILING)
async def scripted_refusals(gateway: Gateway) -> dict[str, Told]:
    """A provider that refuses the gateway's own key, and one that has no time."""
    refused = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}
    limited = {"error": {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}
    found: dict[str, Told] = {}
    for status in (401, 403):
        found[str(status)] = await told(gateway, str(status), {"status": status, "body": json.dumps(refused)}, cap=CAP)
    later: Answer = {"status": 429, "headers": {"Retry-After": RETRY_AFTER}, "body": json.dumps(limited)}
    found["429"] = await told(gateway, "429", later, cap=CAP, settled_s=1.0)
    return found


@probe(phase=Phase.FAILING)
async def scripted_recovery(gateway: Gateway) -> Told:
    """A provider that fails once, and then serves."""
    failing: Answer = {"status": 500, "body": json.dumps(ERROR)}
    return await told(gateway, "once", failing, {"pieces": PIECES}, cap=CAP)


@probe(phase=Phase.FAILING)
async def scripted_failover(gateway: Gateway) -> dict[str, Told]:
    """A model that two providers have: the one that is asked first serves, refuses, or fails, and the other serves.
    Where a failure is not taken to the other one, that may be left alone for a while, and it is tried again."""
    model = gateway.target.failover_model
    if not model:
        raise Unusable("no model that two providers have is named (--failover-model)")
    found: dict[str, Told] = {}
    for case, (answer, streamed) in FAILOVER.items():
        for pause_s in (*PAUSES_S, None):
            found[case] = await told(gateway, case, answer, other=STANDBY, model=model, cap=CAP, **_mode(streamed))
            asked = {row.path for row in received(found[case]["kept"])}
            if pause_s is None or answer.get("status", 200) < 500 or len(asked) > 1:
                break
            await sleep(pause_s)
    return found


def _mode(streamed: bool) -> dict[str, Any]:
    return {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}


@probe(phase=Phase.FAILING)
async def scripted_silence(gateway: Gateway) -> Told:
    """A provider that does not answer, for longer than the gateway is said to wait."""
    if gateway.target.upstream_timeout_s is None:
        raise Unusable("how long the gateway waits for its provider is not given (--upstream-timeout)")
    return await told(gateway, "silent", {"then": "hang"}, cap=CAP, settled_s=1.0)
