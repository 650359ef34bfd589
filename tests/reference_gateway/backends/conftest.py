"""Drives a backend from tests: one call answered, one call streamed, and a loop whose time does not really pass."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from reference_gateway.backends.simulator import Simulator
from reference_gateway.call import Call, Endpoint, Json

AT_ONCE = {"ttft_s": 0, "itl_s": 0}


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing else is to be done."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self._now = max(self._now, self._scheduled[0].when())
        super()._run_once()


@pytest.fixture
def in_virtual_time() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine on a loop where waiting takes no time and clocks are exact."""

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(coroutine)

    return run


class Driver:
    """A simulator without delays, asked from synchronous tests."""

    def __init__(self, seed: int | None = None) -> None:
        self._simulator = Simulator(seed)

    def answer(self, body: Json, endpoint: Endpoint = Endpoint.CHAT, **settings: Any) -> Json:
        call = Call(endpoint, {"model": "a/model", **body}, "served", {**AT_ONCE, **settings})
        return asyncio.run(self._simulator.answer(call))

    def chunks(self, body: Json, endpoint: Endpoint = Endpoint.CHAT) -> list[Json]:
        call = Call(endpoint, {"model": "a/model", "stream": True, **body}, "served", AT_ONCE)

        async def collect() -> list[Json]:
            return [chunk async for chunk in self._simulator.stream(call)]

        return asyncio.run(collect())

    def text(self, prompt: str, **options: Any) -> str:
        body = {"messages": [{"role": "user", "content": prompt}], **options}
        return str(self.answer(body)["choices"][0]["message"]["content"])


@pytest.fixture
def simulator() -> Driver:
    return Driver()


@pytest.fixture
def seeded_simulator() -> Callable[[int], Driver]:
    return Driver
