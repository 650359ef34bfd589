"""CHAT: answers that are asked for as JSON, or as JSON of a schema; plain, and put together from a stream."""

from contextlib import suppress
from typing import Any

from conformance.exchange import Exchange
from conformance.features import CLEAN_REFUSALS
from conformance.probes.chat.formats import OUTFIT, REPORT, SIGNS
from conformance.reading.traffic import answered, came_as_asked, reply_of
from conformance.rules import Json
from conformance.rules.formats import is_garbled, misfit, parsed
from conformance.rules.logprobs import THOUGHTS
from conformance.rules.replies import was_cut
from conformance.shape import dig, messages, show
from conformance.suites import requirement
from conformance.verdict import Broken, Inconclusive, NotApplicable, accept, expect, prefer, refuse, survive


@requirement("CHAT-056", both_modes=True)
def test_json_mode_gives_json(chat_reply: Exchange, chat_json_object: Exchange) -> None:
    answered(chat_reply)
    expect(came_as_asked(chat_json_object), chat_json_object)
    value = _json_in(chat_json_object)
    prefer(isinstance(value, dict), chat_json_object, f"the content is no JSON object: {show(value)}")


@requirement("CHAT-057", both_modes=True)
def test_a_strict_schema_is_kept(chat_reply: Exchange, chat_json_schema: Exchange) -> None:
    answered(chat_reply)
    expect(came_as_asked(chat_json_schema), chat_json_schema)
    _expect_fit(chat_json_schema, REPORT)


@requirement("CHAT-058")
def test_the_format_text_is_accepted(chat_reply: Exchange, chat_text_format: Exchange) -> None:
    answered(chat_reply)
    accept({"the format text": chat_text_format})


@requirement("CHAT-059")
def test_formats_that_are_none_are_refused(chat_reply: Exchange, chat_bad_formats: dict[str, Exchange]) -> None:
    answered(chat_reply)
    refuse(chat_bad_formats)


@requirement("CHAT-096")
def test_references_in_a_schema_are_kept(chat_json_schema: Exchange, chat_json_references: Exchange) -> None:
    if not came_as_asked(chat_json_schema) or not _fits(chat_json_schema, REPORT):
        raise Inconclusive("no schema is kept, of which CHAT-057 tells", blame=None)
    accept({"a schema with $defs and $ref": chat_json_references})
    _expect_fit(chat_json_references, OUTFIT)


@requirement("CHAT-122")
def test_a_schema_is_kept_beside_tools(chat_json_schema: Exchange, chat_json_beside_tools: Exchange) -> None:
    if not came_as_asked(chat_json_schema) or not _fits(chat_json_schema, REPORT):
        raise Inconclusive("no schema is kept, of which CHAT-057 tells", blame=None)
    survive({"a schema and tools": chat_json_beside_tools})
    if chat_json_beside_tools.status in CLEAN_REFUSALS:
        raise NotApplicable("a schema beside tools is cleanly refused")
    expect(came_as_asked(chat_json_beside_tools), chat_json_beside_tools)
    _expect_fit(chat_json_beside_tools, REPORT)


@requirement("CHAT-115", both_modes=True)
def test_the_values_of_a_schema_come_to_the_letter(chat_json_schema: Exchange, chat_json_signs: Exchange) -> None:
    if not came_as_asked(chat_json_schema) or not _fits(chat_json_schema, REPORT):
        raise Inconclusive("no schema is kept, of which CHAT-057 tells", blame=None)
    survive({"a schema with odd letters": chat_json_signs})
    if not came_as_asked(chat_json_signs):
        raise Inconclusive("a schema with odd letters is refused", blame=None)
    value = dig(_json_in(chat_json_signs), "sign", default=None)
    garbled = [sign for sign in SIGNS if isinstance(value, str) and is_garbled(value, sign)]
    expect(not garbled, chat_json_signs, f"{show(garbled[:1])} comes as {show(value)}")
    if value not in SIGNS:
        raise Inconclusive(f"the model says {show(value)}, which is none of the values")


def _fits(exchange: Exchange, schema: Json) -> bool:
    with suppress(Broken):
        return not misfit(_json_in(exchange), schema)
    return False


def _expect_fit(exchange: Exchange, schema: Json) -> None:
    value = _json_in(exchange)
    wrong = misfit(value, schema)
    expect(not wrong, exchange, f"the content is {show(value)}: {wrong}")


def _json_in(exchange: Exchange) -> Any:
    """The JSON value that the content is. Raises Broken if it is none, and Inconclusive where the model did not come
    to say it: it was cut, refused, or spent itself on thoughts; what is no text at all is judged elsewhere."""
    answer = reply_of(exchange)
    _, message = next(messages(answer), ("", {}))
    content = message.get("content")
    if was_cut(answer) or message.get("refusal") or message.get("tool_calls") or not isinstance(content, str):
        raise Inconclusive("the answer was cut, is a refusal, or holds no text")
    if not content and any(message.get(key) for key in THOUGHTS):
        raise Inconclusive("the answer is nothing but thoughts")
    try:
        return parsed(content)
    except ValueError:
        raise Broken(f"the content is no JSON: {show(content)}", (exchange,)) from None
