"""CHAT: plain chat answers. What must hold for one answer is judged on every answer of the run."""

from conformance.exchange import Exchange, Unusable
from conformance.features import CLEAN_REFUSALS
from conformance.probes.chat.logprobs import N2_CAP
from conformance.probes.chat.replies import STOP_CAP
from conformance.reading.counting import prompt_cost
from conformance.reading.traffic import (
    answered,
    came_as_asked,
    chat_answers,
    chat_replies,
    chats_like,
    ids_twice,
    in_documents,
    in_parts,
    in_streams,
    misshapen,
    reply_of,
    sent,
    served_chats,
)
from conformance.rules import logprobs, replies, texts, usage
from conformance.rules.streams.timing import clock_offset_s
from conformance.sending.gateway import Facts
from conformance.shape import choices, dig, is_int, show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, accept, expect, hold, tolerate


@requirement("CHAT-001")
def test_the_smallest_chat_is_answered(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    expect(chat_reply.status == 200, chat_reply)
    plain = [x for x in served_chats(exchanges) if not sent(x).get("tools")]
    hold(misshapen(plain, replies.shape))


@requirement("CHAT-002")
def test_object_is_chat_completion(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.object_is_chat_completion))


@requirement("CHAT-003")
def test_every_answer_has_an_id_of_its_own(exchanges: list[Exchange], chat_replies_again: list[Exchange]) -> None:
    answers = chat_replies(exchanges, chat_replies_again[0])
    hold(in_documents(answers, replies.id_is_a_string))
    hold(ids_twice(answers, same_request=False))
    tolerate(ids_twice(answers, same_request=True))


@requirement("CHAT-004", both_modes=True)
def test_an_id_says_what_it_names(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_parts(chats_like(exchanges, chat_reply), replies.id_says_what_it_names))


@requirement("CHAT-005")
def test_created_is_in_seconds(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.created_is_in_seconds))


@requirement("CHAT-006")
def test_created_is_near_the_request(chat_reply: Exchange) -> None:
    created = dig(chat_reply.document, "created")
    if not is_int(created):
        raise Unusable(f"created is {show(created)}")
    began = int(chat_reply.started_at)
    late_s = min((created - began, created - began - int(clock_offset_s(chat_reply))), key=abs)
    expect(abs(late_s) <= 300, chat_reply, f"created lies {late_s} s after the request")


@requirement("CHAT-007")
def test_the_model_is_named(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.model_is_named))


@requirement("CHAT-008")
def test_the_model_is_the_requested_one(exchanges: list[Exchange], chat_reply: Exchange, facts: Facts) -> None:
    model, asked = dig(chat_reply.document, "model"), facts.model
    if not isinstance(model, str):
        raise Unusable(f"model is {show(model)}")
    same = [x for x in chat_replies(exchanges, chat_reply) if sent(x).get("model") == asked]
    named = [(x, name) for x in [chat_reply, *same] if isinstance(name := x.document.get("model"), str)]
    hold(
        Violation(x, f"model is {show(name)}, {show(asked)} was asked for")
        for x, name in named
        if not replies.fits(name, asked)
    )


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
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.stopping_leaves_content))


@requirement("CHAT-015")
def test_finish_reason_is_known(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), replies.finish_reason_is_known))


@requirement("CHAT-016")
def test_logprobs_are_absent_unless_asked_for(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    plain = [x for x in chat_replies(exchanges, chat_reply) if not sent(x).get("logprobs")]
    hold(in_documents(plain, replies.logprobs_are_absent))
    streams = [x for x in chat_answers(exchanges) if sent(x).get("stream") and not sent(x).get("logprobs")]
    hold(in_streams(streams, logprobs.LogprobsAreAbsent))


@requirement("CHAT-017")
def test_usage_is_present(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_documents(chat_replies(exchanges, chat_reply), usage.is_there))


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


@requirement("CHAT-022", both_modes=True)
def test_a_longer_prompt_costs_more(chat_reply: Exchange, chat_longer_prompt: Exchange) -> None:
    if chat_longer_prompt.status in (400, 413, 422):
        raise Inconclusive("the model takes no prompt of 200 words")
    short, long = prompt_cost(chat_reply), prompt_cost(chat_longer_prompt)
    expect(long >= short + 100, chat_longer_prompt, f"prompt_tokens is {short}, with 200 more words {long}")


@requirement("CHAT-023")
def test_n_gives_as_many_choices(chat_reply: Exchange, chat_n2: Exchange) -> None:
    answered(chat_reply)
    expect(chat_n2.status == 200, chat_n2)
    found = len(choices(chat_n2.document))
    expect(found == 2, chat_n2, f"n=2 gives {found} choices")


@requirement("CHAT-023", both_modes=True)
def test_each_choice_has_the_whole_cap(
    chat_reply: Exchange,
    chat_n2: Exchange,
    chat_stop_n2: Exchange,
    chat_logprobs_n2: Exchange,
    chat_stream_n2: Exchange,
) -> None:
    answered(chat_reply)
    smallest = chat_stream_n2 if sent(chat_stop_n2).get("stream") else chat_n2
    served = [x for x in (smallest, chat_stop_n2, chat_logprobs_n2) if came_as_asked(x)]
    empty = [(x, places) for x in served if (places := texts.left_empty(reply_of(x)))]
    everywhere = set.intersection(*(places for _, places in empty)) if len(empty) > 1 else set()
    seen = "choice {} of every answer is empty, as if its cap had been used up by others"
    hold(Violation(x, seen.format(place)) for x, _ in empty for place in everywhere)


@requirement("CHAT-024")
def test_two_texts_that_were_cut_cost_their_caps(chat_n2: Exchange, chat_logprobs_n2: Exchange) -> None:
    if not chat_n2.ok or not chat_logprobs_n2.ok:
        raise Inconclusive("two choices, or two with log-probabilities, are not served", blame=None)
    count, answer = usage.completion_tokens(chat_logprobs_n2.document), chat_logprobs_n2.document
    if not count or replies.finishes(answer) != ["length", "length"] or replies.spoken(answer) < 2:
        raise Inconclusive("the answer carries no usage, or not two texts that were cut", blame=None)
    seen = f"completion_tokens of two texts that were cut at {N2_CAP} each is {count}"
    expect(count >= 2 * (N2_CAP - 1), chat_logprobs_n2, seen)


@requirement("CHAT-024")
def test_usage_covers_all_choices(chat_n2: Exchange) -> None:
    spoken, count = replies.spoken(chat_n2.document), usage.completion_tokens(chat_n2.document)
    if count is None or spoken < 2:
        raise Inconclusive("the answer carries no usage, or not two texts", blame=None)
    expect(count >= 2, chat_n2, f"completion_tokens of two texts is {count}")


@requirement("CHAT-026")
def test_text_holds_no_stop_sequence(chat_stop: Exchange) -> None:
    text = replies.text(chat_stop.document)
    expect(not set(text) & {"e", "a"}, chat_stop, f'with stop ["e", "a"] the text is {show(text)}')


@requirement("CHAT-026")
def test_no_choice_holds_a_stop_sequence(chat_stop: Exchange, chat_n2: Exchange, chat_stop_n2: Exchange) -> None:
    _ = chat_stop.document
    if not chat_n2.ok or chat_stop_n2.status in CLEAN_REFUSALS:
        raise Inconclusive("two choices, or two with stop sequences, are not served", blame=None)
    text = replies.text(chat_stop_n2.document)
    expect(not set(text) & {"e", "a"}, chat_stop_n2, f'with stop ["e", "a"] and n=2 the texts are {show(text)}')


@requirement("CHAT-027")
def test_a_stop_hit_is_reported_as_stop(chat_stop: Exchange) -> None:
    finishes, spent = replies.finishes(chat_stop.document), usage.completion_tokens(chat_stop.document)
    if "content_filter" in finishes or ("length" in finishes and spent is None):
        raise Inconclusive(f"finish_reason is {show(finishes)}, and there is no usage to hold it against", blame=None)
    early = "length" in finishes and spent is not None and spent < STOP_CAP
    expect(not early, chat_stop, f"finish_reason is length after {spent} of {STOP_CAP} tokens")


@requirement("CHAT-028")
def test_stop_is_a_string_or_up_to_four(chat_reply: Exchange, chat_stop_forms: dict[str, Exchange]) -> None:
    answered(chat_reply)
    accept(chat_stop_forms)
    letters = {"a string": {"e"}, "four strings": set("eaio")}
    hold(
        Violation(x, f"with stop as {form} the text is {show(text)}")
        for form, x in chat_stop_forms.items()
        if set(text := replies.text(x.document)) & letters[form]
    )


@requirement("CHAT-034", both_modes=True)
def test_a_fingerprint_is_text_or_null(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_parts(chats_like(exchanges, chat_reply), replies.fingerprint_is_text_or_null))


@requirement("CHAT-082", both_modes=True)
def test_a_service_tier_is_a_known_one(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(in_parts(chats_like(exchanges, chat_reply), replies.tier_is_known))
