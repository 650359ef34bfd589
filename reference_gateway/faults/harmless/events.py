"""How streams are written: their chunks and their events."""

import json
from collections.abc import Callable
from typing import Any

from reference_gateway.faults.asgi import Asked, Events, Wrap
from reference_gateway.faults.edits import DONE, event, events, is_chat
from reference_gateway.faults.harmless.values import free
from reference_gateway.faults.harmless.variation import Layer, Variation
from reference_gateway.faults.streams import Document, folded


def chats(asked: Asked) -> bool:
    return is_chat(asked) and free(asked)


def spelled(**options: Any) -> Wrap:
    """The JSON of every chunk, spelled in another way."""

    def change(piece: bytes) -> bytes:
        if piece == DONE:
            return piece
        text = json.dumps(json.loads(piece.removeprefix(b"data: ")), **options)
        return b"data: %b\n\n" % text.encode("utf-8", "replace")

    return event(change)


def thinking_first() -> Callable[[Document | None], list[Document]]:
    """Two chunks of thoughts before the first text."""
    done: list[bool] = []

    def edit(given: Document | None) -> list[Document]:
        if given is None:
            return []
        deltas = [choice.get("delta") for choice in given["choices"]]
        if done or len(deltas) != 1 or not isinstance(deltas[0], dict) or not deltas[0].get("content"):
            return [given]
        done.append(True)
        one = {"index": 0, "logprobs": None, "finish_reason": None}
        thoughts = [given | {"choices": [one | {"delta": {"reasoning_content": word}}]} for word in ("Hm", ", so.")]
        return [*thoughts, given]

    return edit


def between(made: dict[str, Any]) -> Callable[[], Callable[[Document | None], list[Document]]]:
    """A chunk that brings nothing after each that brings text."""

    def begin() -> Callable[[Document | None], list[Document]]:
        def edit(given: Document | None) -> list[Document]:
            if given is None:
                return []
            one = given["choices"][0] if len(given["choices"]) == 1 else {}
            if not (one.get("delta") or {}).get("content") or one["finish_reason"]:
                return [given]
            return [given, given | {"choices": [one | {"delta": dict(made), "logprobs": None}]}]

        return edit

    return begin


def is_last(piece: bytes) -> bool:
    """Whether an event is [DONE], however it is spelled."""
    return b"[DONE]" in piece and b"{" not in piece


def in_pairs() -> Events:
    held: list[bytes] = []

    def edit(piece: bytes) -> bytes:
        held.append(piece)
        if len(held) < 2 and not is_last(piece):
            return b""
        together = b"".join(held)
        held.clear()
        return together

    return edit


VARIATIONS = (
    Variation("escapes and spaces", Layer.CHUNKS, spelled(separators=(" , ", " : "))),
    Variation("raw UTF-8", Layer.CHUNKS, spelled(ensure_ascii=False)),
    Variation("thoughts before the text", Layer.CHUNKS, folded(thinking_first, chats)),
    Variation("chunks that bring nothing", Layer.CHUNKS, folded(between({}), chats)),
    Variation("chunks with empty text", Layer.CHUNKS, folded(between({"content": ""}), chats)),
    Variation("data without a space", Layer.EVENTS, event(lambda piece: piece.replace(b"data: ", b"data:", 1))),
    Variation("event names", Layer.EVENTS, event(lambda piece: b"event: message\n" + piece)),
    Variation("comments", Layer.EVENTS, event(lambda piece: b": keep-alive\n\n: OPENROUTER PROCESSING\n" + piece)),
    Variation("blank lines between events", Layer.EVENTS, event(lambda piece: piece + b"\n\n")),
    Variation("two events in one write", Layer.EVENTS, events(in_pairs)),
    Variation("a comment after the end", Layer.EVENTS, event(lambda piece: piece + b": bye\n\n" * is_last(piece))),
    Variation("CRLF", Layer.EVENTS, event(lambda piece: piece.replace(b"\n", b"\r\n"))),
)
