"""One server for many runs: what it serves is changed between them, which is quicker than a new server for each."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_gateway.server import running

from .judged import Judged, gateway_app, judge_url

Wrap = Callable[[ASGIApp], ASGIApp]
JudgeWith = Callable[..., dict[str, Judged]]


class Stage:
    """Serves the bundled gateway in whatever it is wrapped in."""

    def __init__(self) -> None:
        self.correct = gateway_app()
        self.shown = self.correct
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.shown(scope, receive, send)

    def judge(self, wrap: Wrap, *areas: str, path: str = "/v1", **options: Any) -> dict[str, Judged]:
        """What these areas say of the wrapped gateway."""
        self.shown = wrap(self.correct)
        return judge_url(self.url + path, *areas, **options)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    stage = Stage()
    with running(stage) as stage.url:
        yield stage


@pytest.fixture
def judge_with(stage: Stage) -> JudgeWith:
    return stage.judge
