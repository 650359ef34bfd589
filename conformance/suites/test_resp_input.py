"""RESP: what a response is asked with, and that all of it reaches the model."""

from conformance.exchange import Exchange
from conformance.probes.chat.prompts import PER_TURN
from conformance.probes.responses import LONGER_BY, PLACES
from conformance.reading.responses import input_cost, lost_words, tokens_per_word
from conformance.suites import requirement
from conformance.verdict import Inconclusive, NotApplicable, Violation, accept, expect, hold, survive

REFUSED = (400, 413, 422)


@requirement("RESP-022")
def test_a_text_of_any_letters_and_length_is_taken(
    response_reply: Exchange, response_texts: dict[str, Exchange]
) -> None:
    _ = response_reply.document
    accept(response_texts)


@requirement("RESP-023")
def test_optional_fields_do_no_harm(response_reply: Exchange, response_fields: dict[str, Exchange]) -> None:
    _ = response_reply.document
    survive(response_fields)
    wanted = {case: (200,) if case == "null" else (200, 400, 422) for case in response_fields}
    hold(Violation(x, f"{case}: {x.seen}") for case, x in response_fields.items() if x.status not in wanted[case])


@requirement("RESP-024")
def test_nothing_of_the_input_is_left_out(
    response_reply: Exchange, response_longer: Exchange, response_conversations: dict[str, Exchange]
) -> None:
    each = tokens_per_word(response_reply, response_longer, LONGER_BY)
    words = PLACES * PER_TURN
    short, long = _taken(response_conversations, "RESP-006")
    lost = lost_words(short, long, words, each)
    seen = f"of {words} more words in instructions, two turns and two parts, {lost} are not counted in input_tokens"
    expect(lost <= PER_TURN / 2, long, seen)


@requirement("RESP-029")
def test_the_result_of_a_call_is_not_left_out(
    response_reply: Exchange, response_longer: Exchange, response_results: dict[str, Exchange]
) -> None:
    each = tokens_per_word(response_reply, response_longer, LONGER_BY)
    short, long = _taken(response_results, "RESP-030")
    lost = lost_words(short, long, PER_TURN, each)
    seen = f"of {PER_TURN} more words in the result of a call, {lost} are not counted in input_tokens"
    expect(lost <= PER_TURN / 2, long, seen)


@requirement("RESP-025")
def test_what_was_put_out_can_be_given_back(response_reply: Exchange, response_given_back: list[Exchange]) -> None:
    _ = response_reply.document
    if not response_given_back:
        raise Inconclusive("the response put out no message")
    accept({"a message given back": response_given_back[0]})


@requirement("RESP-030")
def test_a_call_can_be_answered(
    response_reply: Exchange, response_results: dict[str, Exchange], response_call_given_back: list[Exchange]
) -> None:
    _ = response_reply.document
    own = {"its own call and a result": response_call_given_back[0]} if response_call_given_back else {}
    accept({"a call and its result": response_results["short"], **own})


@requirement("RESP-027")
def test_a_longer_input_costs_more(response_reply: Exchange, response_longer: Exchange) -> None:
    if response_longer.status in REFUSED:
        raise Inconclusive(f"the model takes no input of {LONGER_BY} words")
    short, long = input_cost(response_reply), input_cost(response_longer)
    seen = f"input_tokens is {short}, with {LONGER_BY} more words {long}"
    expect(long >= short + LONGER_BY / 2, response_longer, seen)


def _taken(cases: dict[str, Exchange], elsewhere: str) -> tuple[Exchange, Exchange]:
    """The short and the long form of an input. Raises NotApplicable or Inconclusive for one that is not taken."""
    short, long = cases.values()
    if short.status in REFUSED:
        raise NotApplicable(f"such an input is refused, of which {elsewhere} tells")
    if long.status in REFUSED:
        raise Inconclusive("the model takes no input of that length")
    return short, long
