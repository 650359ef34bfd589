"""Chats as programs make them: each function makes one call, or a few, and tells what it got. It asserts nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from . import LEFT, Say
from .answers import chunks_of, head, items, reply, scalar

LEAVE_AFTER_S = 0.05


def create(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.create()")
    return reply(client.chat.completions.create(**body))


async def create_async(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.create() of the async client")
    return reply(await client.chat.completions.create(**body))


def iterate(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.create(stream=True)")
    stream = client.chat.completions.create(**body)
    say("the iteration over chat.completions.create(stream=True)")
    return chunks_of(list(stream))


async def iterate_async(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.create(stream=True) of the async client")
    stream = await client.chat.completions.create(**body)
    say("the iteration over chat.completions.create(stream=True) of the async client")
    return chunks_of([chunk async for chunk in stream])


def helper(client: Any, body: dict[str, Any], say: Say) -> Any:
    """The helper that puts a stream together and fires events as it goes. Where the answer ran into its cap it gives
    its last snapshot and no final completion."""
    import openai

    options = {name: value for name, value in body.items() if name != "stream"}
    say("chat.completions.stream()")
    with client.chat.completions.stream(**options) as stream:
        say("the iteration over chat.completions.stream()")
        events = [scalar(getattr(event, "type", None)) for event in stream]
        say("get_final_completion() of chat.completions.stream()")
        try:
            completion = stream.get_final_completion()
        except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError):
            completion = stream.current_completion_snapshot
        return {"events": events, **reply(completion)}


def parse(client: Any, body: dict[str, Any], say: Say) -> Any:
    """An answer as an instance of a class."""
    say("chat.completions.parse(response_format=…)")
    return reply(client.chat.completions.parse(response_format=city(), **body))


def parse_tool(client: Any, body: dict[str, Any], say: Say) -> Any:
    """The arguments of a call as an instance of a class."""
    import openai

    tool: Any = openai.pydantic_function_tool(city())
    say("chat.completions.parse(tools=…)")
    chosen = {"type": "function", "function": {"name": tool["function"]["name"]}}
    return reply(client.chat.completions.parse(tools=[tool], tool_choice=chosen, **body))


def raw(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.with_raw_response.create()")
    response = client.chat.completions.with_raw_response.create(**body)
    return {**head(response), **reply(response.parse())}


def raw_streamed(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.with_streaming_response.create()")
    with client.chat.completions.with_streaming_response.create(**body) as response:
        return {**head(response), **reply(response.parse())}


def give_back(client: Any, body: dict[str, Any], say: Say) -> Any:
    """A second turn, with the message of the first as the SDK returned it."""
    say("chat.completions.create(), the first turn")
    first = client.chat.completions.create(**body)
    message = getattr(next(iter(items(first, "choices")), None), "message", None)
    if message is None:
        return reply(first)
    say("chat.completions.create() with the returned message among its messages")
    turns = [*body["messages"], message, body["messages"][0]]
    return reply(client.chat.completions.create(**{**body, "messages": turns}))


def leave(client: Any, body: dict[str, Any], say: Say) -> Any:
    """Streams are left in the ways that programs leave them: by break, unread, and by a timeout. Then it goes on."""
    streamed = {**body, "stream": True}
    left = {**streamed, "extra_headers": {LEFT: "1"}}
    with suppress(Exception):  # what leaving itself raises, if anything, differs between versions and does no harm
        stream = client.chat.completions.create(**left)
        for _ in stream:
            break
        stream.close()
    with suppress(Exception), client.chat.completions.create(**left):
        pass
    with suppress(Exception):
        for _ in client.with_options(timeout=LEAVE_AFTER_S).chat.completions.create(**left):
            pass
    say("the iteration over a stream after others were left")
    chunks = chunks_of(list(client.chat.completions.create(**streamed)))
    say("chat.completions.create() after streams were left")
    return {"chunks": chunks, **reply(client.chat.completions.create(**body))}


def city() -> Any:
    from pydantic import BaseModel

    class City(BaseModel):
        name: str
        people: int

    return City
