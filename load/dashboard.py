"""What is added to locust's web interface: a tab with the streaming figures, a page of its own, and its JSON."""
# mypy: allow-untyped-decorators

import json
import time
from collections import deque
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request
from locust.env import Environment

from load.metrics import TIMES
from load.session import Session
from load.table import COLUMNS, TITLES, ms

TAB = "gateproof"
RECENT_S = 10.0


class Recent:
    """Rates over the last seconds, from the totals it is shown each time the page asks."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque(maxlen=1000)

    def rates(self, now_s: float, events: int, tokens: int) -> dict[str, float]:
        """Events and tokens per second since the oldest totals of the last ten seconds."""
        if self._seen and events < self._seen[-1][1]:
            self._seen.clear()  # a new run
        while len(self._seen) > 1 and now_s - self._seen[0][0] > RECENT_S:
            self._seen.popleft()
        then_s, old_events, old_tokens = self._seen[0] if self._seen else (now_s, events, tokens)
        self._seen.append((now_s, events, tokens))
        passed_s = now_s - then_s
        if passed_s <= 0:
            return {"events_per_s": 0.0, "tokens_per_s": 0.0}
        return {
            "events_per_s": round((events - old_events) / passed_s, 1),
            "tokens_per_s": round((tokens - old_tokens) / passed_s, 1),
        }


def rows(summary: dict[str, Any]) -> list[dict[str, str]]:
    """The table of a summary: one row per figure, times in milliseconds with two decimals."""
    found = []
    for name in TIMES:
        figures = summary[name]
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
    page = Path(__file__).with_name("dashboard.html").read_text(encoding="utf-8")
    recent = Recent()

    @pages.route("/gateproof")
    @web.auth_required_if_enabled
    def gateproof() -> Response:
        return Response(page, mimetype="text/html")

    @pages.route("/gateproof.json")
    @web.auth_required_if_enabled
    def gateproof_json() -> Response:
        document = session.document(environment)
        document["state"] = environment.runner.state if environment.runner else "missing"
        document["now"] = recent.rates(time.monotonic(), document["events"], document["tokens"] or 0)
        document["rows"] = rows(document)
        return Response(json.dumps(document), mimetype="application/json")

    def add_figures(response: Response) -> Response:
        if request.path.endswith("/stats/requests") and response.status_code == 200:
            table = {"key": TAB, "data": rows(session.metrics.summary())}
            response.set_data(json.dumps({**(response.json or {}), "extended_stats": [table]}))
        return response

    web.app.register_blueprint(pages)
    web.app.after_request(add_figures)
    structure = [{"key": "figure", "title": "Figure"}, {"key": "count", "title": "Count"}]
    structure += [{"key": column, "title": column} for column in COLUMNS]
    web.template_args["extended_tabs"] = [{"title": "Streaming", "key": TAB}]
    web.template_args["extended_tables"] = [{"key": TAB, "structure": structure}]
