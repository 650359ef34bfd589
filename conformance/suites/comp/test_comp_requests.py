"""COMP: what a legacy completion may ask for, what is honoured of it, and what is refused."""

from conformance.exchange import Exchange
from conformance.probes.chat.replies import STOP_CAP
from conformance.probes.completions import ACCENTED, ECHOED, ECHOES, PROMPTS, STOPS, SUFFIX, TOKENS
from conformance.reading.traffic import answered, answered_in_its_mode, in_replies, reply_of, with_choices
from conformance.rules import BodyRule, completions, replies, usage
from conformance.rules.errors import envelope
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import (
    Inconclusive,
    NotApplicable,
    Violation,
    accept,
    demand,
    expect,
    hold,
    prefer,
    refuse,
    survive,
    tolerate,
)

LENIENT = ("no prompts", "a mixture")
"""Prompts that some engines take on purpose."""
DOWN = (502, 503, 504)
CLEANLY = (400, 422, 501)


@requirement("COMP-006", both_modes=True)
def test_each_prompt_has_a_choice(completion_reply: Exchange, completion_batch: Exchange) -> None:
    answered_in_its_mode(completion_reply)
    _accept("three prompts", completion_batch)
    hold(in_replies([completion_batch], completions.has_choices(len(PROMPTS))))


@requirement("COMP-007")
def test_token_ids_are_one_prompt(completion_reply: Exchange, completion_tokens: Exchange) -> None:
    answered(completion_reply)
    _accept("token ids", completion_tokens)
    hold(in_replies([completion_tokens], completions.has_choices(1)))
    count = usage.prompt_tokens(completion_tokens.document)
    fits = count is None or len(TOKENS) <= count <= len(TOKENS) + 2
    expect(fits, completion_tokens, f"prompt_tokens of {len(TOKENS)} token ids is {count}")


@requirement("COMP-008")
def test_arrays_of_token_ids_are_several_prompts(completion_reply: Exchange, completion_token_batch: Exchange) -> None:
    answered(completion_reply)
    _accept("two arrays of token ids", completion_token_batch)
    hold(in_replies([completion_token_batch], completions.has_choices(2)))


@requirement("COMP-009", both_modes=True)
def test_echo_gives_the_prompt_back(completion_reply: Exchange, completion_echo: Exchange) -> None:
    answered_in_its_mode(completion_reply)
    accept({"echo": completion_echo})
    said = completions.text(reply_of(completion_echo))
    expect(_is_echoed(said), completion_echo, f"the prompt was {show(ECHOED)}, the text is {show(said)}")
    prefer(said.startswith(ECHOED), completion_echo, f"in another form the prompt comes back: {show(said)}")


@requirement("COMP-010")
def test_a_suffix_is_accepted(completion_reply: Exchange, completion_suffix: Exchange) -> None:
    answered(completion_reply)
    accept({"suffix": completion_suffix})
    said = [completions.text(reply_of(x)) for x in with_choices([completion_suffix])]
    ends = [text for text in said if text.endswith(SUFFIX)]
    expect(not ends, completion_suffix, f"the suffix is put behind the text: {show(ends)}")


@requirement("COMP-011", both_modes=True)
def test_logprobs_are_four_arrays(completion_reply: Exchange, completion_logprobs: Exchange) -> None:
    answered_in_its_mode(completion_reply)
    accept({"logprobs 2": completion_logprobs})
    hold(in_replies([completion_logprobs], completions.arrays_align(2)))


@requirement("COMP-012")
def test_options_out_of_range_are_refused(
    completion_reply: Exchange, completion_bad_options: dict[str, Exchange]
) -> None:
    answered(completion_reply)
    refuse(_implemented(completion_bad_options))


@requirement("COMP-013")
def test_best_of_is_honoured_or_refused(completion_reply: Exchange, completion_best_of: dict[str, Exchange]) -> None:
    answered(completion_reply)
    survive(_implemented(completion_best_of))
    plain, streamed = completion_best_of["plain"], completion_best_of["streamed"]
    expect(plain.status in (200, *CLEANLY), plain)
    hold(in_replies([plain] if plain.ok else [], completions.has_choices(1)))
    refuse(_implemented({"best_of 2 in a stream": streamed}))


@requirement("COMP-014", both_modes=True)
def test_texts_hold_no_stop_sequence(completion_reply: Exchange, completion_stops: dict[str, Exchange]) -> None:
    answered_in_its_mode(completion_reply)
    accept(completion_stops)
    said = {form: completions.text(reply_of(x)) for form, x in completion_stops.items()}
    hold(
        Violation(completion_stops[form], f"{show(stop)} is in {show(said[form])}")
        for form, stops in STOPS.items()
        for stop in ([stops] if isinstance(stops, str) else stops)
        if stop in said[form]
    )


@requirement("COMP-014")
def test_texts_of_two_choices_hold_no_stop_sequence(
    completion_reply: Exchange, completion_n2: Exchange, completion_stop_n2: Exchange
) -> None:
    answered(completion_reply)
    if not _holds(completion_n2, completions.has_choices(2)) or completion_stop_n2.status in CLEANLY:
        raise NotApplicable("n is not honoured, or is cleanly refused with a stop sequence")
    accept({"a stop sequence with n=2": completion_stop_n2})
    said = completions.text(reply_of(completion_stop_n2))
    expect("e" not in said, completion_stop_n2, f'with n=2 "e" is in {show(said)}')


@requirement("COMP-017")
def test_a_completion_without_model_is_refused(completion_reply: Exchange, completion_no_model: Exchange) -> None:
    answered(completion_reply)
    refuse({"no model": completion_no_model})


@requirement("COMP-018")
def test_a_prompt_is_needed(completion_reply: Exchange, completion_no_prompt: dict[str, Exchange]) -> None:
    answered(completion_reply)
    survive(completion_no_prompt)
    refuse({"no prompt": completion_no_prompt["absent"]})


@requirement("COMP-019")
def test_what_has_no_completions_says_so(
    completion_first: list[Exchange], completion_of_embedder: dict[str, Exchange]
) -> None:
    none_served = not any(x.ok for x in completion_first)
    names = ("a completion", "a stream", "three prompts")
    cases = dict(zip(names, completion_first, strict=True)) if none_served else {}
    cases |= {f"an embedding model, {form}": x for form, x in completion_of_embedder.items() if not x.ok}
    if not cases:
        raise NotApplicable("completions are served, and no listed model is known to have none")
    broken = {case: x for case, x in cases.items() if not _is_client_error(x)}
    down = {case: x for case, x in broken.items() if x.status in DOWN and not none_served}
    hold(Violation(x, f"{case}: {x.seen}") for case, x in broken.items() if case not in down)
    told = {case: x for case, x in cases.items() if case not in broken and not x.is_json}
    hold(Violation(x, f"{case}: {x.seen}") for case, x in told.items() if x.status != 405 or x.readable)
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in (told | down).items())


@requirement("COMP-020")
def test_an_unknown_model_is_404(completion_reply: Exchange, completion_unknown_model: Exchange) -> None:
    answered(completion_reply)
    body = completion_unknown_model.json if completion_unknown_model.is_json else None
    named = completion_unknown_model.status == 400 and (envelope(body) or {}).get("code") == "model_not_found"
    expect(completion_unknown_model.status == 404 or named, completion_unknown_model)
    prefer(not named, completion_unknown_model)


@requirement("COMP-029")
def test_each_prompt_has_n_choices(
    completion_reply: Exchange, completion_batch: Exchange, completion_n2: Exchange, completion_batch_n2: Exchange
) -> None:
    answered(completion_reply)
    if not (_holds(completion_batch, completions.has_choices(3)) and _holds(completion_n2, completions.has_choices(2))):
        raise NotApplicable("several prompts or n are not honoured: COMP-006 and COMP-022 speak of that")
    if completion_batch_n2.status in CLEANLY:
        raise NotApplicable("several prompts with n are cleanly refused")
    accept({"three prompts with n=2": completion_batch_n2})
    hold(in_replies([completion_batch_n2], completions.has_choices(2 * len(PROMPTS))))


@requirement("COMP-030")
def test_choices_stand_in_the_order_of_their_prompts(
    completion_reply: Exchange, completion_echo: Exchange, completion_echo_batch: Exchange
) -> None:
    answered(completion_reply)
    _echoes(completion_echo)
    if completion_echo_batch.status in CLEANLY:
        raise NotApplicable("several prompts with echo are cleanly refused")
    accept({"two prompts with echo": completion_echo_batch})
    said = completions.texts(reply_of(completion_echo_batch))
    asked = dict(enumerate(ECHOES))
    demand(
        Violation(completion_echo_batch, f"choice {index} begins with the prompt of choice {other}, {show(prompt)}")
        for index, own in asked.items()
        for other, prompt in asked.items()
        if index in said and other != index and _begins(said[index], prompt) and not _begins(said[index], own)
    )
    hold(
        Violation(completion_echo_batch, f"choice {index} begins with {show(said[index])}, its prompt was {show(own)}")
        for index, own in enumerate(ECHOES)
        if index in said and not _begins(said[index], own)
    )


@requirement("COMP-031", both_modes=True)
def test_a_stop_hit_is_reported_as_stop(completion_reply: Exchange, completion_stops: dict[str, Exchange]) -> None:
    answered_in_its_mode(completion_reply)
    served = [x for x in completion_stops.values() if x.ok]
    told = [(x, replies.finishes(answer), usage.completion_tokens(answer)) for x in served for answer in [reply_of(x)]]
    judged = [(x, ends, spent) for x, ends, spent in told if "length" not in ends or spent is not None]
    if not judged:
        raise Inconclusive("no answer tells why it ended, or what it cost", blame=None)
    hold(
        Violation(x, f"finish_reason is length after {spent} of {STOP_CAP} tokens")
        for x, ends, spent in judged
        if "length" in ends and spent is not None and spent < STOP_CAP
    )


@requirement("COMP-032", both_modes=True)
def test_logprobs_make_sense(completion_reply: Exchange, completion_logprobs: Exchange) -> None:
    answered_in_its_mode(completion_reply)
    hold(in_replies([completion_logprobs], completions.logprobs_make_sense))


@requirement("COMP-033")
def test_logprobs_0_are_those_of_the_chosen_tokens(
    completion_reply: Exchange, completion_logprobs: Exchange, completion_logprobs_0: Exchange
) -> None:
    answered(completion_reply)
    _has_logprobs(completion_logprobs)
    _accept("logprobs 0", completion_logprobs_0)
    hold(in_replies([completion_logprobs_0], completions.arrays_align(0)))


@requirement("COMP-034")
def test_logprobs_cover_an_echoed_prompt(
    completion_reply: Exchange,
    completion_echo: Exchange,
    completion_logprobs: Exchange,
    completion_echo_logprobs: Exchange,
) -> None:
    answered(completion_reply)
    _echoes(completion_echo)
    _has_logprobs(completion_logprobs)
    if completion_echo_logprobs.status in CLEANLY:
        raise NotApplicable("echo with logprobs is cleanly refused")
    accept({"echo with logprobs": completion_echo_logprobs})
    count = usage.prompt_tokens(completion_echo_logprobs.document)
    hold(in_replies([completion_echo_logprobs], completions.echo_is_covered(ACCENTED, count)))
    tolerate(in_replies([completion_echo_logprobs], completions.offsets_are_in_characters))


@requirement("COMP-035")
def test_wrong_prompts_are_refused(completion_reply: Exchange, completion_wrong_prompts: dict[str, Exchange]) -> None:
    answered(completion_reply)
    judged = _implemented(completion_wrong_prompts)
    survive(judged)
    refuse({case: x for case, x in judged.items() if case not in LENIENT})
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in judged.items() if x.status not in (400, 422))


@requirement("COMP-036")
def test_wrong_types_are_refused(completion_reply: Exchange, completion_wrong_types: dict[str, Exchange]) -> None:
    answered(completion_reply)
    refuse(completion_wrong_types)


@requirement("COMP-037")
def test_null_is_accepted_where_the_api_allows_it(completion_reply: Exchange, completion_nulls: Exchange) -> None:
    answered(completion_reply)
    _accept("nulls", completion_nulls)


def _holds(exchange: Exchange, rule: BodyRule) -> bool:
    return exchange.ok and not any(rule(exchange.document))


def _begins(text: str, prompt: str) -> bool:
    return completions.loosely(text).startswith(completions.loosely(prompt))


def _is_echoed(text: str) -> bool:
    return _begins(text, ECHOED)


def _echoes(exchange: Exchange) -> None:
    if not exchange.ok or not _is_echoed(completions.text(exchange.document)):
        raise NotApplicable("no prompt is echoed: COMP-009 speaks of that")


def _has_logprobs(exchange: Exchange) -> None:
    if not _holds(exchange, completions.arrays_align(2)):
        raise NotApplicable("there are no log-probabilities in four arrays: COMP-011 speaks of that")


def _accept(case: str, exchange: Exchange) -> None:
    """As `accept`, but 501 is a refusal and no crash."""
    expect(exchange.status != 501, exchange, f"{case}: {exchange.seen}")
    accept({case: exchange})


def _implemented(cases: dict[str, Exchange]) -> dict[str, Exchange]:
    """Those that are not refused with 501, which is as clean as 400."""
    return {case: x for case, x in cases.items() if x.status != 501}


def _is_client_error(exchange: Exchange) -> bool:
    return exchange.complete and (400 <= exchange.status < 500 or exchange.status == 501)
