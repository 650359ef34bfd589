"""One locust process's part in a run: its metrics, its plan, and the events that tie them to other processes."""
# mypy: allow-untyped-calls

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from locust.env import Environment
from locust.event import Events
from locust.runners import WorkerRunner

from conformance.reporting.report import tool_version
from load.metrics import Metrics
from load.plan import Plan, Planner
from load.result import StreamResult

WIRE_KEY = "gateproof"
STREAM_ROWS = "SSE"


class Session:
    """Counts the requests of this process; on a master, those of all its workers."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.planner = Planner()
        self.users = 0
        self._worker_model: str | None = None

    def plan(self, environment: Environment) -> Plan:
        """Raises NoPlan while the gateway can't be asked."""
        return self.planner.plan(_options(environment), environment.host)

    def record(self, environment: Environment, scenario: str, result: StreamResult, plan: Plan | None) -> None:
        """Counts one finished request, here and in locust's own tables (milliseconds there).

        TTFT and ITL become rows of their own, one value a stream, but do not enter locust's aggregated row: that stays
        what it says, requests and their response times.
        """
        if plan and result.detail:
            result = replace(result, detail=plan.redactor.text(result.detail))
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
            environment.stats.get("TTFT", STREAM_ROWS).log(result.ttft_s * 1000, 0)  # type: ignore[arg-type]
            if gaps := result.gaps_s:
                mean_ms = sum(gaps) / len(gaps) * 1000
                environment.stats.get("ITL", STREAM_ROWS).log(mean_ms, 0)  # type: ignore[arg-type]

    def document(self, environment: Environment) -> dict[str, Any]:
        """load.json: what was asked, where, and the figures. Times are in seconds; it holds no secret."""
        runner = environment.runner
        return {
            "tool": {"name": "gateproof", "version": tool_version()},
            "base_url": _without_password(environment.host or ""),
            "model": self.planner.model or self._worker_model or _options(environment).gateproof_model or None,
            "max_tokens": _options(environment).gateproof_max_tokens,
            "users": self.users,
            "client": {"errors": sum(row["count"] for row in runner.exceptions.values()) if runner else 0},
            **self.metrics.summary(),
        }

    def install(self, events: Events) -> None:
        """Listens to the events of a locust process, whatever part it will play."""
        process: dict[str, Environment] = {}

        def on_init(environment: Environment, **_: Any) -> None:
            process["environment"] = environment

        def on_test_start(environment: Environment, **_: Any) -> None:
            self.metrics.clear()
            self.planner.clear()

        def on_spawned(user_count: int, **_: Any) -> None:
            self.users = user_count
            if process["environment"].reset_stats:
                self.metrics.clear()

        def on_reset(**_: Any) -> None:
            self.metrics.clear()

        def on_report_to_master(client_id: str, data: dict[str, Any], **_: Any) -> None:
            data[WIRE_KEY] = {"metrics": self.metrics.take(), "model": self.planner.model}

        def on_worker_report(client_id: str, data: dict[str, Any], **_: Any) -> None:
            if found := data.get(WIRE_KEY):
                self.metrics.receive(found["metrics"])
                self._worker_model = found["model"] or self._worker_model

        def on_quit(**_: Any) -> None:
            environment = process.get("environment")
            if environment and not isinstance(environment.runner, WorkerRunner):
                path = _options(environment).gateproof_json
                if path:
                    write_json(Path(path), self.document(environment))

        events.init.add_listener(on_init)
        events.test_start.add_listener(on_test_start)
        events.spawning_complete.add_listener(on_spawned)
        events.reset_stats.add_listener(on_reset)
        events.report_to_master.add_listener(on_report_to_master)
        events.worker_report.add_listener(on_worker_report)
        events.quit.add_listener(on_quit)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Writes the file whole or not at all."""
    staging = path.with_name(path.name + ".partial")
    staging.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(staging, path)


def _options(environment: Environment) -> argparse.Namespace:
    options: argparse.Namespace | None = environment.parsed_options
    assert options is not None
    return options


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


SESSION = Session()
"""The session of this process: locust makes its user objects itself, so they can't be given one."""
