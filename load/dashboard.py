"""What is added to locust's web interface: a tab with live charts, the same as a page of its own, and their JSON."""
# mypy: allow-untyped-decorators, allow-untyped-calls

import json
import time
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request, send_from_directory
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner

from conformance.rendering.markup import STYLE
from load.metrics import TIMES
from load.reporting import charts
from load.reporting.table import COLUMNS, TITLES, ms
from load.session import Session

TAB = "gateproof"
STATIC = Path(__file__).with_name("static")
SHOWN_S = 1800
"""The charts show the last half hour."""
AGAIN_S = 60
"""A row is sent again for so long, as what came in its second is known when the answer has ended."""
FRESH_S = 1.9
"""The figures are put together at most so often, however many pages ask: this process may be sending the load."""
UNSETTLED_S = {True: 4, False: 1}
"""The latest seconds are not complete, and not shown while the run goes on; on a master, which workers tell every
three seconds, more of them."""


LIVE = (STATE_SPAWNING, STATE_RUNNING)


class Snapshot:
    """The document of the run under way, at most FRESH_S old, and which run it is."""

    def __init__(self, environment: Environment, session: Session) -> None:
        self._environment, self._session = environment, session
        self._document: dict[str, Any] = {}
        self._made_s = -FRESH_S
        self._run = 0
        for event in (environment.events.test_start, environment.events.reset_stats):
            event.add_listener(self._begin)
        environment.events.spawning_complete.add_listener(self._spawned)

    def document(self) -> dict[str, Any]:
        if (now_s := time.monotonic()) - self._made_s >= FRESH_S:
            self._document, self._made_s = self._session.document(self._environment), now_s
        return self._document

    def since(self, run: int | None, known_rows: int) -> dict[str, Any]:
        """The figures, and the rows of the series that a page which knows so many rows of that run has yet to draw."""
        figures = dict(self.document())
        rows = figures.pop("series")
        runner = self._environment.runner
        if runner and runner.state in LIVE:
            rows = rows[: -UNSETTLED_S[isinstance(runner, MasterRunner)]]
        start = max(0, len(rows) - SHOWN_S, (known_rows - AGAIN_S) if run == self._run else 0)
        return {
            "state": runner.state if runner else "missing",
            "live": bool(runner and runner.state in LIVE),
            "run": self._run,
            "rows": rows_of(figures),
            "figures": figures,
            "series": {"start": start, "columns": charts.columns(rows[start:])},
        }

    def _begin(self, **_: Any) -> None:
        self._run += 1
        self._made_s = -FRESH_S

    def _spawned(self, **_: Any) -> None:
        if self._environment.reset_stats:
            self._begin()


def rows_of(summary: dict[str, Any]) -> list[dict[str, str]]:
    """The table of a summary: one row per figure, times in milliseconds with two decimals."""
    found = []
    for name in TIMES:
        figures = summary[name]
        if not figures["count"]:
            continue
        cells = {column: ms(figures[column]) for column in COLUMNS}
        found.append({"figure": f"{TITLES[name]} (ms)", "count": f"{figures['count']}", **cells})
    for name, title in (("events_per_s", "Events/s"), ("tokens_per_s", "Tokens/s"), ("requests_per_s", "Requests/s")):
        rate = summary[name]
        found.append(
            {"figure": title, "count": "", **dict.fromkeys(COLUMNS, ""), "mean": "" if rate is None else f"{rate:.1f}"}
        )
    return found


def install(environment: Environment, session: Session) -> None:
    """Adds the tab, /gateproof and /gateproof.json to the web interface of a local run or a master."""
    web = environment.web_ui
    assert web is not None and web.app is not None
    options = environment.parsed_options
    pages = Blueprint("gateproof", __name__, url_prefix=(options and options.web_base_path) or None)
    snapshot = Snapshot(environment, session)

    @pages.route("/gateproof")
    @web.auth_required_if_enabled
    def page() -> Response:
        return send_from_directory(STATIC, "dashboard.html")

    @pages.route("/gateproof/static/<name>")
    @web.auth_required_if_enabled
    def static(name: str) -> Response:
        return send_from_directory(STYLE.parent if name == STYLE.name else STATIC, name)

    @pages.route("/gateproof/charts.json")
    @web.auth_required_if_enabled
    def specification() -> Response:
        return _json(charts.specification())

    @pages.route("/gateproof.json")
    @web.auth_required_if_enabled
    def figures() -> Response:
        return _json(snapshot.since(request.args.get("run", type=int), request.args.get("rows", 0, type=int)))

    def add_to_locust_s(response: Response) -> Response:
        if response.status_code != 200:
            return response
        if request.endpoint == "locust.request_stats":
            table = {"key": TAB, "data": rows_of(snapshot.document())}
            response.set_data(json.dumps({**(response.json or {}), "extended_stats": [table]}))
        elif request.endpoint == "locust.index":
            script = '<script src="./gateproof/static/tab.js"></script></body>'
            response.set_data(response.get_data(as_text=True).replace("</body>", script))
        return response

    web.app.register_blueprint(pages)
    web.app.after_request(add_to_locust_s)
    structure = [{"key": "figure", "title": "Figure"}, {"key": "count", "title": "Count"}]
    structure += [{"key": column, "title": column} for column in COLUMNS]
    web.template_args["extended_tabs"] = [{"title": "Streaming", "key": TAB}]
    web.template_args["extended_tables"] = [{"key": TAB, "structure": structure}]


def _json(value: Any) -> Response:
    return Response(json.dumps(value), mimetype="application/json", headers={"Cache-Control": "no-store"})
