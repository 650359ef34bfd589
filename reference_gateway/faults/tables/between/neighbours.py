"""What a gateway does wrong with its provider and with other clients when one client leaves, or asks wrongly."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.faults.asgi import Answer, Asked, Wrap, around, ask
from reference_gateway.faults.behind import deaf, resting, scripted
from reference_gateway.faults.edits import Where
from reference_gateway.faults.exchanges import answers, header
from reference_gateway.faults.tables.between.basics import error, row
from reference_gateway.http.response import ABORT


def deaf_to(where: Where) -> Wrap:
    """Never learns that the client of such a request has gone."""

    def wrap(app: ASGIApp) -> ASGIApp:
        deafened = deaf(app)

        async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
            await ask(deafened if where(asked) else app, asked, scope, receive, send)

        return around(app, handle)

    return wrap


def cutting_others(app: ASGIApp) -> ASGIApp:
    """A client that leaves its scripted stream takes all others with it."""
    going: dict[object, Callable[[], None]] = {}

    async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        if not (asked.streams and scripted()(asked)):
            await ask(app, asked, scope, receive, send)
            return
        one = object()
        going[one] = scope[ABORT]

        async def sending(message: Message) -> None:
            await send(message)

        try:
            await ask(app, asked, scope, receive, sending)
        finally:
            del going[one]
            task = asyncio.current_task()
            if task and task.cancelling():  # its client has gone
                for abort in going.values():
                    abort()

    return around(app, handle)


def is_a_clients_fault(answer: Answer) -> bool:
    return 400 <= answer.status < 500


def tells_a_moment(asked: Asked, answer: Answer) -> bool:
    return scripted()(asked) and answer.status == 429 and not (answer.header("retry-after") or "0").isdigit()


# fmt: off
row("provider-of-plain-chats-not-left", "UPS-011", deaf_to(lambda asked: scripted()(asked) and not asked.streams),
    "Operators pay for answers that nobody reads.", "frameworks that tell a handler nothing of its client")
row("provider-not-left-before-its-first-event", "UPS-011", deaf_to(scripted('"delay_s"', '"stream": true')),
    "Operators pay for answers that nobody reads.")
row("leaving-cuts-the-others", "UPS-038", cutting_others, "Whoever closes a tab cuts the answers of others.")
row("breaker-of-clients-faults", "UPS-037", resting(is_a_clients_fault, 8),
    "Any client can take a model from all others.", "circuit breakers that count every status from 400 on")
row("moment-to-wait-for-lost", "UPS-002", header("retry-after", None, tells_a_moment),
    "Clients come back too early, again and again.", "gateways that read Retry-After as a number")
row("provider-503-without-retry-after", "UPS-002",
    header("retry-after", None, lambda asked, x: scripted()(asked) and x.status == 503),
    "Clients come back too early, again and again.")
row("provider-401-as-429", "UPS-001", error("upstream_auth_error", 429), "Clients wait for what time does not mend.")
row("every-refusal-as-one-status", "UPS-034",
    answers(lambda x: replace(x, status=409), lambda asked, x: scripted()(asked) and x.status in (400, 422)),
    "Clients can't tell what is wrong with their request.")
# fmt: on
