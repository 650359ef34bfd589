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

PATIENCE_S = 0.001
"""Where there is always something to read, one turn is given for each such time that has passed."""
FLOOD_S, PATIENCE_IN_FLOOD_S = 0.02, 0.0003
"""After so long without a moment in which there was nothing to read, stamps are late in any case, and turns come
sooner: an answer needs two, its beginning and its end, so they bound the answers of a client that always reads."""


class Turns:
    """The queue of one process's event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._last_s = self._since_s = 0.0
        self._patience_s = PATIENCE_S
        loop = get_hub().loop
        self._busy: Any = loop.check()
        self._idle: Any = loop.idle()

    def give(self, act: Callable[[], object]) -> None:
        """Has this done when its turn has come."""
        if not self._waiting:
            self._last_s = self._since_s = perf_counter()
            self._busy.start(self._in_round)
            self._idle.start(self._in_peace)
        self._waiting.append(act)

    def take(self) -> None:
        """Returns when the turn of the calling greenlet has come; at once if nobody waits."""
        if self._waiting:
            event = Event()
            self.give(event.set)
            event.wait()

    def _in_round(self) -> None:
        """In every round of the loop, whether it has something to read or not."""
        now_s = perf_counter()
        if now_s - self._since_s > FLOOD_S:
            self._patience_s = PATIENCE_IN_FLOOD_S
        passed_s, patience_s = now_s - self._last_s, self._patience_s
        while passed_s >= patience_s and self._waiting:
            passed_s -= patience_s
            self._next()

    def _in_peace(self) -> None:
        """There is nothing to read."""
        self._since_s = perf_counter()
        self._patience_s = PATIENCE_S
        self._next()

    def _next(self) -> None:
        self._last_s = perf_counter()
        act = self._waiting.popleft()
        if not self._waiting:
            self._busy.stop()
            self._idle.stop()
        act()
