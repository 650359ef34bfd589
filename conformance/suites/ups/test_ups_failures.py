"""UPS: what a gateway makes of a provider that fails, refuses, falls silent or breaks off."""

from typing import Any

from conformance.exchange import Exchange, clip
from conformance.probes import upstream as scripts
from conformance.profiles import Profile
from conformance.reading.upstream import Received, as_scripted, chat_of, received, sent_on, text_of
from conformance.rules import errors, headers
from conformance.rules.streams import chunks
from conformance.sending.upstream import Told
from conformance.shape import dig, show
from conformance.sse import DONE
from conformance.suites import requirement
from conformance.target import PATIENCE_S, Target
from conformance.verdict import Inconclusive, Violation, expect, hold, prefer, tolerate

TEXT = "".join(scripts.PIECES)
BLAMED = (401, 403, 429)
"""Statuses of which a client thinks that its own key is wrong, or used too often."""
GIVEN_UP = (408, 502, 503, 504)
REFUSED = ("400", "422")
"""What a provider says of the client's own request."""
NOT_ITS_REQUEST = (401, 403, 408, 409, 429)
LONG_WAIT_S = 30.0
"""As long a gateway may have clients wait on its own account, where its provider asks for two seconds."""


@requirement("UPS-001")
def test_the_providers_refusal_is_not_the_clients(
    scripted_reply: Told, scripted_refusals: dict[str, Told], target: Target
) -> None:
    as_scripted(scripted_reply, TEXT)
    if target.api_key and _credential(sent_on(scripted_reply)) == target.api_key:
        raise Inconclusive("the client's key is the provider's, too: it is the client that is refused", blame=None)
    cases = {status: scripted_refusals[status]["asked"] for status in ("401", "403")}
    hold(Violation(x, f"{status} of the provider: {x.seen}") for status, x in cases.items() if x.status in BLAMED)


@requirement("UPS-002")
def test_a_rate_limit_stays_one(scripted_reply: Told, scripted_refusals: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    asked = chat_of(scripted_refusals["429"])
    expect(asked.status == 429, asked, f"429 of the provider: {asked.seen}")
    given = asked.header("retry-after")
    wait_s = headers.wait_s(asked)
    seen = f"Retry-After {scripts.RETRY_AFTER_S} of the provider: {show(given)}"
    spent, streamed = chat_of(scripted_refusals["429, spent"]), chat_of(scripted_refusals["429, streamed"])
    expect(spent.status == 429, spent, f"429 of the provider, without Retry-After: {spent.seen}")
    expect(
        streamed.status == 429 or bool(_errors(streamed)), streamed, f"429 of the provider, streamed: {streamed.seen}"
    )
    expect(wait_s is not None and wait_s >= scripts.RETRY_AFTER_S - headers.coarse_s(given), asked, seen)
    prefer(wait_s is None or wait_s <= LONG_WAIT_S, asked, seen)
    prefer(streamed.status == 429, streamed, f"429 of the provider, streamed: {streamed.seen}")
    moment, full = chat_of(scripted_refusals["429, a moment"]), chat_of(scripted_refusals["503"])
    seen = "a Retry-After of the provider that tells a moment, as HTTP allows, is lost"
    prefer(moment.status != 429 or headers.wait_s(moment) is not None, moment, seen)
    seen = f"Retry-After {scripts.RETRY_AFTER_S} of the provider's 503: {show(full.header('retry-after'))}"
    prefer(full.status != 503 or headers.wait_s(full) is not None, full, seen)


@requirement("UPS-003")
def test_failures_become_server_errors(
    scripted_reply: Told, scripted_failures: dict[str, dict[str, Told]], profile: Profile
) -> None:
    as_scripted(scripted_reply, TEXT)
    cases = scripted_failures["plain"] | {f"{case}, streamed": x for case, x in scripted_failures["streamed"].items()}
    asked = {case: chat_of(told) for case, told in cases.items()}
    told = {case: x for case, x in asked.items() if x.media_type != "text/event-stream" or not _errors(x)}
    hold(Violation(x, f"{case}: {x.seen}") for case, x in told.items() if not 500 <= x.status < 600 or not x.is_json)
    garbled = chat_of(scripted_failures["later"]["garbled"])
    passed_on = any(chunk is None and event.data != DONE for event, chunk in garbled.parsed_events)
    told_of = bool(_errors(garbled)) or not _finishes(garbled)
    expect(told_of or passed_on, garbled, "an event of a stream that is no JSON is left out without a word")
    schema = profile.expect.error_schema
    prefer(told_of, garbled, "an event of a stream that is no JSON comes to the client")
    tolerate(Violation(x, f"{case}: {seen}") for case, x in told.items() for seen in errors.shape(x.json, schema))


@requirement("UPS-004")
def test_a_silent_provider_is_given_up(scripted_reply: Told, scripted_silence: Told, target: Target) -> None:
    as_scripted(scripted_reply, TEXT)
    asked = scripted_silence["asked"]
    _ = sent_on(scripted_silence)
    limit_s = (target.upstream_timeout_s or 0.0) + PATIENCE_S
    expect(asked.complete and asked.took_s <= limit_s, asked, f"{asked.seen} after {asked.took_s:.1f} s")
    prefer(asked.status in GIVEN_UP or not 500 <= asked.status < 600, asked)
    expect(asked.status in GIVEN_UP, asked)


@requirement("UPS-005")
def test_a_stream_that_breaks_off_is_not_ended(
    scripted_stream: Told, scripted_failures: dict[str, dict[str, Told]]
) -> None:
    as_scripted(scripted_stream, TEXT)
    told = scripted_failures["later"]["cut"]
    asked = chat_of(told)
    if len(received(told["kept"])) > 1 and asked.complete and text_of(asked) == TEXT:
        return  # asked again, and served as one whole answer
    expect(not _finishes(asked), asked, f"the provider broke off, and the stream ends with {_finishes(asked)}")
    seen = "the provider broke off, and the stream just ends, without an error"
    prefer(not asked.complete or asked.status >= 400 or bool(_errors(asked)), asked, seen)


@requirement("UPS-006")
def test_an_error_in_a_stream_can_be_read(scripted_stream: Told, scripted_failures: dict[str, dict[str, Told]]) -> None:
    as_scripted(scripted_stream, TEXT)
    asked = chat_of(scripted_failures["later"]["reported"])
    if asked.status >= 400:
        return
    found = _errors(asked)
    finished = _finishes(asked)
    expect(not finished, asked, f"the provider reported an error, and the stream ends with {finished}")
    prefer(bool(found) or asked.complete, asked, "the provider reported an error, and the stream is cut off without it")
    expect(bool(found), asked, f"no event has the provider's error; the last is {_last(asked)}")
    message = dig(found[0], "message")
    expect(isinstance(message, str) and bool(message), asked, f"the error of the stream is {show(found[0])}")


@requirement("UPS-020")
def test_an_error_is_no_success(scripted_reply: Told, scripted_failures: dict[str, dict[str, Told]]) -> None:
    as_scripted(scripted_reply, TEXT)
    hold(
        Violation(x, f"{case}: {x.seen}")
        for case, x in ((case, chat_of(told)) for case, told in scripted_failures["error"].items())
        if x.status < 400
    )


@requirement("UPS-021")
def test_retries_are_few(
    scripted_reply: Told, scripted_failures: dict[str, dict[str, Told]], scripted_refusals: dict[str, Told]
) -> None:
    as_scripted(scripted_reply, TEXT)
    failed = {case: told for kind in ("plain", "streamed") for case, told in scripted_failures[kind].items()}
    refused = {f"{case} of the provider": told for case, told in scripted_refusals.items()}
    tries = {case: len(received(told["kept"])) for case, told in (failed | refused).items()}
    seen = {
        case: Violation(told["asked"], f"{case}: the provider was asked {tries[case]} times")
        for case, told in (failed | refused).items()
    }
    final = [f"{case} of the provider" for case in REFUSED]
    hold(violation for case, violation in seen.items() if tries[case] > (1 if case in final else scripts.FLOOD))
    tolerate(violation for case, violation in seen.items() if tries[case] > scripts.MOST_TRIES)


@requirement("UPS-034")
def test_what_is_wrong_with_a_request_is_told(
    scripted_reply: Told, scripted_refusals: dict[str, Told], profile: Profile
) -> None:
    as_scripted(scripted_reply, TEXT)
    asked = {case: chat_of(scripted_refusals[case]) for case in REFUSED}
    hold(
        Violation(x, f"{case} of the provider: {x.seen}")
        for case, x in asked.items()
        if not 400 <= x.status < 500 or x.status in NOT_ITS_REQUEST
    )
    tolerate(
        Violation(x, f"the code {show(scripts.TOO_LONG)} of the provider comes as {show(found)}")
        for case, x in asked.items()
        if case == "400" and (found := _code(x)) != scripts.TOO_LONG and _has_room(x, profile.expect.error_schema)
    )


@requirement("UPS-024")
def test_nothing_is_said_twice_after_a_retry(
    scripted_reply: Told, scripted_recovery: Told, scripted_failures: dict[str, dict[str, Told]]
) -> None:
    as_scripted(scripted_reply, TEXT)
    asked = chat_of(scripted_recovery)
    if asked.ok:
        expect(text_of(asked) == TEXT, asked, f"asked again after a failure, the answer is {show(text_of(asked))}")
    told = scripted_failures["later"]["cut"]
    stream, begun = chat_of(told), "".join(scripts.PIECES[:2])
    text = _partial(stream)
    expect(text in (begun, TEXT, "") or TEXT.startswith(text), stream, f"a stream that broke off reads {show(text)}")


def _has_room(refused: Exchange, schema: str) -> bool:
    """Whether an error of this dialect has a place for a code."""
    return not refused.is_json or bool(errors.envelope(refused.json) or list(errors.shape(refused.json, schema)))


def _partial(stream: Exchange) -> str:
    """The text of a stream as far as it came."""
    return "".join(piece for _, chunk in stream.parsed_events if chunk for piece in chunks.pieces_of(chunk))


def _errors(stream: Exchange) -> list[Any]:
    return [chunk["error"] for _, chunk in stream.parsed_events if chunk and chunk.get("error")]


def _finishes(stream: Exchange) -> str:
    """What tells a client that a stream is at its end; "" where nothing does."""
    reasons = [choice.get("finish_reason") for _, c in stream.parsed_events if c for choice in chunks.choices_of(c)]
    told = [f"finish_reason {reason}" for reason in reasons if reason and reason != "error"]
    return told[-1] if told else ""


def _code(exchange: Exchange) -> Any:
    """The code of an error; None where there is none."""
    error = exchange.json.get("error") if exchange.is_json and isinstance(exchange.json, dict) else None
    return error.get("code") if isinstance(error, dict) else None


def _last(stream: Exchange) -> str:
    return clip(stream.events[-1].data or "") if stream.events else "none"


def _credential(sent: Received) -> str:
    return (sent.header("authorization") or "").removeprefix("Bearer ")
