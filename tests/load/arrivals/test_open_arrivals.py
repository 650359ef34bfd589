"""Open arrivals, refusals that are obeyed, and clients that leave: locust as it is run, against gateways that count."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep
from typing import Any

from reference_gateway.server import running
from tests.conftest import ROOT, Command
from tests.load.gateways import Counted, free_port

LOCUSTFILE = str(ROOT / "load" / "locustfile.py")


def locust(run: Command, url: str, *words: str, length: str = "2s", code: int = 0) -> None:
    """A headless locust run whose requests begin within `length`; it leaves its load.json."""
    options = ["-H", url, "--headless", "-t", "20s", "--only-summary", "--gateproof-json", "load.json"]
    if "--processes" in words:  # locust's own port may be another test's
        port = str(free_port())
        options += ["--master-bind-port", port, "--master-port", port]
    done = run("locust", "-f", LOCUSTFILE, *options, "--gateproof-length", length, *words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def figures(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "load.json").read_text())
    return found


def test_requests_start_when_they_are_due_though_nothing_is_answered(run: Command, tmp_path: Path) -> None:
    gateway = Counted(hangs=True)
    with running(gateway.app, drain_timeout_s=0.1) as url:
        locust(run, url + "/v1", "--gateproof-arrivals", "constant:rate=20", "-s", "1")
    document = figures(tmp_path)
    assert len(gateway.sent_at) == 40 and gateway.most_open == 40
    assert (document["requests"], document["unfinished"]) == (0, 40)
    assert document["arrivals"]["kind"] == "constant" and document["arrivals"]["rate"] == 20


def test_no_more_are_open_than_allowed_and_the_others_are_counted_not_put_off(run: Command, tmp_path: Path) -> None:
    gateway = Counted(hangs=True)
    with running(gateway.app, drain_timeout_s=0.1) as url:
        locust(
            run, url + "/v1", "--gateproof-arrivals", "constant:rate=20", "--gateproof-max-in-flight", "5", "-s", "1"
        )
    document = figures(tmp_path)
    assert len(gateway.sent_at) == gateway.most_open == 5
    assert (document["requests"], document["unfinished"], document["dropped"]) == (0, 5, 35)


def test_workers_send_a_schedule_together_and_its_requests_only_once(run: Command, tmp_path: Path) -> None:
    gateway = Counted()
    with running(gateway.app) as url:
        locust(run, url + "/v1", "--gateproof-rate", "25", "-s", "5", "--processes", "2", "-u", "2", "-r", "2")
        together = [body["messages"] for body in gateway.bodies]
        shared = figures(tmp_path)
        gateway.bodies.clear()
        locust(run, url + "/v1", "--gateproof-rate", "25", "-s", "5")
        alone = [body["messages"] for body in gateway.bodies]
    assert sorted(map(json.dumps, together)) == sorted(map(json.dumps, alone))
    assert shared["requests"] == figures(tmp_path)["requests"] == len(alone) > 30
    assert shared["lateness_s"]["count"] == len(alone) and shared["failed"] == 0


def test_answers_that_are_open_at_the_end_may_end(run: Command, tmp_path: Path) -> None:
    gateway = Counted(texts=10, gap_s=0.1)
    with running(gateway.app) as url:
        locust(run, url + "/v1", "--gateproof-rate", "10", "-s", "10", "--processes", "2", "-u", "2", length="1s")
    document = figures(tmp_path)
    assert document["requests"] == len(gateway.sent_at) > 4
    assert (document["unfinished"], document["failed"], gateway.cut) == (0, 0, 0)


def test_a_file_of_times_is_replayed(run: Command, tmp_path: Path) -> None:
    (tmp_path / "times").write_text("7\n7\n7.5\n")
    gateway = Counted()
    with running(gateway.app) as url:
        locust(run, url + "/v1", "--gateproof-arrivals", f"replay:{tmp_path}/times", "-s", "5")
    assert figures(tmp_path)["requests"] == len(gateway.sent_at) == 3


def test_a_refused_storm_obeys_and_is_counted(run: Command, tmp_path: Path) -> None:
    gateway = Counted(refusals=6)
    with running(gateway.app) as url:
        words = ["--gateproof-arrivals", "constant:rate=6", "--gateproof-scenario", "retry-storm", "-s", "10"]
        locust(run, url + "/v1", *words, length="1s")
    document = figures(tmp_path)
    assert document["retry_after"] == {"seen": 6, "obeyed": 6}
    assert (document["requests"], document["failed"], len(gateway.sent_at)) == (6, 0, 12)
    assert all(again - first >= 0.99 for first, again in zip(gateway.sent_at[:6], gateway.sent_at[6:], strict=True))


def test_a_refusal_without_a_storm_is_a_failure(run: Command, tmp_path: Path) -> None:
    gateway = Counted(refusals=3)
    with running(gateway.app) as url:
        locust(run, url + "/v1", "--gateproof-arrivals", "constant:rate=6", "-s", "5", length="1s", code=1)
    document = figures(tmp_path)
    assert document["errors"] == {"http 429": 3} and document["requests"] == 6


def test_a_storm_does_not_wait_for_ever(run: Command, tmp_path: Path) -> None:
    gateway = Counted(refusals=99, retry_after="3600")
    with running(gateway.app) as url:
        words = ["--gateproof-arrivals", "constant:rate=3", "--gateproof-scenario", "retry-storm", "-s", "5"]
        locust(run, url + "/v1", *words, length="1s", code=1)
    assert figures(tmp_path)["errors"] == {"http 429": 3}


def test_clients_that_leave_are_told_apart_from_those_that_fail(run: Command, tmp_path: Path) -> None:
    gateway = Counted(texts=200, gap_s=0.02)
    with running(gateway.app, drain_timeout_s=0.1) as url:
        words = ["--gateproof-arrivals", "constant:rate=8", "--gateproof-scenario", "disconnect", "-s", "5"]
        locust(run, url + "/v1", *words, length="1s")
    document = figures(tmp_path)
    assert (document["left"], document["failed"], document["requests"]) == (8, 0, 8)
    assert document["ttft_s"]["count"] == 8 and document["e2e_s"]["count"] == 0
    assert gateway.cut == 8


def test_a_run_that_is_interrupted_leaves_its_figures(tmp_path: Path) -> None:
    gateway = Counted()
    with running(gateway.app) as url:
        words = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "-H", url + "/v1", "--headless", "-t", "30s"]
        words += ["--gateproof-rate", "20", "--gateproof-json", "load.json"]
        process = subprocess.Popen(words, cwd=tmp_path, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not gateway.sent_at and process.poll() is None:
            sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    document = figures(tmp_path)
    assert document["requests"] + document["unfinished"] == len(gateway.sent_at) > 0
