"""The dashboard in locust's web interface: in one process, on a master with workers, below a path, behind a login."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from load.reporting import charts
from reference_gateway.server import running, running_gateway
from tests import browser
from tests.conftest import ROOT
from tests.load.gateways import Counted, free_port

KEY = "sk-dashboard-tests.0001"
LOGIN = """
from flask import Blueprint
from flask_login import UserMixin
from locust import events

class Somebody(UserMixin):
    def get_id(self):
        return "somebody"

@events.init.add_listener
def login(environment, **_):
    environment.web_ui.app.config["SECRET_KEY"] = "for a test"
    environment.web_ui.login_manager.user_loader(lambda name: Somebody())
    environment.web_ui.auth_args = {"username_password_callback": "./login_submit"}
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with running_gateway(tokens=(KEY,)) as url:
        yield url + "/v1"


@contextmanager
def locust(gateway: str, *words: str, files: str = "", web: bool = True) -> Iterator[httpx.Client]:
    """Locust on our locustfile, as a process of its own, and a client of its web interface."""
    port = free_port()
    command = [sys.executable, "-m", "locust", "-f", f"{ROOT / 'load' / 'locustfile.py'}{files}", *words]
    command += ["-H", gateway, "--web-host", "127.0.0.1", "--web-port", str(port)] if web else []
    env = os.environ | {"GATEPROOF_API_KEY": KEY, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=8)) as client:
            yield client
    finally:
        process.terminate()
        process.wait(20)


def worker_of(port: str, gateway: str) -> AbstractContextManager[httpx.Client]:
    return locust(gateway, "--worker", "--master-port", port, web=False)


@pytest.fixture(scope="module")
def local(gateway: str) -> Iterator[httpx.Client]:
    with locust(gateway, "--autostart", "-u", "2", "-t", "90s") as web:
        until(web, lambda answer: answer["figures"]["ttft_s"]["count"] and answer["series"]["columns"]["t_s"])
        yield web


def test_the_tab_of_locust_s_own_page_holds_the_dashboard(local: httpx.Client) -> None:
    page = local.get("/").text
    assert '"key": "gateproof", "title": "Streaming"' in page
    assert '<script src="./gateproof/static/tab.js"></script></body>' in page
    for name in ("tab.js", "dashboard.js", "charts.js", "uplot.min.js", "style.css", "page.css", "uplot.min.css"):
        assert local.get(f"/gateproof/static/{name}").status_code == 200
    assert local.get("/gateproof/static/../dashboard.py").status_code == 404


def test_locust_s_own_table_in_the_tab_has_our_figures(local: httpx.Client) -> None:
    table = local.get("/stats/requests").json()["extended_stats"][0]
    assert table["key"] == "gateproof" and table["data"][0]["figure"] == "TTFT (ms)"


def test_every_chart_s_line_is_told_and_grows(local: httpx.Client) -> None:
    assert [chart["name"] for chart in local.get("/gateproof/charts.json").json()] == [
        one.name for one in charts.CHARTS
    ]
    names = ("ttft_p95_s", "itl_p99_s", "events_per_s", "active", "loop_lag_s", "cpu")
    told = until(local, lambda answer: all(any(answer["series"]["columns"][name]) for name in names))
    columns = told["series"]["columns"]
    assert set(columns) == {"t_s", *charts.KEYS}
    until(local, lambda answer: len(answer["series"]["columns"]["t_s"]) > len(columns["t_s"]))


def test_only_what_a_page_does_not_know_is_told(local: httpx.Client) -> None:
    run = local.get("/gateproof.json").json()["run"]
    told = local.get("/gateproof.json", params={"run": run, "rows": 1000}).json()["series"]
    assert told["start"] == 1000 - 60 and told["columns"]["t_s"] == []
    other = local.get("/gateproof.json", params={"run": run - 1, "rows": 1000}).json()["series"]
    assert other["start"] == 0 and other["columns"]["t_s"]


def test_no_secret_is_told(local: httpx.Client) -> None:
    texts = [local.get(path).text for path in ("/gateproof.json", "/gateproof", "/stats/requests")]
    assert not [text for text in texts if KEY in text]


def test_a_stream_is_shown_while_it_is_open() -> None:
    endless = Counted(texts=100_000, gap_s=0.02)
    with running(endless.app, drain_timeout_s=0.1) as url, locust(url + "/v1", "--autostart", "-u", "2") as web:
        names = ("ttft_p50_s", "itl_p50_s", "events_per_s", "tokens_per_s", "active")
        told = until(
            web,
            lambda answer: (
                all(any(answer["series"]["columns"][name]) for name in names)
                and max(answer["series"]["columns"]["active"]) == 2
            ),
        )
        columns = told["series"]["columns"]
        assert told["figures"]["requests"] == 0
        assert median(gap for gap in columns["itl_p50_s"] if gap) > 0.01


@browser.needs_browser
def test_a_browser_shows_the_dashboard_in_its_tab(local: httpx.Client) -> None:
    with browser.running() as chromium:
        page = chromium.new_page()
        page.goto(f"{local.base_url}/?tab=gateproof")
        page.wait_for_selector(".gateproof-shown")
        tab = page.frame_locator("iframe[src='./gateproof?embedded']")
        tab.get_by_role("img", name="p50 from ").first.wait_for()
        assert tab.locator("canvas").count() == len(charts.CHARTS)
        assert tab.get_by_text("TTFT (ms)").count() == 1


def test_stop_start_and_reset_begin_again(gateway: str) -> None:
    with locust(gateway, "--autostart", "-u", "1") as web:
        first = until(web, lambda answer: answer["figures"]["requests"])
        web.post("/stats/reset")
        reset = web.get("/gateproof.json").json()
        assert reset["run"] == first["run"] + 1
        web.post("/stop")
        stopped = until(web, lambda answer: answer["state"] == "stopped")
        assert not stopped["live"]
        web.post("/swarm", data={"user_count": "1", "spawn_rate": "1", "host": gateway})
        again = until(web, lambda answer: answer["live"] and answer["figures"]["requests"])
        assert again["run"] > stopped["run"]


def test_a_master_shows_what_its_workers_measure(gateway: str) -> None:
    port = str(free_port())
    master = ("--master", "--master-bind-port", port)
    with locust(gateway, *master) as web, worker_of(port, gateway), worker_of(port, gateway):
        wait(lambda: web.get("/worker-count").json()["worker_count"] == 2)
        web.post("/swarm", data={"user_count": "4", "spawn_rate": "4", "host": gateway})
        names = ("ttft_p50_s", "loop_lag_s", "cpu")
        answer = until(
            web,
            lambda found: (
                all(any(found["series"]["columns"][name]) for name in names)
                and max(found["series"]["columns"]["active"]) == 4
            ),
        )
        assert answer["figures"]["client"]["processes"] == 2
        web.post("/stop")


def test_below_a_path_of_its_own_everything_is_there(gateway: str) -> None:
    with locust(gateway, "--web-base-path", "/load/test") as web:
        assert "./gateproof/static/tab.js" in web.get("/load/test/").text
        assert "dashboard.js" in web.get("/load/test/gateproof").text
        assert web.get("/load/test/gateproof/static/tab.js").status_code == 200
        assert web.get("/load/test/gateproof.json").json()["state"] == "ready"
        assert web.get("/gateproof.json").status_code == 404


def test_behind_a_login_nothing_is_told_to_a_stranger(gateway: str, tmp_path: Path) -> None:
    (tmp_path / "login.py").write_text(LOGIN)
    with locust(gateway, "--web-login", files=f",{tmp_path / 'login.py'}") as web:
        for path in ("/", "/gateproof", "/gateproof.json", "/gateproof/charts.json", "/gateproof/static/tab.js"):
            answer = web.get(path)
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (302, "/login")


def until(web: httpx.Client, good: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The dashboard's JSON as soon as it is good, within twenty seconds."""
    found: dict[str, Any] = {}

    def is_good() -> bool:
        nonlocal found
        found = web.get("/gateproof.json").json()
        return bool(good(found))

    wait(is_good, lambda: json.dumps(found)[:2000])
    return found


def wait(good: Callable[[], bool], told: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + 20
    while not good():
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)
