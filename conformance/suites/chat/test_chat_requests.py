"""CHAT: what a plain chat may ask for: caps, parts and turns of any kind; and what is refused."""

from conformance.exchange import Exchange
from conformance.reading.traffic import answered, came_as_asked
from conformance.rules import usage
from conformance.rules.streams.framing import is_utf8
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import (
    Inconclusive,
    Violation,
    accept,
    expect,
    hold,
    must,
    refuse,
    survive,
)


@requirement("CHAT-060")
def test_text_parts_are_accepted(chat_reply: Exchange, chat_text_parts: Exchange) -> None:
    answered(chat_reply)
    accept({"text parts": chat_text_parts})


@requirement("CHAT-064")
def test_system_user_and_assistant_turns_are_accepted(
    chat_reply: Exchange, chat_turns: Exchange, chat_history: dict[str, Exchange]
) -> None:
    answered(chat_reply)
    accept({"four turns": chat_turns, "twelve messages": chat_history["short"]})


@requirement("CHAT-068")
def test_its_own_messages_are_accepted_back(chat_given_back: dict[str, Exchange]) -> None:
    accept(chat_given_back)


@requirement("CHAT-069")
def test_no_messages_are_refused(chat_reply: Exchange, chat_no_messages: Exchange) -> None:
    answered(chat_reply)
    refuse({"no messages": chat_no_messages})


@requirement("CHAT-072")
def test_wrong_types_are_refused(chat_reply: Exchange, chat_wrong_types: dict[str, Exchange]) -> None:
    answered(chat_reply)
    refuse(chat_wrong_types)


@requirement("CHAT-073")
def test_null_is_accepted_where_the_api_allows_it(chat_reply: Exchange, chat_nulls: Exchange) -> None:
    answered(chat_reply)
    accept({"nulls": chat_nulls})


@requirement("CHAT-073")
def test_a_stream_takes_the_nulls_that_a_plain_chat_takes(
    chat_nulls: Exchange, chat_stream: Exchange, chat_stream_nulls: Exchange
) -> None:
    _ = chat_stream.chunks
    if not chat_nulls.ok:
        raise Inconclusive("a plain chat with null is not served", blame=None)
    must(came_as_asked(chat_stream_nulls), chat_stream_nulls, f"nulls in a stream: {chat_stream_nulls.seen}")


@requirement("CHAT-074")
def test_an_unknown_field_does_no_harm(chat_reply: Exchange, chat_unknown_field: Exchange) -> None:
    answered(chat_reply)
    expect(chat_unknown_field.status in (200, 400, 422), chat_unknown_field)


@requirement("CHAT-076")
def test_any_script_is_accepted_in_either_spelling(chat_reply: Exchange, chat_unicode: dict[str, Exchange]) -> None:
    answered(chat_reply)
    accept(chat_unicode)
    hold(Violation(x, f"{form}: {x.seen}") for form, x in chat_unicode.items() if not _is_utf8(x))
    counts = {form: usage.prompt_tokens(x.document) for form, x in chat_unicode.items()}
    expect(len(set(counts.values())) == 1, chat_unicode["escaped"], f"prompt_tokens differ: {show(counts)}")


@requirement("CHAT-077")
def test_a_lone_surrogate_does_no_harm(chat_reply: Exchange, chat_lone_surrogate: dict[str, Exchange]) -> None:
    answered(chat_reply)
    half, after = chat_lone_surrogate.values()
    expect(half.complete and half.status in (200, 400, 422), half)
    expect(after.ok, after, f"a chat after it: {after.seen}")


@requirement("CHAT-084")
def test_json_comes_whatever_is_accepted(chat_reply: Exchange, chat_accepts: dict[str, Exchange]) -> None:
    answered(chat_reply)
    plain = {case: x for case, x in chat_accepts.items() if case != "text/event-stream"}
    hold(Violation(x, f"Accept {case}: {x.seen}") for case, x in plain.items() if x.status != 200 or not x.is_json)
    events = chat_accepts["text/event-stream"]
    expect((events.status == 200 and events.is_json) or events.status == 406, events)


@requirement("CHAT-085")
def test_a_charset_is_accepted(chat_reply: Exchange, chat_charset: Exchange) -> None:
    answered(chat_reply)
    accept({"charset=utf-8": chat_charset})


@requirement("CHAT-086")
def test_stream_off_is_a_plain_answer(
    chat_reply: Exchange, chat_stream_off: dict[str, Exchange], chat_stream_text: Exchange
) -> None:
    answered(chat_reply)
    accept(chat_stream_off)
    hold(Violation(x, f"stream {case}: {x.seen}") for case, x in chat_stream_off.items() if not x.is_json)
    survive({'stream "true"': chat_stream_text})


@requirement("CHAT-087")
def test_empty_content_does_no_harm(chat_reply: Exchange, chat_empty_content: dict[str, Exchange]) -> None:
    answered(chat_reply)
    survive(chat_empty_content)


def _is_utf8(exchange: Exchange) -> bool:
    return not any(is_utf8(exchange.content))
