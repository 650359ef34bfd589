"""STREAM: how streams reach the client: while they are made, to their end, compressed, side by side, slowly read, left
in the middle, and on connections that serve more than one."""

import re

from conformance.exchange import BUSY, Exchange, Unusable
from conformance.reading.traffic import answered, chat_streams, event_streams, reports_error, sent, served_alike
from conformance.rules import usage
from conformance.rules.streams.timing import (
    PROMPT_S,
    began_late,
    came_in_bursts,
    came_in_one_burst,
    lingered_s,
    side_by_side,
)
from conformance.shape import show
from conformance.sse import DONE
from conformance.suites import requirement
from conformance.verdict import Inconclusive, NotApplicable, Violation, expect, hold, prefer

TOO_SHORT = "the answers were too short or too quick to tell"
SPOKEN_ANEW_S, TIMES = 2.0, 3
"""Seconds, and times the slowest smallest chat before, that a chat may take when streams have been left."""
REFUSES_1_0 = (400, 403, 404, 405, 426, 501, 505)


@requirement("STREAM-028")
def test_a_stream_ends_promptly_after_done(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    lasting = [(x, lingered_s(x)) for x in chat_streams(exchanges, chat_stream) if x.complete]
    lingering = [(x, seconds) for x, seconds in lasting if seconds > PROMPT_S]
    if len(lingering) > 1:  # one may be a hiccup of the network
        hold(Violation(x, f"the stream ends {seconds:.1f} s after [DONE]") for x, seconds in lingering)


@requirement("STREAM-047")
def test_a_stream_is_delivered_while_it_is_made(
    chat_stream_long: dict[str, Exchange], chat_stream: Exchange, chat_stream_again: Exchange
) -> None:
    short, *longs = chat_stream_long.values()
    bursts = came_in_bursts([x for x in longs if x.chunks], [short, chat_stream, chat_stream_again])
    if bursts is None:
        raise Inconclusive(TOO_SHORT)
    expect(not bursts, longs[-1], "all content of long streams came at once, at the end")


@requirement("STREAM-048")
def test_text_comes_before_most_of_it_is_made(chat_stream_long: dict[str, Exchange]) -> None:
    short, *longs = chat_stream_long.values()
    told = [late for x in longs if x.chunks and (late := began_late(x, short)) is not None]
    if len(told) < len(longs):
        raise Inconclusive(TOO_SHORT)
    expect(not all(told), longs[-1], f"the first text of {len(told)} streams came after four fifths of their time")


@requirement("STREAM-049")
def test_a_stream_has_no_content_length(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(Violation(x, f"Content-Length: {x.header('content-length')}") for x in streams if x.header("content-length"))


@requirement("STREAM-050")
def test_a_stream_is_not_cached(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = [(x, ", ".join(x.header_values("cache-control"))) for x in event_streams(exchanges, chat_stream)]
    cached = [(x, text) for x, text in streams if not {"no-cache", "no-store"} & set(re.split(r"[\s,]+", text.lower()))]
    hold(Violation(x, f"Cache-Control is {show(text or None)}") for x, text in cached)


@requirement("STREAM-051")
def test_proxies_are_told_not_to_buffer(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    said = [(x, text) for x in chat_streams(exchanges, chat_stream) for text in x.header_values("x-accel-buffering")]
    if not said:
        raise NotApplicable("no stream carries X-Accel-Buffering")
    hold(Violation(x, f"X-Accel-Buffering: {text}") for x, text in said if text.strip().lower() != "no")


@requirement("STREAM-052")
def test_compression_does_not_hold_a_stream_back(
    chat_stream_long: dict[str, Exchange],
    chat_stream: Exchange,
    chat_stream_again: Exchange,
    chat_stream_compressed: list[Exchange],
) -> None:
    short, *longs = chat_stream_long.values()
    shorts = [short, chat_stream, chat_stream_again]
    coded = [x for x in chat_stream_compressed if x.chunks and x.header("content-encoding")]
    if not coded:
        return
    told = [burst for x in coded if (burst := came_in_one_burst(x, shorts)) is not None]
    if not told or all(came_in_one_burst(x, shorts) for x in longs if x.chunks):
        raise Inconclusive(TOO_SHORT if not told else "streams come in one burst without compression, too")
    expect(not all(told), coded[-1], f"all content of {len(told)} compressed streams came at once, at the end")


@requirement("STREAM-056")
def test_streams_that_were_left_leave_no_harm(
    chat_reply: Exchange,
    chat_replies_again: list[Exchange],
    chat_stream: Exchange,
    chat_stream_again: Exchange,
    chat_streams_left: dict[str, list[Exchange]],
) -> None:
    answered(chat_reply)
    _ = chat_stream.chunks
    left, after = chat_streams_left["left"], chat_streams_left["after"]
    hold(Violation(x, f"after {len(left)} streams were left: {x.seen}") for x in after if not x.ok)
    before = [chat_reply, *chat_replies_again, chat_stream, chat_stream_again]
    usual_s = max(x.took_s for x in before)
    as_quick = _slowest_s(before, streamed=True) <= _bound_s(_slowest_s(before, streamed=False))
    for kind, streamed in (("a chat", False), ("a stream", True)):
        soonest = min((x for x in after if _streamed(x) is streamed), key=lambda x: x.took_s)
        seen = f"after {len(left)} streams were left {kind} takes {soonest.took_s:.1f} s, "
        expect(soonest.took_s <= _bound_s(usual_s), soonest, f"{seen}before {usual_s:.1f} s")
        chats_s = _slowest_s(after, streamed=False)
        alike = not (streamed and as_quick) or soonest.took_s <= _bound_s(chats_s)
        expect(alike, soonest, f"{seen}a chat {chats_s:.1f} s")
    if not any(200 <= x.status < 300 for x in left):
        raise Inconclusive("no stream had begun when it was left", blame=None)


@requirement("STREAM-057")
def test_parallel_streams_do_not_mix(
    exchanges: list[Exchange], chat_stream: Exchange, chat_streams_in_parallel: dict[str, dict[str, Exchange]]
) -> None:
    streams = chat_streams(exchanges, chat_stream)
    streamed, plain = chat_streams_in_parallel["streamed"], chat_streams_in_parallel["plain"]
    hold(Violation(x, x.seen) for x in streamed.values() if not 200 <= x.status < 300)
    ids = [(x, [chunk["id"] for chunk in x.chunks if isinstance(chunk.get("id"), str)]) for x in streams if _holds(x)]
    own = {found[0] for _, found in ids if found}
    hold(
        Violation(x, f"a stream holds chunks of another, {show(id)}")
        for x, found in ids
        for id in dict.fromkeys(found)
        if id != found[0] and id in own
    )
    alone = {length: count for length, x in plain.items() if (count := usage.prompt_tokens(x.document)) is not None}
    counts = {length: usage.prompt_tokens(usage.of_stream(x.chunks)) for length, x in streamed.items()}
    hold(
        Violation(streamed[length], f"{length} words cost {count} prompt tokens in parallel, {alone[length]} alone")
        for length, count in counts.items()
        if count is not None and length in alone
        if abs(alone[length] - count) > min(abs(other - count) for other in alone.values())
    )


@requirement("STREAM-064")
def test_the_connection_serves_on_after_a_stream(
    chat_reply: Exchange, chat_after_stream_on_one_connection: list[Exchange]
) -> None:
    stream, *rest = chat_after_stream_on_one_connection
    if stream.status != 200 or not chat_reply.ok:
        raise Unusable(f"the stream or the chat alone is not answered: {stream.seen}, {chat_reply.seen}")
    expect(stream.complete, stream)
    closes = "close" in ",".join(stream.header_values("connection")).lower()
    prefer(not closes, stream, "the stream is answered with Connection: close")
    after = rest[0] if rest else stream
    closed = after.failure is not None and after.failure.kind == "closed"
    prefer(not closed, after, "the connection was closed after the stream, which did not say so")
    expect(bool(rest) and after.ok, after)


@requirement("STREAM-063")
def test_a_client_of_http_1_0_gets_no_chunked_coding(
    chat_stream: Exchange, chat_stream_to_http_1_0: list[Exchange]
) -> None:
    _ = chat_stream.chunks
    stream = chat_stream_to_http_1_0[0]
    if not stream.response or stream.status in REFUSES_1_0:
        raise NotApplicable(f"HTTP/1.0 is not served: {stream.seen}")
    coding = stream.header("transfer-encoding")
    expect(coding is None, stream, f"Transfer-Encoding: {coding} in the answer to an HTTP/1.0 client")
    expect(stream.ok and bool(stream.chunks), stream)


@requirement("STREAM-071")
def test_no_served_stream_reports_an_error(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    _ = chat_stream.chunks
    broken = [x for x in event_streams(exchanges, chat_stream) if reports_error(x)]
    hold(
        Violation(x, f"an equal request was served, this stream says {show(_error(x))}")
        for x in broken
        if served_alike(exchanges, x)
    )


@requirement("STREAM-072")
def test_a_stream_comes_to_its_end(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    done = [x for x in event_streams(exchanges, chat_stream) if any((e.data or "").strip() == DONE for e in x.events)]
    hold(Violation(x, f"after [DONE]: {x.failure.message}") for x in done if x.failure)


@requirement("STREAM-073")
def test_a_slow_reader_gets_all_and_holds_up_nobody(
    chat_reply: Exchange, chat_stream: Exchange, chat_stream_read_slowly: dict[str, Exchange]
) -> None:
    answered(chat_reply)
    _ = chat_stream.chunks
    slow, meanwhile = chat_stream_read_slowly["slow"], chat_stream_read_slowly["meanwhile"]
    if slow.status in BUSY:
        raise Inconclusive(f"the gateway is busy: {slow.seen}", blame=None)
    expect(slow.ok and bool(slow.chunks), slow, f"a stream read slowly: {slow.seen}")
    expect(meanwhile.ok, meanwhile, f"a chat while a stream is read slowly: {meanwhile.seen}")


@requirement("STREAM-074")
def test_a_connection_streams_after_refusals(chat_stream: Exchange, chat_stream_after_refusals: list[Exchange]) -> None:
    _ = chat_stream.chunks
    *refusals, last = chat_stream_after_refusals
    gone = last.response is None and last.failure is not None and last.failure.kind == "closed"
    if len(refusals) < 2 or gone or any(x.status < 400 for x in refusals):
        raise Inconclusive("no connection was left open by two refusals", blame=None)
    expect(last.ok and _holds(last), last, f"a stream after two refusals: {last.seen}")


@requirement("STREAM-075")
def test_streams_are_served_side_by_side(
    exchanges: list[Exchange], chat_stream: Exchange, chat_stream_long: dict[str, Exchange]
) -> None:
    together, waited = side_by_side(chat_streams(exchanges, chat_stream))
    if together is None:
        raise Inconclusive(TOO_SHORT)
    seen = "no two streams of the run were spoken at the same time: each waited for the end of another"
    expect(together, waited or chat_stream, seen)


def _streamed(exchange: Exchange) -> bool:
    return bool(sent(exchange).get("stream"))


def _slowest_s(exchanges: list[Exchange], *, streamed: bool) -> float:
    return max(x.took_s for x in exchanges if _streamed(x) is streamed)


def _bound_s(seconds: float) -> float:
    """What may be made of a time once streams have been left."""
    return TIMES * seconds + SPOKEN_ANEW_S


def _holds(exchange: Exchange) -> bool:
    """Whether a stream holds any chunk."""
    return any(chunk for _, chunk in exchange.parsed_events)


def _error(exchange: Exchange) -> object:
    return next(chunk["error"] for _, chunk in exchange.parsed_events if chunk and chunk.get("error"))
