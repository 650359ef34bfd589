"""Answers as the live gateway was recorded to send them: nulls and empty strings where OpenAI has nothing, no
finish_reason but "" until the end, and a usage chunk that has a choice."""

import secrets
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from reference_gateway.call import Backend, Call, Endpoint, Json

_EMPTY_CHOICE: Json = {"index": 0, "delta": {"content": ""}, "finish_reason": "", "logprobs": None}


class Recorded:
    """Another backend's answers in the recorded shape."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def answer(self, call: Call) -> Json:
        answer = await self._backend.answer(call)
        if call.endpoint is Endpoint.EMBEDDINGS:
            return answer
        if call.endpoint is Endpoint.COMPLETIONS:
            return {**answer, "cached": False}
        return {
            **answer,
            "id": _identifier(),
            "choices": [_whole(each) for each in answer["choices"]],
            "service_tier": None,
            "system_fingerprint": "",
            "cached": False,
        }

    async def stream(self, call: Call) -> AsyncIterator[Json]:
        id_ = _identifier()
        chunks = cast(AsyncGenerator[Json, None], self._backend.stream(call))
        async with aclosing(chunks):
            async for chunk in chunks:
                yield {**_chunk(chunk), "id": id_} if call.endpoint is Endpoint.CHAT else {**chunk, "cached": False}

    async def close(self) -> None:
        await self._backend.close()


def _identifier() -> str:
    return f"chatcmpl-{uuid.uuid4()}---{secrets.token_hex(16)}---{uuid.uuid4()}"


def _whole(choice: Json) -> Json:
    message = choice["message"]
    calls = message.get("tool_calls")
    said = {**message, "content": message.get("content") or "", "refusal": message.get("refusal") or ""}
    return {**choice, "message": {**said, "tool_calls": calls}, "logprobs": choice.get("logprobs")}


def _chunk(chunk: Json) -> Json:
    choices = [_piece(each) for each in chunk["choices"]] or [_EMPTY_CHOICE]
    unset = {"system_fingerprint": None, "service_tier": None, "cached": False}
    return {**chunk, "choices": choices, "usage": chunk.get("usage"), **unset}


def _piece(choice: Json) -> Json:
    delta = {name: value for name, value in choice["delta"].items() if name != "refusal"}
    if "tool_calls" in delta:
        delta["tool_calls"] = [_call(each) for each in delta["tool_calls"]]
    return {
        **choice,
        "delta": {**delta, "content": delta.get("content") or ""},
        "finish_reason": choice.get("finish_reason") or "",
        "logprobs": choice.get("logprobs"),
    }


def _call(call: Json) -> Json:
    """A piece of a tool call, which names neither the call nor the function again but with empty strings."""
    return {"id": "", "type": "function", **call, "function": {"name": "", **call.get("function", {})}}
