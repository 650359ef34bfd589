"""STREAM: streamed chats, their framing and delivery. What must hold for one is judged on every stream of the run."""

from conformance.exchange import BUSY, Exchange
from conformance.probes.chat.replies import MOST_CAPPED_TEXT, SMALL_CAP
from conformance.reading.traffic import (
    chat_streams,
    event_streams,
    in_streams,
    obeyed,
    refused_streams,
    repeats_itself,
    reports_error,
    sent,
    unclean_refusals,
    unlike_refusals,
)
from conformance.rules.streams import chunks, framing
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, expect, hold, survive, tolerate


@requirement("STREAM-001")
def test_a_stream_is_an_event_stream(
    exchanges: list[Exchange],
    chat_stream: Exchange,
    chat_stream_for_browsers: Exchange,
    chat_prompts_both_ways: dict[str, dict[str, Exchange]],
) -> None:
    expect(chat_stream_for_browsers.status == 200, chat_stream_for_browsers)
    browsers = chat_stream_for_browsers
    streams = [browsers] if browsers.is_json else event_streams(exchanges, browsers)
    hold(Violation(x, seen) for x in streams for seen in framing.is_event_stream(x.header("content-type") or ""))
    refused = refused_streams(exchanges) if chat_stream.ok else ()
    hold(Violation(x, f"{x.label}: {x.seen}, and without stream 200") for x in refused)


@requirement("STREAM-002")
def test_accepting_json_does_not_turn_it_off(chat_stream: Exchange, chat_stream_for_browsers: Exchange) -> None:
    _ = chat_stream_for_browsers.chunks
    streams = chat_stream.status == 200 and not chat_stream.is_json
    expect(streams, chat_stream, f"with Accept: application/json: {chat_stream.seen}")


@requirement("STREAM-003")
def test_a_stream_is_utf8(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = event_streams(exchanges, chat_stream)
    hold(Violation(x, seen) for x in streams for seen in framing.is_utf8(x.content))
    hold(in_streams(streams, framing.EventsAreText))


@requirement("STREAM-004")
def test_no_byte_order_mark_comes_first(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = event_streams(exchanges, chat_stream)
    hold(Violation(x, seen) for x in streams for seen in framing.has_no_byte_order_mark(x.content))


@requirement("STREAM-005")
def test_every_event_ends_with_a_blank_line(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = event_streams(exchanges, chat_stream)
    whole = [x for x in streams if x.complete]  # of a connection that breaks off STREAM-023 tells
    hold(in_streams(whole or streams, framing.BlocksAreClosed))
    tolerate(in_streams(streams, framing.LinesEndPlainly))


@requirement("STREAM-006")
def test_every_line_is_a_field(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(event_streams(exchanges, chat_stream), framing.LinesAreFields))


@requirement("STREAM-007")
def test_no_event_lacks_data(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(event_streams(exchanges, chat_stream), framing.BlocksHoldData))


@requirement("STREAM-008")
def test_ids_do_not_meet_keep_alives(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = event_streams(exchanges, chat_stream)
    hold(in_streams(streams, framing.IdsStandWithData))
    hold(Violation(x, seen) for x in streams for seen in framing.no_blank_line_follows_an_id(x.content))


@requirement("STREAM-009")
def test_comments_are_no_more_than_keep_alives(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(event_streams(exchanges, chat_stream), framing.CommentsHoldNothing))


@requirement("STREAM-010")
def test_at_most_one_space_follows_data(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(event_streams(exchanges, chat_stream), framing.PayloadsFollowOneSpace))


@requirement("STREAM-011")
def test_a_payload_is_one_line(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(event_streams(exchanges, chat_stream), framing.PayloadsAreOneLine))


@requirement("STREAM-026")
def test_done_comes_once(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), framing.DoneOnce))


@requirement("STREAM-027")
def test_done_comes_last(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(event_streams(exchanges, chat_stream), framing.DoneIsLast))


@requirement("STREAM-053")
def test_a_refusal_is_json_with_an_error_status(
    chat_stream: Exchange, chat_stream_refused: dict[str, dict[str, Exchange]]
) -> None:
    _ = chat_stream.chunks
    hold(unclean_refusals(chat_stream_refused))


@requirement("STREAM-054")
def test_a_refusal_has_the_same_status_in_both_modes(
    chat_reply: Exchange,
    chat_stream: Exchange,
    chat_stream_refused: dict[str, dict[str, Exchange]],
    chat_prompts_both_ways: dict[str, dict[str, Exchange]],
) -> None:
    _ = chat_reply.document, chat_stream.chunks
    asked = chat_stream_refused | chat_prompts_both_ways
    survive(
        {
            f"{case}, streamed": both["streamed"]
            for case, both in asked.items()
            if both["plain"].complete and 400 <= both["plain"].status < 500 and both["streamed"].status not in BUSY
        }
    )
    hold(unlike_refusals(asked))


@requirement("STREAM-055")
def test_cap_and_stop_act_in_a_stream(
    chat_caps: dict[str, Exchange],
    chat_stop: Exchange,
    chat_stream_caps: dict[str, Exchange],
    chat_stream_stop: Exchange,
    chat_stream_word_stop: Exchange,
) -> None:
    stopped = [x for x in (chat_stream_stop, chat_stream_word_stop) if chat_stop.ok and x.ok]
    hold(
        Violation(x, f"{show(stop)} is in {show(_said(x))}")
        for x in stopped
        for stop in sent(x)["stop"]
        if stop in _said(x)
    )
    tried = [chat_stream_caps[key] for key in obeyed(chat_caps)]
    capped = [x for x in tried if x.ok and not repeats_itself(x)]
    hold(Violation(x, f"{len(_said(x))} characters, then {show(_ends(x))}") for x in capped if _passed_cap(x))
    if ["length"] not in [_ends(x) for x in capped]:
        raise Inconclusive("no answer was as long as its cap")


@requirement("STREAM-055")
def test_a_stop_acts_on_every_choice(
    chat_stop: Exchange, chat_stream_stop: Exchange, chat_stream_n2: Exchange, chat_stop_n2_streamed: Exchange
) -> None:
    if not all(x.ok for x in (chat_stop, chat_stream_stop, chat_stream_n2, chat_stop_n2_streamed)):
        raise Inconclusive("stop sequences, or two choices, are not served", blame=None)
    said = _said(chat_stop_n2_streamed)
    expect(not set(said) & {"e", "a"}, chat_stop_n2_streamed, f'with stop ["e", "a"] and n=2 it says {show(said)}')


@requirement("STREAM-061")
def test_event_names_are_harmless(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(event_streams(exchanges, chat_stream), framing.NamesAreHarmless))


@requirement("STREAM-065")
def test_a_stream_says_something(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = event_streams(exchanges, chat_stream)
    hold(in_streams([x for x in streams if not reports_error(x)], chunks.SaysSomething))


def _said(exchange: Exchange) -> str:
    """The content of the stream, joined."""
    deltas = (delta for chunk in exchange.chunks for _, delta in chunks.deltas_of(chunk))
    return "".join(content for delta in deltas if isinstance(content := delta.get("content"), str))


def _ends(exchange: Exchange) -> list[object]:
    """Every finish_reason of the stream; none if it was refused."""
    found = [choice for chunk in exchange.chunks for choice in chunks.choices_of(chunk)] if exchange.ok else []
    return [choice["finish_reason"] for choice in found if choice.get("finish_reason")]


def _passed_cap(exchange: Exchange) -> bool:
    """Whether a stream has more text than its cap allows, or ends as if of itself after as many pieces."""
    pieces = sum(any(chunks.pieces_of(chunk)) for chunk in exchange.chunks)
    return len(_said(exchange)) > MOST_CAPPED_TEXT or (pieces >= SMALL_CAP and _ends(exchange) == ["stop"])
