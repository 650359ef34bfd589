"""The open arrivals of one process: a plan, a dispatcher, and clients that are used again when they are free."""
# mypy: allow-untyped-calls

import math
from collections.abc import Callable, Sequence
from itertools import takewhile
from time import perf_counter
from typing import Any

import gevent

from load.arrivals.dispatch import Dispatcher
from load.arrivals.shares import Share
from load.options import Settings
from load.plan import NoPlan, Plan
from load.result import StreamResult
from load.scenarios import drawn, weights
from load.sending.asking import Asker
from load.session import SESSION

RETRY_S = 1.0
"""How long to wait before a gateway that could not be asked what to send is asked again."""


class Traffic:
    """Sends these scenarios as the schedule of `settings` says, from when the gateway was asked which models it has.

    `end` is called when the schedule is over.
    """

    def __init__(
        self,
        environment: Any,
        settings: Settings,
        names: Sequence[str],
        share: Callable[[], Share],
        end: Callable[[], None],
    ) -> None:
        self._environment, self._settings, self._names = environment, settings, names
        self._share, self._end = share, end
        self._idle: list[Asker] = []
        self._dispatcher: Dispatcher | None = None
        self._is_stopping = False
        self._beginning = gevent.spawn(self._begin)

    def stop(self) -> None:
        """No more arrivals; what was sent goes on."""
        self._is_stopping = True
        self._beginning.kill()
        if self._dispatcher:
            self._dispatcher.stop()

    def kill(self) -> None:
        """Gives up what is still open."""
        if self._dispatcher:
            self._dispatcher.kill()
        for asker in self._idle:
            asker.close()

    def _begin(self) -> None:
        while (plan := self._planned()) is None:
            gevent.sleep(RETRY_S)
        schedule, seed = self._settings.schedule, self._settings.seed
        assert schedule is not None
        mix = weights(self._names, plan.models)

        def ask(number: int, due_s: float) -> None:
            asker = self._idle.pop() if self._idle else Asker(self._environment, plan, lambda: self._is_stopping)
            try:
                asker.ask(drawn(mix, f"mix {seed} {number}"), f"{seed} {number}", due_s)
            except BaseException:
                asker.close()
                raise
            self._idle.append(asker)

        def refuse(number: int) -> None:
            SESSION.dropped(drawn(mix, f"mix {seed} {number}").name)

        end_s = self._settings.length_s or math.inf
        times = takewhile(lambda offset_s: offset_s < end_s, schedule.times(seed))
        self._dispatcher = Dispatcher(times, self._share, ask, refuse, self._end)
        self._dispatcher.start()

    def _planned(self) -> Plan | None:
        """The plan; None, with a failure recorded, if the gateway can't be asked."""
        before_s = perf_counter()
        try:
            return SESSION.planner.plan(self._environment.parsed_options, self._environment.host, self._names)
        except NoPlan as error:
            opened = SESSION.live.begin(None)
            result = StreamResult(before_s, perf_counter() - before_s, failure=error.kind, detail=str(error))
            SESSION.record(self._environment, self._names[0], opened, result, None)
            return None
