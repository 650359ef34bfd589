"""The open arrivals of one process: a plan, a dispatcher, and clients that are used again when they are free."""
# mypy: allow-untyped-calls

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import gevent

from load.arrivals.dispatch import Dispatcher
from load.arrivals.schedule import Schedule
from load.arrivals.shares import Share
from load.asking import Asker
from load.plan import NoPlan, Plan
from load.result import StreamResult
from load.scenarios import drawn, weights
from load.session import SESSION

RETRY_S = 1.0
"""How long to wait before a gateway that could not be asked what to send is asked again."""


class Traffic:
    """Sends these scenarios as the schedule says, from when the gateway was asked which models it has."""

    def __init__(
        self, environment: Any, schedule: Schedule, names: Sequence[str], share: Callable[[], Share], seed: int
    ) -> None:
        self._environment, self._schedule, self._names = environment, schedule, names
        self._share, self._seed = share, seed
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
        mix = weights(self._names, plan.models)

        def ask(number: int, due_s: float) -> None:
            asker = self._idle.pop() if self._idle else Asker(self._environment, plan, lambda: self._is_stopping)
            try:
                asker.ask(drawn(mix, f"mix {self._seed} {number}"), f"{self._seed} {number}", due_s)
            except BaseException:
                asker.close()
                raise
            self._idle.append(asker)

        def refuse(number: int) -> None:
            SESSION.dropped(drawn(mix, f"mix {self._seed} {number}").name)

        self._dispatcher = Dispatcher(self._schedule.times(self._seed), self._share, ask, refuse)
        self._dispatcher.start()

    def _planned(self) -> Plan | None:
        """The plan; None, with a failure recorded, if the gateway can't be asked."""
        before_s = perf_counter()
        try:
            return SESSION.planner.plan(self._environment.parsed_options, self._environment.host, self._names)
        except NoPlan as error:
            SESSION.begin()
            result = StreamResult(before_s, perf_counter() - before_s, failure=error.kind, detail=str(error))
            SESSION.record(self._environment, self._names[0], result, None)
            return None
