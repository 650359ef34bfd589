"""Function tools and calls that are right in another way turn nothing red."""

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict

from ..defects import Answer, Asked, changed
from ..edits import Wrap, asked_as, asks, chained, chunk, chunks, judge_with, put, refusing, reply
from ..judged import red
from .calls import (
    CALLS,
    auto,
    finished,
    function,
    half,
    messages,
    named,
    offers,
    required,
    two_with_tools,
    weather,
    written_as,
)

WARN = Verdict.WARN
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")


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
