import json
from typing import Any

import pytest

from reference_gateway.events import Events

HEAD = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": '\0gateproof\0 "m', "usage": None}


def chat(index: int = 0, logprobs: Any = None, finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
    return {**HEAD, "choices": [choice]}


def text(said: Any, index: int = 0, finish_reason: str | None = None) -> dict[str, Any]:
    return {**HEAD, "choices": [{"text": said, "index": index, "logprobs": None, "finish_reason": finish_reason}]}


STREAMS = {
    "chat": [chat(role="assistant", content=""), *(chat(content=c) for c in ("a", 'é\u2028\n"', "", "\0")), chat()],
    "choices in turn": [chat(i, content=c) for c in "abc" for i in (0, 1, 2)],
    "many choices": [chat(i, content=c) for c in "ab" for i in range(20)],
    "another head": [chat(content="a"), chat(content="b") | {"id": "c2"}, chat(content="c")],
    "a member more": [chat(content="a"), chat(content="b") | {"obfuscation": "x"}, chat(content="c")],
    "a member less": [chat(content="a"), {"choices": [{"index": 0, "delta": {"content": "b"}}]}],
    "logprobs": [chat(content=c, logprobs={"content": [{"token": c}], "refusal": None}) for c in "abc"],
    "logprobs later": [chat(content="a"), chat(content="b", logprobs={"content": []}), chat(content="c")],
    "an end with text": [chat(content="a"), chat(content="b", finish_reason="stop")],
    "tool calls": [chat(content="a"), chat(tool_calls=[{"index": 0, "function": {"arguments": "{"}}])],
    "null content": [chat(content="a"), chat(content=None), chat(content=["b"])],
    "usage": [chat(content="a"), {**HEAD, "choices": [], "usage": {"total_tokens": 3}}],
    "completions": [text("a"), text("ü"), text("", finish_reason="stop")],
    "odd": [{}, {"choices": None}, {"choices": ["x"]}, {"choices": [{}]}, {"choices": [{"index": [], "text": "a"}]}],
    "odd deltas": [{"choices": [{"index": 0, "delta": each}]} for each in (None, [1], "x", {"content": "a"})] * 2,
    "two choices at once": [{**HEAD, "choices": [{"index": i, "text": "a"} for i in (0, 1)]}] * 2,
}


@pytest.mark.parametrize("chunks", STREAMS.values(), ids=STREAMS)
def test_an_event_is_the_chunk_whatever_came_before_it(chunks: list[dict[str, Any]]) -> None:
    events = Events()
    for chunk in chunks:
        before = json.dumps(chunk)
        event = events.event(chunk)
        assert event == b"data: %b\n\n" % json.dumps(chunk, separators=(",", ":")).encode("ascii")
        assert json.dumps(chunk) == before
