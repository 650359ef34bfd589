"""Calls of the Responses API: each function makes one and tells what it got. It asserts nothing."""

from __future__ import annotations

from typing import Any

from . import Say
from .answers import class_of, responded, scalar
from .chats import city


def respond(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("responses.create()")
    return responded(client.responses.create(**body))


def respond_streamed(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("responses.stream()")
    with client.responses.stream(**body) as stream:
        say("the iteration over responses.stream()")
        events = [scalar(getattr(event, "type", None)) for event in stream]
        say("get_final_response() of responses.stream()")
        return {"events": events, **responded(stream.get_final_response())}


def respond_parsed(client: Any, body: dict[str, Any], say: Say) -> Any:
    """A response as an instance of a class."""
    say("responses.parse(text_format=…)")
    response = client.responses.parse(text_format=city(), **body)
    parsed = getattr(response, "output_parsed", None)
    return {"parsed": None if parsed is None else class_of(parsed), **responded(response)}
