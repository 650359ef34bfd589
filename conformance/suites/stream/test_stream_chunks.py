"""STREAM: the chunks of streamed chats: what they hold, who speaks, how a choice ends, what it cost, what is called."""

from functools import partial

from conformance.exchange import Exchange
from conformance.probes.chat.replies import SMALL_CAP, STOP_CAP
from conformance.reading.traffic import (
    against_their_caps,
    answered,
    chat_streams,
    endpoint,
    event_streams,
    ids_twice,
    in_streams,
    n_of,
    reply_of,
    sent,
    wants_usage,
)
from conformance.rules import StreamRule, replies, usage
from conformance.rules.streams import chunks, fragments, framing
from conformance.shape import is_int, show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, accept, expect, hold, must, survive, tolerate

MOST_LETTERS = 20
"""Letters of a token's text, beyond which a cap was not obeyed."""


@requirement("STREAM-012")
def test_every_payload_is_a_chunk(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = event_streams(exchanges, chat_stream)
    hold(in_streams(streams, framing.PayloadsAreObjects))
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.ShapesAreKnown))


@requirement("STREAM-013")
def test_object_is_chat_completion_chunk(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.ObjectIsChunk))


@requirement("STREAM-014")
def test_all_chunks_share_one_id(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.OneId))


@requirement("STREAM-015")
def test_all_chunks_share_one_created(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.OneCreated))


@requirement("STREAM-016")
def test_all_chunks_share_model_and_fingerprint(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(in_streams(streams, chunks.OneModel))
    hold(in_streams(streams, chunks.OneFingerprint))


@requirement("STREAM-017")
def test_two_streams_have_two_ids(
    exchanges: list[Exchange], chat_stream: Exchange, chat_stream_again: Exchange
) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(ids_twice(streams, same_request=False))
    tolerate(ids_twice(streams, same_request=True))


@requirement("STREAM-018")
def test_choices_have_an_index(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(v for x in streams for v in in_streams([x], partial(chunks.IndexesInRange, n_of(sent(x)))))


@requirement("STREAM-019")
def test_choices_have_a_delta(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.DeltasAreObjects))


@requirement("STREAM-020")
def test_the_role_comes_first(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(_told_apart(exchanges, chat_stream), chunks.RoleComesFirst))


@requirement("STREAM-021")
def test_the_role_comes_once(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(_told_apart(exchanges, chat_stream), chunks.RoleComesOnce))


@requirement("STREAM-022")
def test_content_is_text(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.ContentIsText))


@requirement("STREAM-023")
def test_every_choice_finishes_once(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(_told_apart(exchanges, chat_stream), chunks.FinishesOnce))


@requirement("STREAM-024")
def test_finish_reason_is_known(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(in_streams(streams, chunks.FinishIsKnown))
    tolerate(in_streams(streams, chunks.FinishIsThere))


@requirement("STREAM-025")
def test_nothing_follows_a_finish(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(_told_apart(exchanges, chat_stream), chunks.NothingAfterFinish))


@requirement("STREAM-029")
def test_usage_comes_only_when_asked_for(
    exchanges: list[Exchange], chat_stream: Exchange, chat_stream_options_off: dict[str, Exchange]
) -> None:
    silent = [x for x in chat_streams(exchanges, chat_stream) if not wants_usage(sent(x))]
    hold(in_streams(silent, chunks.NoUsage))


@requirement("STREAM-029")
def test_a_declined_usage_chunk_does_not_come(
    chat_stream: Exchange, chat_stream_options_off: dict[str, Exchange]
) -> None:
    _ = chat_stream.chunks
    declined = chat_stream_options_off["no usage"]
    if not declined.ok:
        raise Inconclusive("the stream is not served", blame=None)
    bare = [chunk for _, chunk in declined.parsed_events if chunk and chunk.get("usage") and chunk.get("choices") == []]
    must(not bare, declined, "with include_usage false there is a chunk without choices that carries usage")


@requirement("STREAM-030")
def test_usage_comes_once(exchanges: list[Exchange], chat_stream_usage: Exchange) -> None:
    hold(in_streams(_with_usage(exchanges, chat_stream_usage), chunks.UsageOnce))


@requirement("STREAM-031")
def test_the_usage_chunk_comes_last_without_choices(exchanges: list[Exchange], chat_stream_usage: Exchange) -> None:
    hold(in_streams(_with_usage(exchanges, chat_stream_usage), chunks.UsageComesLast))


@requirement("STREAM-032")
def test_other_chunks_carry_null_usage(exchanges: list[Exchange], chat_stream_usage: Exchange) -> None:
    hold(in_streams(_with_usage(exchanges, chat_stream_usage), chunks.UsageIsNullElsewhere))


@requirement("STREAM-033")
def test_streamed_usage_adds_up(
    exchanges: list[Exchange], chat_stream_usage: Exchange, chat_stream_caps: dict[str, Exchange]
) -> None:
    streams = _with_usage(exchanges, chat_stream_usage)
    hold(in_streams(streams, usage.StreamedUsage))
    capped = against_their_caps(streams, [key for key, x in chat_stream_caps.items() if _ends(x) == ["length"]])
    seen = "usage.completion_tokens is {}, the cap was {}"
    kept = [(x, spent, cap) for x, spent, cap in capped if _keeps_to(x, cap)]
    hold(Violation(x, seen.format(spent, cap)) for x, spent, cap in kept if spent > cap + 1)


@requirement("STREAM-076")
def test_streamed_usage_covers_all_choices(chat_stream_n2: Exchange, chat_stream_caps: dict[str, Exchange]) -> None:
    answer = reply_of(chat_stream_n2)
    spoken, count = replies.spoken(answer), usage.completion_tokens(answer)
    if not count or spoken < 2:  # STREAM-033 tells of a count of none
        raise Inconclusive("the stream carries no usage, or not two texts", blame=None)
    expect(count >= spoken, chat_stream_n2, f"completion_tokens of {spoken} texts is {count}")
    each = [usage.completion_tokens(reply_of(x)) for x in chat_stream_caps.values() if _ends(x) == ["length"]]
    if SMALL_CAP not in each or replies.finishes(answer) != ["length", "length"]:
        raise Inconclusive("the texts did not both run into their cap, or tokens are not counted up to it", blame=None)
    seen = f"completion_tokens of two texts that were cut at {SMALL_CAP} tokens each is {count}"
    expect(count > SMALL_CAP + 1, chat_stream_n2, seen)


@requirement("STREAM-077")
def test_a_stop_hit_is_reported_as_stop_in_streams(
    chat_stop: Exchange, chat_stream_stop: Exchange, chat_stream_word_stop: Exchange
) -> None:
    answered(chat_stop)
    streams = [x for x in (chat_stream_stop, chat_stream_word_stop) if x.ok]
    spent = [(x, _ends(x), usage.completion_tokens(reply_of(x))) for x in streams]
    told = [(x, ends, count) for x, ends, count in spent if "content_filter" not in ends and count is not None]
    if not told and not any(ends == ["stop"] for _, ends, _ in spent):
        raise Inconclusive("no stream with stop sequences carries usage to hold its finish_reason against", blame=None)
    hold(
        Violation(x, f"finish_reason is length after {count} of {STOP_CAP} tokens")
        for x, ends, count in told
        if "length" in ends and count < STOP_CAP
    )


@requirement("STREAM-034")
def test_streamed_and_plain_prompts_cost_the_same(chat_reply: Exchange, chat_stream_usage: Exchange) -> None:
    plain = usage.prompt_tokens(chat_reply.document)
    streamed = usage.prompt_tokens(usage.of_stream(chat_stream_usage.chunks))
    if plain is None or streamed is None:
        raise Inconclusive("an answer carries no usage", blame=None)
    expect(streamed == plain, chat_stream_usage, f"prompt_tokens is {streamed} streamed, {plain} plain")


@requirement("STREAM-035")
def test_stream_options_are_for_streams(
    chat_reply: Exchange,
    chat_stream: Exchange,
    chat_stream_options_alone: Exchange,
    chat_stream_options_off: dict[str, Exchange],
) -> None:
    answered(chat_reply)
    _ = chat_stream.chunks
    survive({"stream_options without stream": chat_stream_options_alone})
    accept({"a stream with stream_options null": chat_stream_options_off["null"]})
    survive({"a stream with stream_options {}": chat_stream_options_off["none"]})
    expect(chat_stream_options_alone.status in (400, 422), chat_stream_options_alone)


@requirement("STREAM-036")
def test_only_the_usage_chunk_has_no_choices(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.EmptyChoicesCarryUsage))


@requirement("STREAM-037")
def test_fragments_have_an_index(
    exchanges: list[Exchange], chat_stream_tools: dict[str, Exchange], chat_tool_n2_streamed: Exchange
) -> None:
    _judge_fragments(exchanges, chat_stream_tools, fragments.FragmentsHaveIndex)


@requirement("STREAM-038")
def test_the_first_fragment_introduces_the_call(
    exchanges: list[Exchange], chat_stream_tools: dict[str, Exchange], chat_tool_n2_streamed: Exchange
) -> None:
    _judge_fragments(exchanges, chat_stream_tools, fragments.FirstFragmentIntroduces)


@requirement("STREAM-039")
def test_later_fragments_repeat_nothing(
    exchanges: list[Exchange], chat_stream_tools: dict[str, Exchange], chat_tool_n2_streamed: Exchange
) -> None:
    _judge_fragments(exchanges, chat_stream_tools, fragments.LaterFragmentsAddNothing)


@requirement("STREAM-040")
def test_later_fragments_have_no_other_type(
    exchanges: list[Exchange], chat_stream_tools: dict[str, Exchange], chat_tool_n2_streamed: Exchange
) -> None:
    _judge_fragments(exchanges, chat_stream_tools, fragments.TypeIsNeverNull)


@requirement("STREAM-041")
def test_call_indexes_count_up_from_0(
    exchanges: list[Exchange], chat_stream_tools: dict[str, Exchange], chat_tool_n2_streamed: Exchange
) -> None:
    _judge_fragments(exchanges, chat_stream_tools, fragments.IndexesCountUp)


@requirement("STREAM-043")
def test_argument_fragments_are_text(
    exchanges: list[Exchange], chat_stream_tools: dict[str, Exchange], chat_tool_n2_streamed: Exchange
) -> None:
    _judge_fragments(exchanges, chat_stream_tools, fragments.ArgumentsAreText)


@requirement("STREAM-062")
def test_obfuscation_can_be_switched_off(chat_stream: Exchange, chat_stream_options_off: dict[str, Exchange]) -> None:
    _ = chat_stream.chunks
    stream = chat_stream_options_off["no obfuscation"]
    survive({"include_obfuscation false": stream})
    expect(stream.status in (200, 400, 422), stream)
    obfuscated = [chunk for chunk in (stream.chunks if stream.ok else []) if "obfuscation" in chunk]
    expect(not obfuscated, stream, f"a chunk has the obfuscation {show([c['obfuscation'] for c in obfuscated[:1]])}")


@requirement("STREAM-045")
def test_n_streams_as_many_choices(chat_stream: Exchange, chat_stream_n2: Exchange) -> None:
    _ = chat_stream.chunks
    expect(chat_stream_n2.status == 200, chat_stream_n2)
    found = _indexes(chat_stream_n2)
    expect(found == {0, 1}, chat_stream_n2, f"n=2 streams the indexes {show(sorted(found))}")


@requirement("STREAM-046")
def test_choices_begin_in_their_order(
    exchanges: list[Exchange], chat_stream: Exchange, chat_stream_n2: Exchange
) -> None:
    hold(in_streams(_told_apart(exchanges, chat_stream), chunks.IndexesAppearInOrder))
    if len(_indexes(chat_stream_n2)) < 2:
        raise Inconclusive("no stream has two choices", blame=None)


def _told_apart(exchanges: list[Exchange], at_least: Exchange) -> list[Exchange]:
    """All streams but those that merge the choices that were asked for into fewer, which is judged by itself."""
    streams = chat_streams(exchanges, at_least)
    return [x for x in streams if n_of(sent(x)) == 1 or len(_indexes(x)) == n_of(sent(x))]


def _keeps_to(stream: Exchange, cap: int) -> bool:
    """Whether what is streamed can be of so many tokens; a cap that is not obeyed is judged by itself."""
    pieces = [piece for chunk in stream.chunks for piece in chunks.pieces_of(chunk)]
    calls = [fragment for chunk in stream.chunks for fragment in fragments.fragments_of(chunk)]
    return len(pieces) + len(calls) <= cap + 2 and len("".join(pieces)) <= MOST_LETTERS * cap


def _indexes(exchange: Exchange) -> set[int]:
    found = (choice.get("index") for chunk in exchange.chunks for choice in chunks.choices_of(chunk))
    return {index for index in found if is_int(index)}


def _with_usage(exchanges: list[Exchange], at_least: Exchange) -> list[Exchange]:
    return [x for x in chat_streams(exchanges, at_least) if wants_usage(sent(x))]


def _ends(exchange: Exchange) -> list[object]:
    """Every finish_reason of the stream; none if it was refused."""
    found = [choice for chunk in exchange.chunks for choice in chunks.choices_of(chunk)] if exchange.ok else []
    return [choice["finish_reason"] for choice in found if choice.get("finish_reason")]


def _judge_fragments(exchanges: list[Exchange], streams: dict[str, Exchange], rule: type[StreamRule]) -> None:
    """Judges these streams and all others with tools, as far as they were answered; inconclusive if no model made a
    tool call."""
    served = [x for x in streams.values() if x.ok] or list(streams.values())
    others = [x for x in exchanges if x.ok and sent(x).get("tools") and sent(x).get("stream") is True]
    served += [x for x in others if x not in served and endpoint(x) == "chat/completions"]
    hold(in_streams(served, rule))
    if not any(fragments.fragments_of(chunk) for x in served for _, chunk in x.parsed_events if chunk):
        _ = [x.chunks for x in served]
        raise Inconclusive("no stream held a tool call")
