"""CHAT: function tools: what is called and how it is told, the calls that come back, and what is refused.

What a plain answer keeps an answer put together from a stream keeps, too.
"""

from conformance.exchange import Exchange
from conformance.features import CLEAN_REFUSALS
from conformance.probes.chat.tools import CALL, CUT_CAP, LAMP_ARGUMENTS, NOTE_KEYS
from conformance.reading.called import broken_in_one_form, calling, forced, of_forced, without_json
from conformance.reading.traffic import (
    answered,
    came_as_asked,
    chat_answers,
    chat_replies,
    in_documents,
    in_replies,
    misshapen,
    reply_of,
    sent,
    served_chats,
)
from conformance.rules import calls, replies, usage
from conformance.rules.formats import misfit, parsed
from conformance.shape import choices, show
from conformance.suites import requirement
from conformance.verdict import (
    Inconclusive,
    NotApplicable,
    Violation,
    accept,
    demand,
    expect,
    hold,
    must,
    prefer,
    refuse,
    survive,
    tolerate,
)

# What is called


@requirement("CHAT-040", both_modes=True)
def test_tools_are_taken(chat_reply: Exchange, chat_tool_auto: Exchange) -> None:
    answered(chat_reply)
    expect(came_as_asked(chat_tool_auto), chat_tool_auto)


@requirement("CHAT-040")
def test_tools_give_text_or_calls(exchanges: list[Exchange], chat_reply: Exchange, chat_tool_auto: Exchange) -> None:
    answered(chat_reply)
    with_tools = [x for x in served_chats(exchanges) if sent(x).get("tools")]
    hold(misshapen(with_tools, replies.shape))


@requirement("CHAT-041", both_modes=True)
def test_required_tools_are_called(chat_reply: Exchange, chat_tool_required: list[Exchange]) -> None:
    answered(chat_reply)
    hold(Violation(x, x.seen) for x in chat_tool_required if not came_as_asked(x))
    found = [(x, reply_of(x)) for x in chat_tool_required]
    told = [(x, answer) for x, answer in found if replies.tool_calls(answer) or not replies.was_cut(answer)]
    if not told:
        raise Inconclusive("the answers ran into their cap")
    called = [answer for _, answer in told if replies.tool_calls(answer)]
    expect(bool(called), told[0][0], f"no tool call, finish_reason {show(replies.finishes(told[0][1]))}")


@requirement("CHAT-042")
def test_calls_are_identified(
    chat_tool_auto: Exchange, chat_tool_required: list[Exchange], chat_tool_named: Exchange
) -> None:
    found = calling([*chat_tool_required, chat_tool_named, chat_tool_auto])
    hold(in_documents(found, replies.calls_are_identified))


@requirement("CHAT-042")
def test_calls_are_of_tools_that_are_offered(
    exchanges: list[Exchange], chat_tool_required: list[Exchange], chat_stream_tools: dict[str, Exchange]
) -> None:
    offering = [x for x in calling(chat_answers(exchanges)) if sent(x).get("tools")]
    for judge, chosen in (
        (hold, [x for x in offering if calls.forces(sent(x))]),
        (tolerate, [x for x in offering if not calls.forces(sent(x))]),
    ):
        judge(v for x in chosen for v in in_replies([x], calls.names_are_offered(sent(x))))


@requirement("CHAT-043")
def test_arguments_are_text(exchanges: list[Exchange], chat_reply: Exchange, chat_tool_named: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.arguments_are_text))


@requirement("CHAT-044")
def test_arguments_are_json(
    exchanges: list[Exchange],
    chat_reply: Exchange,
    chat_tool_auto: Exchange,
    chat_tool_required: list[Exchange],
    chat_tool_named: Exchange,
) -> None:
    found = calling(_of_usual_length(chat_replies(exchanges, chat_reply)))
    demand(broken_in_one_form(found, (x for x in chat_answers(exchanges) if sent(x).get("stream"))))
    hold(without_json(found))


@requirement("CHAT-045")
def test_finishing_with_tool_calls_has_some(
    exchanges: list[Exchange],
    chat_reply: Exchange,
    chat_tool_required: list[Exchange],
    chat_stream_tools: dict[str, Exchange],
) -> None:
    answered(chat_reply)
    hold(in_replies(chat_answers(exchanges), replies.finishing_with_calls_has_calls))


@requirement("CHAT-046")
def test_calls_finish_with_tool_calls(chat_tool_auto: Exchange, chat_tool_required: list[Exchange]) -> None:
    hold(in_documents(calling([chat_tool_auto, *chat_tool_required]), replies.calls_finish_with_tool_calls))


@requirement("CHAT-047", both_modes=True)
def test_a_named_tool_is_the_one_called(chat_reply: Exchange, chat_tool_named: Exchange) -> None:
    answered(chat_reply)
    expect(came_as_asked(chat_tool_named), chat_tool_named)
    _expect_calls_of("get_time", chat_tool_named)


@requirement("CHAT-048", both_modes=True)
def test_tool_choice_none_calls_none(chat_reply: Exchange, chat_tool_none: Exchange) -> None:
    answered(chat_reply)
    expect(came_as_asked(chat_tool_none), chat_tool_none)
    found = replies.tool_calls(reply_of(chat_tool_none))
    expect(not found, chat_tool_none, f"called: {show(found)}")


@requirement("CHAT-050", both_modes=True)
def test_one_call_at_a_time(chat_reply: Exchange, chat_tool_one: Exchange) -> None:
    answered(chat_reply)
    expect(came_as_asked(chat_tool_one), chat_tool_one)
    names = replies.names_called(reply_of(chat_tool_one))
    if not names:
        raise Inconclusive("no answer holds a tool call")
    expect(len(names) == 1, chat_tool_one, f"with parallel_tool_calls false {len(names)} calls: {show(names)}")


@requirement("CHAT-050")
def test_streams_call_one_at_a_time_where_plain_answers_do(
    chat_tool_one: Exchange, chat_tool_one_streamed: Exchange, chat_tool_required: list[Exchange]
) -> None:
    plain, streamed = (
        replies.names_called(reply_of(x)) if came_as_asked(x) else [] for x in (chat_tool_one, chat_tool_one_streamed)
    )
    several = any(x.ok and len(replies.names_called(x.document)) > 1 for x in chat_tool_required)
    seen = f"with parallel_tool_calls false a stream has {len(streamed)} calls, {show(streamed)}, a plain answer one"
    must(not (several and len(plain) == 1 and len(streamed) > 1), chat_tool_one_streamed, seen)


@requirement("CHAT-055", both_modes=True)
def test_strict_arguments_are_valid(chat_tool_named: Exchange, chat_tool_strict: Exchange) -> None:
    forced(chat_tool_named)
    expect(came_as_asked(chat_tool_strict), chat_tool_strict)
    texts = [call.arguments for call in of_forced(chat_tool_strict) if call.arguments is not None]
    if not texts:
        raise Inconclusive("no call has arguments")
    hold(Violation(chat_tool_strict, wrong) for text in texts if (wrong := _unfit(text)))


@requirement("CHAT-090")
def test_nothing_is_called_without_tools(
    exchanges: list[Exchange],
    chat_reply: Exchange,
    chat_json_object: Exchange,
    chat_json_schema: Exchange,
    chat_tool_bad_choices: dict[str, Exchange],
) -> None:
    answered(chat_reply)
    hold(in_replies((x for x in chat_answers(exchanges) if not sent(x).get("tools")), calls.nothing_is_called))


@requirement("CHAT-091", both_modes=True)
def test_each_of_two_choices_has_its_calls(
    chat_n2: Exchange, chat_stream_n2: Exchange, chat_tool_named: Exchange, chat_tool_n2: Exchange
) -> None:
    forced(chat_tool_named)
    texts = chat_stream_n2 if sent(chat_tool_n2).get("stream") else chat_n2
    if not came_as_asked(texts) or len(choices(reply_of(texts))) != 2:
        raise Inconclusive("n=2 does not give two choices, of which CHAT-023 and STREAM-045 tell", blame=None)
    if chat_tool_n2.status in CLEAN_REFUSALS and chat_tool_n2.is_json:
        raise NotApplicable("several choices with tools are cleanly refused")
    expect(came_as_asked(chat_tool_n2), chat_tool_n2)
    found = choices(reply_of(chat_tool_n2))
    expect(len(found) == 2, chat_tool_n2, f"n=2 with tools gives {len(found)} choices")
    for choice in found:
        answer = {"choices": [choice]}
        told = bool(replies.tool_calls(answer)) or replies.was_cut(answer)
        expect(told, chat_tool_n2, f"choice {show(choice.get('index'))} holds no tool call")


@requirement("CHAT-092", both_modes=True)
def test_half_a_call_is_not_told_to_be_whole(chat_tool_named: Exchange, chat_tool_cut: Exchange) -> None:
    forced(chat_tool_named)
    survive({f"a call and {CUT_CAP} tokens": chat_tool_cut})
    if chat_tool_cut.status in CLEAN_REFUSALS:
        raise Inconclusive("so small a cap is refused", blame=None)
    expect(came_as_asked(chat_tool_cut), chat_tool_cut)
    if not any(call.arguments and not calls.what_is_wrong(call.arguments) for call in of_forced(chat_tool_named)):
        raise Inconclusive("whole calls have no JSON arguments either")
    answer = reply_of(chat_tool_cut)
    spent = usage.completion_tokens(answer)
    halves = [
        (call, half)
        for call in calls.calls_in(answer)
        if call.finish in calls.ENDED
        and call.arguments is not None
        and (half := _what_is_missing(call.arguments, spent is not None and spent >= CUT_CAP))
    ]
    hold(Violation(chat_tool_cut, f"finish_reason is {show(call.finish)}, and {half}") for call, half in halves)


@requirement("CHAT-093", both_modes=True)
def test_a_tool_without_parameters_is_called(chat_tool_named: Exchange, chat_tool_bare: Exchange) -> None:
    forced(chat_tool_named)
    expect(came_as_asked(chat_tool_bare), chat_tool_bare)
    _expect_calls_of("ping", chat_tool_bare)
    texts = [call.arguments for call in of_forced(chat_tool_bare) if call.arguments is not None]
    hold(Violation(chat_tool_bare, wrong) for text in texts if text and (wrong := calls.what_is_wrong(text)))
    prefer(all(texts), chat_tool_bare, "the arguments are an empty text, not {}")


@requirement("CHAT-095")
def test_references_in_parameters_are_taken(chat_tool_named: Exchange, chat_tool_references: Exchange) -> None:
    if chat_tool_named.status != 200:
        raise Inconclusive("no tool can be forced, of which CHAT-047 tells", blame=None)
    accept({"a schema with $defs and $ref": chat_tool_references})


@requirement("CHAT-097")
def test_tools_and_the_format_text_go_together(
    chat_tool_named: Exchange, chat_text_format: Exchange, chat_tool_text_format: Exchange
) -> None:
    forced(chat_tool_named)
    if chat_text_format.status != 200:
        raise Inconclusive("the format text is refused without tools, too, of which CHAT-058 tells", blame=None)
    accept({"tools, and the format text": chat_tool_text_format})
    _expect_calls_of("get_time", chat_tool_text_format)


@requirement("CHAT-114")
def test_every_call_has_its_own_arguments(
    exchanges: list[Exchange], chat_tool_required: list[Exchange], chat_stream_tools: dict[str, Exchange]
) -> None:
    found = [x for x in calling(chat_answers(exchanges)) if sent(x).get("tools")]
    hold(v for x in found for v in in_replies([x], calls.exchanged(sent(x))))
    names = [{name for name in replies.names_called(reply_of(x)) if isinstance(name, str)} for x in found]
    if not any(len(called) > 1 for called in names):
        raise Inconclusive("no answer holds calls of two tools")


# What was called


@requirement("CHAT-051")
def test_a_tool_round_trip_is_accepted(chat_reply: Exchange, chat_tool_history: Exchange) -> None:
    answered(chat_reply)
    accept({"a call and its result": chat_tool_history})


@requirement("CHAT-052")
def test_calls_and_results_are_accepted_in_any_form(
    chat_tool_history: Exchange, chat_tool_history_forms: Exchange
) -> None:
    _round_trip(chat_tool_history)
    accept({"no content, and results in parts and in another order": chat_tool_history_forms})


@requirement("CHAT-094")
def test_calls_without_arguments_are_accepted_back(
    chat_tool_history: Exchange, chat_tool_history_of_nothing: Exchange
) -> None:
    _round_trip(chat_tool_history)
    accept({'the arguments "{}" and "", and an empty result': chat_tool_history_of_nothing})


@requirement("CHAT-098", both_modes=True)
def test_a_later_call_has_another_id(
    chat_tool_history: Exchange, chat_tool_named: Exchange, chat_tool_again: Exchange
) -> None:
    forced(chat_tool_named)
    _round_trip(chat_tool_history)
    crashed = chat_tool_again.status >= 500  # ERR-041, STREAM-001
    expect(crashed or came_as_asked(chat_tool_again), chat_tool_again)
    earlier = {CALL["id"]} | {call.id for call in calls.calls_in(reply_of(chat_tool_named)) if call.id}
    ids = [call.id for call in of_forced(chat_tool_again)]
    expect(bool(ids), chat_tool_again, "get_time was forced after another call, and nothing was called")
    again = sorted(earlier & set(filter(None, ids)))
    expect(not again, chat_tool_again, f"the id {show(again)} came again for another call")


# What is refused


@requirement("CHAT-049")
def test_contradictory_choices_are_refused(chat_reply: Exchange, chat_tool_bad_choices: dict[str, Exchange]) -> None:
    answered(chat_reply)
    refuse(chat_tool_bad_choices)


@requirement("CHAT-053")
def test_broken_histories_are_refused(chat_reply: Exchange, chat_tool_broken_histories: dict[str, Exchange]) -> None:
    answered(chat_reply)
    refuse(chat_tool_broken_histories)


@requirement("CHAT-054")
def test_definitions_are_validated(chat_reply: Exchange, chat_tool_bad_definitions: dict[str, Exchange]) -> None:
    answered(chat_reply)
    survive(chat_tool_bad_definitions)
    refuse({case: x for case, x in chat_tool_bad_definitions.items() if case != "one name twice"})


def _expect_calls_of(name: str, exchange: Exchange) -> None:
    answer = reply_of(exchange)
    names = replies.names_called(answer)
    if not names and replies.was_cut(answer):
        raise Inconclusive("the answer ran into its cap")
    right = bool(names) and all(called in (name, None) for called in names)  # CHAT-042 and STREAM-038: no name
    expect(right, exchange, f"{name} was forced, called: {show(names)}")


def _of_usual_length(answers: list[Exchange]) -> list[Exchange]:
    """Without those whose cap cuts any call."""
    return [x for x in answers if CUT_CAP not in map(sent(x).get, ("max_completion_tokens", "max_tokens"))]


def _round_trip(history: Exchange) -> None:
    """Raises Inconclusive where no call and its result is taken at all."""
    if history.status != 200:
        raise Inconclusive("no tool result is accepted, of which CHAT-051 tells", blame=None)


def _unfit(arguments: str) -> str:
    """What is wrong with the arguments of the strict tool, "" if nothing is."""
    if wrong := calls.what_is_wrong(arguments):
        return wrong
    misfits = misfit(parsed(arguments), LAMP_ARGUMENTS)
    return misfits and f"the arguments are {show(arguments)}: {misfits}"


def _what_is_missing(arguments: str, capped: bool) -> str:
    """What a call that is told to be whole lacks, "" if nothing. JSON that was mended shows in what it leaves out."""
    if wrong := calls.what_is_wrong(arguments):
        return wrong
    missing = [key for key in NOTE_KEYS if key not in parsed(arguments)]
    return f"the arguments lack {show(missing)}" if missing and capped else ""
