"""One locust process's part in a run: its figures, its plan, and the events that tie them to other processes."""
# mypy: allow-untyped-calls

import argparse
import logging
import shlex
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from time import perf_counter, process_time, time
from typing import Any, NamedTuple

import gevent
from locust.env import Environment
from locust.event import Events
from locust.runners import MasterRunner, WorkerRunner

from conformance import whole
from conformance.exchange import clip, escaped
from conformance.reporting.report import tool_version
from conformance.target import ConfigError
from load import gate, health
from load.health import PROBE_S, Health
from load.live import Live
from load.metrics import Batch, Limits, Metrics, Series
from load.options import Settings, flags, of_locust, settings_of, shown_headers, without_password
from load.overhead import Pairs
from load.plan import Plan, Planner
from load.reporting import files
from load.result import StreamResult

WIRE_KEY = "gateproof"
STREAM_ROWS = "SSE"
HERE = "local"
SAID = 300
"""Characters that are kept of what a gateway said."""
AT_ONCE = 8
"""Requests that are counted at once when so many have ended: some 0.3 ms. Fewer wait for the next look at the loop."""
LOG = logging.getLogger("gateproof")
_NOT_REPEATED = {"api_key", "json", "progress"}
_HELD = {True: "held", False: "MISSED"}


class _Watched:
    """One second of this process: how many requests were open, how late its loop was while there were any, in seconds,
    and its CPU before."""

    def __init__(self) -> None:
        self.second = int(time())
        self.active: list[int] = []
        self.lags_s: list[float] = []
        self.cpu_s, self.wall_s = process_time(), perf_counter()


class _Ended(NamedTuple):
    """The arguments of `Session.record`."""

    environment: Environment
    scenario: str
    opened: Any
    result: StreamResult
    plan: Plan | None


class Session:
    """Counts the requests of this process; on a master, those of all its workers.

    Whoever sends a request calls `live.begin` before, and `record` or `unfinished` with what that gave after it.
    `arrivals` are told in load.json as they are set here, and so are `lost`: workers that did not tell their last.
    """

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.health = Health()
        self.pairs = Pairs()
        self.planner = Planner()
        self.users = self.lost = 0
        self.arrivals: dict[str, Any] = {}
        self.live = Live()
        self._series = Series()
        self._ended: deque[_Ended] = deque()
        self._unsent: list[Batch] = []
        self._is_worker = False
        self._pulse: Any = None
        self._watched = _Watched()
        self._worker_model: str | None = None

    @property
    def active(self) -> int:
        """How many requests of this process are under way."""
        return self.live.active

    def unfinished(self, scenario: str, opened: Any) -> None:
        """The request that began is given up, because its user is stopped."""
        self.live.leave(opened)
        self.metrics.add_unfinished(scenario)

    def dropped(self, scenario: str) -> None:
        """A request was due and is not sent, because as many as are allowed are open."""
        self.metrics.add_dropped(scenario)

    def record(
        self, environment: Environment, scenario: str, opened: Any, result: StreamResult, plan: Plan | None
    ) -> None:
        """Counts the end of the request that began, here and in locust's own tables, with others that end soon."""
        self.live.leave(opened)
        self._ended.append(_Ended(environment, scenario, opened, result, plan))
        if len(self._ended) >= AT_ONCE:
            self._count_ended()

    def _count_ended(self) -> None:
        """Counts what has ended: several at once, as each costs twice as much when it is counted between two reads."""
        while self._ended:
            self._count(*self._ended.popleft())

    def _count(
        self, environment: Environment, scenario: str, opened: Any, result: StreamResult, plan: Plan | None
    ) -> None:
        """Counts one, here and in locust's own tables (milliseconds there).

        TTFT and ITL become rows of their own, one value a stream, but do not enter locust's aggregated row: that stays
        what it says, requests and their response times.
        """
        self.live.end(opened, result)
        if result.detail or result.violations:
            said = partial(_said, plan)
            violations = tuple((rule, said(seen)) for rule, seen in result.violations)
            result = replace(result, detail=said(result.detail), violations=violations)
        self.metrics.add(scenario, result)
        environment.events.request.fire(
            request_type="POST",
            name=scenario,
            response_time=result.e2e_s * 1000,
            response_length=result.bytes_read,
            exception=result.failure,
            context={},
        )
        if result.failure is None and result.ttft_s is not None:
            rows = [("TTFT", result.ttft_s)]
            if gaps := result.gaps_s:
                rows.append(("ITL", sum(gaps) / len(gaps)))
            for name, seconds in rows:
                row = environment.stats.get(name, STREAM_ROWS)
                row.log(seconds * 1000, 0)  # type: ignore[arg-type]  # annotated as whole milliseconds; it keeps fractions

    @property
    def series(self) -> list[dict[str, Any]]:
        """A row for every second of the run so far."""
        self.settle()
        return self._series.rows()

    def document(self, environment: Environment) -> dict[str, Any]:
        """load.json: what was asked, where, and the figures. Times are in seconds; it holds no secret."""
        series = self.series
        runner, options, settings = environment.runner, _options(environment), _settings(environment)
        figures = self.metrics.summary()
        document = {
            "tool": {"name": "gateproof", "version": tool_version()},
            "command": _command(environment, options),
            "base_url": without_password(environment.host or ""),
            "model": escaped(self.planner.model or self._worker_model or options.gateproof_model or "", "") or None,
            "profile": options.gateproof_profile or "openai",
            "max_tokens": settings.max_tokens,
            "users": self.users,
            "arrivals": {"kind": "closed", "rate": None, "users": self.users} | self.arrivals,
            **figures,
            "distribution": self.metrics.total.distribution(),
            "client": {
                "errors": sum(row["count"] for row in runner.exceptions.values()) if runner else 0,
                "lost_processes": self.lost,
                **self.health.summary(),
                "events_per_read": round(figures["events"] / figures["reads"], 3) if figures["reads"] else None,
                "lateness_s": self.metrics.total.client_lateness_s.summary(),
                "calibration": None,
            },
            "slo": {},
            "overhead": self.pairs.summary(),
            "series": series,
        }
        document["client"] = health.judged(document)
        document["slo"] = gate.judge(document, gate.parse(settings.slo))
        return document

    def install(self, events: Events) -> None:
        """Listens to the events of a locust process, whatever part it will play."""
        process: dict[str, Environment] = {}

        def on_init(environment: Environment, **_: Any) -> None:
            process["environment"] = environment

        def on_test_start(environment: Environment, **_: Any) -> None:
            process["environment"] = environment  # a worker may be told to start before it is told that it is there
            self.clear()
            self.lost = 0
            self.planner.clear()
            self.live = Live()
            self._is_worker = isinstance(environment.runner, WorkerRunner)
            settings = _settings(environment)
            checks = gate.parse(settings.slo)
            self.metrics.limits = Limits(settings.stall_s, checks.good if checks else None)
            if self._pulse is None and not isinstance(environment.runner, MasterRunner):
                self._pulse = gevent.spawn(self._watch)

        def on_test_stop(**_: Any) -> None:
            if self._pulse is not None:
                self._pulse.kill()
                self._pulse = None
                self._tell_watched()

        def on_spawned(user_count: int, **_: Any) -> None:
            self.users = user_count
            if process["environment"].reset_stats:
                self.clear()

        def on_reset(**_: Any) -> None:
            self.clear()

        def on_report_to_master(client_id: str, data: dict[str, Any], **_: Any) -> None:
            self.settle()
            data[WIRE_KEY] = {"batches": [batch.to_wire() for batch in self._unsent], "model": self.planner.model}
            self._unsent.clear()

        def on_worker_report(client_id: str, data: dict[str, Any], **_: Any) -> None:
            if found := data.get(WIRE_KEY):
                for batch in found["batches"]:
                    self._receive(client_id, Batch.from_wire(batch))
                self._worker_model = found["model"] or self._worker_model

        def on_quitting(environment: Environment, **_: Any) -> None:
            if not isinstance(environment.runner, WorkerRunner):
                self._say(environment)

        def on_quit(**_: Any) -> None:
            environment = process.get("environment")
            if environment is None or isinstance(environment.runner, WorkerRunner):
                return
            if path := getattr(_options(environment), "gateproof_json", None):
                whole.put(Path(path), files.json_text(self.document(environment)).encode())

        events.init.add_listener(on_init)
        events.test_start.add_listener(on_test_start)
        events.test_stop.add_listener(on_test_stop)
        events.spawning_complete.add_listener(on_spawned)
        events.reset_stats.add_listener(on_reset)
        events.report_to_master.add_listener(on_report_to_master)
        events.worker_report.add_listener(on_worker_report)
        events.quitting.add_listener(on_quitting)
        events.quit.add_listener(on_quit)

    def _say(self, environment: Environment) -> None:
        """Tells in locust's log what locust does not know of; with SLOs, the gate decides locust's exit code, too."""
        document = self.document(environment)
        for row in document["slo"]["checks"]:
            LOG.log(logging.INFO if row["held"] else logging.ERROR, "%s %s", _HELD[row["held"]], row["sentence"])
        for row in document["violations"]:
            LOG.error("%d violations of %s: %r", row["count"], row["rule"], row["example"])
        for reason in document["client"]["reasons"]:
            LOG.warning("not to be trusted: %s", reason)
        if document["slo"]["checks"] and environment.process_exit_code is None:
            environment.process_exit_code = gate.exit_code(document)

    def clear(self) -> None:
        """Forgets what was measured; what is open stays open."""
        for part in (self._ended, self.metrics, self.health, self.pairs, self.live, self._series, self._unsent):
            part.clear()

    def _watch(self) -> None:
        """Measures, as long as a test runs, how late this process's loop is and how much CPU it needs."""
        self._watched = _Watched()
        while True:
            self._count_ended()
            before_s = perf_counter()
            gevent.sleep(PROBE_S)
            watched = self._watched
            watched.active.append(self.active)
            if self.active:
                watched.lags_s.append(perf_counter() - before_s - PROBE_S)
            if int(time()) != watched.second:
                for _ in self.live.look():
                    gevent.sleep(0)
                self._tell_watched()

    def _tell_watched(self) -> None:
        """Tells what was measured of this process in the second that is over, or cut short by the end of the test."""
        watched, self._watched = self._watched, _Watched()
        if watched.active:
            active = round(fmean(watched.active))
            for second in range(watched.second, max(self._watched.second, watched.second + 1)):
                self.live.counts[second]["active"] = active
        self._tell(watched)

    def settle(self) -> None:
        """Counts what is fresh, so that the figures are those of now."""
        self._tell(None)

    def _tell(self, watched: "_Watched | None") -> None:
        self._count_ended()
        counts, times = self.live.take()
        lag, cpu_s, wall_s = health.seconds([]), 0.0, 0.0
        if watched and watched.lags_s:
            lag = health.seconds(watched.lags_s)
            cpu_s, wall_s = process_time() - watched.cpu_s, perf_counter() - watched.wall_s
        second = watched.second if watched else int(time())
        batch = Batch(second, self.metrics.take(), counts, times, self.pairs.take(), lag, cpu_s, wall_s)
        if self._is_worker:
            self._unsent.append(batch)
        else:
            self._receive(HERE, batch)

    def _receive(self, process: str, batch: Batch) -> None:
        self.metrics.receive(batch.figures)
        self.pairs.receive(batch.pairs)
        batch.add_to(self._series)
        if batch.lag.count:
            self.health.add(process, batch.lag, batch.cpu_s, batch.wall_s)


def _said(plan: Plan | None, text: str) -> str:
    """What a gateway said, without secrets, and so that it commands no terminal that it is shown on."""
    return clip(plan.redactor.text(text) if plan else text, SAID)


def _options(environment: Environment) -> argparse.Namespace:
    options: argparse.Namespace | None = environment.parsed_options
    assert options is not None
    return options


def _settings(environment: Environment) -> Settings:
    """The settings of the run; options that amount to none were refused before, or the run sends nothing."""
    try:
        return settings_of(_options(environment))
    except ConfigError:
        return Settings()


def _command(environment: Environment, options: argparse.Namespace) -> str:
    """The line that has locust run the same again, without secrets: a key comes from the environment."""
    ours = {name: value for name, value in of_locust(options).items() if name not in _NOT_REPEATED}
    headers = ours.get("header")
    lines = [headers] if isinstance(headers, str) else headers or ()
    ours["header"] = shown_headers([(name, value) for name, _, value in (line.partition(": ") for line in lines)])
    ours["direct"] = without_password(ours["direct"]) if ours.get("direct") else None
    words = ["locust", "-f", "load/locustfile.py", "--headless", "-H", without_password(environment.host or "")]
    named = ("spawn_rate", "run_time", "processes", "tags", "exclude_tags")
    words += flags({"users": options.num_users, **{name: getattr(options, name, None) for name in named}})
    return shlex.join([*words, *flags(ours, "--gateproof-"), *(options.user_classes or ())])


SESSION = Session()
"""The session of this process: locust makes its user objects itself, so they can't be given one."""
