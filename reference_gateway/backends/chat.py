"""Renders the pretended model's replies as chat completions and as their chunks."""

import secrets
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from reference_gateway.backends.chance import Chance
from reference_gateway.backends.pace import Pace
from reference_gateway.backends.replies import Reply, chat_reply
from reference_gateway.backends.tokens import count_chat_prompt
from reference_gateway.call import Call, Json

FINGERPRINT = "fp_gateproof01"
"""Names the simulator's version; it changes when equal seeds would give another text."""


async def answer(call: Call, seed: int | None) -> Json:
    """The whole chat completion, after the time that its tokens take."""
    pace = Pace(call.settings)
    replies = _replies(call, seed)
    await pace.whole(sum(reply.token_count for reply in replies))
    return {
        **_head(call, "chat.completion"),
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": reply.text, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": reply.finish_reason,
            }
            for index, reply in enumerate(replies)
        ],
        "usage": _usage(call, replies),
    }


async def stream(call: Call, seed: int | None) -> AsyncIterator[Json]:
    """The chat completion's chunks, one token each, the choices in turn."""
    pace = Pace(call.settings)
    replies = _replies(call, seed)
    with_usage = bool((call.body.get("stream_options") or {}).get("include_usage"))
    head = _head(call, "chat.completion.chunk")
    if with_usage:
        head["usage"] = None
    await pace.first()
    turns = [_turns(index, reply) for index, reply in enumerate(replies)]
    while turns:
        for turn in tuple(turns):
            for choice, is_token in turn:
                if is_token:
                    await pace.token()
                yield {**head, "choices": [choice]}
                if is_token:
                    break
            else:
                turns.remove(turn)
    if with_usage:
        yield {**head, "choices": [], "usage": _usage(call, replies)}


def _turns(index: int, reply: Reply) -> Iterator[tuple[Json, bool]]:
    """The `choices` members of one choice's chunks; the flag tells those that carry a token."""
    opening = {"role": "assistant", "content": "", "refusal": None}
    yield {"index": index, "delta": opening, "logprobs": None, "finish_reason": None}, False
    for token in reply.tokens:
        yield {"index": index, "delta": {"content": token}, "logprobs": None, "finish_reason": None}, True
    yield {"index": index, "delta": {}, "logprobs": None, "finish_reason": reply.finish_reason}, False


def _replies(call: Call, seed: int | None) -> list[Reply]:
    chance = Chance(call.body, seed)
    return [chat_reply(call.body, chance.source(index)) for index in range(call.body.get("n") or 1)]


def _head(call: Call, kind: str) -> dict[str, Any]:
    tier = call.body.get("service_tier")
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": call.body["model"],
        "service_tier": "default" if tier in (None, "auto") else tier,
        "system_fingerprint": FINGERPRINT,
    }


def _usage(call: Call, replies: list[Reply]) -> Json:
    prompt = count_chat_prompt(call.body["messages"], call.body.get("tools"))
    completion = sum(reply.token_count for reply in replies)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
