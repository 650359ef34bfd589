"""Each check of function tools fires on its defect alone, be it in plain answers, in streams only, or in serving them;
and what right gateways do in other ways turns nothing red."""

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict

from ..defects import Answer, Asked, changed, error
from ..edits import Wrap, answered, asked_as, asks, both, chained, chunk, chunks, drop, judge_with, put, refusing, reply
from ..judged import red

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")
CALLS = "choices[].message.tool_calls"
FRAGMENTS = "choices[].delta.tool_calls"
auto, required, none = (asks("tool_choice", choice) for choice in ("auto", "required", "none"))


def offers(name: str) -> Callable[[Asked], bool]:
    """Chats whose first tool is this one."""
    return lambda asked: bool(tools := asked.object.get("tools")) and tools[0]["function"].get("name") == name


def named(asked: Asked) -> bool:
    return isinstance(asked.object.get("tool_choice"), dict)


def weather(asked: Asked) -> bool:
    """Chats that force the second of the two usual tools."""
    forced = asked.object.get("tool_choice") == {"type": "function", "function": {"name": "get_time"}}
    return forced and offers("get_weather")(asked) and not asks("n")(asked)


def streamed(where: Callable[[Asked], bool]) -> Callable[[Asked], bool]:
    return lambda asked: asked.streams and where(asked)


def plain(where: Callable[[Asked], bool]) -> Callable[[Asked], bool]:
    return lambda asked: not asked.streams and where(asked)


def two_with_tools(asked: Asked) -> bool:
    return offers("get_weather")(asked) and asks("n")(asked)


def messages(asked: Asked) -> list[Any]:
    found = asked.object.get("messages")
    return [message for message in found if isinstance(message, dict)] if isinstance(found, list) else []


def has_role(role: str) -> Callable[[Asked], bool]:
    return lambda asked: any(message.get("role") == role for message in messages(asked))


def members(**given: Any) -> Any:
    """The calls of plain answers with other members."""
    return put(f"{CALLS}[]", lambda call: call | given)


def function(key: str, edit: Any) -> Any:
    """The functions called in plain answers with something else under this key."""
    return put(f"{CALLS}[].function.{key}", edit)


def twice(calls: Any) -> Any:
    return calls * 2 if calls else calls


def fragment(edit: Callable[[Any], None]) -> Any:
    """The first fragments of calls."""

    def change(document: Any) -> None:
        for choice in document["choices"]:
            for each in choice["delta"].get("tool_calls", ()):
                if "id" in each:
                    edit(each)

    return change


def arguments(edit: Callable[[str], str]) -> Any:
    """The streamed arguments of each call, joined, become something else in one fragment."""

    def change(found: list[Any]) -> list[Any]:
        calls: dict[tuple[int, int], Any] = {}
        for choice in (choice for each in found for choice in each["choices"]):
            for each in choice["delta"].get("tool_calls", ()):
                first = calls.setdefault((choice["index"], each["index"]), each)
                if first is not each:
                    first["function"]["arguments"] += each["function"]["arguments"]
                    each["function"]["arguments"] = ""
        for each in calls.values():
            each["function"]["arguments"] = edit(each["function"]["arguments"])
        return found

    return change


def written_as(edit: Callable[[str], str], where: Callable[[Asked], bool]) -> Wrap:
    """The arguments of plain and streamed calls are written in another way."""

    def wrap(app: ASGIApp) -> ASGIApp:
        return chunks(arguments(edit), where)(reply(function("arguments", edit), where)(app))

    return wrap


def half(text: str) -> str:
    return text[: len(text) // 2]


def python(text: str) -> str:
    return repr(json.loads(text))


def only_first(calls: Any) -> Any:
    return calls and calls[:1]


def finished(document: Any) -> None:
    """The end of a forced call, whatever the end."""
    for choice in document["choices"]:
        if choice.get("finish_reason"):
            choice["finish_reason"] = "tool_calls"


def mended(document: Any) -> None:
    """Half a call is closed so that it parses, and told to be whole."""
    for choice in document["choices"]:
        choice["finish_reason"] = "stop"
        for call in choice["message"]["tool_calls"]:
            call["function"]["arguments"] = "{}"


def fake_stream(asked: Asked, answer: Answer) -> Answer:
    """A stream with tools is answered in one piece of JSON, as by gateways that can't stream calls."""
    if not (auto(asked) and asked.streams and answer.is_stream):
        return answer
    first = json.loads(answer.body.split(b"\n\n")[0].removeprefix(b"data: "))
    message = {"role": "assistant", "content": "Hm.", "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return Answer(200).with_json(first | {"object": "chat.completion", "choices": [choice]})


def leaked(document: Any) -> None:
    """JSON that was made by way of a hidden tool comes as its call."""
    for choice in document["choices"]:
        message, function = choice["message"], {"name": "json_tool_call", "arguments": choice["message"]["content"]}
        message["tool_calls"] = [{"id": "call_hidden", "type": "function", "function": function}]
        message["content"], choice["finish_reason"] = None, "tool_calls"


def leaked_in_chunks(found: list[Any]) -> list[Any]:
    for each in found:
        for choice in each["choices"]:
            text = choice["delta"].pop("content", None)
            if text:
                call = {"index": 0, "id": "call_hidden", "type": "function", "function": {"name": "json_tool_call"}}
                call["function"] = {"name": "json_tool_call", "arguments": text}
                choice["delta"]["tool_calls"] = [call]
            choice["finish_reason"] = choice["finish_reason"] and "tool_calls"
    return found


def merged(document: Any) -> None:
    document["choices"] = document["choices"][:1]


def in_first_choice_only(document: Any) -> None:
    document["choices"][1]["message"]["tool_calls"] = []
    document["choices"][1]["message"]["content"] = "Hm."


def is_json(asked: Asked) -> bool:
    return isinstance(asked.object.get("response_format"), dict) and "tools" not in asked.object


def understood_as(name: str) -> Wrap:
    """A named choice of a tool is taken for this word, in streams only."""
    return asked_as(put("tool_choice", name), streamed(lambda asked: named(asked) and not asks("n")(asked)))


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
        reply(function("arguments", '{"colour": "teal-3", "step": "half"}'), offers("set_lamp")),
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
    "tools that crash streams": (answered(streamed(auto), error(500)), {"CHAT-040": FAIL}),
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
    "calls in parallel all the same": (asked_as(drop("parallel_tool_calls"), streamed(required)), {"CHAT-050": WARN}),
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
    "arguments sent twice": (chunks(arguments(lambda text: text * 2), required), {"STREAM-042": WARN}),
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


# What is right in another way


def speaking(document: Any) -> None:
    """Words beside the calls."""
    for choice in document["choices"]:
        if choice["message"].get("tool_calls"):
            choice["message"]["content"] = "I will look."


def numbered(app: ASGIApp) -> ASGIApp:
    """Ids that count the calls of a conversation, as some models write them."""

    def change(asked: Asked, answer: Answer) -> Answer:
        numbers = itertools.count(sum(len(message.get("tool_calls") or ()) for message in messages(asked)))
        body = re.sub(rb'"call_[0-9a-f]{24}"', lambda _: b'"functions.call:%d"' % next(numbers), answer.body)
        return replace(answer, body=body)

    return changed(app, change)


def arguments_cut(document: Any) -> None:
    """The end of a stream of calls comes before their last fragment."""
    for choice in document["choices"]:
        for each in choice["delta"].get("tool_calls", ()):
            each["function"]["arguments"] = each["function"]["arguments"].removesuffix('"}')
        choice["finish_reason"] = choice["finish_reason"] and "length"


def once(edit: Callable[[str], str]) -> Wrap:
    """The arguments of the first answer to a required tool are written in another way."""
    times = itertools.count()

    def where(asked: Asked) -> bool:
        return (
            required(asked) and not asks("parallel_tool_calls")(asked) and "tools" in asked.object and not next(times)
        )

    return reply(function("arguments", edit), where)


def cut(document: Any) -> None:
    for choice in document["choices"]:
        for call in choice["message"].get("tool_calls") or ():
            call["function"]["arguments"] = half(call["function"]["arguments"])
            choice["finish_reason"] = "length"


def thinking(document: Any) -> None:
    """All of the cap was spent on thoughts."""
    for choice in document["choices"]:
        choice["message"] |= {"content": None, "tool_calls": None, "reasoning_content": "Let me think. " * 20}
        choice["finish_reason"] = "length"


def thinking_in_chunks(found: list[Any]) -> list[Any]:
    for each in found:
        for choice in each["choices"]:
            if choice["delta"].pop("tool_calls", None):
                choice["delta"]["reasoning_content"] = "Let me think. "
            choice["finish_reason"] = choice["finish_reason"] and "length"
    return found


GREEN: dict[str, tuple[Wrap, set[str]]] = {
    "words beside the calls": (reply(speaking), set()),
    "an empty text beside the calls": (reply(put("choices[].message.content", lambda old: old or "")), set()),
    "ids that are counted": (numbered, set()),
    "forced calls that end with tool_calls": (
        chained(reply(finished, weather), chunk(finished, weather), reply(finished, two_with_tools)),
        set(),
    ),
    "calls that are cut": (chained(reply(cut), chunk(arguments_cut, named)), set()),
    "nothing but thoughts until the cap": (
        chained(reply(thinking, asks("tools")), chunks(thinking_in_chunks, asks("tools"))),
        set(),
    ),
    "spaces and line feeds in the arguments": (
        written_as(
            lambda text: "\n" + json.dumps(json.loads(text), indent=2) + "\n", lambda a: not offers("write_note")(a)
        ),
        set(),
    ),
    "no strict tools": (refusing(offers("set_lamp")), set()),
    "no parallel_tool_calls": (refusing(asks("parallel_tool_calls"), 422), set()),
    "no several choices with tools": (refusing(two_with_tools), set()),
    "no cap so small": (refusing(offers("write_note")), set()),
    "one name twice served or not": (
        refusing(lambda a: str(a.object.get("tools")).count("'name': 'get_time'") == 2),
        set(),
    ),
    "a model that makes one call at a time": (
        chained(
            reply(put(CALLS, lambda calls: calls and calls[:1])), asked_as(put("parallel_tool_calls", False), required)
        ),
        set(),
    ),
    "a model that never calls of its own accord": (asked_as(put("tool_choice", "none"), auto), set()),
    "a model that slips once": (once(half), set()),
}


@pytest.mark.parametrize("name", GREEN)
def test_tools_that_are_right_in_another_way_turn_nothing_red(name: str) -> None:
    wrap, warned = GREEN[name]
    judged = red(judge_with(wrap, *AREAS))
    assert judged.keys() <= warned, judged


def test_a_claimed_feature_that_is_refused_is_not_passed_over() -> None:
    for where, feature, id in (
        (offers("set_lamp"), "strict_tools", "CHAT-055"),
        (asks("parallel_tool_calls"), "parallel_tools", "CHAT-050"),
    ):
        judged = red(judge_with(refusing(where), *AREAS, claimed=frozenset({feature})))
        assert {key: said.verdict for key, said in judged.items()} == {id: WARN}
