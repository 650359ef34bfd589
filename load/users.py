"""The users that locust simulates. Each holds one connection and sends one request after the other."""
# mypy: allow-untyped-calls

import random
from time import perf_counter
from typing import Any

import gevent
from locust import User, task

from load.client import Client, Request
from load.plan import NoPlan, Plan
from load.result import StreamResult
from load.scenarios import PROMPTS
from load.session import SESSION

PAUSE_S = 0.2
"""After a failure, so that a gateway that refuses at once is not asked thousands of times a second."""
LONGEST_PAUSE_S = 30.0


class GatewayUser(User):
    """A user with a connection to the gateway. `scenario` is the name its figures are reported under."""

    abstract = True
    scenario = ""
    runs_by_default = True
    """Whether it takes part in a run that names no user classes."""

    def on_start(self) -> None:
        self._plan: Plan | None = None
        self._client: Client | None = None

    def on_stop(self) -> None:
        if self._client:
            self._client.close()

    def chat(self, *, stream: bool) -> None:
        """Sends one chat, records how it went, and pauses if it failed."""
        SESSION.begin()
        try:
            result = self._ask(stream=stream)
        except gevent.GreenletExit:
            SESSION.unfinished(self.scenario)
            raise
        SESSION.record(self.environment, self.scenario, result, self._plan)
        if result.failure:
            gevent.sleep(min(result.retry_after_s or PAUSE_S, LONGEST_PAUSE_S))

    def _ask(self, *, stream: bool) -> StreamResult:
        if self._plan is None or self._client is None:
            before_s = perf_counter()
            try:
                self._plan = SESSION.plan(self.environment)
            except NoPlan as error:
                return StreamResult(before_s, perf_counter() - before_s, failure=error.kind, detail=str(error))
            self._client = Client(self._plan.endpoint)
        body = self._plan.chat_body(random.choice(PROMPTS), stream=stream)
        return self._client.send(Request("POST", "/chat/completions", body, "chat stream" if stream else "chat"))


class StreamingChat(GatewayUser):
    """Asks short questions and reads the answers as they stream."""

    scenario = "chat stream"

    @task
    def stream(self) -> None:
        self.chat(stream=True)


class PlainChat(GatewayUser):
    """Asks the same questions and waits for whole answers. It runs only when it is named."""

    scenario = "chat"
    runs_by_default = False

    @task
    def ask(self) -> None:
        self.chat(stream=False)


def only_default(user_classes: list[Any]) -> list[Any]:
    """The user classes of a run that names none."""
    return [found for found in user_classes if getattr(found, "runs_by_default", True)]
