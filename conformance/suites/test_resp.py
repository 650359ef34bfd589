"""RESP: the Responses API. What must hold for one response or one stream is judged on all of the run."""

from collections.abc import Collection, Iterator

from conformance.exchange import Exchange, Unusable
from conformance.features import no_such_route
from conformance.probes.chat.formats import SIGNED
from conformance.probes.responses import CAP, FUNCTION, LONGER_BY, TOOL
from conformance.probes.upstream import PIECES
from conformance.profiles import Profile
from conformance.reading import responses as reading
from conformance.reading.responses import final, in_the_end, input_cost, tokens_per_word
from conformance.reading.traffic import in_documents, in_streams, sent
from conformance.reading.upstream import received
from conformance.rules import responses
from conformance.rules.errors import envelope
from conformance.rules.formats import json_misfit
from conformance.rules.streams import framing
from conformance.rules.streams import responses as streamed
from conformance.rules.streams.timing import PROMPT_S, lingered_s
from conformance.sending.upstream import Told
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import (
    Inconclusive,
    NotApplicable,
    Violation,
    accept,
    expect,
    hold,
    must,
    prefer,
    survive,
    tolerate,
)

LONG_TEXT = 40 * CAP
"""Characters that so few tokens can't be."""
LONG_ENOUGH = 24
"""Characters that a story has which was said, and not only thought of: six of its tokens or more."""
NOT_FOUND = (404, 405, 501)
"""The last two where nothing is kept."""


@requirement("RESP-001")
def test_the_smallest_response_is_answered(exchanges: list[Exchange], response_reply: Exchange) -> None:
    expect(response_reply.status == 200 and response_reply.is_json, response_reply)
    answers = reading.plain(exchanges, response_reply)
    hold(in_documents(answers, responses.shape))
    tolerate(in_documents(answers, responses.id_is_prefixed))


@requirement("RESP-002")
def test_a_response_ends_well(exchanges: list[Exchange], response_reply: Exchange) -> None:
    hold(in_documents(reading.plain(exchanges, response_reply), responses.ends_well))


@requirement("RESP-003")
def test_a_completed_response_holds_a_message(exchanges: list[Exchange], response_reply: Exchange) -> None:
    plain = (x for x in reading.plain(exchanges, response_reply) if not sent(x).get("tools"))
    answers = [x for x in plain if not responses.says_nothing(x.document)]
    said = [x for x in answers if x.document.get("status") != "incomplete" or responses.items(x.document, "message")]
    if not said:
        raise Inconclusive("no response was completed, or holds a message")
    hold(in_documents(said, responses.holds_a_message))
    tolerate(in_documents(said, responses.lacks_annotations))
    tolerate(in_documents(said, responses.has_not_ended))
    tolerate(in_documents(said, responses.has_lost_its_text))


@requirement("RESP-004")
def test_usage_adds_up(exchanges: list[Exchange], response_reply: Exchange, response_stream: Exchange) -> None:
    answers = reading.plain(exchanges, response_reply)
    told = [*answers, *(reading.streams(exchanges, response_stream) if response_stream.ok else [])]
    hold(in_the_end(told, responses.usage_adds_up))
    tolerate(in_the_end(told, responses.lacks_usage))


@requirement("RESP-005")
def test_a_cap_makes_it_incomplete(
    exchanges: list[Exchange], response_reply: Exchange, response_capped: dict[str, Exchange]
) -> None:
    answers = reading.plain(exchanges, response_reply)
    survive(response_capped)
    streams = [x for x in (response_capped["streamed"],) if x.ok and not x.is_json]
    hold(reading.beyond_their_caps([*answers, *streams]))
    tolerate(reading.cut_before_their_caps([*answers, *streams]))
    short = []
    for case, x in response_capped.items():
        expect(x.ok, x, f"{case}: {x.seen}")
        document = final(x)
        details, spent = document.get("incomplete_details"), responses.tokens(document, "output_tokens")
        reason = details.get("reason") if isinstance(details, dict) else None
        length, is_short = len(responses.text(document)), (spent or 0) < CAP
        expect(length <= LONG_TEXT, x, f"{case}: the text of {length} characters has more than {CAP} tokens")
        if document.get("status") == "incomplete" and not (reason == "content_filter" and is_short):
            prefer(reason == "max_output_tokens", x, f"{case}: incomplete_details is {show(details)}")
        elif document.get("status") in ("completed", "incomplete"):  # others: RESP-002 and RESP-009
            prefer(is_short, x, f"{case}: status is completed after {spent} tokens of {CAP}")
            short.append(case)
    if short:
        raise Inconclusive("the story ended before its cap")


@requirement("RESP-006")
def test_all_forms_of_input_are_taken(response_reply: Exchange, response_inputs: dict[str, Exchange]) -> None:
    _ = response_reply.document
    of_developer = response_inputs["a developer message"]
    accept({case: x for case, x in response_inputs.items() if x is not of_developer or x.status >= 500})
    seen = f"a developer message: {of_developer.seen}"
    prefer(of_developer.ok, of_developer, seen)  # templates of models know no such role


@requirement("RESP-007")
def test_a_stream_has_typed_events(
    exchanges: list[Exchange], response_reply: Exchange, response_stream: Exchange
) -> None:
    _ = response_reply.document
    expect(response_stream.status == 200 and not response_stream.is_json, response_stream)
    asked = [x for x in exchanges if reading.is_response(x) and sent(x).get("stream") is True]
    found = [x for x in asked if x.status == 200 and not x.abandoned]
    hold(Violation(x, seen) for x in found for seen in framing.is_event_stream(x.header("content-type") or ""))
    hold(in_streams(found, streamed.EventsAreTyped))


@requirement("RESP-008")
def test_a_stream_begins_with_created(exchanges: list[Exchange], response_stream: Exchange) -> None:
    streams = reading.streams(exchanges, response_stream)
    hold(in_streams(streams, streamed.BeginsWithCreated))
    tolerate(in_streams(streams, streamed.BeginsOnce))


@requirement("RESP-009")
def test_a_stream_has_one_end(exchanges: list[Exchange], response_stream: Exchange) -> None:
    streams = reading.streams(exchanges, response_stream)
    hold(in_streams(streams, streamed.EndsOnce))
    lasting = [(x, lingered_s(x, streamed.is_end)) for x in streams if x.complete]
    late = [(x, seconds) for x, seconds in lasting if seconds > PROMPT_S]
    if len(late) > 1:  # one may be a hiccup of the network
        tolerate(Violation(x, f"the answer ends {seconds:.1f} s after the response") for x, seconds in late)


@requirement("RESP-010")
def test_parts_are_announced_and_closed(exchanges: list[Exchange], response_stream: Exchange) -> None:
    streams = reading.streams(exchanges, response_stream)
    hold(in_streams(streams, streamed.PartsAreAnnounced))
    tolerate(in_streams(streams, streamed.ItemsBeginAndEnd))


@requirement("RESP-011")
def test_events_are_numbered(exchanges: list[Exchange], response_stream: Exchange) -> None:
    hold(in_streams(reading.streams(exchanges, response_stream), streamed.Numbered))


@requirement("RESP-012")
def test_a_text_is_the_same_wherever_it_is_told(exchanges: list[Exchange], response_stream: Exchange) -> None:
    hold(in_streams(reading.streams(exchanges, response_stream), streamed.TextsAgree))


@requirement("RESP-013")
def test_ids_are_constant(exchanges: list[Exchange], response_stream: Exchange) -> None:
    streams = reading.streams(exchanges, response_stream)
    hold(in_streams(streams, streamed.IdsAreConstant))
    tolerate(in_streams(streams, streamed.EventsNameTheirItem))


@requirement("RESP-014")
def test_a_forced_function_is_called(response_reply: Exchange, response_call: dict[str, Exchange]) -> None:
    _ = response_reply.document
    accept(response_call)
    hold(in_streams([response_call["streamed"]], streamed.ArgumentsAgree))
    cut = [x for x in response_call.values() if final(x).get("status") == "incomplete"]
    whole = {case: x for case, x in response_call.items() if x not in cut}
    named = [x for case, x in whole.items() if case != "required"]
    hold(in_the_end(named, responses.calls_the_function(FUNCTION)))
    hold(in_the_end(whole.values(), responses.calls_a_function))
    if cut:
        raise Inconclusive("the answer was cut")


@requirement("RESP-015")
def test_a_stream_that_breaks_off_is_told_so(scripted_response: dict[str, Told]) -> None:
    told = scripted_response["cut"]
    asked = told["asked"]
    if not received(told["kept"]):
        raise Inconclusive(f"the provider was not asked: {asked.seen}", blame=None)
    if responses.text(final(scripted_response["whole"]["asked"])) != "".join(PIECES):
        raise Unusable("the scripted response is not answered as its provider answers it")
    types = [chunk.get("type") for _, chunk in asked.parsed_events if chunk]
    if "response.completed" in types and len(received(told["kept"])) > 1:
        return  # asked again, and served as one whole answer
    ends = [kind for kind in types if kind in ("response.completed", "response.incomplete")]
    expect(not ends, asked, f"the provider broke off, and the stream ends with {ends[-1:]}")
    reported = any(chunk.get("error") for _, chunk in asked.parsed_events if chunk)
    is_told = asked.status >= 400 or reported or "response.failed" in types or "error" in types
    prefer(is_told or not asked.complete, asked, f"the provider broke off, and the stream ends with {show(types[-1:])}")


@requirement("RESP-016")
def test_wrong_requests_are_refused(response_reply: Exchange, response_refused: dict[str, Exchange]) -> None:
    _ = response_reply.document
    survive(response_refused)
    # AUTH-002 tells the statuses without a key apart; what there is one model of may need no name
    keyless = dict.fromkeys(("no key", "no key, streamed"), (401, 403))
    wanted: dict[str, Collection[int]] = {"no input": (400, 422), "no model": (200, 400, 404, 422), **keyless}
    wanted["an embedding model"] = range(200, 500)  # there are some that speak, and ways to say that one can't
    named = [x for case, x in response_refused.items() if case not in wanted and _names_the_model(x)]
    hold(
        Violation(x, f"{case}: {x.seen}")
        for case, x in response_refused.items()
        if x.status not in wanted.get(case, (404,)) and x not in named
    )
    tolerate(Violation(x, f"unknown model: {x.seen}") for x in named)
    prefer(not response_refused["no model"].ok, response_refused["no model"], "no model: HTTP 200")


@requirement("RESP-017")
def test_what_has_no_responses_says_so(response_first: Exchange, profile: Profile) -> None:
    must(response_first.complete and (response_first.status < 500 or response_first.status == 501), response_first)
    if response_first.ok:
        return
    clean = (404, 405, 501, *profile.expect.unknown_path_status)
    in_json = response_first.is_json
    prefer(not (in_json and response_first.status in (400, 422)), response_first)  # as completions may be refused
    expect(response_first.status in clean, response_first)
    prefer(in_json, response_first)


@requirement("RESP-018")
def test_what_is_not_kept_is_not_gone_on_from(
    response_reply: Exchange, response_longer: Exchange, response_kept: dict[str, Exchange]
) -> None:
    _ = response_reply.document
    survive(response_kept)
    hold(_shown_against_orders(response_kept))
    hold(_other_than_it_was(response_longer, response_kept))
    wanted = {"store false": (200,), "unknown": NOT_FOUND, "kept": (200, *NOT_FOUND)}
    wrong = [(case, x) for case, x in response_kept.items() if case in wanted and x.status not in wanted[case]]
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in wrong)


@requirement("RESP-018")
def test_what_is_gone_on_from_is_not_left_out(
    response_reply: Exchange,
    response_longer: Exchange,
    response_capped: dict[str, Exchange],
    response_inputs: dict[str, Exchange],
    response_kept: dict[str, Exchange],
    response_after_a_story: list[Exchange],
    unknown_path: Exchange,
) -> None:
    survive(dict(zip(["after a story"], response_after_a_story, strict=False)))
    went_on = response_kept.get("after a long one")
    if went_on is None or not went_on.ok:
        raise NotApplicable("no response is gone on from")
    tokens_per_word(response_reply, response_longer, LONGER_BY)  # without which nothing can be told
    alone, more = input_cost(response_reply), input_cost(went_on)
    is_kept = more + responses.cached_tokens(went_on.document) >= alone + LONGER_BY / 2
    prefer(is_kept, went_on, f"after a response to {LONGER_BY} words input_tokens is {more}, without it {alone}")
    short, longer = response_inputs["a message"], response_inputs["a conversation"]
    for behind in (x for x in response_after_a_story if x.ok and short.ok and longer.ok):
        story = response_capped["plain"]
        least = input_cost(longer) - input_cost(short)  # a word that was answered, and one more message
        gained = input_cost(behind) + responses.cached_tokens(behind.document) - input_cost(story)
        seen = f"one more message after a story costs {gained} more input_tokens, after one word {least}"
        is_told = gained >= least or len(responses.text(story.document)) <= LONG_ENOUGH
        prefer(is_told, behind, f"{seen}: the story is left out")
    read = response_kept["kept"]
    denied = read.status == 404 and not no_such_route(read, unknown_path)
    prefer(not denied, read, f"a response that is gone on from is not known to GET: {read.seen}")


def _shown_against_orders(kept: dict[str, Exchange]) -> Iterator[Violation]:
    """What is not to be kept, was deleted, or never was, and is read or gone on from."""
    gone = {case: x for case, x in kept.items() if case in ("unknown", "not kept")}
    if "deleted" in kept and kept["deleted"].ok:
        gone["read when deleted"] = kept["read when deleted"]
    yield from (Violation(x, f"{case}: {x.seen}") for case, x in gone.items() if x.ok and x.is_json)
    unknown = kept["after an unknown one"]
    if not 400 <= unknown.status < 500:
        yield Violation(unknown, f"after an unknown one: {unknown.seen}")


def _other_than_it_was(asked: Exchange, kept: dict[str, Exchange]) -> Iterator[Violation]:
    """A response that is read, and is another one than was answered."""
    read = kept.get("kept")
    found = read.json if read and read.ok and read.is_json else None
    if read is None or not isinstance(found, dict):
        return
    was = asked.document
    if responses.text(was) not in ("", responses.text(found)):
        yield Violation(read, f"kept: the text is {show(responses.text(found))}, it was {show(responses.text(was))}")
    elif found.get("id") != was.get("id"):
        yield Violation(read, f"kept: the id is {show(found.get('id'))}, it was {show(was.get('id'))}")


@requirement("RESP-019")
def test_a_strict_schema_is_kept(
    response_reply: Exchange, response_schema: Exchange, response_schema_streamed: Exchange
) -> None:
    _ = response_reply.document
    both = {"plain": response_schema, "streamed": response_schema_streamed}
    accept(both)
    documents = {case: final(x) for case, x in both.items()}
    whole = {case: responses.text(found) for case, found in documents.items() if found.get("status") == "completed"}
    hold(
        Violation(both[case], f"{case}: the text is {show(text)}: {wrong}")
        for case, text in whole.items()
        if text and (wrong := json_misfit(text, SIGNED))
    )
    if len(whole) < len(both) or not all(whole.values()):
        raise Inconclusive("the answer was cut, is a refusal, or holds no text")


@requirement("RESP-020")
def test_done_comes_last(exchanges: list[Exchange], response_stream: Exchange) -> None:
    streams = reading.streams(exchanges, response_stream)
    hold(violation for rule in (framing.DoneIsLast, framing.DoneAtMostOnce) for violation in in_streams(streams, rule))


@requirement("RESP-021")
def test_every_response_has_an_id_of_its_own(
    exchanges: list[Exchange], response_reply: Exchange, response_stream: Exchange
) -> None:
    streams = reading.streams(exchanges, response_stream) if response_stream.ok else []
    answers = [*reading.plain(exchanges, response_reply), *streams]
    hold(reading.ids_twice(answers, same_request=False))
    tolerate(reading.ids_twice(answers, same_request=True))
    tolerate(reading.item_ids_twice(answers))


@requirement("RESP-031")
def test_the_model_and_the_time_are_right(
    exchanges: list[Exchange], response_reply: Exchange, response_stream: Exchange
) -> None:
    streams = reading.streams(exchanges, response_stream) if response_stream.ok else []
    answers = [*reading.plain(exchanges, response_reply), *streams]
    asked = sent(response_reply)["model"]
    hold(in_the_end(answers, responses.created_in_seconds))
    hold(in_the_end((x for x in answers if sent(x).get("model") == asked), responses.model_is(asked)))


@requirement("RESP-026")
def test_the_arguments_of_a_strict_function_fit(
    response_reply: Exchange, response_forced: Exchange, response_call: dict[str, Exchange]
) -> None:
    _ = response_reply.document, response_forced.document
    answers = [x for case, x in response_call.items() if x.ok and case != "required"]
    whole = [x for x in answers if final(x).get("status") == "completed"]
    hold(in_the_end(whole, responses.arguments_fit(TOOL["parameters"])))
    if not whole:
        raise Inconclusive("the answers were cut")


@requirement("RESP-028")
def test_what_is_kept_is_shown_to_nobody_without_a_key(
    response_reply: Exchange, response_without_key: dict[str, Exchange]
) -> None:
    _ = response_reply.document
    survive(response_without_key)
    done = {case: x for case, x in response_without_key.items() if x.ok and (x.is_json or x.status == 204)}
    hold(Violation(x, f"{case} without a key: {x.seen}") for case, x in done.items())


def _names_the_model(exchange: Exchange) -> bool:
    body = exchange.json if exchange.is_json else None
    return exchange.status == 400 and (envelope(body) or {}).get("code") == "model_not_found"
