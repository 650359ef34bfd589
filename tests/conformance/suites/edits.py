"""One-line defects, and what some areas say of a gateway with one of them around it."""

from typing import Any

from reference_gateway.faults.asgi import Wrap, chained
from reference_gateway.faults.chats import counts
from reference_gateway.faults.edits import (
    Edit,
    Where,
    always,
    answered,
    asked_as,
    asks,
    both,
    chunk,
    chunks,
    drop,
    edited,
    event,
    headers,
    is_chat,
    listing,
    model,
    models,
    plainly,
    plainly_streamed,
    put,
    reply,
    stream,
)

from .defects import error
from .judged import Outcome, gateway_app, judge

__all__ = [
    "Edit",
    "Where",
    "Wrap",
    "always",
    "answered",
    "asked_as",
    "asks",
    "both",
    "chained",
    "chunk",
    "chunks",
    "counts",
    "drop",
    "edited",
    "event",
    "headers",
    "is_chat",
    "judge_with",
    "listing",
    "model",
    "models",
    "plain",
    "plainly",
    "plainly_streamed",
    "put",
    "refusing",
    "reply",
    "stream",
    "streamed",
]


def streamed(where: Where) -> Where:
    """Those of these requests that ask for a stream."""
    return lambda asked: asked.streams and where(asked)


def plain(where: Where) -> Where:
    """Those of these requests that ask for a plain answer."""
    return lambda asked: not asked.streams and where(asked)


def refusing(where: Where, status: int = 400) -> Wrap:
    """Such chats are told, cleanly, that this is not supported."""
    return answered(where, lambda asked: error(status, "not supported"))


def judge_with(wrap: Wrap, *areas: str, **options: Any) -> dict[str, Outcome]:
    """What these areas say of the bundled gateway with this around it. Whether streams are delivered while they are
    made is left out, as some of what is put around it sends them in one piece."""
    judged = judge(wrap(gateway_app()), *areas, **options)
    return {id: said for id, said in judged.items() if id not in ("STREAM-047", "STREAM-048", "STREAM-052")}
