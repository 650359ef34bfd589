"""How long this process was kept from running: what nobody else may be blamed for when times are judged."""

import asyncio
from time import perf_counter

BEAT_S = 0.02
USUAL_S = 0.01
"""A timer may be that late on any machine."""


class Pulse:
    """A timer that fires again and again; the seconds by which it was late add up."""

    def __init__(self) -> None:
        self._sum_s = 0.0
        self._due_s = float("inf")
        self._beating: asyncio.Task[None] | None = None

    @property
    def late_s(self) -> float:
        """Seconds lost so far, those of a beat that is overdue included. Never falls."""
        return self._sum_s + self._overdue_s()

    def start(self) -> None:
        self._beating = asyncio.ensure_future(self._beat())

    def stop(self) -> None:
        if self._beating:
            self._beating.cancel()

    async def _beat(self) -> None:
        while True:
            self._due_s = perf_counter() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self._sum_s += self._overdue_s()

    def _overdue_s(self) -> float:
        return max(0.0, perf_counter() - self._due_s - USUAL_S)
