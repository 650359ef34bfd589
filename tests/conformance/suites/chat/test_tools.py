"""Each check of function tools fires on its defect alone, be it in plain answers, in streams only, or in serving
them."""

import json

import pytest

from conformance.verdict import Verdict

from ..defects import changed, error
from ..edits import Wrap, answered, asked_as, asks, both, chunk, chunks, drop, judge_with, plain, put, reply, streamed
from ..judged import red
from .calls import (
    CALLS,
    arguments,
    auto,
    fake_stream,
    finished,
    fragment,
    function,
    half,
    has_role,
    in_first_choice_only,
    is_json,
    leaked,
    leaked_in_chunks,
    members,
    mended,
    merged,
    messages,
    named,
    none,
    offers,
    python,
    required,
    twice,
    two_with_tools,
    understood_as,
    weather,
)

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")

IN_PLAIN_ANSWERS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "calls that are no array": (reply(put(CALLS, lambda calls: {"0": calls[0]}), auto), {"CHAT-040": FAIL}),
    "calls without a function": (reply(drop(f"{CALLS}[].function"), auto), {"CHAT-042": FAIL, "CHAT-068": FAIL}),
    "no call where one is required": (
        asked_as(put("tool_choice", "none"), plain(required)),
        {"CHAT-041": FAIL},
    ),
    "an empty list of calls": (
        reply(
            both(put(CALLS, []), put("choices[].message.content", "I can't tell you how the weather is. " * 3)),
            required,
        ),
        {"CHAT-041": FAIL, "CHAT-045": FAIL},
    ),
    "a call without id": (reply(members(id=""), required), {"CHAT-042": FAIL}),
    "two calls with one id": (reply(put(CALLS, twice), auto), {"CHAT-042": FAIL}),
    "a call without type": (reply(drop(f"{CALLS}[].type"), required), {"CHAT-042": FAIL}),
    "a call without name": (reply(function("name", ""), required), {"CHAT-042": FAIL}),
    "a call of no known tool": (reply(function("name", "tool_0"), required), {"CHAT-042": FAIL}),
    "a call of no known tool, by the model's own choice": (reply(function("name", "tool_0"), auto), {"CHAT-042": WARN}),
    "arguments that are an object": (reply(function("arguments", json.loads), required), {"CHAT-043": FAIL}),
    "arguments that are null": (reply(function("arguments", None), named), {"CHAT-043": FAIL}),
    "half of the arguments": (reply(function("arguments", half), auto), {"CHAT-044": WARN}),
    "arguments in Python's notation": (reply(function("arguments", python), required), {"CHAT-044": WARN}),
    "arguments that are JSON twice over": (reply(function("arguments", json.dumps), weather), {"CHAT-044": WARN}),
    "no arguments": (reply(function("arguments", ""), weather), {"CHAT-044": WARN}),
    "an end by calls, and none": (
        reply(put("choices[].finish_reason", "tool_calls"), asks("stream", False)),
        {"CHAT-045": FAIL},
    ),
    "calls that end with stop": (reply(put("choices[].finish_reason", "stop"), required), {"CHAT-046": WARN}),
    "another tool than the named one": (reply(function("name", "get_weather"), weather), {"CHAT-047": FAIL}),
    "no call of the named tool": (asked_as(put("tool_choice", "none"), plain(weather)), {"CHAT-047": FAIL}),
    "a call that was ruled out": (asked_as(put("tool_choice", "required"), plain(none)), {"CHAT-048": FAIL}),
    "calls in parallel all the same": (asked_as(drop("parallel_tool_calls"), plain(required)), {"CHAT-050": WARN}),
    "strict arguments with one key too many": (
        reply(function("arguments", lambda text: '{"x": 1, ' + text[1:]), offers("set_lamp")),
        {"CHAT-055": WARN},
    ),
    "strict arguments of another type": (
        reply(function("arguments", '{"colour": "grün & hell", "step": "half"}'), offers("set_lamp")),
        {"CHAT-055": WARN},
    ),
    "strict arguments that are no JSON": (
        reply(function("arguments", python), offers("set_lamp")),
        {"CHAT-044": WARN, "CHAT-055": WARN},
    ),
    "JSON as a call": (reply(leaked, is_json), {"CHAT-090": FAIL}),
    "one choice with calls for two": (reply(merged, two_with_tools), {"CHAT-091": FAIL}),
    "calls in the first choice only": (reply(in_first_choice_only, two_with_tools), {"CHAT-091": FAIL}),
    "half a call told to be whole": (reply(finished, offers("write_note")), {"CHAT-092": FAIL}),
    "half a call that was mended": (reply(mended, offers("write_note")), {"CHAT-092": FAIL}),
    "a call of a bare tool with null": (reply(function("arguments", "null"), offers("ping")), {"CHAT-093": WARN}),
    "a call of a bare tool with nothing": (reply(function("arguments", ""), offers("ping")), {"CHAT-093": WARN}),
    "one id for all calls": (
        reply(put(CALLS, lambda calls: calls and [c | {"id": f"call_{n}"} for n, c in enumerate(calls)])),
        {"CHAT-098": FAIL},
    ),
    "the id of the call before": (
        reply(members(id="call_gp1234567"), has_role("tool")),
        {"CHAT-098": FAIL},
    ),
}
IN_STREAMS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "tools refused in streams": (
        answered(streamed(auto), error(400)),
        {"CHAT-040": FAIL, "STREAM-001": FAIL},
    ),
    "tools that crash streams": (answered(streamed(auto), error(500)), {"CHAT-040": FAIL, "STREAM-001": FAIL}),
    "no stream with tools": (lambda app: changed(app, fake_stream), {"CHAT-040": FAIL}),
    "no call where one is required": (asked_as(put("tool_choice", "none"), streamed(required)), {"CHAT-041": FAIL}),
    "a call of no known tool": (
        chunk(fragment(put("function.name", "tool_0")), required),
        {"CHAT-042": FAIL},
    ),
    "a call of no known tool, by the model's own choice": (
        chunk(fragment(put("function.name", "tool_0")), auto),
        {"CHAT-042": WARN},
    ),
    "an end by calls, and none": (
        chunk(put("choices[].finish_reason", lambda old: old and "tool_calls"), none),
        {"CHAT-045": FAIL},
    ),
    "another tool than the named one": (
        chunk(fragment(put("function.name", "get_weather")), weather),
        {"CHAT-047": FAIL},
    ),
    "the named tool ignored": (understood_as("none"), {"CHAT-047": FAIL}),
    "a call that was ruled out": (asked_as(put("tool_choice", "required"), streamed(none)), {"CHAT-048": FAIL}),
    "calls in parallel all the same": (asked_as(drop("parallel_tool_calls"), streamed(required)), {"CHAT-050": FAIL}),
    "strict arguments of another type": (
        chunks(arguments(lambda _: '{"colour": "blue", "step": 1}'), offers("set_lamp")),
        {"CHAT-055": WARN},
    ),
    "JSON as a call": (chunks(leaked_in_chunks, is_json), {"CHAT-090": FAIL}),
    "one choice with calls for two": (
        asked_as(drop("n"), streamed(offers("get_weather"))),
        {"CHAT-091": FAIL},
    ),
    "half a call told to be whole": (chunk(finished, offers("write_note")), {"CHAT-092": FAIL}),
    "a call of a bare tool with half an object": (chunks(arguments(half), offers("ping")), {"CHAT-093": WARN}),
    "a call of a bare tool with nothing": (chunks(arguments(lambda _: ""), offers("ping")), {"CHAT-093": WARN}),
    "one id for all calls": (
        chunk(fragment(lambda each: each.update(id=f"call_{each['index']}"))),
        {"CHAT-098": FAIL},
    ),
    "half of the arguments": (chunks(arguments(half), auto), {"STREAM-042": WARN}),
    "arguments sent twice": (chunks(arguments(lambda text: text * 2), required), {"STREAM-042": FAIL}),
    "every streamed call after an empty object": (
        chunks(arguments(lambda text: "{}" + text)),
        {"STREAM-042": FAIL, "CHAT-055": WARN, "CHAT-093": WARN},
    ),
    "every streamed call without its end": (
        chunks(arguments(lambda text: text.removesuffix("}")), lambda a: not offers("write_note")(a)),
        {"STREAM-042": FAIL, "CHAT-055": WARN, "CHAT-093": WARN},
    ),
    "arguments in Python's notation": (chunks(arguments(python), weather), {"STREAM-042": WARN}),
    "arguments that are JSON twice over": (chunks(arguments(json.dumps), weather), {"STREAM-042": WARN}),
    "no arguments": (chunks(arguments(lambda _: ""), required), {"STREAM-042": WARN}),
    "calls that end with stop": (
        chunk(put("choices[].finish_reason", lambda old: old and "stop"), required),
        {"STREAM-044": WARN},
    ),
    "a forced call that ends as of old": (
        chunk(put("choices[].finish_reason", lambda old: old and "function_call"), weather),
        {"STREAM-044": WARN},
    ),
}
IN_SERVING: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "tools that crash": (answered(auto, error(500)), {"CHAT-040": FAIL}),
    "a required tool refused": (answered(required, error(400)), {"CHAT-041": FAIL}),
    "a named tool refused": (answered(named, error(400)), {"CHAT-047": FAIL}),
    "an unknown choice is none": (
        asked_as(put("tool_choice", "none"), asks("tool_choice", "maybe")),
        {"CHAT-049": WARN},
    ),
    "a choice without tools is none": (
        asked_as(drop("tool_choice"), lambda a: required(a) and "tools" not in a.object),
        {"CHAT-049": WARN},
    ),
    "a choice without tools crashes": (
        answered(lambda a: required(a) and "tools" not in a.object, error(500)),
        {"CHAT-049": FAIL},
    ),
    "a tool that is not offered is called": (
        asked_as(
            put("tools", lambda tools: [{"type": "function", "function": {"name": "get_news"}}, *tools]),
            lambda asked: "get_news" in str(asked.object.get("tool_choice")),
        ),
        {"CHAT-049": WARN},
    ),
    "tool results refused": (answered(has_role("tool"), error(400)), {"CHAT-051": FAIL, "CHAT-068": FAIL}),
    "results in parts refused": (
        answered(lambda a: has_role("tool")(a) and '"type": "text"' in json.dumps(messages(a)), error(400)),
        {"CHAT-052": WARN},
    ),
    "a message without content crashes": (
        answered(lambda a: has_role("tool")(a) and any("content" not in m for m in messages(a)), error(500)),
        {"CHAT-052": FAIL},
    ),
    "results of no call taken": (
        asked_as(put("messages", lambda m: m[:3]), lambda a: "call_gp0000000" in str(a.object)),
        {"CHAT-053": WARN},
    ),
    "a call without its result crashes": (
        answered(lambda a: "call_gp1" in str(messages(a)) and not has_role("tool")(a), error(502)),
        {"CHAT-053": FAIL},
    ),
    "names of any kind": (asked_as(put("tools[].function.name", "f"), offers("bad name!")), {"CHAT-054": WARN}),
    "a type of any kind": (
        asked_as(put("tools[].type", "function"), lambda a: "banana" in str(a.object.get("tools"))),
        {"CHAT-054": WARN},
    ),
    "one name twice crashes": (
        answered(lambda a: str(a.object.get("tools")).count("'name': 'get_time'") == 2, error(500)),
        {"CHAT-054": FAIL},
    ),
    "a call without tools": (
        asked_as(
            put("tools", [{"type": "function", "function": {"name": "f"}}]),
            lambda a: required(a) and "tools" not in a.object,
        ),
        {"CHAT-049": WARN, "CHAT-090": FAIL},
    ),
    "half a call that crashes": (answered(offers("write_note"), error(500)), {"CHAT-092": FAIL}),
    "bare tools refused": (
        answered(lambda a: offers("ping")(a) and named(a), error(400)),
        {"CHAT-093": WARN},
    ),
    "calls without arguments refused": (
        answered(lambda a: offers("ping")(a) and has_role("tool")(a), error(400)),
        {"CHAT-094": WARN},
    ),
    "references refused": (answered(offers("plan_route"), error(400)), {"CHAT-095": WARN}),
    "references that crash": (answered(offers("plan_route"), error(500)), {"CHAT-095": FAIL}),
    "tools and a format refused": (
        answered(lambda a: offers("get_weather")(a) and "response_format" in a.object, error(400)),
        {"CHAT-097": WARN},
    ),
    "tools dropped beside a format": (
        asked_as(both(drop("tools"), drop("tool_choice")), asks("response_format", {"type": "text"})),
        {"CHAT-097": WARN},
    ),
}
CASES = [(name, *case) for table in (IN_PLAIN_ANSWERS, IN_STREAMS, IN_SERVING) for name, case in table.items()]


@pytest.mark.parametrize(("wrap", "expected"), [pytest.param(*case, id=name) for name, *case in CASES])
def test_a_defect_of_tools_is_seen_by_its_requirement_alone(wrap: Wrap, expected: dict[str, Verdict]) -> None:
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged
