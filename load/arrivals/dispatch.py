"""Open arrivals: a request starts when the schedule says, whatever the earlier ones do."""
# mypy: allow-untyped-calls

from collections.abc import Callable, Iterable
from time import perf_counter

import gevent
from gevent.pool import Group

from load.arrivals.shares import Share
from load.arrivals.timer import Timer

BURST = 64
"""Arrivals that are due at the same time: after as many of them, what they started gets its turn."""


class Dispatcher:
    """Starts a greenlet for every arrival of this process's share of a schedule.

    `ask(number, due_s)` sends the request with this number, which was due at `due_s` on the clock of `perf_counter`;
    `refuse(number)` counts one that is not sent because too many are open. Nothing is ever put off. `share` is asked
    each time, as it changes when processes come and go. `end` is called when the schedule is over.
    """

    def __init__(
        self,
        times: Iterable[float],
        share: Callable[[], Share],
        ask: Callable[[int, float], None],
        refuse: Callable[[int], None],
        end: Callable[[], None],
    ) -> None:
        self._times, self._share, self._ask, self._refuse, self._end = times, share, ask, refuse, end
        self._open = Group()
        self._timer = Timer()
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """The schedule begins now."""
        self._greenlet = gevent.spawn(self._run, perf_counter())

    def stop(self) -> None:
        """No more arrivals; what was sent goes on."""
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None
        self._timer.close()

    def kill(self) -> None:
        """Gives up what is still open."""
        self._open.kill()

    def _run(self, zero_s: float) -> None:
        at_once = 0
        for number, offset_s in enumerate(self._times):
            share = self._share()
            if not share.holds(number):
                continue
            due_s = zero_s + offset_s
            if due_s > perf_counter():
                self._timer.wait_until(due_s)
                at_once = 0
            elif (at_once := at_once + 1) % BURST == 0:
                gevent.sleep(0)
            if len(self._open) >= share.max_in_flight:
                self._refuse(number)
            else:
                self._open.start(gevent.Greenlet(self._ask, number, due_s))
        gevent.sleep(0)  # what was started last begins before anybody may end it
        self._end()
