"""Renders the pretended model's replies as chat completions and as their chunks."""

from collections.abc import AsyncIterator, Iterator

from reference_gateway.backends.simulator.chance import Chance
from reference_gateway.backends.simulator.envelope import head, usage, wants_usage
from reference_gateway.backends.simulator.logprobs import chat_entries
from reference_gateway.backends.simulator.pace import Pace, Turn, in_turns, paced
from reference_gateway.backends.simulator.replies import Reply, chat_reply
from reference_gateway.backends.simulator.tokens import count_chat_prompt
from reference_gateway.call import Call, Json


async def answer(call: Call, seed: int | None) -> Json:
    """The whole chat completion, after the time that its tokens take."""
    pace = Pace(call.settings)
    chance = Chance(call.body, seed)
    replies = _replies(call, chance)
    await pace.whole(sum(reply.token_count for reply in replies))
    choices = [
        {
            "index": index,
            "message": _message(reply),
            "logprobs": _logprobs(call.body, chance, index, reply),
            "finish_reason": reply.finish_reason,
        }
        for index, reply in enumerate(replies)
    ]
    return {**_head(call, "chat.completion"), "choices": choices, "usage": _usage(call, replies)}


def stream(call: Call, seed: int | None) -> AsyncIterator[Json]:
    """The chat completion's chunks, one token each, the choices in turn."""
    pace = Pace(call.settings)
    chance = Chance(call.body, seed)
    replies = _replies(call, chance)
    turns = in_turns(
        [_turns(index, reply, _logprobs(call.body, chance, index, reply)) for index, reply in enumerate(replies)]
    )
    cost = _usage(call, replies) if wants_usage(call.body) else None
    return paced(pace, _head(call, "chat.completion.chunk"), turns, cost)


def _turns(index: int, reply: Reply, logprobs: Json | None) -> Iterator[Turn]:
    """The `choices` members of one choice's chunks; the flag tells those that carry a token."""
    opening = {"role": "assistant", "content": None if reply.calls else "", "refusal": None}
    yield {"index": index, "delta": opening, "logprobs": None, "finish_reason": None}, False
    entries = iter(logprobs["content"] or ()) if logprobs else None
    for token in reply.tokens:
        said = {"content": [next(entries)], "refusal": None} if entries else None
        yield {"index": index, "delta": {"content": token}, "logprobs": said, "finish_reason": None}, True
    for delta in _call_deltas(reply):
        yield {"index": index, "delta": {"tool_calls": [delta]}, "logprobs": None, "finish_reason": None}, True
    yield {"index": index, "delta": {}, "logprobs": None, "finish_reason": reply.finish_reason}, False


def _call_deltas(reply: Reply) -> Iterator[Json]:
    for index, call in enumerate(reply.calls):
        opening = {"name": call.name, "arguments": ""}
        yield {"index": index, "id": call.id, "type": "function", "function": opening}
        for fragment in call.fragments:
            yield {"index": index, "function": {"arguments": fragment}}


def _message(reply: Reply) -> Json:
    message: Json = {"role": "assistant", "content": reply.text, "refusal": None, "annotations": []}
    if reply.calls:
        message["content"] = None
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.calls
        ]
    return message


def _replies(call: Call, chance: Chance) -> list[Reply]:
    return [chat_reply(call.body, chance.source(index)) for index in range(call.body.get("n") or 1)]


def _logprobs(body: Json, chance: Chance, index: int, reply: Reply) -> Json | None:
    if not body.get("logprobs"):
        return None
    entries = chat_entries(reply.tokens, body.get("top_logprobs") or 0, chance.source(index, "logprobs"))
    return {"content": None if reply.calls else entries, "refusal": None}


def _head(call: Call, kind: str) -> Json:
    tier = call.body.get("service_tier")
    return {**head(call, kind, "chatcmpl"), "service_tier": "default" if tier in (None, "auto") else tier}


def _usage(call: Call, replies: list[Reply]) -> Json:
    prompt = count_chat_prompt(call.body["messages"], call.body.get("tools"))
    return usage(prompt, sum(reply.token_count for reply in replies))
