"""The process: what it prints, how it ends, and what it says when it can't start."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

MAIN = """
import argparse, sys
from reference_gateway import serve
parser = argparse.ArgumentParser()
serve.configure(parser)
sys.exit(serve.run(parser.parse_args()))
"""
BODY: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 40, "stream": True}


def start(*options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", MAIN, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def served(*options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    process = start("--port", "0", *options)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+\n", line)
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_an_open_stream_end_and_the_exit_code_is_0(number: signal.Signals) -> None:
    with (
        served("--ttft", "0", "--itl", "0.01", "--seed", "1") as (process, url),
        httpx.stream("POST", f"{url}/v1/chat/completions", json=BODY) as response,
    ):
        lines = response.iter_lines()
        next(lines)
        process.send_signal(number)
        assert [line for line in lines if line][-1] == "data: [DONE]"
        assert process.wait(10) == 0
        assert process.stderr is not None and process.stderr.read() == ""


def test_a_stream_that_does_not_end_is_cut_after_the_drain_timeout() -> None:
    with (
        served("--ttft", "0", "--itl", "100", "--drain-timeout", "0.1") as (process, url),
        httpx.stream("POST", f"{url}/v1/chat/completions", json=BODY) as response,
    ):
        lines = response.iter_lines()
        next(lines)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
        assert process.wait(10) == 0
        assert process.stderr is not None and "Traceback" not in process.stderr.read()


def test_options_reach_the_gateway(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(
        'max_body_bytes = 100\n[[providers]]\nname = "a"\ntype = "simulator"\n[[providers.models]]\nid = "only"'
    )
    with served("--config", str(config), "--token", "one.key", "--token", "two.key") as (_, url):
        headers = {"authorization": "Bearer two.key"}
        assert httpx.get(f"{url}/v1/models").status_code == 401
        assert [each["id"] for each in httpx.get(f"{url}/v1/models", headers=headers).json()["data"]] == ["only"]
        assert httpx.post(f"{url}/v1/embeddings", headers=headers, content=b" " * 101).status_code == 413


def test_a_seed_makes_answers_repeatable() -> None:
    body = {**BODY, "stream": False}
    texts = []
    for _ in range(2):
        with served("--seed", "7", "--ttft", "0", "--itl", "0") as (_, url):
            texts.append(httpx.post(f"{url}/v1/chat/completions", json=body).json()["choices"])
    assert texts[0] == texts[1]


def test_what_can_not_start_says_so_in_one_line_and_exits_4(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("provider = 1")
    (tmp_path / "foreign").write_text("not a database" * 100)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        processes = {
            "foreign: not a state file of this gateway": start("--state", str(tmp_path / "foreign")),
            "--readonly-token number 1": start("--readonly-token", "é"),
            "address already in use": start("--port", str(taken.getsockname()[1])),
            "bad.toml: provider: unknown key; did you mean 'providers'?": start("--config", str(bad)),
            "none.toml: no such file": start("--config", str(tmp_path / "none.toml")),
            "--token number 2": start("--token", "a", "--token", "b c"),
            "can't listen on 256.0.0.1:8000": start("--host", "256.0.0.1"),
        }
        for message, process in processes.items():
            out, err = process.communicate(timeout=30)
            assert (process.returncode, out) == (4, "")
            assert err.startswith("gateproof serve: ") and message in err and err.count("\n") == 1


PROVIDER: Any = {"name": "mine", "host_url": "simulator://local", "enabled_models": ["a/b"]}
SERVICE = "/apis/models/v2/workspaces/default/providers"
INFERENCE = "/apis/inference-gateway/v2/workspaces/default/openai/-/v1/models"


def test_what_is_registered_survives_a_restart(tmp_path: Path) -> None:
    options = ("--state", str(tmp_path / "state.sqlite"), "--ttft", "0")
    with served(*options) as (_, url):
        assert httpx.post(url + SERVICE, json=PROVIDER).status_code == 201
        httpx.delete(f"{url}{SERVICE}/openai")
    with served(*options, "--nemo-rule", "deployed") as (_, url):
        while "default/a-b" not in httpx.get(url + INFERENCE, timeout=5).text:
            pass
        listed = {each["name"]: each["status"] for each in httpx.get(url + SERVICE).json()["data"]}
        assert listed == {"nvidia-build": "READY", "mine": "READY"}
        assert httpx.get(url + INFERENCE).json()["data"][0] == {
            "id": "default/a-b", "owned_by": "default", "object": "model", "created": 0
        }  # fmt: skip


def test_without_a_file_nothing_survives() -> None:
    for _ in range(2):
        with served() as (_, url):
            assert httpx.post(url + SERVICE, json=PROVIDER).status_code == 201
