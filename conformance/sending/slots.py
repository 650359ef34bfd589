"""How many requests are in flight at once, which of those that wait goes next, and what is done about 429 and 503:
whether a request is sent again, when, and how many go on meanwhile.

What is sent never depends on it, only when. A run against a gateway that throttles takes longer, and is as long as
`--max-time` at the most.
"""

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.utils import parsedate_to_datetime

from conformance.exchange import BUSY, Exchange

FEW, MANY = 3, 8
"""How often a request is sent at the most: as long as it has never helped, and once it has."""
MAX_WAIT_S = 20.0
PAUSE_S = 1.0
"""For how long nothing else is sent at the most, whatever one answer says."""
SPREAD = 0.25
"""By how much waits differ, so that those who were refused together don't come back together."""
IN_VAIN = 3
"""So many requests given up, and none served that was sent again: that is no throttling, and nothing is slowed any
more."""
WIDEN_AFTER = 12
"""So many answers for each request that may be in flight, before one more may."""


class Slots:
    """A semaphore that lets the lowest rank in first; within a rank, who came first.

    Ranks follow the order in which probes begin, so a chain that has begun goes on before another begins: a run then
    takes about as long as its longest chain. A gateway that throttles makes the slots fewer and lets nobody in for a
    moment; as it serves again, they slowly become as many as before.
    """

    def __init__(self, count: int) -> None:
        self._most = self._count = count
        self._inside = self._served = self._turn = 0
        self._opens_at = 0.0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    @asynccontextmanager
    async def held(self, rank: int = 0) -> AsyncIterator[int]:
        """Holds a slot. What it gives tells `narrow` how old a refusal is."""
        await self.acquire(rank)
        try:
            yield self._turn
        finally:
            self.release()

    async def acquire(self, rank: int = 0) -> None:
        if self._is_free() and not self._waiting:
            self._inside += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        self._inside -= 1
        self._let_in()

    def narrow(self, turn: int, pause_s: float) -> None:
        """Half as many slots, and nobody is let in for so long. What was let in before the last time tells nothing
        new."""
        if turn != self._turn:
            return
        self._turn += 1
        self._count, self._served = max(1, self._count // 2), 0
        loop = asyncio.get_running_loop()
        self._opens_at = loop.time() + pause_s
        loop.call_at(self._opens_at, self._let_in)

    def widen(self) -> None:
        """One more was served: after enough of them there is one more slot."""
        self._served += 1
        if self._count < self._most and self._served >= WIDEN_AFTER * self._count:
            self._count, self._served = self._count + 1, 0

    def open(self) -> None:
        """As many slots as at first."""
        self._count, self._opens_at = self._most, 0.0
        self._let_in()

    def _is_free(self) -> bool:
        return self._inside < self._count and (
            not self._opens_at or asyncio.get_running_loop().time() >= self._opens_at
        )

    def _let_in(self) -> None:
        while self._waiting and self._is_free():
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._inside += 1
                turn.set_result(None)


class Patience:
    """The patience of one run."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._helped = False
        self._in_vain = 0

    def will_repeat(self, exchange: Exchange, attempt: int, turn: int) -> bool:
        """Whether a request that was answered so is to be sent again. `turn` is that of its slot. Others are slowed, or
        go on faster, by what it says."""
        if exchange.status not in BUSY:
            self._helped = self._helped or (attempt > 1 and exchange.response is not None)
            self._slots.widen()
            return False
        if self._helped or self._in_vain < IN_VAIN:
            self._slots.narrow(turn, min(wait_s(exchange.header("retry-after"), attempt), PAUSE_S))
        if attempt < (MANY if self._helped else FEW):
            return True
        self._in_vain += 1
        if not self._helped and self._in_vain == IN_VAIN:
            self._slots.open()
        return False


def wait_s(retry_after: str | None, attempt: int) -> float:
    """Seconds to wait after so many attempts: what Retry-After says, within bounds; without it 0.5, 1, 2 …"""
    wait = 0.5 * 2.0 ** (attempt - 1)
    if retry_after:
        try:
            wait = float(retry_after)
        except ValueError:
            with suppress(ValueError):
                wait = parsedate_to_datetime(retry_after).timestamp() - time.time()
    return min(max(wait, 0.0), MAX_WAIT_S)


def spread_s(wait: float) -> float:
    """A little longer, by chance."""
    return wait * random.uniform(1.0, 1.0 + SPREAD)
