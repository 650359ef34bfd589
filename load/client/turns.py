"""Whose turn it is, when there is much to do at once: sockets are read first, as what was read late can't be stamped
right any more; the rest is done when there is nothing to read, one thing after the other.
"""
# mypy: allow-untyped-calls

from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any

from gevent import get_hub
from gevent.event import Event

PATIENCE_S = 0.0003
"""Where there is always something to read, one turn is given for each such time that has passed. An answer needs two
turns, its beginning and its end, so this is what bounds the answers of a client that reads all the time."""


class Turns:
    """The queue of one process's event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._last_s = 0.0
        loop = get_hub().loop
        self._busy: Any = loop.check()
        self._idle: Any = loop.idle()

    def give(self, act: Callable[[], object]) -> None:
        """Has this done when its turn has come."""
        if not self._waiting:
            self._last_s = perf_counter()
            self._busy.start(self._in_round)
            self._idle.start(self._next)
        self._waiting.append(act)

    def take(self) -> None:
        """Returns when the turn of the calling greenlet has come; at once if nobody waits."""
        if self._waiting:
            event = Event()
            self.give(event.set)
            event.wait()

    def _in_round(self) -> None:
        """In every round of the loop, whether it has something to read or not."""
        passed_s = perf_counter() - self._last_s
        while passed_s >= PATIENCE_S and self._waiting:
            passed_s -= PATIENCE_S
            self._next()

    def _next(self) -> None:
        self._last_s = perf_counter()
        act = self._waiting.popleft()
        if not self._waiting:
            self._busy.stop()
            self._idle.stop()
        act()
