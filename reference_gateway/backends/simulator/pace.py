"""The simulated speed: when each token of an answer is due, and whose turn it is to say one.

Deadlines are absolute, so delays do not add up.
"""

import asyncio
import math
from asyncio import AbstractEventLoop, Future, TimerHandle
from collections.abc import AsyncIterator, Awaitable, Iterator
from heapq import heappop, heappush
from weakref import WeakKeyDictionary

from reference_gateway.call import Json

_TTFT_S = 0.020
_ITL_S = 0.005
_TICKS_PER_S = 1000


class _Clock:
    """Wakes all who wait for the same millisecond, with one timer of the event loop: that of the next of them.

    Who no longer waits is forgotten only when the time has come.
    """

    __slots__ = ("_loop", "_next", "_ticks", "_timer", "_waiting")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[int, list[Future[None]]] = {}
        self._ticks: list[int] = []
        """Those for which somebody waits, as a heap."""
        self._next: int | None = None
        self._timer: TimerHandle | None = None

    def at(self, when: float) -> Future[None]:
        tick = math.ceil(when * _TICKS_PER_S - 0.001)
        waiting = self._waiting.get(tick)
        if waiting is None:
            waiting = self._waiting[tick] = []
            heappush(self._ticks, tick)
            if self._next is None or tick < self._next:
                self._set(tick)
        future = self._loop.create_future()
        waiting.append(future)
        return future

    def _set(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = tick
        self._timer = self._loop.call_at(tick / _TICKS_PER_S, self._ring, tick)

    def _ring(self, tick: int) -> None:
        due = max(tick, self._loop.time() * _TICKS_PER_S)  # a timer may be early by its own resolution
        self._next = self._timer = None
        while self._ticks and self._ticks[0] <= due:
            for future in self._waiting.pop(heappop(self._ticks)):
                if not future.done():
                    future.set_result(None)
        if self._ticks:
            self._set(self._ticks[0])


_clocks: WeakKeyDictionary[AbstractEventLoop, _Clock] = WeakKeyDictionary()


class Pace:
    """The time table of an answer that begins now: the first token after `ttft_s`, then one each `itl_s`."""

    __slots__ = ("_clock", "_due", "_itl_s", "_loop")

    def __init__(self, settings: Json) -> None:
        """Reads `ttft_s` and `itl_s` (seconds) from a model's settings. Needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._clock = _clocks.get(self._loop) or _clocks.setdefault(self._loop, _Clock(self._loop))
        self._itl_s = float(settings.get("itl_s", _ITL_S))
        self._due = self._loop.time() + float(settings.get("ttft_s", _TTFT_S))

    def token(self) -> Awaitable[None]:
        """Waits until the next token is due; lets others run even when it is late already."""
        due = self._due
        self._due += self._itl_s
        return self._clock.at(due) if due > self._loop.time() else asyncio.sleep(0)

    def first(self) -> Awaitable[None]:
        """Waits until the first token is due, without taking it."""
        return self._clock.at(self._due) if self._due > self._loop.time() else asyncio.sleep(0)

    async def whole(self, tokens: int) -> None:
        """Waits as long as streaming `tokens` tokens would take."""
        self._due += max(tokens - 1, 0) * self._itl_s
        await self.first()


Turn = tuple[Json, bool]
"""One chunk's `choices` member, and whether it carries a token, which is to be waited for."""


async def paced(pace: Pace, frame: Json, turns: Iterator[Turn], cost: Json | None) -> AsyncIterator[Json]:
    """The chunks of a stream, each when it is due: what all of them have in common is the `frame`. Where the usage is
    asked for it is the `cost`, told last."""
    if cost is not None:
        frame["usage"] = None
    await pace.first()
    for choice, is_token in turns:
        if is_token:
            await pace.token()
        yield {**frame, "choices": [choice]}
    if cost is not None:
        yield {**frame, "choices": [], "usage": cost}


def in_turns(speakers: list[Iterator[Turn]]) -> Iterator[Turn]:
    """What all the speakers say, a token each in turn."""
    return speakers[0] if len(speakers) == 1 else _in_turns(speakers)


def _in_turns(speakers: list[Iterator[Turn]]) -> Iterator[Turn]:
    while speakers:
        for speaker in tuple(speakers):
            for turn in speaker:
                yield turn
                if turn[1]:
                    break
            else:
                speakers.remove(speaker)
