"""A gateway that throttles is judged by what it answers once it has been obeyed, and is never red for it; one that
serves nothing is not excused by saying 429."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance import profiles
from conformance.exchange import Exchange
from conformance.judging.in_process import needed
from conformance.sending.recording import Recording, record
from conformance.target import Target
from conformance.verdict import Verdict

from .defects import Answer, Asked, answering, before, error
from .judged import KEY, gateway_app, judge, judge_recording, on_stage, paced, red, red_verdicts

BUSY = error(429).with_header("retry-after", "0")
SOME = ("STREAM-001", "STREAM-056", "STREAM-074", "CHAT-001", "CHAT-040", "CHAT-047", "ERR-034", "SDK-006")


class AtOnce:
    """No more than so many POSTs are served at once."""

    def __init__(self, app: ASGIApp, allowed: int, refusal: Answer) -> None:
        self.app, self.allowed, self.inside, self.refused = app, allowed, 0, 0
        self._refusing = before(app, lambda asked: refusal)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
        elif self.inside >= self.allowed:
            self.refused += 1
            await self._refusing(scope, receive, send)
        else:
            self.inside += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.inside -= 1


class PerSecond:
    """No more than so many POSTs are served in each second."""

    def __init__(self, app: ASGIApp, allowed: int, refusal: Answer) -> None:
        self.allowed, self.refused, self._second, self._asked = allowed, 0, 0, 0
        self._limited = before(app, lambda asked: refusal if asked.method == "POST" and self._is_over() else None)

    def _is_over(self) -> bool:
        if self._second != int(time.time()):
            self._second, self._asked = int(time.time()), 0
        self._asked += 1
        self.refused += self._asked > self.allowed
        return self._asked > self.allowed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._limited(scope, receive, send)


@pytest.mark.parametrize("status", [429, 503])
def test_few_at_once(status: int) -> None:
    app = AtOnce(paced(), 3, error(status).with_header("retry-after", "0.2"))
    assert red(judge(app, *SOME)) == {}
    assert app.refused


def test_few_in_a_second() -> None:
    app = PerSecond(gateway_app(), 25, error(429).with_header("retry-after", "1"))
    assert red(judge(app, *SOME)) == {}
    assert app.refused


def streamed(asked: Asked) -> bool:
    return asked.streams


def calling(asked: Asked) -> bool:
    return "tools" in asked.object


def test_streams_that_are_always_429_are_red() -> None:
    judged = judge(answering(streamed, BUSY)(gateway_app()), "STREAM-001", "STREAM-003", "STREAM-016")
    assert set(red_verdicts(judged).values()) == {Verdict.UNTESTABLE}
    assert "and none that was sent again was served" in judged["STREAM-003"].message


def test_tools_that_are_always_503_are_a_failure() -> None:
    judged = judge(answering(calling, error(503).with_header("retry-after", "0"))(gateway_app()), "CHAT-040")
    assert red_verdicts(judged) == {"CHAT-040": Verdict.FAIL}


def recorded(app: ASGIApp, *ids: str) -> Recording:
    with on_stage(app) as url:
        target = Target(f"{url}/v1", api_key=KEY)
        return asyncio.run(record(target, profiles.profile("openai"), needed(target, *ids)))


def with_exchanges(recording: Recording, *more: Exchange) -> Recording:
    return replace(recording, exchanges=[*recording.exchanges, *more])


def test_what_is_given_up_is_open_where_others_were_served_the_second_time() -> None:
    app = answering(calling, BUSY)(gateway_app())
    recording = recorded(app, "CHAT-040", "STREAM-001")
    target = Target("http://recorded/v1", api_key=KEY)
    assert red_verdicts(judge_recording(recording, target, "CHAT-040")) == {"CHAT-040": Verdict.UNTESTABLE}
    helped = next(x for x in recording.exchanges if x.ok and x.request.method == "POST")
    recording = with_exchanges(recording, replace(helped, id="later", attempt=2))
    said = judge_recording(recording, target, "CHAT-040")["CHAT-040"]
    assert said.verdict is Verdict.INCONCLUSIVE
    seen = "throttled: chat_tool_auto_streamed was still answered with 429 after 3 attempts; try a lower --concurrency"
    assert seen in said.message
    assert recording.busy["obeyed"] and recording.busy["given_up"]


def test_what_was_sent_again_is_told_in_a_recording() -> None:
    app = AtOnce(paced(), 2, error(429).with_header("retry-after", "0.1"))
    recording = recorded(app, "STREAM-001", "CHAT-001")
    again = [x for x in Recording.from_record(recording.to_record()).exchanges if x.attempt > 1 and x.ok]
    assert recording.busy == {"obeyed": app.refused, "given_up": 0} and again
