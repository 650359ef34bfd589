"""STREAM: what streamed tool calls come to, and streamed log-probabilities."""

from conformance.exchange import Exchange
from conformance.features import CLEAN_REFUSALS
from conformance.probes.chat.tools import CUT_CAP
from conformance.reading.called import broken_at_a_place, broken_in_one_form, calling, without_json
from conformance.reading.traffic import (
    came_as_asked,
    chat_replies,
    chat_streams,
    in_replies,
    in_streams,
    reply_of,
    sent,
)
from conformance.rules import logprobs, replies
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, demand, expect, hold, tolerate


@requirement("STREAM-042")
def test_argument_fragments_make_json(
    exchanges: list[Exchange],
    chat_reply: Exchange,
    chat_stream: Exchange,
    chat_stream_tools: dict[str, Exchange],
    chat_tool_n2_streamed: Exchange,
    chat_tool_auto: Exchange,
    chat_tool_required: list[Exchange],
    chat_tool_named: Exchange,
    chat_tool_one: Exchange,
    chat_tool_one_streamed: Exchange,
) -> None:
    caps = ("max_completion_tokens", "max_tokens")
    usual = [x for x in chat_streams(exchanges, chat_stream) if CUT_CAP not in map(sent(x).get, caps)]
    found = calling(usual)
    demand(broken_in_one_form(found, chat_replies(exchanges, chat_reply)))
    hold(without_json(found))
    broken = broken_at_a_place(found)
    (hold if len(broken) > 1 else tolerate)(broken)  # once may be the model's own doing


@requirement("STREAM-044")
def test_streamed_calls_finish_with_tool_calls(chat_stream_tools: dict[str, Exchange]) -> None:
    found = calling(chat_stream_tools.values())
    named = [x for x in found if isinstance(sent(x).get("tool_choice"), dict)]
    hold(in_replies([x for x in found if x not in named], replies.calls_finish_with_tool_calls))
    hold(
        Violation(x, 'a call that was forced ends with "function_call"')
        for x in named
        if "function_call" in replies.finishes(reply_of(x))
    )


@requirement("STREAM-060")
def test_streamed_tokens_are_entered(chat_stream: Exchange, chat_logprobs_streamed: Exchange) -> None:
    _ = chat_stream.chunks
    expect(came_as_asked(chat_logprobs_streamed), chat_logprobs_streamed)
    hold(in_streams([chat_logprobs_streamed], logprobs.EntriesAreShaped))
    if not logprobs.spoken(reply_of(chat_logprobs_streamed)):
        raise Inconclusive("the answer holds no text")
    hold(in_replies([chat_logprobs_streamed], logprobs.tokens_are_entered))
    tolerate(in_replies([chat_logprobs_streamed], logprobs.entries_are_whole))


@requirement("STREAM-060")
def test_streamed_tokens_of_each_choice_are_entered(
    chat_stream_n2: Exchange,
    chat_logprobs_streamed: Exchange,
    chat_logprobs_alone: Exchange,
    chat_logprobs_n2_streamed: Exchange,
) -> None:
    served = chat_stream_n2.ok and chat_logprobs_streamed.ok and chat_logprobs_alone.ok
    if not served or chat_logprobs_n2_streamed.status in CLEAN_REFUSALS:
        raise Inconclusive("n=2, or two choices with log-probabilities, are not served", blame=None)
    hold(in_replies([chat_logprobs_n2_streamed], logprobs.tokens_are_entered))
