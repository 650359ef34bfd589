"""A gateway that streams leave worse when they are left in the middle is seen, and one that takes few at once is not
blamed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conformance.verdict import Verdict

from ..defects import before, error
from ..judged import judge, paced, red_verdicts

FAIL = Verdict.FAIL


class Leaving:
    """Counts the streams that were begun and not ended, as a gateway with that leak would."""

    def __init__(self, app: ASGIApp, act: Callable[[int], Any]) -> None:
        self.app, self.act, self.left = app, act, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            nonlocal ended
            await send(message)
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)

        if scope["type"] != "http" or not scope["path"].endswith("/chat/completions"):
            await self.app(scope, receive, send)
            return
        ended = False
        await self.act(self.left)
        try:
            await self.app(scope, receive, sending)
        finally:
            self.left += not ended


async def hangs(left: int) -> None:
    if left > 7:
        await asyncio.Event().wait()


async def grows_slower(left: int) -> None:
    await asyncio.sleep(left * 0.25)


async def crashes(left: int) -> None:
    if left:
        raise RuntimeError("a stream was left")


@pytest.mark.parametrize("act", [hangs, grows_slower, crashes])
def test_a_gateway_that_streams_leave_worse_is_seen(act: Callable[[int], Any]) -> None:
    app = Leaving(paced(0.01, 0.004), act)
    assert red_verdicts(judge(app, "STREAM", timeout_s=3.0)) == {"STREAM-056": FAIL}


def test_a_gateway_that_takes_few_streams_at_once_is_not_blamed() -> None:
    """Of the streams that are left at once most are turned away."""
    open_now = 0

    def wrap(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal open_now
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            open_now += 1
            try:
                busy = before(app, lambda asked: error(429).with_header("retry-after", "0.05"))
                await (busy if open_now > 4 else app)(scope, receive, send)
            finally:
                open_now -= 1

        return wrapped

    assert judge(wrap(paced(0.01, 0.002)), "STREAM-056")["STREAM-056"].verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)
