"""CHAT: plain chat completions. What must hold for one answer is judged on every answer of the run."""

from conformance.exchange import Exchange, Unusable
from conformance.gateway import Facts
from conformance.probes.chat import SMALL_CAP, STOP_CAP, TOOL_NAMES
from conformance.rules import replies, usage
from conformance.rules.timing import clock_offset_s
from conformance.shape import choices, dig, is_int, show
from conformance.suites import requirement
from conformance.traffic import chat_replies, in_documents, sent
from conformance.verdict import (
    Inconclusive,
    Violation,
    accept,
    expect,
    hold,
    must,
    prefer,
    refuse,
    survive,
    tolerate,
)
from schemas import violations

JUDGED_ALONE = [
    "id", "object", "created", "model", "usage", "system_fingerprint", "service_tier",
    "choices[].index", "choices[].finish_reason", "choices[].logprobs", "choices[].message.role",
    "choices[].message.content", "choices[].message.refusal", "choices[].message.tool_calls[]",
]  # fmt: skip
"""Members that have a requirement of their own, so that one defect is one failure."""


@requirement("CHAT-001")
def test_the_smallest_chat_is_answered(chat_reply: Exchange) -> None:
    expect(chat_reply.status == 200 and chat_reply.is_json, chat_reply)
    shape = violations("chat_completion.lenient", chat_reply.json, leaving=JUDGED_ALONE)
    hold(Violation(chat_reply, seen) for seen in shape)


@requirement("CHAT-002")
def test_object_is_chat_completion(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.object_is_chat_completion))


@requirement("CHAT-003")
def test_every_answer_has_an_id_of_its_own(exchanges: list[Exchange], chat_replies_again: list[Exchange]) -> None:
    answers = chat_replies(exchanges, chat_replies_again[0])
    hold(in_documents(answers, replies.id_is_a_string))
    hold(
        Violation(later, f"the id {show(later.json['id'])} came twice")
        for number, first in enumerate(answers)
        for later in answers[number + 1 :]
        if first.json["id"] == later.json["id"] and first.json != later.json
    )
    whole = [show(answer.json, 100_000) for answer in answers]
    tolerate(
        Violation(x, "an answer came twice, id and all")
        for x, text in zip(answers, whole, strict=True)
        if whole.count(text) > 1
    )


@requirement("CHAT-005")
def test_created_is_in_seconds(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.created_is_in_seconds))


@requirement("CHAT-006")
def test_created_is_near_the_request(chat_reply: Exchange) -> None:
    created = dig(chat_reply.document, "created")
    if not is_int(created):
        raise Unusable(f"created is {show(created)}")
    late_s = created - (chat_reply.started_at + clock_offset_s(chat_reply))
    expect(abs(late_s) <= 300, chat_reply, f"created lies {late_s:.0f} s after the request")


@requirement("CHAT-007")
def test_the_model_is_named(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.model_is_named))


@requirement("CHAT-008")
def test_the_model_is_the_requested_one(chat_reply: Exchange, facts: Facts) -> None:
    model, asked = str(chat_reply.document.get("model")), facts.model
    fits = model == asked or model.startswith(asked.rsplit("/", 1)[-1]) or asked.endswith("/" + model)
    expect(fits, chat_reply, f"model is {show(model)}, {show(asked)} was asked for")


@requirement("CHAT-009")
def test_there_is_one_choice_without_n(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    plain = [x for x in chat_replies(exchanges, chat_reply) if sent(x).get("n") is None]
    hold(Violation(x, f"{count} choices") for x in plain if (count := len(choices(x.document))) != 1)


@requirement("CHAT-010")
def test_choice_indexes_count_up_from_0(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.indexes_count_up))


@requirement("CHAT-011")
def test_the_role_is_assistant(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.role_is_assistant))


@requirement("CHAT-012")
def test_content_is_text_or_null(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    answers = chat_replies(exchanges, chat_reply)
    hold(in_documents(answers, replies.content_is_text_or_null))
    tolerate(in_documents(answers, replies.content_is_there))


@requirement("CHAT-013")
def test_refusal_is_text_or_null(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.refusal_is_there))


@requirement("CHAT-014")
def test_an_answer_that_stops_has_content(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    answers = chat_replies(exchanges, chat_reply)
    hold(in_documents(answers, replies.stopping_leaves_content))
    plain = [x for x in answers if not sent(x).get("stop")]
    tolerate(in_documents(plain, replies.stopping_leaves_text))


@requirement("CHAT-015")
def test_finish_reason_is_known(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.finish_reason_is_known))


@requirement("CHAT-016")
def test_logprobs_are_absent_unless_asked_for(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    plain = [x for x in chat_replies(exchanges, chat_reply) if not sent(x).get("logprobs")]
    hold(in_documents(plain, replies.logprobs_are_absent))


@requirement("CHAT-017")
def test_usage_is_present(chat_reply: Exchange) -> None:
    expect(chat_reply.document.get("usage") is not None, chat_reply, "there is no usage")


@requirement("CHAT-018")
def test_usage_adds_up(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), usage.adds_up))


@requirement("CHAT-019")
def test_usage_counts_what_was_said(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), usage.counts_something))


@requirement("CHAT-020")
def test_usage_details_fit_in_their_totals(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), usage.details_fit))


@requirement("CHAT-021")
def test_the_same_prompt_costs_the_same(chat_same_prompt: list[Exchange]) -> None:
    counts = [usage.prompt_tokens(x.document) for x in chat_same_prompt]
    expect(len(set(counts)) == 1, chat_same_prompt[-1], f"prompt_tokens of the same prompt: {show(counts)}")


@requirement("CHAT-022")
def test_a_longer_prompt_costs_more(chat_reply: Exchange, chat_longer_prompt: Exchange) -> None:
    short, long = usage.prompt_tokens(chat_reply.document), usage.prompt_tokens(chat_longer_prompt.document)
    if short is None or long is None:
        raise Inconclusive("the answers carry no usage")
    expect(long >= short + 100, chat_longer_prompt, f"prompt_tokens is {short}, with 200 more words {long}")


@requirement("CHAT-023")
def test_n_gives_as_many_choices(chat_n2: Exchange) -> None:
    expect(chat_n2.status == 200, chat_n2)
    found = len(choices(chat_n2.document))
    expect(found == 2, chat_n2, f"n=2 gives {found} choices")


@requirement("CHAT-024")
def test_usage_covers_all_choices(chat_n2: Exchange) -> None:
    count = dig(chat_n2.document, "usage", "completion_tokens", default=None)
    expect(isinstance(count, int) and count >= 2, chat_n2, f"completion_tokens of two choices is {show(count)}")


@requirement("CHAT-026")
def test_text_holds_no_stop_sequence(chat_stop: Exchange) -> None:
    text = replies.text(chat_stop.document)
    expect(not set(text) & {"e", "a"}, chat_stop, f'with stop ["e", "a"] the text is {show(text)}')


@requirement("CHAT-027")
def test_a_stop_hit_is_reported_as_stop(chat_stop: Exchange) -> None:
    finishes = replies.finishes(chat_stop.document)
    spent = (usage.usage_of(chat_stop.document) or {}).get("completion_tokens")
    capped = finishes == ["length"] and spent == STOP_CAP
    expect(finishes == ["stop"] or capped, chat_stop, f"finish_reason is {show(finishes)} after {show(spent)} tokens")


@requirement("CHAT-028")
def test_stop_is_a_string_or_up_to_four(chat_stop_forms: dict[str, Exchange]) -> None:
    accept(chat_stop_forms)
    letters = {"a string": {"e"}, "four strings": set("eaio")}
    hold(
        Violation(x, f"with stop as {form} the text is {show(text)}")
        for form, x in chat_stop_forms.items()
        if set(text := replies.text(x.document)) & letters[form]
    )


@requirement("CHAT-029")
def test_at_least_one_cap_is_honoured(chat_caps: dict[str, Exchange]) -> None:
    survive(chat_caps)
    answered = [x for x in chat_caps.values() if x.ok]
    short = [
        x
        for x in answered
        if replies.finishes(x.document) == ["stop"]
        and (usage.usage_of(x.document) or {}).get("completion_tokens", 99) <= SMALL_CAP
    ]
    honoured = any(replies.finishes(x.document) == ["length"] for x in answered)
    if not honoured and short:
        raise Inconclusive("the model stopped by itself within five tokens")
    seen = "; ".join(f"{key}: {show(replies.finishes(x.document)) if x.ok else x.seen}" for key, x in chat_caps.items())
    expect(honoured, next(iter(chat_caps.values())), f"no answer ends with length: {seen}")


@requirement("CHAT-031")
def test_an_honoured_cap_is_never_exceeded(exchanges: list[Exchange], chat_caps: dict[str, Exchange]) -> None:
    honoured = [key for key, x in chat_caps.items() if x.ok and replies.finishes(x.document) == ["length"]]
    answers = [
        x for x in chat_replies(exchanges, next(x for x in exchanges if x.ok)) if any(sent(x).get(k) for k in honoured)
    ]
    over = [(x, cap) for x in answers for key in honoured if isinstance(cap := sent(x).get(key), int)]
    hold(v for x, cap in over for v in in_documents([x], usage.within(cap * (sent(x).get("n") or 1) + 1)))
    tolerate(v for x, cap in over for v in in_documents([x], usage.within(cap * (sent(x).get("n") or 1))))


@requirement("CHAT-032")
def test_a_cap_that_is_none_is_refused(chat_bad_caps: dict[str, Exchange]) -> None:
    refuse(chat_bad_caps)


@requirement("CHAT-040")
def test_tools_give_text_or_calls(chat_tool_auto: Exchange) -> None:
    expect(chat_tool_auto.status == 200, chat_tool_auto)
    shape = violations("chat_completion.lenient", chat_tool_auto.json, leaving=JUDGED_ALONE)
    hold(Violation(chat_tool_auto, seen) for seen in shape)


@requirement("CHAT-041")
def test_required_tools_are_called(chat_tool_required: list[Exchange]) -> None:
    hold(Violation(x, x.seen) for x in chat_tool_required if x.status != 200)
    called = [x for x in chat_tool_required if replies.tool_calls(x.document)]
    if not called and all(replies.finishes(x.document) == ["length"] for x in chat_tool_required):
        raise Inconclusive("the answers ran into their cap")
    last = chat_tool_required[-1]
    expect(bool(called), last, f"no tool call, finish_reason {show(replies.finishes(last.document))}")


@requirement("CHAT-042")
def test_calls_are_identified(
    chat_tool_auto: Exchange, chat_tool_required: list[Exchange], chat_tool_named: Exchange
) -> None:
    rule = replies.calls_are_identified(TOOL_NAMES)
    hold(in_documents([*chat_tool_required, chat_tool_named, chat_tool_auto], rule))


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
    hold(in_documents([chat_tool_auto, *chat_tool_required], replies.calls_finish_with_tool_calls))


@requirement("CHAT-047")
def test_a_named_tool_is_the_one_called(chat_tool_named: Exchange) -> None:
    expect(chat_tool_named.status == 200, chat_tool_named)
    names = [dig(call, "function", "name", default=None) for _, call in replies.tool_calls(chat_tool_named.document)]
    finishes = replies.finishes(chat_tool_named.document)
    if not names and finishes == ["length"]:
        raise Inconclusive("the answer ran into its cap")
    expect(bool(names) and set(names) == {"get_time"}, chat_tool_named, f"get_time was forced, called: {show(names)}")
    expect(finishes[0] in ("stop", "tool_calls", "length"), chat_tool_named, f"finish_reason is {show(finishes)}")


@requirement("CHAT-048")
def test_tool_choice_none_calls_none(chat_tool_none: list[Exchange]) -> None:
    hold(Violation(x, x.seen) for x in chat_tool_none if x.status != 200)
    hold(Violation(x, f"called: {show(calls)}") for x in chat_tool_none if (calls := replies.tool_calls(x.document)))


@requirement("CHAT-051")
def test_a_tool_round_trip_is_accepted(chat_tool_history: Exchange) -> None:
    expect(chat_tool_history.status == 200, chat_tool_history)


@requirement("CHAT-060")
def test_text_parts_are_accepted(chat_text_parts: Exchange) -> None:
    expect(chat_text_parts.status == 200, chat_text_parts)


@requirement("CHAT-064")
def test_system_user_and_assistant_turns_are_accepted(chat_turns: Exchange) -> None:
    expect(chat_turns.status == 200, chat_turns)


@requirement("CHAT-068")
def test_its_own_messages_are_accepted_back(chat_given_back: dict[str, Exchange]) -> None:
    accept(chat_given_back)


@requirement("CHAT-069")
def test_no_messages_are_refused(chat_no_messages: Exchange) -> None:
    expect(chat_no_messages.status in (400, 422), chat_no_messages)


@requirement("CHAT-072")
def test_wrong_types_are_refused(chat_wrong_types: dict[str, Exchange]) -> None:
    refuse(chat_wrong_types)


@requirement("CHAT-073")
def test_null_is_accepted_where_the_api_allows_it(chat_nulls: Exchange) -> None:
    must(chat_nulls.complete and chat_nulls.status < 500, chat_nulls)
    expect(chat_nulls.status == 200, chat_nulls)


@requirement("CHAT-074")
def test_an_unknown_field_does_no_harm(chat_unknown_field: Exchange) -> None:
    expect(chat_unknown_field.status in (200, 400, 422), chat_unknown_field)


@requirement("CHAT-076")
def test_any_script_is_accepted_in_either_spelling(chat_unicode: dict[str, Exchange]) -> None:
    accept(chat_unicode)
    counts = {form: usage.prompt_tokens(x.document) for form, x in chat_unicode.items()}
    expect(len(set(counts.values())) == 1, chat_unicode["escaped"], f"prompt_tokens differ: {show(counts)}")


@requirement("CHAT-077")
def test_a_lone_surrogate_does_no_harm(chat_lone_surrogate: dict[str, Exchange]) -> None:
    half, after = chat_lone_surrogate.values()
    expect(half.complete and half.status in (200, 400, 422), half)
    expect(after.ok, after, f"a chat after it: {after.seen}")


@requirement("CHAT-084")
def test_json_comes_whatever_is_accepted(chat_accepts: dict[str, Exchange]) -> None:
    plain = {case: x for case, x in chat_accepts.items() if case != "text/event-stream"}
    hold(Violation(x, f"Accept {case}: {x.seen}") for case, x in plain.items() if x.status != 200 or not x.is_json)
    events = chat_accepts["text/event-stream"]
    expect((events.status == 200 and events.is_json) or events.status == 406, events)


@requirement("CHAT-085")
def test_a_charset_is_accepted(chat_charset: Exchange) -> None:
    expect(chat_charset.status == 200, chat_charset)


@requirement("CHAT-086")
def test_stream_off_is_a_plain_answer(chat_stream_off: dict[str, Exchange], chat_stream_text: Exchange) -> None:
    accept(chat_stream_off)
    hold(Violation(x, f"stream {case}: {x.seen}") for case, x in chat_stream_off.items() if not x.is_json)
    expect(chat_stream_text.complete and chat_stream_text.status < 500, chat_stream_text)


@requirement("CHAT-087")
def test_empty_content_does_no_harm(chat_empty_content: dict[str, Exchange]) -> None:
    survive(chat_empty_content)
    prefer(all(x.is_json for x in chat_empty_content.values()), chat_empty_content["empty"])
