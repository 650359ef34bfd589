"""COMP: legacy completions. What must hold for one answer is judged on every answer of the run."""

from functools import partial

from conformance.exchange import Exchange
from conformance.probes.chat.replies import MOST_CAPPED_TEXT
from conformance.reading.traffic import (
    answered_in_its_mode,
    answers_like,
    endpoint,
    ids_twice,
    in_documents,
    in_replies,
    in_streams,
    misshapen,
    replies_like,
    reply_of,
    sent,
    streams_like,
    with_choices,
)
from conformance.rules import completions, replies, usage
from conformance.rules.streams import chunks
from conformance.rules.twins import thinks
from conformance.shape import choices, is_int, show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, NotApplicable, Violation, expect, hold, tolerate

MANY_CAPPED = 3
"""Answers that all end exactly at their cap don't do so by chance."""
ENOUGH_TOKENS = 4
"""Tokens that hardly are all invisible."""


@requirement("COMP-001")
def test_the_smallest_completion_is_answered(exchanges: list[Exchange], completion_reply: Exchange) -> None:
    expect(completion_reply.status == 200, completion_reply)
    served = [x for x in exchanges if endpoint(x) == "completions" and x.ok and not _streamed(x)]
    hold(misshapen(served, completions.shape))


@requirement("COMP-002")
def test_choices_have_a_text_and_an_end(exchanges: list[Exchange], completion_reply: Exchange) -> None:
    hold(in_documents(replies_like(exchanges, completion_reply), completions.texts_end_well))


@requirement("COMP-003")
def test_logprobs_are_absent_and_ids_have_their_prefix(exchanges: list[Exchange], completion_reply: Exchange) -> None:
    answers = replies_like(exchanges, completion_reply)
    plain = [x for x in answers if sent(x).get("logprobs") is None]
    hold(in_documents(plain, replies.logprobs_are_absent))
    hold(in_documents(answers, completions.id_is_prefixed))


@requirement("COMP-004")
def test_usage_adds_up_within_the_cap(
    exchanges: list[Exchange], completion_reply: Exchange, completion_capped: Exchange
) -> None:
    answers = _readable(exchanges, completion_reply)
    hold(in_documents(answers, usage.adds_up))
    own = [x for x in answers if not sent(x).get("echo")]
    hold(in_documents([x for x in own if sent(x).get("prompt")], usage.counts_something))
    capped = own if _ends(completion_capped) == ["length"] else []
    over = [(x, spent, cap) for x in capped if _has_all(x) for spent, cap in _spent(x) if spent > cap]
    seen = "usage.completion_tokens is {}, the cap was {}"
    hold(Violation(x, seen.format(spent, cap)) for x, spent, cap in over if spent > cap + _asked(x))
    tolerate(Violation(x, seen.format(spent, cap)) for x, spent, cap in over)
    tolerate(in_documents(answers, usage.details_fit))
    echoed = [x for x in answers if sent(x).get("echo") and _has_all(x)] if capped else []
    counted = [(x, spent, cap) for x in echoed for spent, cap in _spent(x) if spent > cap + _asked(x)]
    tolerate(Violation(x, f"{seen.format(spent, cap)}, beside a prompt given back") for x, spent, cap in counted)


@requirement("COMP-005", both_modes=True)
def test_a_cap_ends_an_answer_with_length(
    exchanges: list[Exchange], completion_reply: Exchange, completion_capped: Exchange
) -> None:
    answered_in_its_mode(completion_reply)
    expect(completion_capped.status == 200, completion_capped)
    answer = reply_of(completion_capped)
    said, ends = completions.text(answer), replies.finishes(answer)
    expect(not _is_long(said), completion_capped, f"with max_tokens 1 the text is {show(said)}")
    if "length" in ends:
        return
    seen = f"with max_tokens 1 finish_reason is {show(ends)}"
    spent = usage.completion_tokens(answer)
    expect(spent is None or spent <= 2, completion_capped, f"{seen} after {spent} tokens")
    full = [x for x in _readable(exchanges, completion_reply) if _ends_at_its_cap(x)]
    all_stop = all(_ends(x) == ["stop"] for x in full)
    expect(
        len(full) < MANY_CAPPED or not all_stop, completion_capped, f"{len(full)} answers stop exactly at their caps"
    )
    raise Inconclusive(f"{seen}: the model may have ended by itself")


@requirement("COMP-021", both_modes=True)
def test_one_prompt_has_one_choice(exchanges: list[Exchange], completion_reply: Exchange) -> None:
    answered_in_its_mode(completion_reply)
    answers = answers_like(exchanges, completion_reply)
    hold(in_replies([x for x in answers if _asked(x) == 1 and _is_text(x)], completions.has_choices(1)))
    streams = [x for x in answers if _streamed(x)]
    hold(v for x in streams for v in in_streams([x], partial(chunks.IndexesInRange, _asked(x))))


@requirement("COMP-022", both_modes=True)
def test_n_gives_as_many_choices(completion_reply: Exchange, completion_n2: Exchange) -> None:
    answered_in_its_mode(completion_reply)
    expect(completion_n2.status == 200, completion_n2)
    hold(Violation(completion_n2, seen) for seen in completions.has_choices(2)(reply_of(completion_n2)))


@requirement("COMP-023")
def test_every_completion_has_an_id_of_its_own(
    exchanges: list[Exchange], completion_reply: Exchange, completion_stream: Exchange
) -> None:
    answers = replies_like(exchanges, completion_reply)
    hold(in_documents(answers, replies.id_is_a_string))
    streams = streams_like(exchanges, completion_stream) if completion_stream.ok else []
    hold(ids_twice([*answers, *streams], same_request=False))
    tolerate(ids_twice([*answers, *streams], same_request=True))


@requirement("COMP-024", both_modes=True)
def test_the_model_is_the_requested_one(exchanges: list[Exchange], completion_reply: Exchange) -> None:
    answered_in_its_mode(completion_reply)
    asked = sent(completion_reply)["model"]
    named = [x for x in _readable(exchanges, completion_reply) if sent(x).get("model") == asked]
    hold(
        Violation(x, f"model is {show(model)}, {show(asked)} was asked for")
        for x in named
        if isinstance(model := reply_of(x).get("model"), str) and model and not _is_form_of(model, asked)
    )


@requirement("COMP-025")
def test_usage_is_present(exchanges: list[Exchange], completion_reply: Exchange) -> None:
    lacking = [x for x in replies_like(exchanges, completion_reply) if x.document.get("usage") is None]
    hold(Violation(x, "there is no usage") for x in lacking)


@requirement("COMP-026")
def test_usage_covers_all_prompts(completion_reply: Exchange, completion_batch: Exchange) -> None:
    one = usage.prompt_tokens(completion_reply.document)
    if completion_batch.status != 200:
        raise NotApplicable("several prompts are not served: COMP-006 speaks of that")
    three, spent = usage.prompt_tokens(completion_batch.document), usage.completion_tokens(completion_batch.document)
    if one is None or three is None or spent is None:
        raise Inconclusive("the answers carry no usage", blame=None)
    seen = f"prompt_tokens is {one} for one prompt, {three} for three"
    expect(three >= 2 * one, completion_batch, seen)
    spoken = sum(map(bool, completions.texts(completion_batch.document).values()))
    expect(spent >= spoken, completion_batch, f"completion_tokens of {spoken} texts is {spent}")


@requirement("COMP-026", both_modes=True)
def test_usage_covers_all_choices(
    exchanges: list[Exchange], completion_reply: Exchange, completion_n2: Exchange, completion_batch: Exchange
) -> None:
    answered_in_its_mode(completion_reply)
    free = [x for x in _readable(exchanges, completion_reply) if _asked(x) == 1 and not sent(x).get("stop")]
    single = [x for x in free if _ends(x) == ["length"]]
    if any(0 < spent < sent(x)["max_tokens"] - 1 for x in single for spent, _ in _spent(x)):
        seen = "single texts that were cut are counted with fewer tokens, of which COMP-028 tells"
        raise Inconclusive(seen, blame=None)
    several = [x for x in (completion_n2, completion_batch) if x.ok and _has_all(x)]
    told = [
        (x, cut, spent) for x in several if (cut := completions.cut_texts(reply_of(x))) > 1 for spent, _ in _spent(x)
    ]
    if not told:
        raise Inconclusive("no two texts of one answer ran into their cap, or none carries usage", blame=None)
    hold(  # COMP-004 and COMP-016: nothing was counted
        Violation(x, f"completion_tokens of {cut} texts that were cut at {cap} each is {spent}")
        for x, cut, spent in told
        if 0 < spent < cut * ((cap := sent(x)["max_tokens"]) - 1)
    )


@requirement("COMP-027", both_modes=True)
def test_what_was_spent_is_there(exchanges: list[Exchange], completion_reply: Exchange, chat_reply: Exchange) -> None:
    answered_in_its_mode(completion_reply)
    texted = [x for x in _readable(exchanges, completion_reply) if _asked(x) == 1 and _is_text(x)]
    full = [(x, spent) for x in texted for spent, _ in _spent(x) if _ends(x) == ["length"] and spent >= ENOUGH_TOKENS]
    if not full:
        raise Inconclusive("no answer with usage ran into its cap", blame=None)
    said = [(x, spent) for x, spent in full if spent > _thought(x)]
    empty = [(x, spent) for x, spent in said if _texts(x) == [""]]
    asked = sent(completion_reply).get("model")
    chats = [x for x in with_choices([chat_reply]) if sent(x).get("model") == asked]
    if empty and any(thinks(reply_of(x)) for x in chats):
        raise Inconclusive("the model thinks, as its chats tell, and no text shows its thoughts")
    hold(Violation(x, f"the text of {spent} tokens is empty") for x, spent in empty)
    if not said:
        raise Inconclusive("all tokens of all answers were thoughts")


@requirement("COMP-028", both_modes=True)
def test_length_comes_at_the_cap(exchanges: list[Exchange], completion_reply: Exchange) -> None:
    answered_in_its_mode(completion_reply)
    single = [x for x in _readable(exchanges, completion_reply) if _asked(x) == 1 and not sent(x).get("stop")]
    full = [(x, spent, sent(x)["max_tokens"]) for x in single for spent, _ in _spent(x) if _ends(x) == ["length"]]
    if not full:
        raise Inconclusive("no answer with usage ran into its cap", blame=None)
    # COMP-004: nothing was counted
    seen = "finish_reason is length after {} of {} tokens"
    hold(Violation(x, seen.format(spent, cap)) for x, spent, cap in full if 0 < spent < cap - 1)


def _readable(exchanges: list[Exchange], at_least: Exchange) -> list[Exchange]:
    """All answers in the mode of `at_least` that have choices. Raises Unusable if that has none."""
    _ = choices(reply_of(at_least))
    return with_choices(answers_like(exchanges, at_least))


def _asked(exchange: Exchange) -> int:
    return completions.choices_asked(sent(exchange))


def _streamed(exchange: Exchange) -> bool:
    return sent(exchange).get("stream") is True


def _ends(exchange: Exchange) -> list[object]:
    return replies.finishes(reply_of(exchange)) if exchange.ok else []


def _texts(exchange: Exchange) -> list[object]:
    return [choice.get("text") for choice in choices(reply_of(exchange))]


def _spent(exchange: Exchange) -> list[tuple[int, int]]:
    """(tokens spent, tokens allowed), if both are told."""
    spent, allowed = usage.completion_tokens(reply_of(exchange)), completions.tokens_allowed(sent(exchange))
    return [(spent, allowed)] if spent is not None and allowed is not None else []


def _thought(exchange: Exchange) -> int:
    """How many of the tokens spent are told to be thoughts, which no text shows."""
    details = (reply_of(exchange).get("usage") or {}).get("completion_tokens_details")
    count = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return count if is_int(count) else 0


def _ends_at_its_cap(exchange: Exchange) -> bool:
    """Whether one text, which nothing else was to end, has all the tokens that it was allowed."""
    free = _asked(exchange) == 1 and not sent(exchange).get("stop")
    return free and any(spent == cap for spent, cap in _spent(exchange))


def _has_all(exchange: Exchange) -> bool:
    """As many choices as were asked for: other numbers are judged by themselves."""
    return len(choices(reply_of(exchange))) == _asked(exchange)


def _is_text(exchange: Exchange) -> bool:
    """Whether the prompt is a text, and holds one: what token ids are continued with is nobody's guess."""
    return isinstance(sent(exchange).get("prompt"), str) and bool(sent(exchange)["prompt"])


def _is_long(said: str) -> bool:
    """Longer than one token can be."""
    return len(said) > MOST_CAPPED_TEXT or len(said.split()) > 8


def _is_form_of(model: str, asked: object) -> bool:
    name = str(asked).rsplit("/", 1)[-1]
    return model == asked or model.rsplit("/", 1)[-1].startswith(name)
