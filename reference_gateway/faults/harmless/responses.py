"""How responses may be told, plain and streamed."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from reference_gateway.faults.asgi import Asked, Wrap, before, chained
from reference_gateway.faults.edits import Edit, edited
from reference_gateway.faults.harmless.variation import Layer, Variation
from reference_gateway.faults.responses import Events, raw, refusing, stream, told

LEFT_OUT = ("error", "incomplete_details", "instructions", "max_output_tokens", "previous_response_id", "user")
NEEDED_BY_NOBODY = ("logprobs", "background", "truncation", "reasoning", "store", "metadata", "text", "top_p")


def everywhere(edit: Edit) -> Wrap:
    """Every response, and every event of those that are streamed."""
    return chained(told(edit), stream(lambda events: [edited(edit, event) for event in events]))


def objects(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        yield document
        for value in list(document.values()):
            yield from objects(value)
    elif isinstance(document, list):
        for item in document:
            yield from objects(item)


def left_out(document: Any) -> None:
    for found in objects(document):
        for name in LEFT_OUT:
            if found.get(name, 0) is None:
                del found[name]
        if "text" not in found or found.get("object") == "response":
            for name in NEEDED_BY_NOBODY:
                found.pop(name, None)


def of_ones_own(document: Any) -> None:
    for found in list(objects(document)):
        found["x_vendor"] = {"a": [1.5, None]}


def thought() -> dict[str, Any]:
    return {"id": f"rs_{secrets.token_hex(8)}", "type": "reasoning", "summary": []}


def thinking(document: Any) -> None:
    document["output"].insert(0, thought())


def thinking_first(events: Events) -> Events:
    """The thought has the first place of the output."""
    said, first = [], thought()
    for event in events:
        if "output_index" in event:
            event["output_index"] += 1
        if event.get("response", {}).get("output"):
            event["response"]["output"].insert(0, dict(first))
        said.append(event)
    begins = [
        {"type": f"response.output_item.{word}", "output_index": 0, "item": dict(first)} for word in ("added", "done")
    ]
    return [*said[:2], *begins, *said[2:]]


def more(events: Events) -> Events:
    """Events that no client knows, or needs."""
    queued = {"type": "response.queued", "response": events[0]["response"]}
    progress = [{"type": "response.x_vendor.progress", "done": number / 2} for number in range(3)]
    return [events[0], queued, *events[1:2], *progress, *events[2:]]


def nameless(body: bytes) -> bytes:
    return b"\n".join(line for line in body.split(b"\n") if not line.startswith(b"event: "))


def shown_to_nobody(asked: Asked) -> bool:
    return "/responses/" in asked.path


def no_such_path(app: ASGIApp) -> ASGIApp:
    """There is no route to a response that was given, though it can be gone on from."""
    return before(app, lambda asked: replace(asked, path="/v1/no-such-endpoint") if shown_to_nobody(asked) else None)


VARIATIONS = (
    Variation("optional members of responses left out", Layer.VALUES, everywhere(left_out)),
    Variation("members of one's own in responses", Layer.VALUES, everywhere(of_ones_own)),
    Variation(
        "thoughts before the message of a response", Layer.VALUES, chained(told(thinking), stream(thinking_first))
    ),
    Variation("events of one's own in responses", Layer.VALUES, stream(more)),
    Variation("responses that are gone on from, but not shown", Layer.VALUES, no_such_path),
    Variation(
        "responses that are not gone on from",
        Layer.VALUES,
        refusing(lambda asked: bool(asked.object.get("previous_response_id"))),
    ),
    Variation("events of responses without names", Layer.EVENTS, raw(nameless)),
    Variation("[DONE] after a response", Layer.EVENTS, raw(lambda body: body + b"data: [DONE]\n\n")),
)
