"""RESP: the Responses API. What must hold for one response or one stream is judged on all of the run."""

from conformance.exchange import Exchange, Unusable
from conformance.features import AS_NOWHERE, is_as
from conformance.probes.chat.formats import REPORT
from conformance.probes.responses import CAP, FUNCTION
from conformance.probes.upstream import PIECES
from conformance.profiles import Profile
from conformance.reading import responses as reading
from conformance.reading.responses import final, in_the_end
from conformance.reading.traffic import in_documents, in_streams, sent
from conformance.reading.upstream import received
from conformance.rules import responses
from conformance.rules.errors import envelope
from conformance.rules.formats import misfit, parsed
from conformance.rules.streams import framing
from conformance.rules.streams import responses as streamed
from conformance.sending.upstream import Told
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, accept, expect, hold, must, prefer, survive, tolerate

LONG_TEXT = 40 * CAP
"""Characters that so few tokens can't be."""


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
    answers = [x for x in reading.plain(exchanges, response_reply) if not sent(x).get("tools")]
    answers = [x for x in answers if not responses.says_nothing(x.document)]
    said = [x for x in answers if x.document.get("status") != "incomplete" or responses.items(x.document, "message")]
    if not said:
        raise Inconclusive("no response was completed, or holds a message")
    hold(in_documents(said, responses.holds_a_message))
    tolerate(in_documents(said, responses.lacks_annotations))


@requirement("RESP-004")
def test_usage_adds_up(exchanges: list[Exchange], response_reply: Exchange, response_stream: Exchange) -> None:
    answers = reading.plain(exchanges, response_reply)
    told = [*answers, *(reading.streams(exchanges, response_stream) if response_stream.ok else [])]
    hold(in_the_end(told, responses.usage_adds_up))
    tolerate(in_the_end(told, responses.lacks_usage))


@requirement("RESP-005")
def test_a_cap_makes_it_incomplete(response_reply: Exchange, response_capped: dict[str, Exchange]) -> None:
    _ = response_reply.document
    survive(response_capped)
    short = []
    for case, x in response_capped.items():
        expect(x.ok, x, f"{case}: {x.seen}")
        document = final(x)
        details, spent = document.get("incomplete_details"), responses.tokens(document, "output_tokens")
        reason = details.get("reason") if isinstance(details, dict) else None
        if document.get("status") == "incomplete":
            expect(reason == "max_output_tokens", x, f"{case}: incomplete_details is {show(details)}")
            continue
        if document.get("status") != "completed":
            continue  # RESP-002 and RESP-009
        long = len(responses.text(document)) > LONG_TEXT or (spent or 0) >= CAP
        expect(not long, x, f"{case}: status is completed after {spent} tokens of {CAP}")
        short.append(case)
    if short:
        raise Inconclusive("the story was shorter than its cap")


@requirement("RESP-006")
def test_all_forms_of_input_are_taken(response_reply: Exchange, response_inputs: dict[str, Exchange]) -> None:
    _ = response_reply.document
    accept(response_inputs)


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
    hold(in_streams(reading.streams(exchanges, response_stream), streamed.BeginsWithCreated))


@requirement("RESP-009")
def test_a_stream_has_one_end(exchanges: list[Exchange], response_stream: Exchange) -> None:
    hold(in_streams(reading.streams(exchanges, response_stream), streamed.EndsOnce))


@requirement("RESP-010")
def test_parts_are_announced_and_closed(exchanges: list[Exchange], response_stream: Exchange) -> None:
    hold(in_streams(reading.streams(exchanges, response_stream), streamed.PartsAreAnnounced))


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
    calls = [response_call["plain"], response_call["streamed"]]
    hold(in_streams([response_call["streamed"]], streamed.ArgumentsAgree))
    cut = [x for x in calls if final(x).get("status") == "incomplete"]
    whole = [x for x in calls if x not in cut]
    hold(in_the_end(whole, responses.calls_the_function(FUNCTION)))
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
    wanted = {"no input": (400, 422), "no key": (401, 403)}  # AUTH-002 tells them apart
    named = [x for case, x in response_refused.items() if case not in wanted and _names_the_model(x)]
    hold(
        Violation(x, f"{case}: {x.seen}")
        for case, x in response_refused.items()
        if x.status not in wanted.get(case, (404,)) and x not in named
    )
    tolerate(Violation(x, f"unknown model: {x.seen}") for x in named)


@requirement("RESP-017")
def test_what_has_no_responses_says_so(
    response_first: Exchange, response_nowhere: list[Exchange], profile: Profile
) -> None:
    if any(is_as(response_first, nowhere) for nowhere in response_nowhere):
        raise Inconclusive(f"{AS_NOWHERE}: {response_first.seen}")
    must(response_first.complete and (response_first.status < 500 or response_first.status == 501), response_first)
    if response_first.ok:
        return
    clean = (404, 405, 501, *profile.expect.unknown_path_status)
    expect(response_first.status in clean and response_first.is_json, response_first)


@requirement("RESP-018")
def test_what_is_not_kept_is_not_gone_on_from(response_reply: Exchange, response_kept: dict[str, Exchange]) -> None:
    _ = response_reply.document
    survive(response_kept)
    expect(response_kept["store false"].status == 200, response_kept["store false"])
    lost = response_kept["unknown"]
    expect(lost.status in (404, 405, 501), lost, f"an unknown id: {lost.seen}")
    after = response_kept["after an unknown one"]
    expect(400 <= after.status < 500, after, f"previous_response_id of no response: {after.seen}")
    went_on = response_kept.get("after the first")
    if went_on is None or 400 <= went_on.status < 500:
        return
    alone, more = (responses.tokens(x.document, "input_tokens") for x in (response_reply, went_on))
    seen = f"after the first response input_tokens is {more}, without it {alone}"
    expect(alone is None or more is None or more > alone, went_on, seen)


@requirement("RESP-019")
def test_a_strict_schema_is_kept(response_reply: Exchange, response_schema: Exchange) -> None:
    _ = response_reply.document
    expect(response_schema.status == 200, response_schema)
    document, text = response_schema.document, responses.text(response_schema.document)
    if document.get("status") != "completed" or not text:
        raise Inconclusive("the answer was cut, is a refusal, or holds no text")
    try:
        value = parsed(text)
    except ValueError:
        value = None
        expect(False, response_schema, f"the text is no JSON: {show(text)}")
    wrong = misfit(value, REPORT)
    expect(not wrong, response_schema, f"the text is {show(value)}: {wrong}")


@requirement("RESP-020")
def test_done_comes_last(exchanges: list[Exchange], response_stream: Exchange) -> None:
    streams = reading.streams(exchanges, response_stream)
    hold(violation for rule in (framing.DoneIsLast, framing.DoneAtMostOnce) for violation in in_streams(streams, rule))


def _names_the_model(exchange: Exchange) -> bool:
    body = exchange.json if exchange.is_json else None
    return exchange.status == 400 and (envelope(body) or {}).get("code") == "model_not_found"
