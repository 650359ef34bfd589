"""COMP: streamed completions. Framing and chunks are judged by the rules of streamed chats, on every stream of the
run."""

from conformance.exchange import Exchange
from conformance.reading.traffic import (
    answered,
    event_streams,
    in_streams,
    reply_of,
    sent,
    streams_like,
    unclean_refusals,
    unlike_refusals,
    with_choices,
)
from conformance.rules import completions, replies, twins, usage
from conformance.rules.streams import chunks, framing
from conformance.rules.streams.timing import came_in_bursts
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, expect, hold, tolerate

FRAMING = (
    framing.EventsAreText,
    framing.BlocksAreClosed,
    framing.LinesAreFields,
    framing.BlocksHoldData,
    framing.PayloadsFollowOneSpace,
    framing.PayloadsAreObjects,
    framing.DoneIsLast,
    framing.NamesAreHarmless,
)
COSTLY_FRAMING = (framing.LinesEndPlainly, framing.IdsStandWithData, framing.PayloadsAreOneLine)
"""What is a warning in streamed chats, too."""


@requirement("COMP-015")
def test_a_completion_is_streamed_as_events(
    exchanges: list[Exchange], completion_reply: Exchange, completion_stream: Exchange
) -> None:
    answered(completion_reply)
    expect(completion_stream.status == 200 and not completion_stream.is_json, completion_stream)
    events = event_streams(exchanges, completion_stream)
    hold(Violation(x, seen) for x in events for seen in framing.is_event_stream(x.header("content-type") or ""))
    hold(Violation(x, seen) for x in events for seen in framing.is_utf8(x.content))
    hold(Violation(x, seen) for x in events for seen in framing.has_no_byte_order_mark(x.content))
    hold(violation for rule in FRAMING for violation in in_streams(events, rule))
    streams = streams_like(exchanges, completion_stream)
    told = (framing.DoneOnce, chunks.SaysSomething, completions.TextChunksAreKnown)
    hold(violation for rule in told for violation in in_streams(streams, rule))
    tolerate(violation for rule in COSTLY_FRAMING for violation in in_streams(events, rule))
    tolerate(in_streams(streams, chunks.EmptyChoicesCarryUsage))


@requirement("COMP-016")
def test_usage_comes_once_and_last_and_adds_up(exchanges: list[Exchange], completion_stream_usage: Exchange) -> None:
    counted = [x for x in streams_like(exchanges, completion_stream_usage) if _asks_for_usage(x)]
    streams = with_choices(counted)
    hold(in_streams(streams, chunks.UsageOnce))
    hold(in_streams(streams, chunks.UsageComesLast))
    hold(in_streams([x for x in streams if not sent(x).get("echo")], usage.StreamedUsage))
    tolerate(in_streams(streams, chunks.UsageIsNullElsewhere))


@requirement("COMP-038")
def test_all_chunks_share_their_head(exchanges: list[Exchange], completion_stream: Exchange) -> None:
    streams = streams_like(exchanges, completion_stream)
    hold(violation for rule in (chunks.OneId, chunks.OneCreated) for violation in in_streams(streams, rule))
    tolerate(violation for rule in (chunks.OneModel, chunks.OneFingerprint) for violation in in_streams(streams, rule))


@requirement("COMP-039")
def test_every_choice_finishes_once(exchanges: list[Exchange], completion_stream: Exchange) -> None:
    streams = streams_like(exchanges, completion_stream)
    apart = [x for x in with_choices(streams) if _has_all_choices(x)]
    hold(in_streams(apart, chunks.FinishesOnce))
    hold(in_streams(streams, completions.TextFinishIsKnown))
    hold(in_streams(apart, completions.NoTextAfterFinish))
    tolerate(in_streams(streams, chunks.FinishIsThere))


@requirement("COMP-040")
def test_usage_comes_only_when_asked_for(exchanges: list[Exchange], completion_stream: Exchange) -> None:
    silent = [x for x in streams_like(exchanges, completion_stream) if not _asks_for_usage(x)]
    hold(in_streams(silent, chunks.NoUsage))


@requirement("COMP-041")
def test_streamed_and_plain_prompts_cost_the_same(
    completion_reply: Exchange, completion_stream_usage: Exchange
) -> None:
    plain = usage.prompt_tokens(completion_reply.document)
    streamed = usage.prompt_tokens(usage.of_stream(completion_stream_usage.chunks))
    if plain is None or streamed is None:
        raise Inconclusive("an answer carries no usage", blame=None)
    expect(streamed == plain, completion_stream_usage, f"prompt_tokens is {streamed} streamed, {plain} plain")


@requirement("COMP-042")
def test_a_refusal_is_json_with_an_error_status(
    completion_stream: Exchange, completion_stream_refused: dict[str, dict[str, Exchange]]
) -> None:
    _ = completion_stream.chunks
    hold(unclean_refusals(completion_stream_refused))


@requirement("COMP-043")
def test_a_refusal_has_the_same_status_in_both_modes(
    completion_reply: Exchange,
    completion_stream: Exchange,
    completion_stream_refused: dict[str, dict[str, Exchange]],
) -> None:
    _ = completion_reply.document, completion_stream.chunks
    hold(unlike_refusals(completion_stream_refused))


@requirement("COMP-044")
def test_a_completion_is_delivered_while_it_is_made(
    completion_stream: Exchange, completion_stream_usage: Exchange, completion_stream_long: list[Exchange]
) -> None:
    shorts = [x for x in (completion_stream, completion_stream_usage) if x.chunks]
    bursts = came_in_bursts([x for x in completion_stream_long if x.chunks], shorts)
    if bursts is None:
        raise Inconclusive("the answers were too short or too quick to tell")
    expect(not bursts, completion_stream_long[-1], "all text of long streams came at once, at the end")


@requirement("COMP-045")
def test_a_text_is_streamed_whole_and_once(
    completion_reply: Exchange, completion_stream: Exchange, completion_seeded: dict[str, list[Exchange]]
) -> None:
    answered(completion_reply)
    _ = completion_stream.chunks
    pairs = [
        (plain, streamed)
        for plain, streamed in zip(*completion_seeded.values(), strict=True)
        if plain.ok and streamed.ok and len(with_choices([plain, streamed])) == 2 and _has_all_choices(streamed)
    ]
    if len(pairs) < 2:
        raise Inconclusive("a seed and temperature 0 are refused, or not answered with one choice", blame=None)
    streams = [streamed for _, streamed in pairs]
    plain, streamed = ([completions.as_chat(reply_of(x)) for x in group] for group in zip(*pairs, strict=True))
    for rule in (twins.distorted_in_pairs, twins.curtailed_in_pairs, twins.silent, twins.doubled):
        hold(Violation(x, seen) for x, seen in zip(streams, rule(plain, streamed), strict=False))
    if not any(replies.text(one) == replies.text(other) for one, other in zip(plain, streamed, strict=True)):
        raise Inconclusive("the model answers one seeded prompt in two ways")


def _asks_for_usage(exchange: Exchange) -> bool:
    return bool((sent(exchange).get("stream_options") or {}).get("include_usage"))


def _has_all_choices(exchange: Exchange) -> bool:
    """Not merged into fewer than were asked for, which is judged by itself."""
    return len(replies.finishes(reply_of(exchange))) == completions.choices_asked(sent(exchange))
