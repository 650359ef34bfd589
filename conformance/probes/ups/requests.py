"""Requests that are to reach a scripted provider as they were sent: messages and parameters."""

import secrets
from asyncio import gather
from typing import Any

from conformance.exchange import Exchange
from conformance.probe import Phase, probe
from conformance.probes.upstream import CALL, CAP, PIECES, SEED, TOOL
from conformance.sending.gateway import Gateway, user
from conformance.sending.upstream import Told, marker, told

PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    "turns": [
        {"role": "system", "content": "Answer in one word.\n\n\t“Quoted”, \\n and \u2028 stay."},
        {"role": "user", "content": "Grüße, 日本, 👩‍👩‍👧 and e\u0301 \u0000-free  <b>&amp;</b> ${x} {{y}} %s"},
        {"role": "assistant", "content": " leading and trailing "},
        {"role": "user", "name": "Ada", "content": "a\r\nb\n\n\n\nc    d\te <ada@example.org> it’s\u200b"},
        {"role": "user", "content": "Go on."},
        {"role": "user", "content": "Go on."},
        {"role": "system", "content": "Now in French."},
    ],
    "calls": [
        {"role": "user", "content": "What is the weather?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": CALL["id"], "content": '{"degrees": 1.50, "empty": ""}'},
    ],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b\n"}]}],
    "image": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
            ],
        }
    ],
    "many": [{"role": ("user", "assistant")[n % 2], "content": f"This is message {n}."} for n in range(24)],
    "developer": [{"role": "developer", "content": "Answer in one word."}, {"role": "user", "content": "Go on."}],
    "refusal": [
        {"role": "user", "content": "Do it."},
        {"role": "assistant", "content": "", "refusal": "I can't help with that."},
    ],
    "long": [{"role": "user", "content": "".join(f"line {n}\n" for n in range(2_000))}],
}
"""Messages that reach the provider as they are; behind them stands one with the script."""
_DEEP: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "getWeather_v2",
        "description": "Tells the weather.\nOf any place.",
        "strict": False,
        "parameters": {
            "type": "object",
            "properties": {
                "unit": {"type": "string", "enum": ["°C", "°F"], "pattern": "^°[CF]$", "default": "°C"},
                "place": {"$ref": "#/$defs/place"},
                "at": {"type": "integer", "minimum": 0, "maximum": SEED},
                "options": {"type": "object", "properties": {}, "examples": [{}, []]},
            },
            "required": ["unit", "place", "at"],
            "additionalProperties": False,
            "$defs": {"place": {"type": "string", "description": "A town."}},
        },
    },
}
_FORMAT: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"word": {"type": "string", "enum": ["yes", "no"]}},
            "required": ["word"],
            "additionalProperties": False,
        },
    },
}
_TOOLS = {"tools": [TOOL, _DEEP]}
_STRICT: dict[str, Any] = {
    "type": "function",
    "function": {"name": "answer", "strict": True, "parameters": _FORMAT["json_schema"]["schema"]},
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "temperature": {"temperature": 0.37},
    "temperature, nought": {"temperature": 0},
    "temperature, high": {"temperature": 1.73},
    "top_p": {"top_p": 0.9375},
    "presence_penalty": {"presence_penalty": 0.25},
    "frequency_penalty": {"frequency_penalty": -0.53},
    "stop": {"stop": ["\n\n", "END", " x ", "###"]},
    "user": {"user": "gateproof-user"},
    "seed": {"seed": SEED},
    "n": {"n": 1},
    "n, two": {"n": 2},
    "logit_bias": {"logit_bias": {"50256": -100, "1000": 5, "7": 1}},
    "logprobs": {"logprobs": True},
    "top_logprobs": {"logprobs": True, "top_logprobs": 2},
    "tools": _TOOLS,
    "tools, strict": {"tools": [_STRICT]},
    "tool_choice": _TOOLS | {"tool_choice": {"type": "function", "function": {"name": "getWeather_v2"}}},
    "parallel_tool_calls": _TOOLS | {"parallel_tool_calls": False},
    "response_format": {"response_format": _FORMAT},
    "metadata": {"metadata": {"a": "1"}},
    "store": {"store": False},
    "service_tier": {"service_tier": "default"},
    "reasoning_effort": {"reasoning_effort": "low"},
}
"""By the member that is looked at; behind a comma stands which value of it."""

OTHERWISE: dict[str, dict[str, Any]] = {
    "as it is": {"temperature": 0},
    "another temperature": {"temperature": 1},
    "another seed": {"temperature": 0, "seed": 7},
    "another cap": {"temperature": 0, "cap": CAP // 2},
    "stop sequences": {"temperature": 0, "stop": ["END"]},
    "tools": {"temperature": 0, "tools": [TOOL]},
    "a response format": {"temperature": 0, "response_format": {"type": "json_object"}},
}
"""The same messages, and something else that decides what is answered."""


@probe()
async def scripted_messages(gateway: Gateway) -> dict[str, Told]:
    """Conversations with all kinds of messages, and characters that encoders trip over."""
    fields: dict[str, dict[str, Any]] = {case: {"messages": found} for case, found in CONVERSATIONS.items()}
    fields["calls"]["tools"] = [TOOL]
    return await _each(gateway, fields)


@probe()
async def scripted_parameters(gateway: Gateway) -> dict[str, Told]:
    """Each parameter by itself, so that one that is refused tells nothing of the others."""
    return await _each(gateway, PARAMETERS)


@probe(phase=Phase.TIMED)
async def scripted_otherwise(gateway: Gateway) -> dict[str, Exchange]:
    """One prompt, asked in several ways one after the other; its provider answers each time with another number. While
    nothing else is in flight next to none is throttled."""
    script = marker(secrets.token_hex(8), *({"pieces": [f"number {n}"]} for n in range(2 * len(OTHERWISE))))
    messages = [user(f"Reply in JSON. {script}")]
    found: dict[str, Exchange] = {}
    for case, fields in OTHERWISE.items():
        body = gateway.chat_body(**{"messages": messages, "cap": CAP} | fields)
        found[case] = await gateway.scripted(body, case=case)
    return found


async def _each(gateway: Gateway, cases: dict[str, dict[str, Any]]) -> dict[str, Told]:
    found = await gather(*(told(gateway, case, {"pieces": PIECES}, cap=CAP, **cases[case]) for case in cases))
    return dict(zip(cases, found, strict=True))
