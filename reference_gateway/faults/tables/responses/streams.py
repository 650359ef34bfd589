"""Responses that are streamed wrongly."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.faults.asgi import Asked, around, ask
from reference_gateway.faults.behind import scripted
from reference_gateway.faults.edits import drop, is_response, put
from reference_gateway.faults.fault import nothing, table
from reference_gateway.faults.responses import (
    Events,
    asked_as,
    each,
    ends,
    every_second,
    moved,
    of_text,
    raw,
    stream,
    without,
)

STREAMS = table("responses")
row = STREAMS.add
LINGERS_S = 1.2
"""Longer than an end may take."""


def new_ids(events: Events) -> None:
    for event in events:
        if "response" in event:
            event["response"]["id"] = f"resp_{secrets.token_hex(8)}"


def announced(events: Events) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(as it is announced, in the end) for each item."""
    final = events[-1].get("response", {}).get("output") or []
    for event in events:
        if event["type"] == "response.output_item.added" and event["output_index"] < len(final):
            yield event["item"], final[event["output_index"]]


def other_call_id(events: Events) -> None:
    for item, _ in announced(events):
        if "call_id" in item:
            item["call_id"] = "call_other"


def nameless_call(events: Events) -> None:
    for item, _ in announced(events):
        if "name" in item:
            item["name"] = ""


def announced_whole(events: Events) -> None:
    for item, final in announced(events):
        if "content" in final:
            item["content"] = final["content"]


def new_item_ids(events: Events) -> None:
    for event in events:
        if "item_id" in event:
            event["item_id"] = f"msg_{secrets.token_hex(8)}"


def in_plain_letters(event: Any) -> Any:
    return json.loads(json.dumps(event, ensure_ascii=False).encode("ascii", "replace"))


def twice_at_the_end(events: Events) -> Events:
    return [*events, events[-1]]


def done(at_most: int, *, middle: bool) -> Any:
    """[DONE] so often, in the middle or at the end."""
    line = b"data: [DONE]\n\n"

    def edit(body: bytes) -> bytes:
        events = [event + b"\n\n" for event in body.split(b"\n\n") if event]
        at = len(events) - 1 if middle else len(events)
        return b"".join([*events[:at], line * at_most, *events[at:]])

    return edit


# Streams

row(
    "response-events-misnamed",
    "RESP-007",
    raw(lambda body: body.replace(b"event: response.", b"event: ")),
    "Programs that dispatch on the name see nothing.",
)
row(
    "response-events-are-messages",
    "RESP-007",
    raw(
        lambda body: b"\n".join(
            b"event: message" if line.startswith(b"event: ") else line for line in body.split(b"\n")
        )
    ),
    "Programs that dispatch on the name see nothing.",
)
row(
    "response-events-no-json",
    "RESP-007 SDK-027",
    raw(lambda body: body.replace(b"event: response.in_progress", b"data: ping\n\nevent: response.in_progress")),
    "The SDK raises for what it can't parse.",
)
row(
    "response-deltas-of-chats",
    "RESP-007 RESP-012 SDK-027",
    each("output_text.delta", put("delta", lambda text: {"content": text})),
    "Deltas can't be joined.",
)
row(
    "response-deltas-without-index",
    "RESP-007 SDK-027",
    each("output_text.delta", drop("output_index")),
    "Nobody knows where a delta belongs.",
)
row(
    "response-stream-without-created",
    "RESP-008 SDK-027",
    without("response.created"),
    "The SDK's stream helper raises.",
)
row(
    "response-created-without-response",
    "RESP-008 SDK-027",
    each(".created", drop("response")),
    "The SDK's stream helper raises.",
)
row(
    "response-stream-without-end",
    "RESP-009 SDK-027",
    stream(lambda events: events[:-1]),
    "The SDK has no final response.",
)
row("response-stream-ends-twice", "RESP-009", stream(twice_at_the_end), "Agents act twice.")
row(
    "response-end-in-progress",
    "RESP-009",
    ends(put("response.status", "in_progress"), of_text),
    "Agents wait for ever.",
)
row(
    "response-goes-on-after-its-end",
    "RESP-009",
    stream(lambda events: [*events, events[1]]),
    "Clients that have closed the answer.",
)
row(
    "response-item-unannounced",
    "RESP-010 SDK-027",
    without("response.output_item.added"),
    "The SDK's stream helper raises IndexError.",
)
row(
    "response-part-unannounced",
    "RESP-010 SDK-027",
    without("response.content_part.added"),
    "The SDK's stream helper raises IndexError.",
)
row(
    "response-text-not-ended",
    "RESP-010",
    without("response.output_text.done"),
    "Clients that store a text when it has ended.",
)
row(
    "response-part-not-ended",
    "RESP-010",
    without("response.content_part.done"),
    "Interfaces show that it is still written.",
)
row(
    "response-item-not-ended",
    "RESP-010",
    without("response.output_item.done", where=of_text),
    "Agents that act on whole items do nothing.",
)
row(
    "response-delta-before-its-part",
    "RESP-010 SDK-027",
    stream(moved("response.content_part.added", 1)),
    "The SDK's stream helper raises IndexError.",
)
row("response-numbers-missing", "RESP-011", each("", drop("sequence_number")), "Streams can't be resumed.")
row(
    "response-numbers-from-one",
    "RESP-011",
    each("", put("sequence_number", lambda n: n + 1)),
    "Streams can't be resumed.",
)
row("response-numbers-all-zero", "RESP-011", each("", put("sequence_number", 0)), "Events can't be put in order.")
row(
    "response-deltas-lost",
    "RESP-012",
    stream(every_second("response.output_text.delta")),
    "Users miss words that are stored.",
)
row(
    "response-deltas-trimmed",
    "RESP-012",
    each("output_text.delta", put("delta", str.strip)),
    "Words run into one another.",
)
row("response-text-end-empty", "RESP-012", each("output_text.done", put("text", "")), "What is stored is empty.")
row(
    "response-final-text-empty",
    "RESP-012",
    ends(put("response.output[].content[].text", ""), of_text),
    "The SDK's final text is empty.",
)
row(
    "response-final-output-empty",
    "RESP-012",
    ends(put("response.output", []), of_text),
    "The SDK's final text is empty.",
)
row(
    "response-item-announced-whole",
    "RESP-010",
    stream(announced_whole),
    "Interfaces that write into what was announced say all twice.",
)
row("response-id-of-each-event", "RESP-013 SDK-027", stream(new_ids), "Nobody knows which answer an event is of.")
row(
    "response-item-id-of-each-event",
    "RESP-013",
    stream(new_item_ids),
    "Interfaces write each word into a message of its own.",
)
row(
    "response-call-id-announced-wrong",
    "RESP-013",
    stream(other_call_id),
    "Agents that begin at once give the result to no call.",
)
row(
    "response-call-announced-without-name",
    "RESP-013",
    stream(nameless_call),
    "Clients that begin at once don't know what to call.",
)
row("response-item-id-missing", "RESP-013", each("", drop("item_id")), "Interfaces don't find the message.")
row("response-done-in-the-middle", "RESP-020 SDK-027", raw(done(1, middle=True)), "SDKs stop before the end.")
row("response-done-twice", "RESP-020", raw(done(2, middle=False)), "Clients that end at the first leave bytes unread.")


def lingering(app: ASGIApp) -> ASGIApp:
    """Nothing is missing but the end of the answer."""

    async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body") and asked.streams:
                await asyncio.sleep(LINGERS_S)
            await send(message)

        await ask(app, asked, scope, receive, sending if is_response(asked) else send)

    return around(app, handle)


row(
    "response-stream-lingers",
    "RESP-009",
    lingering,
    "Programs that read to the end keep their users waiting.",
)
row(
    "response-created-twice",
    "RESP-008",
    stream(lambda events: [events[0], *events]),
    "Interfaces begin a second message.",
)
row(
    "response-created-with-an-id-alone",
    "RESP-008",
    each(".created", put("response", lambda response: {"id": response["id"]})),
    "Clients that add items to it raise.",
)
row(
    "response-time-of-its-end",
    "RESP-008",
    ends(put("response.created_at", lambda at: at + 5000)),
    "Logs have one response twice.",
)
row(
    "response-item-ends-in-progress",
    "RESP-010",
    each(".output_item.done", put("item.status", "in_progress")),
    "Interfaces show that it is still written.",
)
row(
    "response-call-streamed-in-plain-letters",
    "RESP-026",
    each("", in_plain_letters, lambda asked: "tools" in asked.object),
    "Functions are called with names that nobody has.",
)

# The SDK

row("response-stream-is-json", "RESP-007 SDK-027", asked_as(drop("stream")), "The SDK's stream is empty.")

# A provider that breaks off


def told_as(kind: str) -> Any:
    """The failure of a stream is told as another end."""

    def edit(events: Events) -> Events:
        last = events[-1]
        if last["type"] != "response.failed":
            return events
        status = kind.removeprefix("response.")
        return [*events[:-1], last | {"type": kind, "response": last["response"] | {"status": status, "error": None}}]

    return edit


row(
    "response-broken-off-told-as-completed",
    "RESP-015",
    stream(told_as("response.completed"), scripted()),
    "Half an answer is taken for a whole one.",
    behind=nothing,
)
row(
    "response-broken-off-without-a-word",
    "RESP-015",
    without("response.failed", where=scripted()),
    "Half an answer is taken for a whole one.",
    behind=nothing,
)
