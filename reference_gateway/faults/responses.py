"""What becomes of responses, plain and streamed, and of the requests for them: what edits.py is to chats."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reference_gateway.faults.asgi import Answer, Asked, Wrap, before, changed
from reference_gateway.faults.edits import Edit, Where, always, edited, is_response
from reference_gateway.faults.exchanges import answering, answers

Event = dict[str, Any]
Events = list[Event]


def of_text(asked: Asked) -> bool:
    """Responses that call no function."""
    return "tools" not in asked.object


def has_list(asked: Asked) -> bool:
    return isinstance(asked.object.get("input"), list)


def has_parts(asked: Asked) -> bool:
    return has_list(asked) and any(isinstance(item.get("content"), list) for item in asked.object["input"])


def has_result(asked: Asked) -> bool:
    return has_list(asked) and any(item.get("type") == "function_call_output" for item in asked.object["input"])


def refusing(where: Any, status: int = 400) -> Wrap:
    return answering(lambda asked: is_response(asked) and where(asked), status)


def told(edit: Edit, where: Where = always) -> Wrap:
    """Every plain response to such a request."""
    return answers(
        lambda x: x.with_json(edited(edit, x.json)),
        lambda asked, x: is_response(asked) and where(asked) and x.status == 200,
    )


def asked_as(edit: Edit, where: Where = always) -> Wrap:
    """Such requests are understood as if they were others."""

    def act(asked: Asked) -> Asked | None:
        if not (is_response(asked) and asked.object and where(asked)):
            return None
        return replace(asked, body=json.dumps(edited(edit, asked.object)).encode())

    return lambda app: before(app, act)


def written(events: Events) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (str(x.get("type")).encode(), json.dumps(x).encode()) for x in events)


def raw(edit: Callable[[bytes], bytes], where: Where = always) -> Wrap:
    """The whole body of every streamed response to such a request."""

    def change(asked: Asked, answer: Answer) -> Answer | None:
        return replace(answer, body=edit(answer.body)) if answer.is_stream and wanted(asked) else None

    def wanted(asked: Asked) -> bool:
        return is_response(asked) and where(asked)

    return lambda app: changed(app, change, streams=wanted)


def stream(edit: Callable[[Events], Events | None], where: Where = always) -> Wrap:
    """The events of every streamed response to such a request. Where there are more or fewer than before, they are
    numbered anew."""

    def change(body: bytes) -> bytes:
        lines = [line for line in body.split(b"\n") if line.startswith(b"data: ")]
        events = [json.loads(line.removeprefix(b"data: ")) for line in lines]
        found = edit(events)
        kept = events if found is None else found
        if len(kept) != len(lines):
            kept = [x | {"sequence_number": number} for number, x in enumerate(kept)]
        return written(kept)

    return raw(change, where)


def without(*kinds: str, where: Where = always) -> Wrap:
    """No events of these types."""
    return stream(lambda events: [x for x in events if x["type"] not in kinds], where)


def each(kind: str, edit: Edit, where: Where = always) -> Wrap:
    """Every event whose type ends so."""
    return stream(lambda events: [edited(edit, x) if x["type"].endswith(kind) else x for x in events], where)


def ends(edit: Edit, where: Where = always) -> Wrap:
    """The event that ends a stream."""
    return stream(lambda events: [*events[:-1], edited(edit, events[-1])], where)


def moved(kind: str, by: int) -> Callable[[Events], Events]:
    """The first event of this type comes so many events later, and all keep counting."""

    def edit(events: Events) -> Events:
        at = next((number for number, x in enumerate(events) if x["type"] == kind), None)
        if at is not None:
            events.insert(min(at + by, len(events) - 1), events.pop(at))
        return [x | {"sequence_number": number} for number, x in enumerate(events)]

    return edit


def every_second(kind: str) -> Callable[[Events], Events]:
    """Of the events of this type every second is lost."""

    def edit(events: Events) -> Events:
        lost = [x for x in events if x["type"] == kind][1::2]
        return [x for x in events if x not in lost]

    return edit
