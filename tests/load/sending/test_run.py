"""What workers measured reaches their master, however busy they are when the run ends; and what does not is told."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

import schemas
from reference_gateway.server import running
from tests.conftest import ROOT, Command
from tests.load.gateways import Counted, free_port

LOCUSTFILE = str(ROOT / "load" / "locustfile.py")
BUSY = '''
"""Workers whose process gets no turn for two seconds when its test ends, as on a machine that is busy."""

from gevent.monkey import get_original
from locust import events
from locust.runners import WorkerRunner


@events.test_stop.add_listener
def busy(environment, **_):
    if isinstance(environment.runner, WorkerRunner):
        get_original("time", "sleep")(2)
'''


def words(url: str, port: int) -> list[str]:
    return ["-f", LOCUSTFILE, "-H", f"{url}/v1", "--master-bind-port", str(port), "--master-port", str(port)]


def figures(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "load.json").read_text())
    assert schemas.violations("load", found) == []
    return found


@pytest.mark.parametrize("arrivals", [["-u", "4", "-r", "4"], ["-u", "2", "-r", "2", "--gateproof-rate", "10"]])
def test_what_busy_workers_measured_last_is_not_lost(run: Command, tmp_path: Path, arrivals: list[str]) -> None:
    """Requests that are given up are counted when users are stopped: nothing of them was in an earlier report."""
    (tmp_path / "busy.py").write_text(BUSY)
    gateway = Counted(hangs=True)
    with running(gateway.app, drain_timeout_s=0.1) as url:
        command = [*words(url, free_port()), "--processes", "2", "--headless", "--only-summary", "-t", "20s", "-s", "1"]
        command[1] += ",busy.py"
        done = run("locust", *command, "--gateproof-length", "2s", "--gateproof-json", "load.json", *arrivals)
    assert "Traceback" not in done.stderr, done.stderr
    document = figures(tmp_path)
    assert document["unfinished"] == len(gateway.sent_at) > 1
    assert sum(row["started"] for row in document["series"]) == document["unfinished"]
    assert document["client"]["lost_processes"] == 0


def test_a_worker_that_dies_is_missed(tmp_path: Path) -> None:
    gateway = Counted(texts=5, gap_s=0.02)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEPROOF_")}
    options: dict[str, Any] = {"cwd": tmp_path, "env": kept, "stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(gateway.app) as url:
        locust = [sys.executable, "-m", "locust", *words(url, free_port())]
        master = [*locust, "--master", "--expect-workers", "2", "--headless", "--only-summary", "-t", "20s", "-s", "1"]
        master += ["-u", "2", "-r", "2", "--gateproof-length", "3s", "--gateproof-json", "load.json"]
        started = [subprocess.Popen(master, **options)]
        started += [subprocess.Popen([*locust, "--worker"], **options) for _ in range(2)]
        try:
            until_s = monotonic() + 60
            while len(gateway.sent_at) < 10 and monotonic() < until_s:
                sleep(0.05)
            started[1].send_signal(signal.SIGKILL)
            started[0].wait(60)
        finally:
            for process in started:
                process.kill()
                process.wait(10)
    client = figures(tmp_path)["client"]
    assert client["lost_processes"] == 1 and client["trustworthy"] is False
    assert any("1 of the client's processes went away" in reason for reason in client["reasons"])
