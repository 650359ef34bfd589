"""UPS: what passes between a client and its provider, and comes out as it went in: requests, answers, streams."""

from itertools import accumulate
from urllib.parse import urlsplit

from conformance.exchange import Headers, Unusable, clip
from conformance.probes import upstream as scripts
from conformance.reading.traffic import in_streams, reply_of
from conformance.reading.upstream import as_scripted, chat_of, other_texts, sent_on, taken, unlike
from conformance.rules.secrets import told as all_that_was_told
from conformance.rules.streams import chunks, fragments
from conformance.sending.upstream import Told
from conformance.shape import show
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import Inconclusive, Violation, expect, hold, prefer, tolerate

TEXT = "".join(scripts.PIECES)
WIDE = "".join(scripts.WIDE)
LONG_KEY = 16
LATE_S = 0.5
"""How much later than others after it was made an event may come: half as long as a pause of its stream."""
SLOW_S = 2.0
"""How much longer a hundred events may take that were made at once: 20 ms each, which is slower than models speak."""


@requirement("UPS-007")
def test_all_forms_of_event_streams_are_read(scripted_stream: Told, scripted_variants: dict[str, Told]) -> None:
    as_scripted(scripted_stream, TEXT)
    hold(other_texts(scripted_variants, TEXT))


@requirement("UPS-008")
def test_characters_survive_any_split(scripted_stream: Told, scripted_bytes: Told) -> None:
    as_scripted(scripted_stream, TEXT)
    hold(other_texts({"written byte by byte": scripted_bytes}, WIDE))


@requirement("UPS-009")
def test_a_stream_without_done_ends(scripted_stream: Told, scripted_without_done: Told) -> None:
    as_scripted(scripted_stream, TEXT)
    asked = chat_of(scripted_without_done)
    expect(asked.complete, asked)
    hold(other_texts({"without [DONE]": scripted_without_done}, TEXT))
    expect(reply_of(asked)["choices"][0]["finish_reason"] == "stop", asked, "the finish_reason is lost")


@requirement("UPS-010")
def test_events_are_passed_on_at_once(scripted_stream: Told, scripted_pace: Told) -> None:
    as_scripted(scripted_stream, TEXT)
    asked = chat_of(scripted_pace)
    parsed = [(event.t_s, chunks.pieces_of(chunk)) for event, chunk in asked.parsed_events if chunk]
    said = [(at_s, piece) for at_s, pieces in parsed for piece in pieces if piece]
    made_s = [at_s for at_s, _ in sent_on(scripted_pace).writes][1:]  # the first has the role
    text = "".join(piece for _, piece in said)
    expect(text == "".join(scripts.PACED), asked, unlike("".join(scripts.PACED), text))
    came = _whole_at(said, scripts.PACED)
    late_s = [at_s - then_s for (at_s, _), then_s in zip(came, made_s, strict=False)]
    spread_s = max(late_s) - min(late_s)
    if LATE_S < spread_s <= LATE_S + asked.late_s:
        seen = f"this machine was kept from reading for {asked.late_s:.2f} s: nobody's fault can be told"
        raise Inconclusive(seen, blame=None)
    expect(spread_s <= LATE_S, asked, f"events come up to {spread_s:.2f} s later than others after they were made")
    merged = [piece for piece, (_, is_by_itself) in zip(scripts.PACED, came, strict=True) if not is_by_itself]
    prefer(not merged, asked, f"{show(merged)}: each comes in one event with what follows it")


@requirement("UPS-010")
def test_many_events_come_as_fast_as_they_were_made(scripted_stream: Told, scripted_burst: Told) -> None:
    as_scripted(scripted_stream, TEXT)
    asked, made_s = chat_of(scripted_burst), [at_s for at_s, _ in sent_on(scripted_burst).writes]
    came_s = [event.t_s for event in asked.events]
    if not asked.ok or not came_s or not made_s:
        raise Unusable(f"a stream of many events is not served: {asked.seen}")
    slower_s = came_s[-1] - came_s[0] - (made_s[-1] - made_s[0])
    if SLOW_S < slower_s <= SLOW_S + asked.late_s:
        seen = f"this machine was kept from reading for {asked.late_s:.2f} s: nobody's fault can be told"
        raise Inconclusive(seen, blame=None)
    seen = f"{len(came_s)} events that were made within {made_s[-1] - made_s[0]:.1f} s come within"
    expect(slower_s <= SLOW_S, asked, f"{seen} {came_s[-1] - came_s[0]:.1f} s")


@requirement("UPS-012")
def test_keys_stay_on_their_side(
    scripted_reply: Told, scripted_stream: Told, scripted_refusals: dict[str, Told], target: Target
) -> None:
    own, providers = target.api_key, target.upstream_key
    if own and own == providers:
        raise Inconclusive("the client's key is the provider's, too", blame=None)
    for told in (scripted_reply, scripted_stream):
        asked, sent = chat_of(told), sent_on(told)
        leaked = [name for name, value in sent.headers if own and own in value]
        expect(not leaked, asked, f"the client's key goes to the provider in {', '.join(leaked)}")
        expect(not own or own.encode() not in sent.body, asked, "the client's key goes to the provider in the body")
    for asked in (told["asked"] for told in (scripted_reply, scripted_stream, *scripted_refusals.values())):
        is_told = any(part in all_that_was_told(asked) for part in _most_of(providers or ""))
        expect(not is_told, asked, "the provider's key is in the answer")
    scheme, _, sent_key = (sent_on(scripted_reply).header("authorization") or "").partition(" ")
    is_another = providers and scheme.lower() == "bearer" and sent_key not in (own, providers)
    prefer(not is_another, scripted_reply["asked"], "the gateway sends another key than --upstream-key to its provider")


@requirement("UPS-015")
def test_unknown_fields_do_no_harm(
    scripted_reply: Told, scripted_stream: Told, scripted_extras: dict[str, Told]
) -> None:
    as_scripted(scripted_reply, TEXT)
    as_scripted(scripted_stream, TEXT)
    hold(other_texts(scripted_extras, TEXT))


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
    rules = (chunks.FinishIsKnown, fragments.FragmentsHaveIndex, chunks.EmptyChoicesCarryUsage)
    rule_of = dict(zip(scripted_quirks, rules, strict=True))
    hold(
        Violation(x, f"{case}: {violation.seen}")
        for case, x in ((case, chat_of(told)) for case, told in taken(scripted_quirks).items())
        for violation in in_streams([x], rule_of[case])
    )


@requirement("UPS-018")
def test_compression_is_undone_or_told(
    scripted_reply: Told, scripted_stream: Told, scripted_gzip: dict[str, Told]
) -> None:
    as_scripted(scripted_reply, TEXT)
    as_scripted(scripted_stream, TEXT)
    hold(other_texts(scripted_gzip, WIDE))


@requirement("UPS-019")
def test_the_providers_headers_are_its_own(
    scripted_reply: Told,
    scripted_headers: dict[str, Told],
    scripted_failures: dict[str, dict[str, Told]],
    target: Target,
) -> None:
    as_scripted(scripted_reply, TEXT)
    sent, later = scripted_headers["sent"], scripted_headers["next"]
    kept = _marked(sent_on(later).headers, scripts.MARKED)
    expect(not kept, later["asked"], f"the provider gets its cookie back with the next request: {kept}")
    shown = _marked(chat_of(sent).headers, scripts.MARKED)
    prefer(not shown, sent["asked"], f"the provider's headers come to the client: {shown}")
    address = urlsplit(target.upstream or "").netloc
    answers = (told["asked"] for cases in [scripted_headers, *scripted_failures.values()] for told in cases.values())
    tolerate(
        Violation(asked, f"the provider's address {address} is in the answer: {asked.seen}")
        for asked in answers
        if ":" in address and address in all_that_was_told(asked)
    )


@requirement("UPS-022")
def test_headers_of_a_hop_end_there(scripted_reply: Told, scripted_hop: Told) -> None:
    as_scripted(scripted_reply, TEXT)
    asked, sent = chat_of(scripted_hop), sent_on(scripted_hop)
    cookies = tuple(pair for pair in sent.headers if pair[0].lower() == "cookie")
    passed = _marked(tuple(pair for pair in sent.headers if pair not in cookies), scripts.HOP_MARKED)
    expect(not passed, asked, f"headers for the gateway alone go to the provider: {passed}")
    passed = _marked(cookies, scripts.HOP_MARKED)
    prefer(not passed, asked, f"the client's cookie for the gateway goes to the provider: {passed}")


def _whole_at(events: list[tuple[float, str]], pieces: list[str]) -> list[tuple[float, bool]]:
    """For each piece when its last letter came, and whether the event that brought it ends there."""
    ends = dict(zip(accumulate(len(text) for _, text in events), (at_s for at_s, _ in events), strict=True))
    wanted = accumulate(map(len, pieces))
    return [(min((at_s for end, at_s in ends.items() if end >= want), default=0.0), want in ends) for want in wanted]


def _most_of(key: str) -> tuple[str, ...]:
    """The key, and what is left of it where some letters at either end are hidden."""
    hidden = len(key) // 4
    return (key[hidden:], key[: len(key) - hidden]) if len(key) >= LONG_KEY else (key,) if key else ()


def _marked(headers: Headers, mark: str) -> str:
    """Those of these headers that hold the mark; "" if none does."""
    return clip("; ".join(f"{name}: {value}" for name, value in headers if mark in value))
