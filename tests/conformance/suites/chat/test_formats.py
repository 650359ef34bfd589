"""Each check of `response_format` fires on its defect alone, in plain answers or in streams only; and what right
gateways and models do in other ways turns nothing red."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.verdict import Verdict

from ..defects import Asked, error
from ..edits import (
    Where,
    Wrap,
    answered,
    asked_as,
    asks,
    chained,
    chunks,
    drop,
    judge_with,
    plain,
    put,
    reply,
    streamed,
)
from ..judged import red

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")


def wanting(*kinds: str) -> Where:
    """Chats that ask for one of these formats."""

    def where(asked: Asked) -> bool:
        wanted = asked.object.get("response_format")
        return isinstance(wanted, dict) and wanted.get("type") in kinds

    return where


def with_references(asked: Asked) -> bool:
    return '"$defs"' in json.dumps(asked.object.get("response_format"))


def simple(asked: Asked) -> bool:
    """Chats that ask for a sound schema without references."""
    schema = asked.object["response_format"].get("json_schema") if wanting("json_schema")(asked) else None
    return isinstance(schema, dict) and schema.keys() == {"name", "strict", "schema"} and not with_references(asked)


def said(edit: Callable[[str], Any], where: Where) -> Wrap:
    """The content of such plain answers."""
    return reply(put("choices[].message.content", lambda old: edit(old) if isinstance(old, str) else old), where)


def said_in_chunks(edit: Callable[[str], str], where: Where) -> Wrap:
    """The content of such streams, joined, becomes something else in one chunk."""

    def change(found: list[Any]) -> list[Any]:
        deltas = [choice["delta"] for each in found for choice in each["choices"] if choice["delta"].get("content")]
        text = edit("".join(delta["content"] for delta in deltas))
        for delta in deltas:
            delta["content"] = text if delta is deltas[0] else ""
        return found

    return chunks(change, where)


def fenced(text: str) -> str:
    return f"```json\n{text}\n```"


def half(text: str) -> str:
    return text[: len(text) // 2]


def opened(text: str) -> str:
    """One key too many."""
    return json.dumps(json.loads(text) | {"note": "…"})


def counted_in_words(text: str) -> str:
    return json.dumps(json.loads(text) | {"count": "three"})


def somewhere_else(text: str) -> str:
    return json.dumps(json.loads(text) | {"level": "medium"})


OBJECT, SCHEMA = wanting("json_object"), simple
AS_OBJECT: Any = put("response_format", {"type": "json_object"})

DEFECTS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "json_object ignored": (asked_as(drop("response_format"), OBJECT), {"CHAT-056": FAIL}),
    "json_object ignored in streams": (asked_as(drop("response_format"), streamed(OBJECT)), {"CHAT-056": FAIL}),
    "json_object refused in streams": (
        answered(streamed(OBJECT), error(400)),
        {"CHAT-056": FAIL, "STREAM-001": FAIL},
    ),
    "json_object that crashes": (answered(OBJECT, error(500)), {"CHAT-056": FAIL}),
    "JSON in a code fence": (said(fenced, OBJECT), {"CHAT-056": FAIL}),
    "JSON in a code fence in streams": (said_in_chunks(fenced, OBJECT), {"CHAT-056": FAIL}),
    "a word before the JSON": (said(lambda text: f"Sure: {text}", OBJECT), {"CHAT-056": FAIL}),
    "half of the JSON": (said(half, OBJECT), {"CHAT-056": FAIL}),
    "the JSON twice in streams": (said_in_chunks(lambda text: text + text, OBJECT), {"CHAT-056": FAIL}),
    "JSON in Python's notation": (said(lambda text: repr(json.loads(text)), OBJECT), {"CHAT-056": FAIL}),
    "no text for JSON": (said(lambda text: "", OBJECT), {"CHAT-056": FAIL, "CHAT-104": WARN}),
    "a JSON text for an object": (said(json.dumps, OBJECT), {"CHAT-056": WARN}),
    "a schema ignored": (
        asked_as(drop("response_format"), wanting("json_schema")),
        {"CHAT-057": FAIL, "CHAT-059": WARN},
    ),
    "a schema ignored in streams": (asked_as(drop("response_format"), streamed(SCHEMA)), {"CHAT-057": FAIL}),
    "a schema taken for json_object": (asked_as(AS_OBJECT, SCHEMA), {"CHAT-057": FAIL}),
    "a schema taken for json_object in streams": (asked_as(AS_OBJECT, streamed(SCHEMA)), {"CHAT-057": FAIL}),
    "one key too many": (said(opened, SCHEMA), {"CHAT-057": FAIL}),
    "a value of another type": (said(counted_in_words, SCHEMA), {"CHAT-057": FAIL}),
    "a value beside the enum in streams": (said_in_chunks(somewhere_else, SCHEMA), {"CHAT-057": FAIL}),
    "a schema that crashes": (answered(plain(SCHEMA), error(500)), {"CHAT-057": FAIL}),
    "the format text refused": (answered(wanting("text"), error(400)), {"CHAT-058": WARN}),
    "the format text that crashes": (answered(wanting("text"), error(500)), {"CHAT-058": FAIL}),
    "unknown formats are text": (asked_as(drop("response_format"), wanting("xml")), {"CHAT-059": WARN}),
    "schemas without a name": (
        asked_as(put("response_format.json_schema.name", lambda old: old or "a"), wanting("json_schema")),
        {"CHAT-059": WARN},
    ),
    "a schema that is a text crashes": (
        answered(lambda asked: "not-an-object" in str(asked.object), error(500)),
        {"CHAT-059": FAIL},
    ),
    "references refused": (answered(with_references, error(400)), {"CHAT-096": WARN}),
    "references ignored": (asked_as(AS_OBJECT, with_references), {"CHAT-096": WARN}),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_of_formats_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = DEFECTS[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged


def indented(text: str) -> str:
    return "\n" + json.dumps(json.loads(text), indent=2, ensure_ascii=True) + "\n"


def refusing(document: Any) -> None:
    for choice in document["choices"]:
        choice["message"] |= {"content": None, "refusal": "I'm sorry, I can't help with that."}


def thinking(document: Any) -> None:
    """All of the answer is thoughts, and its end is not told to be that of the cap."""
    for choice in document["choices"]:
        text = choice["message"]["content"]
        choice["message"] |= {"content": "", "reasoning_content": text}


def thinking_in_chunks(found: list[Any]) -> list[Any]:
    for each in found:
        for choice in each["choices"]:
            choice["delta"]["reasoning_content"] = choice["delta"].pop("content", None)
    return found


def cut(document: Any) -> None:
    for choice in document["choices"]:
        choice["message"]["content"] = half(choice["message"]["content"])
        choice["finish_reason"] = "length"


ANY = wanting("json_object", "json_schema")
GREEN: dict[str, tuple[Wrap, set[str]]] = {
    "spaces and line feeds": (chained(said(indented, ANY), said_in_chunks(indented, ANY)), set()),
    "no formats": (answered(asks("response_format"), error(400)), {"CHAT-058"}),
    "no schemas": (answered(wanting("json_schema"), error(422)), set()),
    "no JSON": (answered(ANY, error(400)), set()),
    "a refusal": (reply(refusing, ANY), set()),
    "thoughts alone": (chained(reply(thinking, ANY), chunks(thinking_in_chunks, ANY)), set()),
    "cut by the cap": (reply(cut, ANY), set()),
    "422 for 400": (
        answered(lambda asked: wanting("xml")(asked) or "not-an-object" in str(asked.object), error(422)),
        set(),
    ),
}


@pytest.mark.parametrize("name", GREEN)
def test_formats_that_are_right_in_another_way_turn_nothing_red(name: str) -> None:
    wrap, warned = GREEN[name]
    judged = red(judge_with(wrap, *AREAS))
    assert judged.keys() <= warned, judged
    assert all(said.verdict is WARN for said in judged.values()), judged


@pytest.mark.parametrize(("feature", "id"), [("json_mode", "CHAT-056"), ("json_schema", "CHAT-057")])
def test_a_claimed_format_that_is_refused_is_not_passed_over(feature: str, id: str) -> None:
    judged = red(judge_with(answered(ANY, error(400)), *AREAS, claimed=frozenset({feature})))
    assert {key: said.verdict for key, said in judged.items()} == {id: FAIL}
