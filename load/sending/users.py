"""The users that locust simulates: one class per scenario, and one for the scenario that an option names."""
# mypy: allow-untyped-calls, allow-untyped-decorators, disallow-any-decorated=False

import itertools
from time import perf_counter
from typing import Any

import gevent
from locust import User, tag, task
from locust.exception import RescheduleTaskImmediately

from load.plan import NoPlan
from load.result import StreamResult
from load.scenarios import NAMES, SCENARIOS, drawn, weights
from load.sending.asking import Asker
from load.sending.run import RUN
from load.session import SESSION

PAUSE_S = 0.2
"""After a failure, so that a gateway that refuses at once is not asked thousands of times a second."""
LONGEST_PAUSE_S = 30.0
IDLE_S = 3600.0
"""How long a user waits that has nothing to do; locust ends a waiting user at once."""
_numbers = itertools.count()


class GatewayUser(User):
    """A user with a connection to the gateway, who asks again as soon as it is answered.

    `scenario` is the name of what it does; "" stands for the one that --gateproof-scenario names. In a run with open
    arrivals it does nothing: requests start on a schedule then, not when a user is free.
    """

    abstract = True
    scenario = ""
    tags: tuple[str, ...] = ()

    def on_start(self) -> None:
        self._asker: Asker | None = None
        self._mix: dict[str, float] = {}
        self._name = self.scenario or RUN.settings.scenario
        self._seed = f"{RUN.settings.seed} {self.environment.runner.worker_index} {next(_numbers)}"
        self._asked = 0

    def on_stop(self) -> None:
        if self._asker:
            self._asker.close()

    def wait_time(self) -> float:
        return IDLE_S if RUN.is_open or RUN.is_stopping else 0.0

    def ask(self) -> None:
        """Does once what the scenario says, and pauses if that failed. Raises RescheduleTaskImmediately if it did not:
        locust goes on then without a wait, which even of no seconds is one more turn of its loop.
        """
        if RUN.is_open or RUN.is_stopping:
            return
        asker = self._asker or self._prepared()
        if asker is None:
            gevent.sleep(PAUSE_S)
            return
        self._asked += 1
        seed = f"{self._seed} {self._asked}"
        result = asker.ask(drawn(self._mix, seed), seed)
        if result and result.failure:
            gevent.sleep(min(result.retry_after_s or PAUSE_S, LONGEST_PAUSE_S))
        else:
            raise RescheduleTaskImmediately

    def _prepared(self) -> Asker | None:
        """What it asks with; None, with a failure recorded, while the gateway can't be asked what to send."""
        before_s = perf_counter()
        try:
            plan = SESSION.planner.plan(self.environment.parsed_options, self.environment.host, [self._name])
        except NoPlan as error:
            opened = SESSION.live.begin(None)
            result = StreamResult(before_s, perf_counter() - before_s, failure=error.kind, detail=str(error))
            SESSION.record(self.environment, self._name, opened, result, None)
            return None
        self._mix = weights([self._name], plan.models)
        self._asker = Asker(self.environment, plan, lambda: RUN.is_stopping)
        return self._asker


class Chosen(GatewayUser):
    """Does what --gateproof-scenario, or the field in the web form, says. It is what runs if nothing else is named."""

    @task
    def act(self) -> None:
        self.ask()


def _class_for(name: str) -> type[GatewayUser]:
    """The user class of one scenario, such as ChatShort."""

    def act(user: Any) -> None:
        user.ask()

    scenario = SCENARIOS.get(name)
    tags = (name, *(scenario.tags if scenario else ()))
    body = {
        "scenario": name,
        "tags": tags,
        "act": tag(*tags)(task(act)),
        "__doc__": scenario.summary if scenario else "all of them, in shares",
        "__module__": __name__,
    }
    return type(name.title().replace("-", ""), (GatewayUser,), body)


BY_SCENARIO: dict[str, type[GatewayUser]] = {name: _class_for(name) for name in NAMES}


def tagged(classes: list[type[Any]], tags: list[str] | None, excluded: list[str] | None) -> list[type[Any]]:
    """The user classes that have something left to do under locust's --tags and --exclude-tags."""
    wanted, unwanted = set(tags or ()), set(excluded or ())
    return [
        found
        for found in classes
        if (not wanted or wanted & set(found.tags)) and not unwanted & set(found.tags) and found is not Chosen
    ]
