"""Sends what a scenario asks, obeys Retry-After where the scenario does, and records what came back."""
# mypy: allow-untyped-calls

import random
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import gevent

from load.client import Client, Request
from load.plan import Plan
from load.result import StreamResult
from load.scenarios import Scenario
from load.session import SESSION

ATTEMPTS = 10
LONGEST_WAIT_S = 60.0
"""A Retry-After above this is not obeyed: the refusal counts as the answer."""
BUSY = (429, 503)


class Asker:
    """One client of the gateway, with a connection of its own, and one to the provider where pairs are asked.

    While `is_stopping` says so, it begins no further request of a conversation.
    """

    def __init__(self, environment: Any, plan: Plan, is_stopping: Callable[[], bool]) -> None:
        self._environment, self.plan, self._is_stopping = environment, plan, is_stopping
        self._client = Client(plan.endpoint)
        self._direct = Client(plan.direct.endpoint) if plan.direct else None

    def close(self) -> None:
        for client in (self._client, self._direct):
            if client:
                client.close()

    def ask(self, scenario: Scenario, seed: str, scheduled_s: float | None = None) -> StreamResult | None:
        """Sends the requests of one client of this scenario, the first one when it was scheduled, and returns the last
        result. The same seed sends the same requests."""
        requests = scenario.requests(self.plan, random.Random(seed))
        twins = scenario.requests(self.plan.direct, random.Random(seed)) if self.plan.direct else None
        result = None
        for request in requests:
            result = self._one(scenario, replace(request, scheduled_s=scheduled_s), next(twins) if twins else None)
            scheduled_s = None
            if result.failure or self._is_stopping():
                break
        return result

    def _one(self, scenario: Scenario, request: Request, twin: Request | None) -> StreamResult:
        """Sends one request, and its twin to the provider itself, either of them first.

        The second of a pair is due when the first would have ended if it had been sent when it was due: both carry the
        client's lateness then, and their difference none of it.
        """
        straight = None
        opened = SESSION.live.begin(self._client)
        try:
            if twin and self._direct and random.random() < 0.5:
                straight = self._direct.send(replace(twin, scheduled_s=request.scheduled_s))
                request = replace(request, scheduled_s=_due_after(straight))
            result = self._obeying(request) if scenario.obeys else self._client.send(request)
            if twin and self._direct and straight is None:
                straight = self._direct.send(replace(twin, scheduled_s=_due_after(result)))
        except gevent.GreenletExit:
            SESSION.unfinished(scenario.name, opened)
            raise
        SESSION.record(self._environment, scenario.name, opened, result, self.plan)
        if straight:
            SESSION.pairs.add(result, straight)
        return result

    def _obeying(self, request: Request) -> StreamResult:
        """The answer after refusals whose Retry-After was obeyed; its latency counts from when it was due again."""
        obeyed_s = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            result = self._client.send(request)
            wait_s = result.retry_after_s
            if result.status not in BUSY or wait_s is None or wait_s > LONGEST_WAIT_S or attempt == ATTEMPTS:
                break
            due_s = perf_counter() + wait_s
            gevent.sleep(wait_s)
            obeyed_s += wait_s
            request = replace(request, scheduled_s=None if request.scheduled_s is None else due_s)
        return replace(result, attempts=attempt, obeyed_s=obeyed_s)


def _due_after(first: StreamResult) -> float | None:
    """When the second request of a pair is due; None where there is no schedule. The time to open the first one's
    connection is none that the second one is late by."""
    return None if first.lateness_s is None else first.ended_s - first.lateness_s + (first.connect_s or 0.0)
