"""UPS: what passes between a client and its provider, and comes out as it went in: requests, answers, streams."""

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.exchange import Exchange, Headers, Unusable, clip
from conformance.probes import upstream as scripts
from conformance.reading.traffic import in_streams, reply_of
from conformance.reading.upstream import as_scripted, chat_of, sent_on, text_of
from conformance.rules import usage
from conformance.rules.secrets import told as all_that_was_told
from conformance.rules.streams import chunks, fragments
from conformance.sending.upstream import Told
from conformance.shape import choices, dig, show
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import Inconclusive, Violation, expect, hold, tolerate

TEXT = "".join(scripts.PIECES)
WIDE = "".join(scripts.WIDE)
LATE_S = 0.25
"""How much later than it was made an event may come."""


@requirement("UPS-007")
def test_all_forms_of_event_streams_are_read(scripted_stream: Told, scripted_variants: dict[str, Told]) -> None:
    as_scripted(scripted_stream, TEXT)
    hold(_other_texts(scripted_variants, TEXT))


@requirement("UPS-008")
def test_characters_survive_any_split(scripted_stream: Told, scripted_bytes: Told) -> None:
    as_scripted(scripted_stream, TEXT)
    hold(_other_texts({"written byte by byte": scripted_bytes}, WIDE))


@requirement("UPS-009")
def test_a_stream_without_done_ends(scripted_stream: Told, scripted_without_done: Told) -> None:
    as_scripted(scripted_stream, TEXT)
    asked = chat_of(scripted_without_done)
    expect(asked.complete, asked)
    hold(_other_texts({"without [DONE]": scripted_without_done}, TEXT))
    expect(reply_of(asked)["choices"][0]["finish_reason"] == "stop", asked, "the finish_reason is lost")


@requirement("UPS-010")
def test_events_are_passed_on_at_once(scripted_stream: Told, scripted_pace: Told) -> None:
    as_scripted(scripted_stream, TEXT)
    asked = chat_of(scripted_pace)
    said = [(event.t_s, piece) for event, chunk in asked.parsed_events if chunk for piece in chunks.pieces_of(chunk)]
    came = [(at_s, piece) for at_s, piece in said if piece]
    made_s = [at_s for at_s, _ in sent_on(scripted_pace).writes][1:]  # the first has the role
    expected = scripts.PACED
    expect("".join(piece for _, piece in came) == "".join(expected), asked, "the text of the stream is another one")
    expect(len(came) == len(expected), asked, f"{len(expected)} events of text came as {len(came)}")
    late_s = [at_s - then_s for (at_s, _), then_s in zip(came, made_s, strict=False)]
    spread_s = max(late_s) - min(late_s)
    if LATE_S < spread_s <= LATE_S + asked.late_s:
        seen = f"this machine was kept from reading for {asked.late_s:.2f} s: nobody's fault can be told"
        raise Inconclusive(seen, blame=None)
    expect(spread_s <= LATE_S, asked, f"events come up to {spread_s:.2f} s later than others after they were made")


@requirement("UPS-011")
def test_a_provider_is_left_when_its_client_is_gone(scripted_stream: Told, scripted_leave: Told) -> None:
    as_scripted(scripted_stream, TEXT)
    asked, sent = scripted_leave["asked"], sent_on(scripted_leave)
    if not asked.abandoned:
        raise Unusable(f"the stream was to be left in the middle: {asked.seen}")
    seen = f"{scripts.CANCELLED_S:g} s after the client has gone the provider still answers"
    expect(sent.ended == "left", scripted_leave["kept"], seen)


@requirement("UPS-012")
def test_keys_stay_on_their_side(scripted_reply: Told, scripted_stream: Told, target: Target) -> None:
    own, providers = target.api_key, target.upstream_key
    if own and own == providers:
        raise Inconclusive("the client's key is the provider's, too", blame=None)
    for told in (scripted_reply, scripted_stream):
        asked, sent = chat_of(told), sent_on(told)
        leaked = [name for name, value in sent.headers if own and own in value]
        expect(not leaked, asked, f"the client's key goes to the provider in {', '.join(leaked)}")
        expect(not own or own.encode() not in sent.body, asked, "the client's key goes to the provider in the body")
        is_told = providers is not None and providers in all_that_was_told(asked)
        expect(not is_told, asked, "the provider's key is in the answer")


@requirement("UPS-013")
def test_messages_are_passed_on_unchanged(scripted_reply: Told, scripted_messages: Told) -> None:
    as_scripted(scripted_reply, TEXT)
    asked, sent = chat_of(scripted_messages), sent_on(scripted_messages)
    found = sent.json.get("messages")
    given = asked.sent["messages"]
    same = isinstance(found, list) and len(found) == len(given)
    expect(same, asked, f"{len(given)} messages go to the provider as {show(found)}")
    hold(
        Violation(asked, f"messages[{number}].{name} {show(value)} goes to the provider as {show(there.get(name))}")
        for number, (here, there) in enumerate(zip(given, found or [], strict=False))
        for name, value in here.items()
        if _said(there.get(name)) != _said(value)
    )


@requirement("UPS-014")
def test_integers_keep_their_digits(scripted_reply: Told, scripted_parameters: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    told = scripted_parameters["seed"]
    asked = chat_of(told)
    if asked.status in (400, 422):
        raise Inconclusive("a seed is refused", blame=None)
    sent = sent_on(told).json.get("seed")
    if sent is None:
        raise Inconclusive("a seed is not passed on, of which UPS-023 tells", blame=None)
    expect(sent == scripts.SEED, asked, f"the seed {scripts.SEED} goes to the provider as {show(sent)}")


@requirement("UPS-015")
def test_unknown_fields_do_no_harm(
    scripted_reply: Told, scripted_stream: Told, scripted_extras: dict[str, Told]
) -> None:
    as_scripted(scripted_reply, TEXT)
    as_scripted(scripted_stream, TEXT)
    hold(_other_texts(scripted_extras, TEXT))


@requirement("UPS-016")
def test_the_client_sees_the_public_name(scripted_reply: Told, scripted_model: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    hold(
        Violation(x, f"{case}: the model is called {show(scripts.INTERNAL_MODEL)}, as its provider calls it")
        for case, x in ((case, chat_of(told)) for case, told in scripted_model.items())
        if scripts.INTERNAL_MODEL in x.text
    )


@requirement("UPS-017")
def test_the_quirks_of_providers_are_mended(scripted_stream: Told, scripted_quirks: dict[str, Told]) -> None:
    as_scripted(scripted_stream, TEXT)
    cases = {case: chat_of(told) for case, told in scripted_quirks.items()}
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
    as_scripted(scripted_reply, TEXT)
    as_scripted(scripted_stream, TEXT)
    hold(_other_texts(scripted_gzip, WIDE))


@requirement("UPS-019")
def test_the_providers_headers_are_its_own(scripted_reply: Told, scripted_headers: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    sent, later = scripted_headers["sent"], scripted_headers["next"]
    shown = _marked(chat_of(sent).headers, scripts.MARKED)
    expect(not shown, sent["asked"], f"the provider's headers come to the client: {shown}")
    kept = _marked(sent_on(later).headers, scripts.MARKED)
    expect(not kept, later["asked"], f"the provider gets its cookie back with the next request: {kept}")


@requirement("UPS-022")
def test_headers_of_a_hop_end_there(scripted_reply: Told, scripted_hop: Told) -> None:
    as_scripted(scripted_reply, TEXT)
    asked, sent = chat_of(scripted_hop), sent_on(scripted_hop)
    passed = _marked(sent.headers, scripts.HOP_MARKED)
    expect(not passed, asked, f"headers for the gateway alone go to the provider: {passed}")


@requirement("UPS-023")
def test_parameters_are_passed_on(scripted_reply: Told, scripted_parameters: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    served = {name: told for name, told in scripted_parameters.items() if told["asked"].ok}
    if not served:
        raise Inconclusive("no parameter is taken", blame=None)
    found = {name: (told["asked"], sent_on(told).json.get(name)) for name, told in served.items()}
    changed = {name: pair for name, pair in found.items() if pair[1] is not None and name != "seed"}
    hold(
        Violation(x, f"{name} {show(scripts.PARAMETERS[name])} goes to the provider as {show(value)}")
        for name, (x, value) in changed.items()
        if value != scripts.PARAMETERS[name]
    )
    lost = {name: x for name, (x, value) in found.items() if value is None and name not in ("n", "user")}
    tolerate(Violation(x, f"{name} is taken, and does not reach the provider") for name, x in lost.items())


@requirement("UPS-025")
def test_usage_is_the_providers(scripted_reply: Told, scripted_stream: Told) -> None:
    as_scripted(scripted_reply, TEXT)
    asked = chat_of(scripted_reply)
    hold(_other_usage(asked, usage.usage_of(asked.document)))
    stream = chat_of(scripted_stream)
    if stream.ok:
        hold(_other_usage(stream, usage.usage_of(usage.of_stream(stream.chunks))))


@requirement("UPS-026")
def test_tool_calls_come_as_they_were_made(scripted_reply: Told, scripted_calls: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    served = {case: x for case, x in ((case, chat_of(told)) for case, told in scripted_calls.items()) if x.ok}
    if not served:
        raise Inconclusive("no chat with a tool is served", blame=None)
    for case, x in served.items():
        calls = dig(choices(reply_of(x))[0], "message", "tool_calls") or []
        found = [(call.get("id"), dig(call, "function", "name"), dig(call, "function", "arguments")) for call in calls]
        expected = (scripts.CALL["id"], "weather", scripts.ARGUMENTS)
        expect(found == [expected], x, f"{case}: the call {show(expected)} comes as {show(found)}")


@requirement("UPS-027")
def test_text_comes_to_the_letter(
    scripted_reply: Told, scripted_stream: Told, scripted_letters: dict[str, Told]
) -> None:
    as_scripted(scripted_reply, TEXT)
    as_scripted(scripted_stream, TEXT)
    hold(_other_texts(scripted_letters, "".join(scripts.LETTERS)))


def _other_texts(cases: Mapping[str, Told], text: str) -> Iterator[Violation]:
    for case, told in cases.items():
        asked = chat_of(told)
        found = text_of(asked) if asked.ok else None
        if found != text:
            yield Violation(asked, f"{case}: {show(found) if found is not None else asked.seen}")


def _other_usage(exchange: Exchange, found: Mapping[str, Any] | None) -> Iterator[Violation]:
    if found is None:
        raise Inconclusive("an answer carries no usage", blame=None)
    for name, count in scripts.USAGE.items():
        if found.get(name) != count:
            yield Violation(exchange, f"{name} is {show(found.get(name))}, and {count} for the provider")


def _marked(headers: Headers, mark: str) -> str:
    """Those of these headers that hold the mark; "" if none does."""
    return clip("; ".join(f"{name}: {value}" for name, value in headers if mark in value))


def _said(value: Any) -> Any:
    """What a message's member says; that there is nothing in it may be told in several ways."""
    return None if value in (None, "", []) else value
