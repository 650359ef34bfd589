"""What chunks and whole streams of chats become, chunk by chunk, as they come: what edits.py is to single documents."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from reference_gateway.faults.asgi import Asked, Events, Wrap
from reference_gateway.faults.edits import (
    DONE,
    Edit,
    Where,
    asks,
    chunk,
    events,
    is_chat,
)

Document = dict[str, Any]


def on_chats(edit: Edit, where: Where = is_chat, only: slice = slice(None)) -> Wrap:
    """Every chunk of the streamed chats of this kind, or some of them by their place."""
    return chunk(edit, lambda asked: is_chat(asked) and where(asked), only)


def with_usage(asked: Asked) -> bool:
    return is_chat(asked) and asks("stream_options", {"include_usage": True})(asked)


def without_usage(asked: Asked) -> bool:
    return is_chat(asked) and not asked.object.get("stream_options")


def of_text(asked: Asked) -> bool:
    """Streams of text, which have no tool calls."""
    return is_chat(asked) and "tools" not in asked.object


def one_of_text(asked: Asked) -> bool:
    return of_text(asked) and not asks("n", 2)(asked)


def bare(asked: Asked) -> bool:
    """Streams of text whose words nobody looks into."""
    return of_text(asked) and not (asks("logprobs")(asked) or asks("response_format")(asked))


def with_tools(asked: Asked) -> bool:
    return is_chat(asked) and bool(asked.object.get("tools"))


def folded(begin: Callable[[], Callable[[Document | None], list[Document]]], where: Where = is_chat) -> Wrap:
    """Each chunk, and None for [DONE], becomes any number of chunks; `begin` is called for each stream."""

    def start() -> Events:
        edit = begin()

        def change(piece: bytes) -> bytes:
            given = None if piece == DONE else json.loads(piece.removeprefix(b"data: "))
            found = [b"data: %b\n\n" % json.dumps(each).encode() for each in edit(given)]
            return b"".join(found) + (DONE if given is None else b"")

        return change

    return events(start, where)


def beside(made: Callable[[Document], Document], *, before: Callable[[Document], bool], where: Where) -> Wrap:
    """One more chunk, made of the one that it comes before; the first of them of which that holds."""

    def begin() -> Callable[[Document | None], list[Document]]:
        done = [False]

        def edit(given: Document | None) -> list[Document]:
            if given is None or done[0] or not before(given):
                return [] if given is None else [given]
            done[0] = True
            return [made(deepcopy(given)), given]

        return edit

    return folded(begin, where)


def at_the_end(made: Callable[[Document], Document], where: Where) -> Wrap:
    """One more chunk, made of the last, before [DONE]."""

    def begin() -> Callable[[Document | None], list[Document]]:
        last: list[Document] = []

        def edit(given: Document | None) -> list[Document]:
            if given is None:
                return [made(deepcopy(last[-1]))] if last else []
            last[:] = [given]
            return [given]

        return edit

    return folded(begin, where)


def choice(**members: Any) -> Callable[[Document], Document]:
    """The same chunk with another choice."""
    found = [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": None} | members]
    return lambda given: given | {"choices": found}


def is_end(given: Document) -> bool:
    return any(each.get("finish_reason") for each in given["choices"])


def ending(edit: Edit) -> Edit:
    """Of the chunk that ends a choice."""
    return lambda given: edit(given) if is_end(given) else None


def held(pick: Callable[[Document], bool], where: Where, join: Callable[[list[Document]], list[Document]]) -> Wrap:
    """From the first such chunk on chunks are held back, and at the end `join` says in what form they come."""

    def begin() -> Callable[[Document | None], list[Document]]:
        kept: list[Document] = []

        def edit(given: Document | None) -> list[Document]:
            if given is None:
                return join(kept)
            if kept or pick(given):
                kept.append(given)
                return []
            return [given]

        return edit

    return folded(begin, where)


def remembering(edit: Callable[[Document, dict[Any, Any]], None], where: Where) -> Wrap:
    """`edit` changes each chunk and has a memory of the stream."""

    def begin() -> Callable[[Document | None], list[Document]]:
        memory: dict[Any, Any] = {}

        def change(given: Document | None) -> list[Document]:
            if given is None:
                return []
            edit(given, memory)
            return [given]

        return change

    return folded(begin, where)


def fragments_of(given: Document) -> list[Document]:
    return [each for one in given["choices"] for each in one["delta"].get("tool_calls") or ()]


def fragments(edit: Edit, fits: Callable[[Document], bool]) -> Wrap:
    """Such fragments of tool calls."""

    def change(given: Document) -> None:
        for fragment in fragments_of(given):
            if fits(fragment):
                edit(fragment)

    return on_chats(change, with_tools)


def first_fragments(edit: Edit) -> Wrap:
    """The fragments that begin a call."""
    return fragments(edit, lambda fragment: "id" in fragment)


def later_fragments(edit: Edit) -> Wrap:
    return fragments(edit, lambda fragment: "id" not in fragment)


def counted(edit: Callable[[Document], None]) -> Edit:
    """Changes the usage, which adds up all the same."""

    def change(given: Document) -> None:
        usage = given.get("usage")
        if usage:
            edit(usage)
            usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]

    return change
