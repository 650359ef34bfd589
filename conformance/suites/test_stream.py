"""STREAM: streamed chat completions. What must hold for one stream is judged on every stream of the run."""

from functools import partial

from conformance.exchange import Exchange, Unusable
from conformance.rules import StreamRule, chunks, fragments, framing, usage
from conformance.rules.timing import came_in_one_burst
from conformance.shape import is_int, show
from conformance.suites import requirement
from conformance.traffic import chat_streams, in_streams, sent
from conformance.verdict import Inconclusive, Violation, expect, hold, prefer, tolerate
from schemas import violations

JUDGED_ALONE = [
    "id", "object", "created", "model", "usage", "system_fingerprint", "service_tier",
    "choices[].index", "choices[].delta", "choices[].finish_reason",
]  # fmt: skip
"""Members that have a requirement of their own, so that one defect is one failure."""


@requirement("STREAM-001")
def test_a_stream_is_an_event_stream(chat_stream: Exchange, chat_stream_for_browsers: Exchange) -> None:
    for exchange in (chat_stream_for_browsers, chat_stream):
        charset = (exchange.header("content-type") or "").lower().partition("charset=")[2].strip("\"'; ")
        event_stream = exchange.status == 200 and exchange.media_type == "text/event-stream"
        expect(event_stream and charset in ("", "utf-8"), exchange, f"{exchange.seen} {charset}")


@requirement("STREAM-002")
def test_accepting_json_does_not_turn_it_off(chat_stream: Exchange) -> None:
    streams = chat_stream.status == 200 and any(event.data for event in chat_stream.events)
    expect(streams, chat_stream, f"with Accept: application/json: {chat_stream.seen}")


@requirement("STREAM-003")
def test_a_stream_is_utf8(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(Violation(x, seen) for x in streams for seen in framing.is_utf8(x.content))
    hold(in_streams(streams, framing.EventsAreText))


@requirement("STREAM-004")
def test_no_byte_order_mark_comes_first(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(Violation(x, seen) for x in streams for seen in framing.has_no_byte_order_mark(x.content))


@requirement("STREAM-005")
def test_every_event_ends_with_a_blank_line(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(in_streams(streams, framing.BlocksAreClosed))
    tolerate(in_streams(streams, framing.LinesEndPlainly))


@requirement("STREAM-006")
def test_every_line_is_a_field(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), framing.LinesAreFields))


@requirement("STREAM-007")
def test_no_event_lacks_data(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), framing.BlocksHoldData))


@requirement("STREAM-008")
def test_ids_do_not_meet_keep_alives(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), framing.IdsStandWithData))


@requirement("STREAM-010")
def test_at_most_one_space_follows_data(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), framing.PayloadsFollowOneSpace))


@requirement("STREAM-011")
def test_a_payload_is_one_line(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), framing.PayloadsAreOneLine))


@requirement("STREAM-012")
def test_every_payload_is_a_chunk(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(in_streams(streams, framing.PayloadsAreObjects))
    hold(
        Violation(x, seen)
        for x in streams
        for _, chunk in x.parsed_events
        if chunk is not None
        for seen in violations("chat_chunk.lenient", chunk, leaving=JUDGED_ALONE)
    )


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
    _ = chat_stream_again.chunks
    streams = [(x, x.chunks[0].get("id"), x.content) for x in chat_streams(exchanges, chat_stream) if x.ok and x.chunks]
    hold(
        Violation(later, f"two streams have the id {show(id)}")
        for number, (_, id, content) in enumerate(streams)
        for later, its_id, its_content in streams[number + 1 :]
        if isinstance(id, str) and id == its_id and content != its_content
    )


@requirement("STREAM-018")
def test_choices_have_an_index(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(v for x in streams for v in in_streams([x], partial(chunks.IndexesInRange, _n(x))))


@requirement("STREAM-019")
def test_choices_have_a_delta(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.DeltasAreObjects))


@requirement("STREAM-020")
def test_the_role_comes_first(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.RoleComesFirst))


@requirement("STREAM-021")
def test_the_role_comes_once(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.RoleComesOnce))


@requirement("STREAM-022")
def test_content_is_text(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.ContentIsText))


@requirement("STREAM-023")
def test_every_choice_finishes_once(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    single = [x for x in chat_streams(exchanges, chat_stream) if _n(x) == 1]
    hold(in_streams(single, chunks.FinishesOnce))


@requirement("STREAM-024")
def test_finish_reason_is_known(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(in_streams(streams, chunks.FinishIsKnown))
    tolerate(in_streams(streams, chunks.FinishIsThere))


@requirement("STREAM-025")
def test_nothing_follows_a_finish(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), chunks.NothingAfterFinish))


@requirement("STREAM-026")
def test_done_comes_once(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), framing.DoneOnce))


@requirement("STREAM-027")
def test_done_comes_last(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), framing.DoneIsLast))


@requirement("STREAM-029")
def test_usage_comes_only_when_asked_for(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    silent = [x for x in chat_streams(exchanges, chat_stream) if not _asks_for_usage(x)]
    hold(in_streams(silent, chunks.NoUsage))


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
def test_streamed_usage_adds_up(exchanges: list[Exchange], chat_stream_usage: Exchange) -> None:
    counted = [(x, c) for x in _with_usage(exchanges, chat_stream_usage) for c in usage.streamed(x.chunks)]
    hold(Violation(x, seen) for x, chunk in counted for seen in usage.adds_up(chunk))
    hold(Violation(x, seen) for x, chunk in counted for seen in usage.counts_something(chunk))
    hold(
        Violation(x, f"usage.completion_tokens is {spent} for an answer that is not empty")
        for x, chunk in counted
        if (spent := chunk["usage"].get("completion_tokens")) == 0 and _text(x)
    )


@requirement("STREAM-034")
def test_streamed_and_plain_prompts_cost_the_same(chat_reply: Exchange, chat_stream_usage: Exchange) -> None:
    plain = usage.prompt_tokens(chat_reply.document)
    counts = [usage.prompt_tokens(chunk) for chunk in usage.streamed(chat_stream_usage.chunks)]
    if plain is None or not counts:
        raise Inconclusive("an answer carries no usage")
    expect(counts[-1] == plain, chat_stream_usage, f"prompt_tokens is {counts[-1]} streamed, {plain} plain")


@requirement("STREAM-036")
def test_only_the_usage_chunk_has_no_choices(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(v for x in streams for v in in_streams([x], partial(chunks.EmptyChoicesCarryUsage, _asks_for_usage(x))))


@requirement("STREAM-037")
def test_fragments_have_an_index(
    chat_stream_tool_auto: Exchange, chat_stream_tool_required: Exchange, chat_stream_tool_named: Exchange
) -> None:
    streams = [chat_stream_tool_auto, chat_stream_tool_required, chat_stream_tool_named]
    _judge_fragments(streams, fragments.FragmentsHaveIndex)


@requirement("STREAM-038")
def test_the_first_fragment_introduces_the_call(
    chat_stream_tool_auto: Exchange, chat_stream_tool_required: Exchange, chat_stream_tool_named: Exchange
) -> None:
    streams = [chat_stream_tool_auto, chat_stream_tool_required, chat_stream_tool_named]
    _judge_fragments(streams, fragments.FirstFragmentIntroduces)


@requirement("STREAM-039")
def test_later_fragments_repeat_nothing(
    chat_stream_tool_auto: Exchange, chat_stream_tool_required: Exchange, chat_stream_tool_named: Exchange
) -> None:
    streams = [chat_stream_tool_auto, chat_stream_tool_required, chat_stream_tool_named]
    _judge_fragments(streams, fragments.LaterFragmentsAddNothing)


@requirement("STREAM-040")
def test_later_fragments_have_no_other_type(
    chat_stream_tool_auto: Exchange, chat_stream_tool_required: Exchange, chat_stream_tool_named: Exchange
) -> None:
    streams = [chat_stream_tool_auto, chat_stream_tool_required, chat_stream_tool_named]
    _judge_fragments(streams, fragments.TypeIsNeverNull)


@requirement("STREAM-041")
def test_call_indexes_count_up_from_0(
    chat_stream_tool_auto: Exchange, chat_stream_tool_required: Exchange, chat_stream_tool_named: Exchange
) -> None:
    streams = [chat_stream_tool_auto, chat_stream_tool_required, chat_stream_tool_named]
    _judge_fragments(streams, fragments.IndexesCountUp)


@requirement("STREAM-043")
def test_argument_fragments_are_text(
    chat_stream_tool_auto: Exchange, chat_stream_tool_required: Exchange, chat_stream_tool_named: Exchange
) -> None:
    streams = [chat_stream_tool_auto, chat_stream_tool_required, chat_stream_tool_named]
    _judge_fragments(streams, fragments.ArgumentsAreText)


@requirement("STREAM-045")
def test_n_streams_as_many_choices(chat_stream_n2: Exchange) -> None:
    expect(chat_stream_n2.status == 200, chat_stream_n2)
    indexes = {c.get("index") for chunk in chat_stream_n2.chunks for c in chunks.choices_of(chunk)}
    expect(indexes == {0, 1}, chat_stream_n2, f"n=2 streams the indexes {show(sorted(indexes, key=str))}")
    hold(in_streams([chat_stream_n2], chunks.RoleComesFirst))
    hold(in_streams([chat_stream_n2], partial(chunks.FinishesOnce, 2)))


@requirement("STREAM-047")
def test_a_stream_is_delivered_while_it_is_made(chat_stream_long: list[Exchange]) -> None:
    bursts = [came_in_one_burst(x) for x in chat_stream_long if x.chunks]
    told = [burst for burst in bursts if burst is not None]
    if not told:
        raise Inconclusive("the answers were too short or too quick to tell")
    expect(not all(told), chat_stream_long[-1], f"all content of {len(told)} streams came at once, at the end")


@requirement("STREAM-049")
def test_a_stream_has_no_content_length(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(Violation(x, f"Content-Length: {x.header('content-length')}") for x in streams if x.header("content-length"))


@requirement("STREAM-050")
def test_a_stream_is_not_cached(chat_stream: Exchange) -> None:
    _ = chat_stream.chunks
    control = (chat_stream.header("cache-control") or "").lower()
    seen = f"Cache-Control is {show(chat_stream.header('cache-control'))}"
    expect("no-cache" in control or "no-store" in control, chat_stream, seen)


@requirement("STREAM-053")
def test_a_refusal_is_json_with_an_error_status(chat_stream_refused: dict[str, dict[str, Exchange]]) -> None:
    hold(
        Violation(x, f"{case}: {x.seen}")
        for case, both in chat_stream_refused.items()
        if not ((x := both["streamed"]).status >= 400 and x.media_type == "application/json" and x.is_json)
    )


@requirement("STREAM-054")
def test_a_refusal_has_the_same_status_in_both_modes(chat_stream_refused: dict[str, dict[str, Exchange]]) -> None:
    hold(
        Violation(both["streamed"], f"{case}: {both['streamed'].status} streamed, {both['plain'].status} plain")
        for case, both in chat_stream_refused.items()
        if both["streamed"].status != both["plain"].status
    )


@requirement("STREAM-055")
def test_cap_and_stop_work_in_streams(
    chat_stream_caps: dict[str, Exchange],
    chat_caps: dict[str, Exchange],
    chat_stream_stop: Exchange,
    chat_stream_word_stop: Exchange,
    chat_stop: Exchange,
) -> None:
    plain = [key for key, x in chat_caps.items() if x.ok and '"length"' in x.text]
    hold(
        Violation(x, f"{key}: finish_reason is {show(_finishes(x))}, without streaming it is length")
        for key, x in chat_stream_caps.items()
        if key in plain and _finishes(x) not in (["length"], ["stop"])
    )
    if plain and all(_finishes(chat_stream_caps[key]) == ["stop"] for key in plain):
        long = next((x for x in chat_stream_caps.values() if len(_text(x)) > 100), None)
        expect(long is None, long or chat_stop, "the cap of five tokens did not end the stream")
    if chat_stop.status == 200:
        found = {"e", "a"} & set(_text(chat_stream_stop))
        expect(not found, chat_stream_stop, f'with stop ["e", "a"] the text is {show(_text(chat_stream_stop))}')
        split = [stop for stop in sent(chat_stream_word_stop)["stop"] if stop in _text(chat_stream_word_stop)]
        expect(not split, chat_stream_word_stop, f"the stop sequence {show(split)} is in the text")


@requirement("STREAM-057")
def test_parallel_streams_do_not_mix(chat_streams_in_parallel: dict[str, dict[str, Exchange]]) -> None:
    streamed, plain = chat_streams_in_parallel["streamed"], chat_streams_in_parallel["plain"]
    if not any(x.ok for x in streamed.values()):
        raise Unusable(f"no stream was answered: {next(iter(streamed.values())).seen}")
    hold(Violation(x, x.seen) for x in streamed.values() if not x.ok)
    hold(in_streams(streamed.values(), chunks.OneId))
    ids = [x.chunks[0].get("id") for x in streamed.values()]
    expect(len(set(map(str, ids))) == len(ids), streamed["5"], f"the ids of parallel streams: {show(ids)}")
    hold(
        Violation(x, f"{length} words cost {count} prompt tokens in parallel, {alone} alone")
        for length, x in streamed.items()
        if (counts := [usage.prompt_tokens(chunk) for chunk in usage.streamed(x.chunks)])
        and plain[length].ok
        and (count := counts[-1]) != (alone := usage.prompt_tokens(plain[length].document))
    )


@requirement("STREAM-061")
def test_event_names_are_harmless(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), framing.NamesAreHarmless))


@requirement("STREAM-064")
def test_the_connection_serves_on_after_a_stream(chat_after_stream_on_one_connection: list[Exchange]) -> None:
    stream, *rest = chat_after_stream_on_one_connection
    if stream.status != 200:
        raise Unusable(f"the stream was not answered: {stream.seen}")
    expect(stream.complete, stream)
    closes = (stream.header("connection") or "").lower() == "close"
    prefer(not closes, stream, "the stream is answered with Connection: close")
    expect(bool(rest) and rest[0].ok, rest[0] if rest else stream)


@requirement("STREAM-065")
def test_a_stream_says_something(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = [x for x in exchanges if x.status == 200 and sent(x).get("stream") is True and "/chat/" in x.request.url]
    expect(chat_stream.status == 200, chat_stream)
    hold(in_streams(streams, chunks.SaysSomething))


def _n(exchange: Exchange) -> int:
    n = sent(exchange).get("n")
    return n if is_int(n) else 1


def _asks_for_usage(exchange: Exchange) -> bool:
    return bool((sent(exchange).get("stream_options") or {}).get("include_usage"))


def _with_usage(exchanges: list[Exchange], at_least: Exchange) -> list[Exchange]:
    return [x for x in chat_streams(exchanges, at_least) if _asks_for_usage(x)]


def _text(exchange: Exchange) -> str:
    deltas = (delta for chunk in exchange.chunks for _, delta in chunks.deltas_of(chunk))
    return "".join(content for delta in deltas if isinstance(content := delta.get("content"), str))


def _finishes(exchange: Exchange) -> list[object]:
    return [c["finish_reason"] for chunk in exchange.chunks for c in chunks.choices_of(chunk) if c.get("finish_reason")]


def _judge_fragments(streams: list[Exchange], rule: type[StreamRule]) -> None:
    """Judges the streams that hold tool calls; inconclusive if no model made any."""
    hold(in_streams(streams, rule))
    if not any(True for x in streams for chunk in x.chunks for _ in fragments.fragments_of(chunk)):
        raise Inconclusive("no stream held a tool call")
