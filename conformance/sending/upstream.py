"""Chats whose answer is told to the provider by their prompt, and what the provider kept of them: both sides of the
gateway. The provider is `gateproof upstream`; schemas/script.json says what it can be told.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from conformance.exchange import BUSY, Exchange
from conformance.sending.gateway import Gateway, user
from conformance.sending.manners import Manner
from conformance.sending.slots import spread_s, wait_s

T = TypeVar("T")
MARK = "[[gateproof:"
RECORDS = "/gateproof/scripts/"
PROMPT = "Reply with the word OK."
NOT_SENT_ON = 3
"""How often a chat is sent that the gateway refuses without asking its provider, as it does after failures of that."""
THROTTLED = 12
"""How often one that it throttles by itself."""

Answer = dict[str, Any]
Told = dict[str, Exchange]
"""`asked`: the chat, as the client sees it; `kept`: the provider's record of it."""


def marker(id: str, *answers: Answer, other: Answer | None = None) -> str:
    """The text that tells the provider what to answer to the first, the second, … request that holds it; and what all
    do that come to the `other` of two providers."""
    script = {"id": id, "answers": list(answers) or [{}]} | ({"other": [other]} if other else {})
    return f"{MARK}{json.dumps(script, ensure_ascii=False)}]]"


async def told(
    gateway: Gateway,
    case: str,
    *answers: Answer,
    other: Answer | None = None,
    settled_s: float = 2.0,
    manner: Manner | None = None,
    headers: Mapping[str, str] | None = None,
    once: bool = False,
    **fields: Any,
) -> Told:
    """One chat with these answers of its provider; or, of two providers, with these of the one that is asked first, and
    that of the `other`. What they kept is read when all is over there, and after `settled_s` seconds at the latest. A
    prompt of one's own (`messages`) gets the script in a last message. One that the gateway does not send on is sent
    again later, but for `once`."""

    def body(script: str) -> dict[str, Any]:
        messages = [*fields["messages"], user(script)] if "messages" in fields else [user(f"{PROMPT} {script}")]
        return gateway.chat_body(**fields | {"messages": messages})

    how: dict[str, Any] = {"settled_s": settled_s, "manner": manner, "headers": headers, "once": once}
    return await told_by(gateway, case, body, *answers, other=other, **how)


async def told_by(
    gateway: Gateway,
    case: str,
    body: Callable[[str], dict[str, Any]],
    *answers: Answer,
    other: Answer | None = None,
    path: str = "/chat/completions",
    settled_s: float = 2.0,
    manner: Manner | None = None,
    headers: Mapping[str, str] | None = None,
    once: bool = False,
) -> Told:
    """The same for any request: `body` makes it of a text that it is to hold."""

    async def send(script: str) -> Exchange:
        return await gateway.scripted(body(script), path=path, case=case, manner=manner, headers=headers)

    how: dict[str, Any] = {"other": other, "settled_s": settled_s, "once": once}
    asked, kept = await sent_on_by(gateway, case, send, lambda asked: asked, *answers, **how)
    return {"asked": asked, "kept": kept}


async def sent_on_by(
    gateway: Gateway,
    case: str,
    send: Callable[[str], Awaitable[T]],
    last: Callable[[T], Exchange],
    *answers: Answer,
    other: Answer | None = None,
    settled_s: float = 2.0,
    once: bool = False,
) -> tuple[T, Exchange]:
    """The same for whatever `send` makes of that text: what came of it, of which `last` is the last answer, and what
    the provider kept."""
    for attempt in range(1, THROTTLED + 1):
        id = secrets.token_hex(8)
        sent = await send(marker(id, *answers, other=other))
        kept = await gateway.kept(f"{RECORDS}{id}?wait_s={settled_s:g}", case=case)
        was_sent_on = not kept.ok or not kept.is_json or kept.json.get("received")
        if once or was_sent_on or last(sent).status not in (*BUSY, 500, 502, 504):
            break
        if attempt == (THROTTLED if last(sent).status == 429 else NOT_SENT_ON):
            break
        await asyncio.sleep(spread_s(wait_s(last(sent).header("retry-after"), attempt)))
    return sent, kept


async def is_behind(gateway: Gateway) -> str:
    """Why the scripted provider can't be used behind this gateway; "" if it can."""
    found = await told(gateway, "is it there?", {"pieces": ["OK"]})
    kept = found["kept"]
    if not kept.response:
        return f"the scripted provider {gateway.target.upstream} can't be reached: {kept.seen}"
    if not kept.ok:
        return f"the scripted provider {gateway.target.upstream} does not show its records (HTTP {kept.status})"
    if not kept.json.get("received"):
        seen = "" if found["asked"].ok else f": {found['asked'].seen}"
        where = f"the scripted provider {gateway.target.upstream}"
        return f"the model {gateway.facts.model} is not routed to {where}{seen}"
    return ""
