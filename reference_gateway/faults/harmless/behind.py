"""What a correct gateway may do in another way between its client and its provider."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.faults.asgi import Answer, Asked, Events, Wrap, before, chained, changed
from reference_gateway.faults.behind import END, asked_again, own_error, resting, scripted
from reference_gateway.faults.edits import asked_as, chunk, event, events, is_chat, never, put, reply
from reference_gateway.faults.exchanges import answers
from reference_gateway.faults.fault import Fault, nothing
from reference_gateway.faults.tables.between.forwarding import redirected
from reference_gateway.http.response import ABORT


def between(name: str, wrap: Wrap = nothing, warns: str = "", *, behind: Wrap = nothing) -> Fault:
    """As a defect that breaks nothing, before a scripted provider. `warns` may be warnings with it."""
    return Fault(name, "harmless", "nothing", (), "", wrap=wrap, may=tuple(warns.split()), behind=behind)


def messages(edit: Callable[[list[Any]], list[Any]]) -> Wrap:
    """What becomes of the messages on their way to the provider."""
    return asked_as(put("messages", edit), scripted())


def instructed(found: list[Any]) -> list[Any]:
    return [{"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Obey."}, *found]


def in_parts(found: list[Any]) -> list[Any]:
    return [
        {**message, "content": [{"type": "text", "text": message["content"]}]}
        if message["role"] == "user" and isinstance(message["content"], str)
        else message
        for message in found
    ]


def in_one(found: list[Any]) -> list[Any]:
    return [
        {**message, "content": "".join(part["text"] for part in message["content"])}
        if isinstance(message["content"], list) and all("text" in part for part in message["content"])
        else message
        for message in found
    ]


def as_systems(found: list[Any]) -> list[Any]:
    return [{**each, "role": "system"} if each["role"] == "developer" else each for each in found]


def in_lists(asked: Asked) -> Asked | None:
    """Inputs and prompts, of which there may be several, are sent as lists."""
    body = asked.object
    found = {name: [body[name]] for name in ("input", "prompt") if isinstance(body.get(name), str)}
    return replace(asked, body=json.dumps(body | found).encode()) if found and scripted()(asked) else None


def waiting(retry_after: Callable[[], str]) -> Wrap:
    """A provider's rate limit comes with this Retry-After."""

    def is_limit(asked: Asked, answer: Answer) -> bool:
        return scripted()(asked) and answer.status == 429

    return answers(lambda answer: replace(answer).with_header("retry-after", retry_after()), is_limit)


def halved() -> Events:
    """Each text comes in two events, at once."""

    def act(event: bytes) -> bytes:
        if not event.startswith(b"data: {"):
            return event
        document = json.loads(event.removeprefix(b"data: "))
        delta = document["choices"][0].get("delta", {}) if document.get("choices") else {}
        text = delta.get("content")
        if not text or len(text) < 2 or document["choices"][0].get("logprobs"):
            return event
        delta["content"] = text[:1]
        rest = json.loads(json.dumps(document))
        rest["choices"][0]["delta"] = {"content": text[1:]}
        return b"".join(b"data: " + json.dumps(each).encode() + END for each in (document, rest))

    return act


def own(id: Any) -> Any:
    return f"own-{id}" if id else id


def cut_at_an_error(app: ASGIApp) -> ASGIApp:
    """Streams of scripted chats are cut off where they would report an error."""

    async def layered(scope: Scope, receive: Receive, send: Send) -> None:
        is_chat, is_stream = scope.get("path", "").endswith("/chat/completions"), False

        async def sending(message: Message) -> None:
            nonlocal is_stream
            if message["type"] == "http.response.start":
                is_stream = is_chat and any(value.startswith(b"text/event-stream") for _, value in message["headers"])
            if is_stream and b'"error"' in message.get("body", b""):
                scope[ABORT]()
                return
            await send(message)

        await app(scope, receive, sending)

    return layered


def written_anew(asked: Asked) -> Asked | None:
    """Members in another order, letters escaped, and whole numbers with a point where they are counts."""
    body = asked.object
    if not body:
        return None
    text = json.dumps(body, sort_keys=True, indent=1).replace('"n": 1,', '"n": 1.0,')
    return replace(asked, body=text.encode())


def always_counting(app: ASGIApp) -> ASGIApp:
    """Usage is asked for in every stream, and kept from clients who did not ask."""

    def unasked(asked: Asked) -> bool:
        readable = not any(scripted(word)(asked) for word in ('"gzip"', '"newline"', '"split"'))
        return readable and is_chat(asked) and asked.streams and "stream_options" not in asked.object

    def without(piece: bytes) -> bytes:
        plain = piece.replace(b" ", b"")
        if b'"choices":[]' in plain and b'"prompt_tokens"' in plain:
            return b""
        return piece.replace(b'"usage": null, ', b"")

    return event(without, unasked)(asked_as(put("stream_options", {"include_usage": True}), unasked)(app))


def of_its_own(body: dict[str, Any]) -> None:
    for name, value in {"store": False, "metadata": {"team": "a"}, "user": "u-1"}.items():
        body.setdefault(name, value)


def with_another_user(body: dict[str, Any]) -> None:
    if "user" in body:
        body["user"] = "u-7f3a"


def under_the_older_name(body: dict[str, Any]) -> None:
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")


def hidden(_: Asked, answer: Answer) -> Answer:
    envelope = {"message": "The model is not available.", "type": "api_error", "param": None, "code": "unavailable"}
    return replace(answer, status=503).with_json({"error": envelope})


def traced(asked: Asked) -> Asked:
    more = {"x-request-id": "req-7", "x-forwarded-for": "192.0.2.7", "user-agent": "a-gateway/7", "via": "1.1 gw"}
    for name, value in more.items():
        asked = asked.with_header(name, value)
    return asked


def failures(edit: Callable[[Asked, Answer], Answer]) -> Wrap:
    """The gateway's own words for what its provider did."""

    def of(code: str) -> Wrap:
        return lambda app: changed(app, own_error(code, edit), streams=never)

    return chained(
        *map(of, ("upstream_error", "upstream_auth_error", "upstream_unavailable", "upstream_invalid_response"))
    )


VARIATIONS: tuple[Fault, ...] = (
    between("requests-written-anew", behind=lambda app: before(app, written_anew)),
    between("usage-always-asked-for", behind=always_counting),
    between("fields-of-its-own", behind=asked_as(of_its_own)),
    between("another-user", behind=asked_as(with_another_user, scripted()), warns="UPS-023"),
    between("cap-under-the-older-name", behind=asked_as(under_the_older_name)),
    between("headers-of-its-own", behind=lambda app: before(app, traced)),
    between("asking-three-times", behind=asked_again(3)),
    between("asking-the-other-at-once", behind=asked_again(2, '"other"', elsewhere=True)),
    between("failures-in-its-own-words", failures(hidden)),
    between("messages-put-in-front", messages(instructed), "UPS-013"),
    between("texts-in-parts", messages(in_parts), "UPS-013"),
    between("parts-in-one-text", messages(in_one), "UPS-013"),
    between("a-longer-wait", waiting(lambda: "5")),
    between("a-wait-of-a-minute", waiting(lambda: "60"), "UPS-002"),
    between("a-moment-to-wait-for", waiting(lambda: formatdate(time.time() + 2, usegmt=True))),
    between("texts-in-two-events", events(halved, scripted())),
    between(
        "own-ids-of-calls",
        chained(
            reply(put("choices[].message.tool_calls[].id", own), scripted()),
            chunk(put("choices[].delta.tool_calls[].id", own), scripted()),
        ),
        "UPS-026",
    ),
    between("developers-as-systems", messages(as_systems)),
    between("texts-alone-in-a-list", behind=lambda app: before(app, in_lists)),
    between("resting-after-failures", resting(lambda answer: answer.status >= 500, 5)),
    between("redirect-followed-without-the-key", warns="UPS-036", behind=redirected(with_key=False)),
    between("streams-cut-at-an-error", cut_at_an_error, "UPS-006"),
)
"""All of them. Those that may be seen by some client are warnings at the most."""
