"""docs/load.md names nothing that is not there, and its commands for locust and for a CI work as they stand there, but
for addresses, ports and lengths. (Those of `gateproof` in its console blocks are run with all the documents'.)"""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from load.arrivals.schedule import Schedule
from reference_gateway.server import running_gateway
from tests.conftest import BIN, ROOT, Command
from tests.load.gateways import free_port

PAGE = (ROOT / "docs" / "load.md").read_text("utf-8")
KEY = "sk-docs-tests.0001"
LINES = re.findall(r"^(\w*\$) +(?:\w+=… )?(locust .*)$", PAGE.replace("\\\n", " "), re.MULTILINE)
"""(who types it, the command) of every locust command in a console block."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with running_gateway(tokens=(KEY,)) as url:
        yield url


def words(command: str, gateway: str, port: int, *more: str) -> list[str]:
    """The command for this gateway, with the master at this port, and with a length of seconds."""
    here = command.replace("https://gw.example", gateway).replace("--master-host MASTER", "--master-host 127.0.0.1")
    for long, short in (
        (r"-u \d+", "-u 4"),
        (r"-t \w+", "-t 3s"),
        (r"-s \d+", "-s 5"),
        ("--processes -1", "--processes 2"),
    ):
        here = re.sub(long, short, here)
    here = re.sub(r"--worker\b", f"--worker --master-port {port}", here)
    here = re.sub(r"--master(?= )", f"--master --master-bind-port {port}", here)
    if "--headless" not in here and "--worker" not in here:
        more = ("--web-host", "127.0.0.1", *more)
    name, *rest = shlex.split(here)
    return [str(BIN / name), *rest, *more]


@contextmanager
def begun(command: Sequence[str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    env = os.environ | {"GATEPROOF_API_KEY": KEY, "PYTHONPATH": str(ROOT)}
    (folder / "load").exists() or (folder / "load").symlink_to(ROOT / "load")
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=folder, env=env, start_new_session=True, **quiet)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def test_the_page_s_commands_for_locust_are_those_that_are_run_here() -> None:
    assert [who for who, _ in LINES] == ["$", "master$", "worker1$", "worker2$", "master$"]


def test_the_web_interface_comes_up(gateway: str, tmp_path: Path) -> None:
    (command,) = (text.partition("  ")[0] for who, text in LINES if who == "$")
    port, web = free_port(), free_port()
    more = ("--web-port", str(web), "--master-bind-port", str(port), "--master-port", str(port))
    with begun(words(command, gateway, port, *more), tmp_path):
        found = ask(f"http://127.0.0.1:{web}/gateproof.json")
        assert found["state"] == "ready" and found["figures"]["base_url"] == f"{gateway}/v1"


def test_a_master_with_a_web_interface_finds_its_workers(gateway: str, tmp_path: Path) -> None:
    (master, *_), workers = ([text for who, text in LINES if who.startswith(at)] for at in ("master", "worker"))
    port, web = free_port(), free_port()
    with ExitStack() as stack:
        for command in (master, *workers):
            more = ("--web-port", str(web)) if command == master else ()
            stack.enter_context(begun(words(command, gateway, port, *more), tmp_path))
        deadline = time.monotonic() + 40
        while ask(f"http://127.0.0.1:{web}/worker-count")["worker_count"] < 4 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert ask(f"http://127.0.0.1:{web}/worker-count")["worker_count"] == 4


def test_a_master_without_a_web_interface_leaves_the_figures_of_all_workers(gateway: str, tmp_path: Path) -> None:
    (*_, master), workers = ([text for who, text in LINES if who.startswith(at)] for at in ("master", "worker"))
    port = free_port()
    with ExitStack() as stack:
        process = stack.enter_context(begun(words(master, gateway, port), tmp_path))
        for command in workers:
            stack.enter_context(begun(words(command, gateway, port), tmp_path))
        process.wait(60)
    document = json.loads((tmp_path / "load.json").read_text())
    assert document["client"]["processes"] == 4 and document["requests"] > 0 and document["failed"] == 0


def test_the_gate_of_a_ci_compares_with_the_run_before(run: Command, gateway: str, tmp_path: Path) -> None:
    (command,) = re.findall(r"^- run: >\n((?:    .*\n)+)", PAGE, re.MULTILINE)
    told = re.sub(r"--duration \w+", "--duration 1 --no-calibration", command.replace('"$URL"', f"{gateway}/v1"))
    first = re.sub(r"--baseline \S+", "", told).replace("--output out", "--output last")
    env = {"GATEPROOF_API_KEY": KEY}
    assert run(*shlex.split(first), env=env).returncode in (0, 1, 7)  # how busy this machine is
    done = run(*shlex.split(told), env=env)
    assert done.returncode in (0, 1, 7) and "beside the earlier run" in done.stdout, done.stderr
    assert len(json.loads((tmp_path / "out" / "load.json").read_text())["slo"]["checks"]) == 4


def ask(url: str) -> dict[str, Any]:
    """The JSON there, as soon as there is something."""
    deadline = time.monotonic() + 30
    while True:
        try:
            found: dict[str, Any] = httpx.get(url, trust_env=False).json()
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return found


def test_every_option_that_the_page_names_exists(run: Command) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", PAGE))
    told = run("gateproof", "load", "--help").stdout + run("locust", "--help").stdout
    told += (ROOT / "load" / "locustfile.py").read_text("utf-8")
    assert named - set(re.findall(r"--[a-z][a-z-]*[a-z]", told)) == set()


def test_every_schedule_that_the_page_names_is_one() -> None:
    named = re.findall(r"^\| `([a-z]+:[^`]+)`", PAGE, re.MULTILINE)
    assert len(named) == 4
    assert [Schedule.parse(text, None) for text in named if not text.startswith("replay")]


def test_every_file_that_the_page_names_is_there() -> None:
    assert all((ROOT / path).exists() for path in re.findall(r"\b(?:load|schemas)/[a-z_.]+\.(?:py|json)\b", PAGE))
