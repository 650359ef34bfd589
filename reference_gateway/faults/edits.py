"""One-line defects: what becomes of each chat answer, chunk, list or model, as a table can say it.

reply(put("choices[].message.role", "bot"))      every plain chat answer
chunk(drop("object"), streams=asks("n", 2))      every chunk of the streams with n=2
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from reference_gateway.faults.asgi import (
    Answer,
    Asked,
    Events,
    Wrap,
    before,
    changed,
    each_event,
    headed,
    with_request_id,
)

Edit = Callable[[Any], Any]
"""Changes a JSON value in place, or returns another in its place."""
Where = Callable[[Asked], bool]
DONE = b"data: [DONE]\n\n"


# Values


def put(path: str, value: Any) -> Edit:
    """Sets every member at the path; a function of the old value gives the new one."""

    def edit(document: Any) -> None:
        for parent, key in _places(document, path):
            old = parent.get(key) if isinstance(parent, dict) else parent[key]
            parent[key] = value(old) if callable(value) else value

    return edit


def drop(path: str) -> Edit:
    """Removes every member at the path."""

    def edit(document: Any) -> None:
        for parent, key in _places(document, path):
            parent.pop(key, None)

    return edit


def both(*edits: Edit) -> Edit:
    def edit(document: Any) -> Any:
        for each in edits:
            returned = each(document)
            document = document if returned is None else returned
        return document

    return edit


def _places(document: Any, path: str) -> Iterator[tuple[Any, Any]]:
    """(parent, key) of the places of a path such as `choices[].message.role`; a parent that is not there has none."""
    *parents, last = path.replace("[]", ".[]").split(".")
    found = [document]
    for step in parents:
        if step == "[]":
            found = [item for each in found if isinstance(each, list) for item in each]
        else:
            found = [each[step] for each in found if isinstance(each, dict) and step in each]
    for parent in found:
        if last == "[]":
            yield from ((parent, number) for number in range(len(parent)))
        elif isinstance(parent, dict):
            yield parent, last


def edited(edit: Edit, document: Any) -> Any:
    returned = edit(document)
    return document if returned is None else returned


# Requests


def always(asked: Asked) -> bool:
    return True


def never(asked: Asked) -> bool:
    return False


def asks(key: str, *values: Any) -> Where:
    """Requests with this member, and one of these values if any are given."""
    return lambda asked: key in asked.object and (not values or asked.object[key] in values)


def plainly(asked: Asked) -> bool:
    """The smallest chat and nothing else."""
    return asked.object.keys() == {"model", "messages", "max_completion_tokens"} and asked.object["messages"] == [
        {"role": "user", "content": "Reply with the word OK."}
    ]


def plainly_streamed(asked: Asked) -> bool:
    """The smallest stream and nothing else."""
    return asked.object.keys() == {"model", "messages", "max_completion_tokens", "stream"} and asked.streams


def is_chat(asked: Asked) -> bool:
    return asked.path.endswith("/chat/completions") and asked.method == "POST"


def is_response(asked: Asked) -> bool:
    """Of the Responses API: its streams are none of chunks, and have edits of their own."""
    return asked.path.endswith("/responses") and asked.method == "POST"


def answered(where: Where, answer: Callable[[Asked], Answer] | Answer) -> Wrap:
    """Such chats get this answer."""
    given = answer if callable(answer) else lambda asked: with_request_id(answer)
    return lambda app: before(app, lambda asked: given(asked) if is_chat(asked) and where(asked) else None)


def asked_as(edit: Edit, where: Where = always) -> Wrap:
    """Such chats are understood as if they were others."""

    def act(asked: Asked) -> Asked | None:
        if not (is_chat(asked) and asked.object and where(asked)):
            return None
        return replace(asked, body=json.dumps(edited(edit, asked.object)).encode())

    return lambda app: before(app, act)


# Answers


def reply(edit: Edit, where: Where = always) -> Wrap:
    """Every plain chat answer to such a request."""

    def change(asked: Asked, answer: Answer) -> Answer:
        if is_chat(asked) and answer.status == 200 and not answer.is_stream and where(asked):
            return answer.with_json(edited(edit, answer.json))
        return answer

    return lambda app: changed(app, change, streams=never)


def stream(edit: Callable[[bytes], bytes], where: Where = always) -> Wrap:
    """The whole body of every stream to such a request."""

    def change(asked: Asked, answer: Answer) -> Answer:
        return replace(answer, body=edit(answer.body)) if answer.is_stream and wanted(asked) else answer

    def wanted(asked: Asked) -> bool:
        return where(asked) and not is_response(asked)

    return lambda app: changed(app, change, streams=wanted)


def chunks(edit: Callable[[list[Any]], list[Any]], where: Where = always) -> Wrap:
    """The chunks of every stream to such a request, all at once."""

    def change(body: bytes) -> bytes:
        events = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event]
        found = edit([json.loads(event) for event in events if event != b"[DONE]"])
        return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in found) + DONE

    return stream(change, where)


def events(begin: Callable[[], Events], where: Where = always) -> Wrap:
    """The events of every stream to such a request as they come, [DONE] included; `begin` is called for each stream."""
    return lambda app: each_event(app, lambda asked: begin() if where(asked) and not is_response(asked) else None)


def event(edit: Events, where: Where = always, only: slice = slice(None)) -> Wrap:
    """Every event of the streams to such a request, [DONE] included, or some of them by their place."""

    def begin() -> Events:
        numbers = iter(range(10**9))
        chosen = range(*only.indices(10**9))
        return lambda piece: edit(piece) if next(numbers) in chosen else piece

    return events(begin, where)


def chunk(edit: Edit, where: Where = always, only: slice = slice(None)) -> Wrap:
    """Every chunk of the streams to such a request, or some of them by their place."""

    def change(piece: bytes) -> bytes:
        if piece == DONE:
            return piece
        document = json.loads(piece.removeprefix(b"data: "))
        return b"data: %b\n\n" % json.dumps(edited(edit, document)).encode()

    return event(change, where, only)


def headers(name: str, value: str | None) -> Wrap:
    """A header of every stream; None removes it. The events are passed on as they come."""

    def change(asked: Asked, head: Answer) -> Answer | None:
        return head.with_header(name, value) if head.is_stream and not is_response(asked) else None

    return lambda app: headed(app, change)


def listing(edit: Edit) -> Wrap:
    """The list of models."""
    return _at(lambda path: path.endswith("/models"), edit)


def model(edit: Edit) -> Wrap:
    """Each model that is retrieved."""
    return _at(lambda path: "/models/" in path, edit)


def models(edit: Edit) -> Wrap:
    """Each model, retrieved or in the list."""

    def each(document: Any) -> Any:
        return document | {"data": [edited(edit, item) for item in document["data"]]}

    return lambda app: model(edit)(listing(each)(app))


def _at(fits: Callable[[str], bool], edit: Edit) -> Wrap:
    def change(asked: Asked, answer: Answer) -> Answer:
        if fits(asked.path) and answer.status == 200 and asked.method == "GET":
            return answer.with_json(edited(edit, answer.json))
        return answer

    return lambda app: changed(app, change, streams=never)
