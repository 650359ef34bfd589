"""UPS: what a gateway does between its client and its provider, seen from both sides."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

from conformance.exchange import Exchange, Unusable, clip
from conformance.probes import upstream as scripts
from conformance.profiles import Profile
from conformance.reading.traffic import in_streams, reply_of
from conformance.reading.upstream import Received, asked_by, received, sent_on, served, text_of
from conformance.rules import errors, usage
from conformance.rules.secrets import told as all_that_was_told
from conformance.rules.streams import chunks, fragments
from conformance.sending.upstream import Told
from conformance.shape import choices, dig, show
from conformance.suites import requirement
from conformance.target import PATIENCE_S, Target
from conformance.verdict import Inconclusive, Violation, expect, hold, prefer, tolerate

TEXT = "".join(scripts.PIECES)
WIDE = "".join(scripts.WIDE)
LATE_S = 0.25
"""How much later than it was made an event may come."""
A_SECOND_S = 1.0
"""What a time that is told as a date is cut by."""
GIVEN_UP = (408, 502, 503, 504)


@requirement("UPS-001")
def test_the_providers_refusal_is_not_the_clients(
    scripted_reply: Told, scripted_refusals: dict[str, Told], target: Target
) -> None:
    served(scripted_reply, TEXT)
    if target.api_key and _credential(sent_on(scripted_reply)) == target.api_key:
        raise Inconclusive("the client's key is the provider's, too: it is the client that is refused")
    cases = {status: scripted_refusals[status]["asked"] for status in ("401", "403")}
    hold(Violation(x, f"{status} of the provider: {x.seen}") for status, x in cases.items() if x.status in (401, 403))


@requirement("UPS-002")
def test_a_rate_limit_stays_one(scripted_reply: Told, scripted_refusals: dict[str, Told]) -> None:
    served(scripted_reply, TEXT)
    asked = asked_by(scripted_refusals["429"])
    expect(asked.status == 429, asked, f"429 of the provider: {asked.seen}")
    seen = f"Retry-After {scripts.RETRY_AFTER} of the provider: {show(asked.header('retry-after'))}"
    expect(_told_to_wait_s(asked) >= float(scripts.RETRY_AFTER), asked, seen)


@requirement("UPS-003")
def test_failures_become_server_errors(
    scripted_reply: Told, scripted_failures: dict[str, dict[str, Told]], profile: Profile
) -> None:
    served(scripted_reply, TEXT)
    cases = scripted_failures["plain"] | {f"{case}, streamed": x for case, x in scripted_failures["streamed"].items()}
    hold(
        Violation(x, f"{case}: {seen}")
        for case, x in ((case, asked_by(told)) for case, told in cases.items())
        for seen in _unlike_a_failure(x, profile.expect.error_schema)
    )


@requirement("UPS-004")
def test_a_silent_provider_is_given_up(scripted_reply: Told, scripted_silence: Told, target: Target) -> None:
    served(scripted_reply, TEXT)
    asked = scripted_silence["asked"]
    _ = sent_on(scripted_silence)
    limit_s = (target.upstream_timeout_s or 0.0) + PATIENCE_S
    expect(asked.complete and asked.took_s <= limit_s, asked, f"{asked.seen} after {asked.took_s:.1f} s")
    expect(asked.status in GIVEN_UP, asked)


@requirement("UPS-005")
def test_a_stream_that_breaks_off_is_not_ended(
    scripted_stream: Told, scripted_failures: dict[str, dict[str, Told]]
) -> None:
    served(scripted_stream, TEXT)
    told = scripted_failures["later"]["cut"]
    asked = asked_by(told)
    if len(received(told["kept"])) > 1 and asked.complete and text_of(asked) == TEXT:
        return  # asked again, and served as one whole answer
    expect(not _finishes(asked), asked, f"the provider broke off, and the stream ends with {_finishes(asked)}")
    seen = "the provider broke off, and the stream just ends, without an error"
    prefer(not asked.complete or asked.status >= 400 or bool(_errors(asked)), asked, seen)


@requirement("UPS-006")
def test_an_error_in_a_stream_can_be_read(scripted_stream: Told, scripted_failures: dict[str, dict[str, Told]]) -> None:
    served(scripted_stream, TEXT)
    asked = asked_by(scripted_failures["later"]["reported"])
    if asked.status >= 400:
        return
    found = _errors(asked)
    expect(bool(found), asked, f"no event has the provider's error; the last is {_last(asked)}")
    message = dig(found[0], "message")
    expect(isinstance(message, str) and bool(message), asked, f"the error of the stream is {show(found[0])}")
    expect(not _finishes(asked), asked, f"the provider reported an error, and the stream ends with {_finishes(asked)}")


@requirement("UPS-007")
def test_all_forms_of_event_streams_are_read(scripted_stream: Told, scripted_variants: dict[str, Told]) -> None:
    served(scripted_stream, TEXT)
    hold(_other_texts(scripted_variants, TEXT))


@requirement("UPS-008")
def test_characters_survive_any_split(scripted_stream: Told, scripted_bytes: Told) -> None:
    served(scripted_stream, TEXT)
    hold(_other_texts({"written byte by byte": scripted_bytes}, WIDE))


@requirement("UPS-009")
def test_a_stream_without_done_ends(scripted_stream: Told, scripted_without_done: Told) -> None:
    served(scripted_stream, TEXT)
    asked = asked_by(scripted_without_done)
    expect(asked.complete, asked)
    hold(_other_texts({"without [DONE]": scripted_without_done}, TEXT))
    expect(reply_of(asked)["choices"][0]["finish_reason"] == "stop", asked, "the finish_reason is lost")


@requirement("UPS-010")
def test_events_are_passed_on_at_once(scripted_stream: Told, scripted_pace: Told) -> None:
    served(scripted_stream, TEXT)
    asked = asked_by(scripted_pace)
    said = [(event.t_s, piece) for event, chunk in asked.parsed_events if chunk for piece in chunks.pieces_of(chunk)]
    came = [(at_s, piece) for at_s, piece in said if piece]
    made_s = [at_s for at_s, _ in sent_on(scripted_pace).writes][1:]  # the first has the role
    expected = scripts.PACED
    expect("".join(piece for _, piece in came) == "".join(expected), asked, "the text of the stream is another one")
    expect(len(came) == len(expected), asked, f"{len(expected)} events of text came as {len(came)}")
    late_s = [at_s - then_s for (at_s, _), then_s in zip(came, made_s, strict=False)]
    spread_s = max(late_s) - min(late_s)
    if LATE_S < spread_s <= LATE_S + asked.late_s:
        raise Inconclusive(f"this machine was kept from reading for {asked.late_s:.2f} s: nobody's fault can be told")
    expect(spread_s <= LATE_S, asked, f"events come up to {spread_s:.2f} s later than others after they were made")


@requirement("UPS-011")
def test_a_provider_is_left_when_its_client_is_gone(scripted_stream: Told, scripted_leave: Told) -> None:
    served(scripted_stream, TEXT)
    asked, sent = scripted_leave["asked"], sent_on(scripted_leave)
    if not asked.abandoned:
        raise Unusable(f"the stream was to be left in the middle: {asked.seen}")
    seen = f"{scripts.CANCELLED_S:g} s after the client has gone the provider still answers"
    expect(sent.ended == "left", scripted_leave["kept"], seen)


@requirement("UPS-012")
def test_keys_stay_on_their_side(scripted_reply: Told, scripted_stream: Told, target: Target) -> None:
    if not target.api_key or not target.upstream_key:
        raise Inconclusive("the client has no key, or the provider")
    if target.api_key == target.upstream_key:
        raise Inconclusive("the client's key is the provider's, too")
    for told in (scripted_reply, scripted_stream):
        asked, sent = asked_by(told), sent_on(told)
        leaked = [name for name, value in sent.headers if target.api_key in value]
        expect(not leaked, asked, f"the client's key goes to the provider in {', '.join(leaked)}")
        expect(target.api_key.encode() not in sent.body, asked, "the client's key goes to the provider in the body")
        expect(target.upstream_key not in all_that_was_told(asked), asked, "the provider's key is in the answer")


@requirement("UPS-013")
def test_messages_are_passed_on_unchanged(scripted_reply: Told, scripted_messages: Told) -> None:
    served(scripted_reply, TEXT)
    asked, sent = asked_by(scripted_messages), sent_on(scripted_messages)
    told = sent.json.get("messages")
    given, found = asked.sent["messages"], told if isinstance(told, list) else []
    own = [x for x in found[: max(len(found) - len(given), 0)] if _is_an_operators(x) and x not in given]
    found = found[len(own) :]
    expect(len(found) == len(given), asked, f"{len(given)} messages go to the provider as {show(told)}")
    hold(
        Violation(asked, f"messages[{number}].{name} {show(value)} goes to the provider as {show(there.get(name))}")
        for number, (here, there) in enumerate(zip(given, found, strict=True))
        for name, value in here.items()
        if _said(there.get(name)) != _said(value)
    )
    tolerate(Violation(asked, f"the gateway puts a message of its own before them: {show(message)}") for message in own)


@requirement("UPS-014")
def test_integers_keep_their_digits(scripted_reply: Told, scripted_parameters: dict[str, Told]) -> None:
    served(scripted_reply, TEXT)
    told = scripted_parameters["seed"]
    asked = asked_by(told)
    if asked.status in (400, 422):
        raise Inconclusive("a seed is refused")
    sent = sent_on(told).json.get("seed")
    if sent is None:
        raise Inconclusive("a seed is not passed on, of which UPS-023 tells")
    expect(sent == scripts.SEED, asked, f"the seed {scripts.SEED} goes to the provider as {show(sent)}")


@requirement("UPS-015")
def test_unknown_fields_do_no_harm(
    scripted_reply: Told, scripted_stream: Told, scripted_extras: dict[str, Told]
) -> None:
    served(scripted_reply, TEXT)
    served(scripted_stream, TEXT)
    hold(_other_texts(scripted_extras, TEXT))


@requirement("UPS-016")
def test_the_client_sees_the_public_name(scripted_reply: Told, scripted_model: dict[str, Told]) -> None:
    served(scripted_reply, TEXT)
    hold(
        Violation(x, f"{case}: the model is called {show(scripts.INTERNAL_MODEL)}, as its provider calls it")
        for case, x in ((case, asked_by(told)) for case, told in scripted_model.items())
        if scripts.INTERNAL_MODEL in x.text
    )


@requirement("UPS-017")
def test_the_quirks_of_providers_are_mended(scripted_stream: Told, scripted_quirks: dict[str, Told]) -> None:
    served(scripted_stream, TEXT)
    cases = {case: asked_by(told) for case, told in scripted_quirks.items()}
    rules = (chunks.FinishIsKnown, fragments.FragmentsHaveIndex, chunks.EmptyChoicesCarryUsage)
    hold(
        Violation(x, f"{case}: {violation.seen}")
        for (case, x), rule in zip(cases.items(), rules, strict=True)
        for violation in in_streams([x], rule)
    )


@requirement("UPS-018")
def test_compression_is_undone_or_told(
    scripted_reply: Told, scripted_stream: Told, scripted_gzip: dict[str, Told]
) -> None:
    served(scripted_reply, TEXT)
    served(scripted_stream, TEXT)
    hold(_other_texts(scripted_gzip, WIDE))


@requirement("UPS-019")
def test_the_providers_headers_are_its_own(scripted_reply: Told, scripted_headers: Told) -> None:
    served(scripted_reply, TEXT)
    asked = asked_by(scripted_headers)
    shown = [f"{name}: {value}" for name, value in asked.headers if scripts.MARKED in value]
    expect(not shown, asked, f"the provider's headers come to the client: {clip('; '.join(shown))}")


@requirement("UPS-020")
def test_an_error_is_no_success(scripted_reply: Told, scripted_failures: dict[str, dict[str, Told]]) -> None:
    served(scripted_reply, TEXT)
    hold(
        Violation(x, f"{case}: {x.seen}")
        for case, x in ((case, asked_by(told)) for case, told in scripted_failures["error"].items())
        if x.status < 400
    )


@requirement("UPS-021")
def test_retries_are_few(scripted_reply: Told, scripted_failures: dict[str, dict[str, Told]]) -> None:
    served(scripted_reply, TEXT)
    tries = {case: told for kind in ("plain", "streamed") for case, told in scripted_failures[kind].items()}
    hold(
        Violation(told["asked"], f"{case}: the provider was asked {count} times")
        for case, told in tries.items()
        if (count := len(received(told["kept"]))) > scripts.MOST_TRIES
    )


@requirement("UPS-022")
def test_headers_of_a_hop_end_there(scripted_reply: Told, scripted_hop: Told) -> None:
    served(scripted_reply, TEXT)
    asked, sent = asked_by(scripted_hop), sent_on(scripted_hop)
    passed = [f"{name}: {value}" for name, value in sent.headers if scripts.HOP in value]
    expect(not passed, asked, f"headers for the gateway alone go to the provider: {clip('; '.join(passed))}")


@requirement("UPS-023")
def test_parameters_are_passed_on(scripted_reply: Told, scripted_parameters: dict[str, Told]) -> None:
    served(scripted_reply, TEXT)
    taken = {name: told for name, told in scripted_parameters.items() if told["asked"].ok}
    if not taken:
        raise Inconclusive("no parameter is taken")
    found = {name: (told["asked"], sent_on(told).json.get(name)) for name, told in taken.items()}
    changed = {
        name: Violation(x, f"{name} {show(scripts.PARAMETERS[name])} goes to the provider as {show(value)}")
        for name, (x, value) in found.items()
        if value not in (None, scripts.PARAMETERS[name]) and name != "seed"
    }
    hold(violation for name, violation in changed.items() if name != "user")
    tolerate(changed.values())
    lost = {name: x for name, (x, value) in found.items() if value is None and name not in ("n", "user")}
    tolerate(Violation(x, f"{name} is taken, and does not reach the provider") for name, x in lost.items())


@requirement("UPS-024")
def test_nothing_is_said_twice_after_a_retry(
    scripted_reply: Told, scripted_recovery: Told, scripted_failures: dict[str, dict[str, Told]]
) -> None:
    served(scripted_reply, TEXT)
    asked = asked_by(scripted_recovery)
    if asked.ok:
        expect(text_of(asked) == TEXT, asked, f"asked again after a failure, the answer is {show(text_of(asked))}")
    told = scripted_failures["later"]["cut"]
    stream, begun = asked_by(told), "".join(scripts.PIECES[:2])
    text = _partial(stream)
    expect(text in (begun, TEXT, "") or TEXT.startswith(text), stream, f"a stream that broke off reads {show(text)}")


@requirement("UPS-025")
def test_usage_is_the_providers(scripted_reply: Told, scripted_stream: Told) -> None:
    served(scripted_reply, TEXT)
    asked = asked_by(scripted_reply)
    hold(_other_usage(asked, usage.usage_of(asked.document)))
    stream = asked_by(scripted_stream)
    if stream.ok:
        hold(_other_usage(stream, usage.usage_of(usage.of_stream(stream.chunks))))


@requirement("UPS-026")
def test_tool_calls_come_as_they_were_made(scripted_reply: Told, scripted_calls: dict[str, Told]) -> None:
    served(scripted_reply, TEXT)
    taken = {case: x for case, x in ((case, asked_by(told)) for case, told in scripted_calls.items()) if x.ok}
    if not taken:
        raise Inconclusive("no chat with a tool is served")
    for case, x in taken.items():
        calls = dig(choices(reply_of(x))[0], "message", "tool_calls") or []
        found = [(call.get("id"), dig(call, "function", "name"), dig(call, "function", "arguments")) for call in calls]
        expected = (scripts.CALL["id"], "weather", scripts.ARGUMENTS)
        expect(found == [expected], x, f"{case}: the call {show(expected)} comes as {show(found)}")


@requirement("UPS-027")
def test_text_comes_to_the_letter(
    scripted_reply: Told, scripted_stream: Told, scripted_letters: dict[str, Told]
) -> None:
    served(scripted_reply, TEXT)
    served(scripted_stream, TEXT)
    hold(_other_texts(scripted_letters, "".join(scripts.LETTERS)))


@requirement("UPS-031")
def test_a_chat_is_sent_on_once(
    scripted_reply: Told, scripted_stream: Told, scripted_parameters: dict[str, Told]
) -> None:
    served(scripted_reply, TEXT)
    chats = {"plain": scripted_reply, "streamed": scripted_stream, **scripted_parameters}
    hold(
        Violation(told["asked"], f"{case}: answered by its provider, which was asked {count} times")
        for case, told in chats.items()
        if told["asked"].ok and (count := len(received(told["kept"]))) > 1
    )


def _partial(stream: Exchange) -> str:
    """The text of a stream as far as it came."""
    return "".join(piece for _, chunk in stream.parsed_events if chunk for piece in chunks.pieces_of(chunk))


def _other_texts(cases: Mapping[str, Told], text: str) -> Iterator[Violation]:
    for case, told in cases.items():
        asked = asked_by(told)
        found = text_of(asked) if asked.ok else None
        if found != text:
            yield Violation(asked, f"{case}: {show(found) if found is not None else asked.seen}")


def _other_usage(exchange: Exchange, found: Mapping[str, Any] | None) -> Iterator[Violation]:
    if found is None:
        raise Inconclusive("an answer carries no usage")
    for name, count in scripts.USAGE.items():
        if found.get(name) != count:
            yield Violation(exchange, f"{name} is {show(found.get(name))}, and {count} for the provider")


def _unlike_a_failure(exchange: Exchange, schema: str) -> Iterator[str]:
    if exchange.media_type == "text/event-stream" and _errors(exchange):
        return
    if not 500 <= exchange.status < 600 or not exchange.is_json:
        yield exchange.seen
    else:
        yield from errors.shape(exchange.json, schema)


def _errors(stream: Exchange) -> list[Any]:
    return [chunk["error"] for _, chunk in stream.parsed_events if chunk and chunk.get("error")]


def _finishes(stream: Exchange) -> str:
    """What tells a client that a stream is at its end; "" where nothing does."""
    reasons = [choice.get("finish_reason") for _, c in stream.parsed_events if c for choice in chunks.choices_of(c)]
    told = [f"finish_reason {reason}" for reason in reasons if reason and reason != "error"]
    return told[-1] if told else ""


def _last(stream: Exchange) -> str:
    return clip(stream.events[-1].data or "") if stream.events else "none"


def _told_to_wait_s(exchange: Exchange) -> float:
    """For how long a client is to stay away, at the most; 0 where it is told nothing that can be read."""
    told = exchange.header("retry-after") or ""
    try:
        return float(told)
    except ValueError:
        with suppress(ValueError):
            return parsedate_to_datetime(told).timestamp() - exchange.started_at + A_SECOND_S
    return 0.0


def _is_an_operators(message: Any) -> bool:
    """Whether a message is of a kind that who runs a gateway can be expected to put before those of its clients."""
    return isinstance(message, dict) and message.get("role") in ("system", "developer")


def _credential(sent: Received) -> str:
    return (sent.header("authorization") or "").removeprefix("Bearer ")


def _said(value: Any) -> Any:
    """What a message's member says; that there is nothing in it may be told in several ways."""
    return None if value in (None, "", []) else value
