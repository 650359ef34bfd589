"""`gateproof load` as a user runs it, and plain locust on our locustfile, against the bundled gateway."""

import argparse
import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from load import command
from load.command import exit_code
from reference_gateway.server import running
from tests.conftest import ROOT, Command

KEY = "sk-load-tests.0001"
LOCUSTFILE = str(ROOT / "load" / "locustfile.py")


@pytest.fixture(scope="module")
def paced_url() -> Iterator[str]:
    """A gateway that requires KEY, with 20 ms to the first token and 5 ms between tokens, in a process of its own."""
    serve = [sys.executable, "-m", "conformance.cli", "serve", "--port", "0", "--token", KEY]
    process = subprocess.Popen([*serve, "--ttft", "0.02", "--itl", "0.005"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1] + "/v1"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def loaded(run: Command, url: str, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    env = {"LOAD_KEY": KEY}
    return run("gateproof", "load", url, "--api-key-env", "LOAD_KEY", *words, env=env, **options)


def test_a_run_is_measured_told_and_kept(run: Command, paced_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    done = loaded(run, paced_url, "--users", "4", "--duration", "2", "--output", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads((folder / "load.json").read_text())
    assert document["requests"] > 4 and document["failed"] == 0 and document["client"] == {"errors": 0}
    assert 0.020 <= document["ttft_s"]["p50"] < 0.2
    assert 0.004 < document["itl_s"]["mean"] < 0.03
    assert 0.004 < document["tpot_s"]["p50"] < 0.03
    assert document["e2e_s"]["p50"] > document["ttft_s"]["p50"]
    assert document["events"] > document["tokens"] > document["requests"]
    assert document["events_per_s"] > document["tokens_per_s"] > 10
    assert [document[name]["count"] for name in ("ttft_s", "e2e_s")] == [document["requests"]] * 2
    assert re.search(r"^TTFT +\d+ +\d+\.\d\d ", done.stdout, re.MULTILINE)
    names = {path.name for path in folder.iterdir()}
    assert names >= {"load.json", "locust.html", "locust_stats.csv", "locust_failures.csv"}
    assert not [name for name in names if "partial" in name or name.endswith(".log")]
    assert not [path for path in folder.iterdir() if KEY in path.read_text()]
    assert KEY not in done.stdout


def test_folders_of_the_user_with_our_names_are_no_trouble(run: Command, paced_url: str, tmp_path: Path) -> None:
    for name in ("load", "schemas", "tests", "conformance", "locust"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the wrong package')\n")
    (tmp_path / "locust.conf").write_text("users = 77\nno-such-option = 1\n")
    done = loaded(run, paced_url, "--users", "1", "--duration", "1")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["http://127.0.0.1:9/v1"], 6, "can't be reached"),
        (["http://nowhere.invalid/v1"], 6, "can't be reached"),
        (["nonsense"], 4, "is not a URL"),
        ([], 4, "no gateway is named"),
        (["http://127.0.0.1:9/v1", "--users", "0"], 4, "--users"),
        (["http://127.0.0.1:9/v1", "--users", "many"], 4, "--users"),
        (["http://127.0.0.1:9/v1", "--duration", "soon"], 4, "--duration"),
        (["http://127.0.0.1:9/v1", "--spawn-rate", "-1"], 4, "--spawn-rate"),
        (["http://127.0.0.1:9/v1", "--header", "no colon"], 4, "--header"),
        (["http://127.0.0.1:9/v1", "--api-key-env", "NOT_SET"], 4, "NOT_SET"),
        (["http://127.0.0.1:9/v1", "--output", "/dev/null/x"], 4, "--output"),
    ],
)
def test_what_can_t_work_is_told_in_one_line(run: Command, words: list[str], code: int, says: str) -> None:
    done = run("gateproof", "load", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert says in done.stderr


def test_a_refused_key_is_told_and_not_shown(run: Command, paced_url: str) -> None:
    done = run("gateproof", "load", paced_url, "--api-key", "sk-wrong-key-9", "--duration", "1")
    assert (done.returncode, done.stderr.count("\n")) == (6, 1)
    assert "refuses the API key" in done.stderr and "sk-wrong-key-9" not in done.stderr


def test_a_model_that_is_not_there_measures_nothing(run: Command, paced_url: str, tmp_path: Path) -> None:
    done = loaded(run, paced_url, "--model", "no-such", "--duration", "1", "--output", str(tmp_path / "out"))
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert not (tmp_path / "out" / "load.json").exists()


@pytest.mark.parametrize(
    ("requests", "failed", "errors", "code"), [(9, 0, 0, 0), (9, 1, 0, 1), (9, 9, 0, 1), (0, 0, 0, 5), (9, 0, 1, 3)]
)
def test_the_exit_code_never_hides_a_failure(requests: int, failed: int, errors: int, code: int) -> None:
    assert exit_code({"requests": requests, "failed": failed, "client": {"errors": errors}}) == code


def test_plain_locust_gives_its_rows_and_merges_its_workers(run: Command, paced_url: str, tmp_path: Path) -> None:
    words = ["-H", paced_url, "--headless", "-u", "4", "-r", "4", "-t", "4s", "--processes", "2", "--only-summary"]
    words += ["--csv", "figures", "--gateproof-json", "load.json", "--gateproof-max-tokens", "20"]
    done = run("locust", "-f", LOCUSTFILE, *words, env={"GATEPROOF_API_KEY": KEY})
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "figures_stats.csv").read_text()
    assert all(f",{name}," in rows for name in ("chat stream", "TTFT", "ITL"))
    document = json.loads((tmp_path / "load.json").read_text())
    aggregated = int(rows.strip().splitlines()[-1].split(",")[2])
    assert document["requests"] == pytest.approx(aggregated, abs=4)
    assert document["ttft_s"]["count"] == document["requests"] - document["failed"]
    assert document["ttft_s"]["p50"] >= 0.02
    assert KEY not in done.stdout + done.stderr


def test_plain_locust_asks_without_streams_when_that_user_is_named(
    run: Command, paced_url: str, tmp_path: Path
) -> None:
    words = ["-H", paced_url, "--headless", "-u", "2", "-t", "2s", "--gateproof-json", "load.json", "PlainChat"]
    done = run("locust", "-f", LOCUSTFILE, *words, env={"GATEPROOF_API_KEY": KEY})
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "load.json").read_text())
    assert list(document["scenarios"]) == ["chat"]
    assert document["ttft_s"]["count"] == 0 and document["e2e_s"]["count"] > 0 and document["tokens"]


def test_the_web_interface_has_a_tab_a_page_and_its_json(paced_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "locust", "-f", "load/locustfile.py", "-H", paced_url, "--autostart", "-u", "2"]
    words += ["-t", "30s", "--web-host", "127.0.0.1", "--web-port", str(port), "--gateproof-header", "X-Token: hush-1"]
    process = subprocess.Popen(words, cwd=ROOT, env=os.environ | {"GATEPROOF_API_KEY": KEY}, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=8)) as web:
            document = until(lambda: web.get("/gateproof.json").json(), lambda found: found["ttft_s"]["count"])
            page, index = web.get("/gateproof").text, web.get("/").text
            table = until(lambda: web.get("/stats/requests").json()["extended_stats"][0], lambda found: found["data"])
    finally:
        process.terminate()
        process.wait(20)
    assert 20 <= float(document["rows"][0]["p50"]) < 200
    assert re.fullmatch(r"\d+\.\d\d", table["data"][0]["p50"])
    assert '"key": "gateproof", "title": "Streaming"' in index and "gateproof.json" in page
    assert '"gateproof_model"' in index and '"gateproof_max_tokens"' in index
    assert not [text for text in (json.dumps(document), index) if KEY in text or "hush-1" in text]


def until(ask: Callable[[], Any], good: Callable[[Any], Any]) -> Any:
    """What `ask` gives as soon as it is good, within ten seconds."""
    deadline = time.monotonic() + 10
    while not good(found := ask()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def moody(mood: int | str) -> Starlette:
    """A gateway that answers plain chats and treats streams as it is told: a status, or "hang"."""

    async def models(_: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": [{"id": "m", "object": "model"}]})

    async def chat(request: Request) -> JSONResponse:
        if not (await request.json()).get("stream"):
            message = {"role": "assistant", "content": "hi"}
            return JSONResponse({"object": "chat.completion", "choices": [{"message": message}]})
        if isinstance(mood, int):
            return JSONResponse({"error": {"message": "the model is asleep", "type": "server_error"}}, mood)
        await asyncio.sleep(60)
        raise AssertionError

    return Starlette(routes=[Route("/v1/models", models), Route("/v1/chat/completions", chat, methods=["POST"])])


def measured(url: str, output: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    code = command.run(parser.parse_args([url, "--users", "3", "--duration", "1", "--output", str(output)]))
    return code, *capsys.readouterr()


def test_a_run_whose_requests_all_fail_ends_with_1_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(moody(500)) as url:
        code, said, _ = measured(url + "/v1", tmp_path, capsys)
    document = json.loads((tmp_path / "load.json").read_text())
    assert code == 1
    assert document["errors"] == {"http 500": document["requests"]} and document["requests"] > 3
    assert "http 500: the model is asleep" in said


def test_a_run_in_which_nothing_ends_measures_nothing_and_keeps_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "DRAIN_S", 1)
    with running(moody("hang"), drain_timeout_s=0.1) as url:
        code, said, complained = measured(url + "/v1", tmp_path, capsys)
    assert code == 5
    assert "nothing was measured" in complained and "unfinished 3" in said
    assert list(tmp_path.iterdir()) == []


def test_our_modules_leave_the_process_as_it_was() -> None:
    code = (
        "import sys, load.metrics, load.client.reply, load.command, load.client.endpoint, load.table, load.scenarios\n"
    )
    code += "print({'locust', 'gevent'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "set()\n"
