"""What a calibration has locust run: users that ask the truth, and keep when they saw each event of each answer."""
# mypy: allow-untyped-calls, allow-untyped-decorators

import json
import sys
from itertools import accumulate, count
from pathlib import Path
from typing import Any

import gevent
from locust import User, events, task

_ROOT = str(Path(__file__).resolve().parent.parent.parent)
sys.path.insert(0, _ROOT)
try:
    from conformance.target import load as load_target
    from load.client import Client, Request
    from load.client.endpoint import Endpoint
    from load.session import SESSION
finally:
    sys.path.remove(_ROOT)

NAMES = count()
PROMPT = {"role": "user", "content": "When is high tide?"}
SEEN: dict[str, list[float]] = {}
"""By the name of a request: when its events were read, in seconds."""
ERRORS: list[str] = []


class Asker(User):
    """Asks for one stream after the other. The first opened a connection among many, so it is not looked at."""

    def on_start(self) -> None:
        self._client = Client(Endpoint.of(load_target({}, self.host)[0]))
        self._ask()

    def on_stop(self) -> None:
        self._client.close()

    @task
    def ask(self) -> None:
        name, result = self._ask()
        if result.failure is not None or result.ttft_s is None:
            ERRORS.append(f"{result.failure}: {result.detail}")
        else:
            SEEN[name] = list(accumulate(result.gaps_s, initial=result.started_s + result.ttft_s))

    def _ask(self) -> Any:
        name = str(next(NAMES))
        body = {"model": "m", "messages": [PROMPT], "user": name, "stream": True}
        body["stream_options"] = {"include_usage": True}
        opened = SESSION.live.begin(self._client)
        try:
            result = self._client.send(Request("POST", "/chat/completions", json.dumps(body).encode(), "chat stream"))
        except gevent.GreenletExit:
            SESSION.unfinished("calibration", opened)
            raise
        SESSION.record(self.environment, "calibration", opened, result, None)
        return name, result


@events.init_command_line_parser.add_listener
def add_options(parser: Any, **_: Any) -> None:
    parser.add_argument("--seen", required=True, help="file for what was seen")


@events.quit.add_listener
def tell(environment: Any = None, **_: Any) -> None:
    SESSION.settle()
    told = {"seen": SEEN, "errors": ERRORS, **SESSION.health.summary()}
    figures = SESSION.metrics.total.summary()
    told["events_per_s"] = figures["events_per_s"]
    told["events_per_read"] = round(figures["events"] / figures["reads"], 3) if figures["reads"] else None
    Path(FILE[0]).write_text(json.dumps(told), encoding="utf-8")


FILE: list[str] = []


@events.init.add_listener
def prepare(environment: Any, **_: Any) -> None:
    FILE.append(environment.parsed_options.seen)


SESSION.install(events)
