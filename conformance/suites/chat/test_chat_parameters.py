"""CHAT: what a plain chat may be asked with: how many answers, how long, drawn how, and what clients send along."""

from conformance.exchange import Exchange
from conformance.probes.chat.replies import MOST_CAPPED_TEXT, SMALL_CAP
from conformance.reading.traffic import against_their_caps, answered, chat_replies, obeyed, sent
from conformance.rules import replies, usage
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
    tolerate,
)

HAS_NO_PART_IN_THE_PROMPT = {
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "frequency_penalty",
    "presence_penalty", "seed", "n", "stop", "stream", "logit_bias", "user", "safety_identifier", "metadata", "store",
    "service_tier",
}  # fmt: skip
CAPS_TO_BE_SURE = 3
"""Answers with different caps, all exactly as long as their cap, that no model ended by itself."""


@requirement("CHAT-025")
def test_an_illegal_n_is_refused(chat_reply: Exchange, chat_bad_n: dict[str, Exchange]) -> None:
    answered(chat_reply)
    refuse(chat_bad_n)


@requirement("CHAT-029")
def test_at_least_one_cap_is_honoured(chat_reply: Exchange, chat_caps: dict[str, Exchange]) -> None:
    answered(chat_reply)
    survive(chat_caps)
    finishes = {key: replies.finishes(x.document) for key, x in chat_caps.items() if x.ok}
    if not obeyed(chat_caps) and any(map(_ended_by_itself, chat_caps.values())):
        raise Inconclusive("the model stopped by itself within five tokens")
    seen = "; ".join(f"{key}: {show(finishes.get(key, x.seen))}" for key, x in chat_caps.items())
    expect(bool(obeyed(chat_caps)), next(iter(chat_caps.values())), f"no answer ends with length: {seen}")


@requirement("CHAT-030")
def test_both_caps_are_honoured(chat_reply: Exchange, chat_caps: dict[str, Exchange]) -> None:
    answered(chat_reply)
    hold(Violation(x, f"{key}: {x.seen}") for key, x in chat_caps.items() if not x.ok)
    open_ = {key: x for key, x in chat_caps.items() if key not in obeyed(chat_caps)}
    hold(
        Violation(x, f"{key}: {show(replies.finishes(x.document))}")
        for key, x in open_.items()
        if not _ended_by_itself(x)
    )
    if open_:
        raise Inconclusive("the model stopped by itself within five tokens")


@requirement("CHAT-031")
def test_an_honoured_cap_is_never_exceeded(
    exchanges: list[Exchange], chat_reply: Exchange, chat_caps: dict[str, Exchange]
) -> None:
    capped = list(against_their_caps(chat_replies(exchanges, chat_reply), obeyed(chat_caps)))
    if not capped:
        raise Inconclusive("no answer was ended by its cap, or none carries usage", blame=None)
    seen = "usage.completion_tokens is {}, the cap was {}"
    hold(Violation(x, seen.format(spent, cap)) for x, spent, cap in capped if spent > cap + 1)
    tolerate(Violation(x, seen.format(spent, cap)) for x, spent, cap in capped if spent > cap)


@requirement("CHAT-032")
def test_a_cap_that_is_none_is_refused(chat_reply: Exchange, chat_bad_caps: dict[str, Exchange]) -> None:
    answered(chat_reply)
    refuse(chat_bad_caps)


@requirement("CHAT-033")
def test_a_seed_is_accepted(chat_reply: Exchange, chat_seeds: dict[str, Exchange]) -> None:
    answered(chat_reply)
    accept(chat_seeds)


@requirement("CHAT-035")
def test_equal_seeds_repeat_the_text(chat_reply: Exchange, chat_same_seed: list[Exchange]) -> None:
    answered(chat_reply)
    texts = [replies.text(x.document) for x in chat_same_seed]
    if len({show(x.document.get("system_fingerprint")) for x in chat_same_seed}) != 1 or not any(texts):
        raise Inconclusive("the answers have different fingerprints, or no text")
    expect(len(set(texts)) == 1, chat_same_seed[-1], f"the texts of one seed are {show(texts, 160)}")


@requirement("CHAT-070")
def test_boundary_sampling_values_are_accepted(
    chat_reply: Exchange, chat_sampling: Exchange, chat_sampling_bounds: dict[str, Exchange]
) -> None:
    answered(chat_reply)
    accept({"temperature 0.5": chat_sampling} | chat_sampling_bounds)


@requirement("CHAT-071")
def test_sampling_values_out_of_range_are_refused(
    chat_reply: Exchange, chat_sampling_beyond: dict[str, Exchange]
) -> None:
    answered(chat_reply)
    refuse(chat_sampling_beyond)


@requirement("CHAT-075")
def test_what_clients_send_along_is_accepted(chat_reply: Exchange, chat_client_fields: dict[str, Exchange]) -> None:
    answered(chat_reply)
    accept(chat_client_fields)


@requirement("CHAT-081")
def test_a_logit_bias_is_validated(chat_reply: Exchange, chat_logit_bias: dict[str, Exchange]) -> None:
    answered(chat_reply)
    survive(chat_logit_bias)
    none, plain, wrong = chat_logit_bias
    accept({none: chat_logit_bias[none]})
    expect(chat_logit_bias[plain].status in (200, 400, 422), chat_logit_bias[plain])
    refuse({wrong: chat_logit_bias[wrong]})


@requirement("CHAT-106")
def test_an_answer_that_its_cap_cut_ends_with_length(
    chat_reply: Exchange, chat_caps: dict[str, Exchange], chat_story_caps: dict[str, Exchange]
) -> None:
    answered(chat_reply)
    told = [x for x in [*chat_caps.values(), *chat_story_caps.values()] if x.ok]
    if any("length" in replies.finishes(x.document) for x in told):
        return
    keys = ("max_completion_tokens", "max_tokens")
    full = {
        cap: x
        for x, spent, cap in against_their_caps(told, keys)
        if spent == cap and replies.finishes(x.document) == ["stop"]
    }
    if len(full) < CAPS_TO_BE_SURE:
        raise Inconclusive("too few answers were as long as their cap, or none carries usage", blame=None)
    hold(Violation(x, f'finish_reason is "stop" after {cap} of {cap} tokens') for cap, x in full.items())


@requirement("CHAT-107")
def test_an_answer_that_its_cap_cut_costs_its_cap(
    exchanges: list[Exchange],
    chat_caps: dict[str, Exchange],
    chat_story_caps: dict[str, Exchange],
    chat_reply: Exchange,
) -> None:
    """A text that is counted by another tokeniser than the model's may be one token short, but not every text."""
    cut = [x for x in chat_replies(exchanges, chat_reply) if _was_cut(x)]
    counts = [found for found in against_their_caps(cut, obeyed(chat_caps)) if found[1] > 0]  # 0: CHAT-019
    asked_long = [*chat_caps.values(), *chat_story_caps.values()]
    stories = [found for found in counts if found[0] in asked_long]
    if len({cap for _, _, cap in stories}) < CAPS_TO_BE_SURE:
        raise Inconclusive("too few answers were cut by their cap, or none carries usage", blame=None)
    seen = "usage.completion_tokens is {}, and the answer was cut at {}"
    spent = {count for _, count, _ in stories}
    must(len(spent) > 1, stories[-1][0], seen.format(min(spent), show([cap for _, _, cap in stories])))
    equal = [(count, cap) for x, count, cap in stories if x in chat_story_caps.values()]
    alike = len({cap for _, cap in equal}) > 1 and len({count for count, _ in equal}) == 1
    must(not alike, stories[-1][0], seen.format(show([n for n, _ in equal]), show([cap for _, cap in equal])))
    hold(Violation(x, seen.format(count, cap)) for x, count, cap in counts if count < cap - 1)
    if all(count < cap for _, count, cap in stories):
        hold(Violation(x, seen.format(count, cap)) for x, count, cap in stories)


@requirement("CHAT-113")
def test_options_do_not_change_what_a_prompt_costs(
    exchanges: list[Exchange], chat_reply: Exchange, chat_same_prompt: list[Exchange], chat_sampling: Exchange
) -> None:
    plain = usage.prompt_tokens(chat_reply.document)
    if not plain or {usage.prompt_tokens(x.document) for x in chat_same_prompt} != {plain}:
        raise Inconclusive("equal requests do not have one count of prompt tokens", blame=None)
    asked = sent(chat_reply)
    same = [
        x
        for x in chat_replies(exchanges, chat_reply)
        if sent(x).keys() <= HAS_NO_PART_IN_THE_PROMPT
        and all(sent(x).get(key) == asked[key] for key in ("model", "messages"))
    ]
    hold(
        Violation(x, f"prompt_tokens is {plain}, with {_option(x, chat_reply)} {count}")
        for x in same
        if (count := usage.prompt_tokens(x.document)) and count != plain
    )


def _ended_by_itself(exchange: Exchange) -> bool:
    """Whether a capped answer may be one of a model that had no more to say, or was not allowed to."""
    if not exchange.ok or "length" in (finishes := replies.finishes(exchange.document)):
        return False
    spent = usage.completion_tokens(exchange.document)
    short = spent <= SMALL_CAP if spent is not None else len(replies.text(exchange.document)) <= MOST_CAPPED_TEXT
    return short or "content_filter" in finishes


def _was_cut(exchange: Exchange) -> bool:
    """Whether a cap alone ended the answer, which is one text: of calls and hidden thoughts nobody knows the cost."""
    asked, answer = sent(exchange), exchange.document
    alone = asked.get("n") is None and not any(asked.get(key) for key in ("stop", "tools", "response_format"))
    return alone and replies.finishes(answer) == ["length"] and replies.text(answer) != ""


def _option(exchange: Exchange, plain: Exchange) -> str:
    """What a request says that the plain one does not."""
    more = {key: value for key, value in sent(exchange).items() if sent(plain).get(key) != value}
    return show(more)
