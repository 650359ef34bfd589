"""What a gateway sends on to its provider beside the request itself, how often, and what it tells of it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.faults.asgi import Answer, Asked, Wrap, around, ask, before
from reference_gateway.faults.behind import asked_again, in_texts, scripted, sending_on, telling
from reference_gateway.faults.edits import asked_as
from reference_gateway.faults.exchanges import answers
from reference_gateway.faults.fault import nothing
from reference_gateway.faults.tables.between.basics import row

INSIDE = "node-7.inside.gateproof.example"
"""What a failing provider tells of its inside."""
LATER_S = 0.3


def sent_again(app: ASGIApp) -> ASGIApp:
    """The provider's side of a gateway that sends what was served once more, a moment later."""
    going: set[asyncio.Task[None]] = set()

    async def layered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        came: list[Message] = []
        served = False

        async def receiving() -> Message:
            came.append(await receive())
            return came[-1]

        async def sending(message: Message) -> None:
            nonlocal served
            served = served or message.get("status") == 200
            await send(message)

        async def again() -> None:
            await asyncio.sleep(LATER_S)
            await app(scope, replay, unheard)

        async def replay() -> Message:
            if came:
                return came.pop(0)
            await asyncio.Event().wait()
            raise AssertionError

        async def unheard(message: Message) -> None:
            await asyncio.sleep(0)

        await app(scope, receiving, sending)
        came = [message for message in came if message["type"] == "http.request"]
        if served:
            going.add(task := asyncio.create_task(again()))
            task.add_done_callback(going.discard)

    return layered


def cut_at(size: int) -> Callable[[Asked], Asked | None]:
    """Bodies of scripted requests end after so many bytes."""
    return lambda asked: replace(asked, body=asked.body[:size]) if scripted()(asked) else None


def quoting(answer: Answer) -> Answer:
    document = answer.json
    document["error"]["message"] += f" It said: upstream {INSIDE} refused"
    return answer.with_json(document)


def is_talk(asked: Asked, answer: Answer) -> bool:
    return scripted(INSIDE)(asked) and answer.status >= 500


def redirected(*, with_key: bool) -> Wrap:
    """The provider's side of a gateway that goes wherever a provider points, with all of its headers or but for the
    key."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
            if not scripted("{elsewhere}")(asked):
                await ask(app, asked, scope, receive, send)
                return
            head: Message = {}

            async def reading(message: Message) -> None:
                head.update(message if message["type"] == "http.response.start" else {})

            await ask(app, asked, scope, receive, reading)
            where = urlsplit(dict(head["headers"])[b"location"].decode())
            there = replace(asked, path=where.path).with_header("host", where.netloc)
            if not with_key:
                there = there.with_header("authorization", None)
            await ask(app, there, scope, receive, send)

        return around(app, handle)

    return wrap


# fmt: off
_front, _back = sending_on("x-api-key", "x-api-key")
row("client-key-of-another-header-sent-on", "UPS-012", _front, "The provider can act as the client.",
    "pass-through gateways", behind=_back)
_front, _back = telling("authorization", least=504)
row("provider-key-told-when-it-is-silent", "UPS-012", _front, "Any client can act as the gateway's owner.",
    behind=_back)
_front, _back = telling("host")
row("provider-address-told", "UPS-019 ERR-023", _front, "What stands behind the gateway is disclosed.",
    "LiteLLM's header x-litellm-model-api-base", behind=_back)
_front, _back = sending_on("te", "te")
row("named-hop-headers-sent-on", "UPS-022", _front, "Two proxies read one request differently.", behind=_back)
_front, _back = sending_on("x-forwarded-for", "x-forwarded-for")
row("spoofed-addresses-sent-on", "UPS-022", _front, "Clients choose the address that others know them by.",
    "pass-through gateways", behind=_back)
_front, _back = sending_on("openai-organization", "openai-organization")
row("clients-organization-sent-on", "UPS-022", _front, "Clients choose the account that pays.", behind=_back)
row("redirect-followed-with-the-key", "UPS-036", nothing, "Whoever has a provider redirect gets the key.",
    "CVE-2018-18074 (requests), CVE-2022-27774 (curl)", behind=redirected(with_key=True))
row("rate-limit-not-waited-for", "UPS-021", nothing, "A provider that has no time is asked again at once.",
    behind=asked_again(2, least=429))
row("what-was-served-sent-again", "UPS-041", nothing, "Operators pay twice for each answer.", behind=sent_again)
row("pages-of-the-provider-quoted", "UPS-040", answers(quoting, is_talk),
    "What stands behind the gateway is disclosed.", "gateways that quote what they can't read")
row("long-bodies-cut", "UPS-013", lambda app: before(app, cut_at(65536)), "What is asked is refused, or half of it.",
    "buffers of a fixed size")
row("very-long-messages-cut", "UPS-013", asked_as(in_texts(lambda text: text[:65536]), scripted()),
    "Answers to a part of what was asked.", "buffers of a fixed size")
# fmt: on
