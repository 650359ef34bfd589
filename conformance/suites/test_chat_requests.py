"""CHAT: what a plain chat may ask for: tools, parts and turns of any kind; and what is refused."""

from conformance.exchange import Exchange
from conformance.probes.chat import TOOL_NAMES
from conformance.rules import replies, usage
from conformance.rules.framing import is_utf8
from conformance.shape import show
from conformance.suites import requirement
from conformance.traffic import (
    answered,
    chat_replies,
    in_documents,
    reply_of,
    sent,
    served_chats,
)
from conformance.verdict import (
    Inconclusive,
    Violation,
    accept,
    expect,
    hold,
    refuse,
    survive,
    tolerate,
)


@requirement("CHAT-032")
def test_a_cap_that_is_none_is_refused(chat_reply: Exchange, chat_bad_caps: dict[str, Exchange]) -> None:
    answered(chat_reply)
    refuse(chat_bad_caps)


@requirement("CHAT-040")
def test_tools_give_text_or_calls(exchanges: list[Exchange], chat_reply: Exchange, chat_tool_auto: Exchange) -> None:
    answered(chat_reply)
    expect(chat_tool_auto.status == 200, chat_tool_auto)
    with_tools = [x for x in served_chats(exchanges) if sent(x).get("tools")]
    hold(Violation(x, f"the answer is no JSON: {x.seen}") for x in with_tools if not x.is_json)
    hold(Violation(x, seen) for x in with_tools for seen in replies.shape(x.json))


@requirement("CHAT-041")
def test_required_tools_are_called(chat_reply: Exchange, chat_tool_required: list[Exchange]) -> None:
    answered(chat_reply)
    hold(Violation(x, x.seen) for x in chat_tool_required if x.status != 200)
    told = [x for x in chat_tool_required if replies.tool_calls(x.document) or not replies.was_cut(x.document)]
    if not told:
        raise Inconclusive("the answers ran into their cap")
    called = [x for x in told if replies.tool_calls(x.document)]
    expect(bool(called), told[0], f"no tool call, finish_reason {show(replies.finishes(told[0].document))}")


@requirement("CHAT-042")
def test_calls_are_identified(
    chat_tool_auto: Exchange, chat_tool_required: list[Exchange], chat_tool_named: Exchange
) -> None:
    calling = _calling([*chat_tool_required, chat_tool_named, chat_tool_auto])
    forced = [x for x in calling if x is not chat_tool_auto]
    hold(in_documents(calling, replies.calls_are_identified))
    hold(in_documents(forced, replies.calls_are_offered(TOOL_NAMES)))
    tolerate(in_documents(calling, replies.calls_are_offered(TOOL_NAMES)))


@requirement("CHAT-043")
def test_arguments_are_text(exchanges: list[Exchange], chat_reply: Exchange, chat_tool_named: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.arguments_are_text))


@requirement("CHAT-045")
def test_finishing_with_tool_calls_has_some(
    exchanges: list[Exchange], chat_reply: Exchange, chat_tool_auto: Exchange, chat_tool_required: list[Exchange]
) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.finishing_with_calls_has_calls))


@requirement("CHAT-046")
def test_calls_finish_with_tool_calls(chat_tool_auto: Exchange, chat_tool_required: list[Exchange]) -> None:
    hold(in_documents(_calling([chat_tool_auto, *chat_tool_required]), replies.calls_finish_with_tool_calls))


@requirement("CHAT-047", both_modes=True)
def test_a_named_tool_is_the_one_called(chat_reply: Exchange, chat_tool_named: Exchange) -> None:
    answered(chat_reply)
    expect(chat_tool_named.status == 200, chat_tool_named)
    answer = reply_of(chat_tool_named)
    names = replies.names_called(answer)
    if not names and replies.was_cut(answer):
        raise Inconclusive("the answer ran into its cap")
    right = bool(names) and all(name in ("get_time", None) for name in names)  # CHAT-042 and STREAM-038: no name
    expect(right, chat_tool_named, f"get_time was forced, called: {show(names)}")


@requirement("CHAT-048")
def test_tool_choice_none_calls_none(chat_reply: Exchange, chat_tool_none: list[Exchange]) -> None:
    answered(chat_reply)
    hold(Violation(x, x.seen) for x in chat_tool_none if x.status != 200)
    hold(Violation(x, f"called: {show(calls)}") for x in chat_tool_none if (calls := replies.tool_calls(x.document)))


@requirement("CHAT-051")
def test_a_tool_round_trip_is_accepted(chat_reply: Exchange, chat_tool_history: Exchange) -> None:
    answered(chat_reply)
    accept({"a call and its result": chat_tool_history})


@requirement("CHAT-060")
def test_text_parts_are_accepted(chat_reply: Exchange, chat_text_parts: Exchange) -> None:
    answered(chat_reply)
    accept({"text parts": chat_text_parts})


@requirement("CHAT-064")
def test_system_user_and_assistant_turns_are_accepted(chat_reply: Exchange, chat_turns: Exchange) -> None:
    answered(chat_reply)
    accept({"four turns": chat_turns})


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


def _calling(exchanges: list[Exchange]) -> list[Exchange]:
    """Those of these answers that hold tool calls. Raises Inconclusive if none does, Unusable if none is an answer."""
    served = [x for x in exchanges if x.ok]
    if not served:
        _ = exchanges[0].document
    calling = [x for x in served if replies.tool_calls(x.document)]
    if not calling:
        raise Inconclusive("no answer holds a tool call")
    return calling


def _is_utf8(exchange: Exchange) -> bool:
    return not any(is_utf8(exchange.content))
