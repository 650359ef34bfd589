"""Plain locust on our locustfile: its rows, workers, user classes, tags, and its web form with our options."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from reference_gateway.server import running, running_gateway
from tests.conftest import ROOT, Command
from tests.load.gateways import Counted, free_port

KEY = "sk-load-tests.0002"
LOCUSTFILE = str(ROOT / "load" / "locustfile.py")
DIALECTS = {
    "openai": "/v1",
    "watsonx": "/ml/gateway/v1",
    "nemo": "/apis/inference-gateway/v2/workspaces/default/openai/-/v1",
}


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with running_gateway(tokens=(KEY,)) as url:
        yield url


def locust(run: Command, url: str, *words: str, seconds: int = 5) -> "subprocess.CompletedProcess[str]":
    options = ["-H", url, "--headless", "--only-summary", "-t", f"{seconds}s", "-s", "5"]
    options += ["--gateproof-json", "load.json"]
    if "--processes" in words:  # locust's own port may be another test's
        port = str(free_port())
        options += ["--master-bind-port", port, "--master-port", port]
    return run("locust", "-f", LOCUSTFILE, *options, *words, env={"GATEPROOF_API_KEY": KEY})


def figures(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "load.json").read_text())
    return found


def test_rows_of_locust_s_table_and_figures_of_two_workers(run: Command, gateway: str, tmp_path: Path) -> None:
    words = ["-u", "4", "-r", "4", "--processes", "2", "--csv", "figures", "--gateproof-max-tokens", "5"]
    done = locust(run, gateway + "/v1", *words)
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "figures_stats.csv").read_text()
    assert all(f",{name}," in rows for name in ("chat-short", "TTFT", "ITL"))
    document = figures(tmp_path)
    aggregated = int(rows.strip().splitlines()[-1].split(",")[2])
    assert document["requests"] == aggregated > 4 and document["unfinished"] == 0
    assert document["ttft_s"]["count"] == document["requests"] - document["failed"]
    assert document["client"]["processes"] == 2 and document["max_tokens"] == 5
    assert KEY not in done.stdout + done.stderr + (tmp_path / "load.json").read_text()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_mixed_workload_in_every_dialect(run: Command, gateway: str, tmp_path: Path, dialect: str) -> None:
    words = ["-u", "8", "-r", "8", "--gateproof-scenario", "mixed", "--gateproof-max-tokens", "3"]
    done = locust(run, gateway, *words, "--gateproof-profile", dialect, seconds=5)
    assert done.returncode == 0, done.stderr
    document = figures(tmp_path)
    assert {"chat-short", "chat-plain", "multi-turn"} <= set(document["scenarios"])
    assert (document["failed"], document["violations"], document["profile"]) == (0, [], dialect)


def test_every_scenario_at_once_by_the_user_classes(gateway: str) -> None:
    names = ["ChatShort", "ChatLong", "ChatLongPrompt", "ChatPlain", "Completions", "Embeddings", "Models"]
    names += ["MultiTurn", "Disconnect", "RetryStorm"]
    words = ["--autostart", "-u", "10", "-r", "10", "--gateproof-max-tokens", "3", *names]
    with web(gateway + "/v1", *words) as page:

        def ended() -> dict[str, Any]:
            return page.get("/gateproof.json").json()["figures"]["scenarios"]

        def all_have(found: dict[str, Any]) -> bool:
            return (
                len(found) == 10
                and all(one["requests"] for one in found.values())
                and bool(found["disconnect"]["left"] and found["chat-plain"]["tokens"])
            )

        assert until(ended, all_have, 60), ended()
        found = ended()
    assert all(scenario["failed"] == 0 for scenario in found.values())
    assert found["chat-plain"]["ttft_s"]["count"] == 0
    assert found["completions"]["ttft_s"]["count"] == found["completions"]["requests"]


def test_tags_choose_scenarios(run: Command, gateway: str, tmp_path: Path) -> None:
    done = locust(run, gateway + "/v1", "-u", "4", "-r", "4", "-T", "plain", "-E", "embeddings", seconds=5)
    assert done.returncode == 0, done.stderr
    assert set(figures(tmp_path)["scenarios"]) == {"chat-plain", "models"}


def test_the_users_of_open_arrivals_choose_the_scenario_and_do_nothing(run: Command, tmp_path: Path) -> None:
    gateway = Counted()
    with running(gateway.app) as url:
        words = ["-u", "3", "-r", "3", "--gateproof-rate", "10", "Models", "ChatShort"]
        done = locust(run, url + "/v1", *words, seconds=5)
    assert done.returncode == 0, done.stderr
    document = figures(tmp_path)
    assert set(document["scenarios"]) == {"chat-short", "models"} and document["requests"] <= 60


def test_a_gateway_that_is_not_there_is_a_failure_not_an_end(run: Command, tmp_path: Path) -> None:
    for words in (["-u", "2", "-r", "2"], ["--gateproof-rate", "50"]):
        done = locust(run, "http://127.0.0.1:9/v1", *words)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert set(figures(tmp_path)["errors"]) == {"connect"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--gateproof-rate", "much"], "--rate much"),
        (["--gateproof-arrivals", "sometimes"], "there is no kind 'sometimes'"),
        (["--gateproof-slo", "ttft_p95"], "--slo ttft_p95"),
        (["--gateproof-prompts", "nowhere"], "--prompts nowhere"),
        (["--gateproof-ca-file", "nowhere", "-H", "https://127.0.0.1:9"], "--ca-file nowhere"),
        (["--gateproof-header", "no colon"], "--header"),
        (["-H", "nonsense"], "is not a URL"),
    ],
)
def test_options_that_can_t_be_used_are_told_in_one_line(run: Command, words: list[str], says: str) -> None:
    done = locust(run, "http://127.0.0.1:9/v1", *words)
    told = [line for line in done.stderr.splitlines() if line.startswith("gateproof: ")]
    assert done.returncode == 4 and len(told) == 1 and says in told[0]
    assert "Traceback" not in done.stderr


def test_the_web_form_has_our_fields_and_its_runs_obey_them(gateway: str) -> None:
    with web(gateway + "/v1") as page:
        fields = form(page)
        assert fields["gateproof_api_key"]["is_secret"]
        assert {"openai", "watsonx", "nemo"} <= set(fields["gateproof_profile"]["choices"])
        assert {"chat-short", "mixed", "retry-storm"} <= set(fields["gateproof_scenario"]["choices"])
        assert {"gateproof_model", "gateproof_rate", "gateproof_arrivals"} <= set(fields)
        assert not {"gateproof_json", "gateproof_length", "gateproof_header"} & set(fields)
        typed = dict.fromkeys(fields, "")
        first = swarm(page, typed | {"gateproof_scenario": "models", "gateproof_api_key": KEY})
        assert first["success"], first
        assert until(lambda: ran(page), lambda names: "models" in names)
        page.post("/stop")
        second = swarm(page, typed | {"gateproof_rate": "20", "gateproof_max_tokens": "2", "gateproof_api_key": KEY})
        assert second["success"], second
        assert until(lambda: ran(page), lambda names: "chat-short" in names)
        page.post("/stop")
        again = swarm(page, typed | {"gateproof_scenario": "chat-plain", "gateproof_api_key": KEY})
        assert again["success"], again
        assert until(lambda: ran(page), lambda names: "chat-plain" in names)
        assert KEY not in page.get("/").text + page.get("/stats/report").text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"gateproof_rate": "much"}, "--rate much"),
        ({"gateproof_max_tokens": "-1"}, "--max-tokens"),
        ({"gateproof_slo": "ttft_p59 < 1ms"}, "did you mean"),
        ({"host": "nonsense"}, "is not a URL"),
    ],
)
def test_a_mistake_in_the_web_form_is_told_and_nothing_starts(gateway: str, typed: dict[str, str], says: str) -> None:
    with web(gateway + "/v1") as page:
        answer = swarm(page, dict.fromkeys(form(page), "") | typed)
        assert not answer["success"] and says in answer["message"]
        assert page.get("/stats/requests").json()["state"] == "ready"


@contextmanager
def web(url: str, *more: str) -> Iterator[httpx.Client]:
    """Locust's web interface, started with a key on its command line."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "-H", url, "--gateproof-api-key", KEY]
    words += ["--web-host", "127.0.0.1", "--web-port", str(port), *more]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEPROOF_")}
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(words, cwd=ROOT, env=env, **quiet)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=8)) as page:
            yield page
    finally:
        process.terminate()
        process.wait(20)


def form(page: httpx.Client) -> dict[str, Any]:
    """The fields of ours, as the page gives them to its script."""
    text = page.get("/").text
    assert KEY not in text
    found = re.search(r"window\.templateArgs = (\{.*?\})\s*(?:;|</script>|\n\s*window)", text, re.DOTALL)
    assert found, text[:2000]
    options = json.loads(found[1])["extra_options"]
    return {name: option for name, option in options.items() if name.startswith("gateproof_")}


def swarm(page: httpx.Client, typed: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = page.post("/swarm", data={"user_count": "2", "spawn_rate": "2"} | typed).json()
    return found


def ran(page: httpx.Client) -> set[str]:
    return {row["name"] for row in page.get("/stats/requests").json()["stats"]}


def until(ask: Callable[[], Any], good: Callable[[Any], Any], seconds: float = 10) -> bool:
    """Whether what `ask` gives becomes good within so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := good(ask())) and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(found)
