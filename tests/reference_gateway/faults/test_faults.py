"""The named defects: each serves, each is told of in full, and the command starts the gateway with one of them."""

import asyncio
import json
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from conformance import catalogue, profiles
from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.faults import FAULTS, Fault
from reference_gateway.faults.fault import nothing
from reference_gateway.faults.serving import Stage, staged
from reference_gateway.faults.tables import TABLES
from reference_gateway.gateway import Gateway
from reference_gateway.server import running

KEY = "sk-faults-0123456789"
CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}
ASGI = [fault for fault in FAULTS.values() if fault.tcp is None]
TCP = [fault for fault in FAULTS.values() if fault.tcp is not None]


def gateway() -> ASGIApp:
    config = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
    return create_app(Gateway.open(config, tokens=[KEY], seed=1))


def base_path(fault: Fault) -> str:
    return profiles.profile(fault.profile).base_path.format(workspace="default")


def test_there_are_many_and_no_two_have_one_name() -> None:
    names = [fault.name for table in TABLES for fault in table.rows]
    assert len(names) == len(set(names)) == len(FAULTS) >= 150
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_of_in_full(fault: Fault) -> None:
    assert fault.breaks and len(set(fault.breaks)) == len(fault.breaks)
    dialect = profiles.profile(fault.profile)
    assert all(dialect.applies(catalogue.requirement(id)) for id in fault.breaks)
    assert re.fullmatch("[a-z]+", fault.area)
    assert re.fullmatch(r"[^\s].*[.]", fault.suffers) and len(fault.suffers) <= 200
    assert fault.seen and not fault.seen.endswith(".")
    layers = (fault.wrap is not nothing, fault.tcp is not None, fault.behind not in (None, nothing))
    assert any(layers) and not (layers[1] and (layers[0] or layers[2]))


@pytest.mark.parametrize("fault", ASGI, ids=[fault.name for fault in ASGI])
def test_a_fault_around_the_application_serves(fault: Fault) -> None:
    """A list, a chat and a stream are answered; whatever is wrong with them, it is no exception."""

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(fault.wrap(gateway()))
        base_url = f"http://gateway{base_path(fault)}"
        auth = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(transport=transport, base_url=base_url, headers=auth) as client:
            found = [await client.get("/models"), await client.post("/chat/completions", json=CHAT)]
            request = client.build_request("POST", "/chat/completions", json=CHAT | {"stream": True})
            streamed = await client.send(request, stream=True)
            _ = [piece async for piece in streamed.aiter_raw()]
            return [x.status_code for x in (*found, streamed)]

    try:
        assert all(status in range(200, 600) for status in asyncio.run(ask()))
    except httpx.DecodingError:
        assert "HDR-005" in fault.breaks


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, str]]:
    one = Stage()
    with running(one) as url:
        yield one, url


@pytest.mark.parametrize("fault", TCP, ids=[fault.name for fault in TCP])
def test_a_fault_below_http_serves(fault: Fault, stage: tuple[Stage, str]) -> None:
    """The list is answered as ever, as all of them are about chats or errors."""
    with staged(*stage, fault, gateway()) as url:
        found = httpx.get(f"{url}{base_path(fault)}/models", headers={"Authorization": f"Bearer {KEY}"}, timeout=5)
        assert found.json()["object"] == "list"


# The command

MAIN = """
import argparse, sys
from reference_gateway import serve
parser = argparse.ArgumentParser()
serve.configure(parser)
sys.exit(serve.run(parser.parse_args()))
"""


def command(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", MAIN, *words], capture_output=True, text=True, timeout=60)


@contextmanager
def served(*words: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    options = ("--port", "0", "--ttft", "0", "--itl", "0", *words)
    process = subprocess.Popen([sys.executable, "-c", MAIN, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().removeprefix("listening on ").strip()
    finally:
        process.kill()
        process.communicate()


def test_the_defects_are_listed_as_json() -> None:
    done = command("--list-defects")
    listed = json.loads(done.stdout)
    assert done.returncode == 0
    assert [each["name"] for each in listed] == list(FAULTS)
    assert all(each.keys() == {"name", "area", "profile", "suffers", "breaks", "seen"} for each in listed)


def test_an_unknown_defect_is_one_line_with_the_nearest_names_and_exit_code_4() -> None:
    done = command("--defect", "stream-without-dome")
    assert (done.returncode, done.stdout) == (4, "")
    expected = (
        r"gateproof serve: --defect: there is no defect 'stream-without-dome'; the nearest are .*without-done.*\n"
    )
    assert re.fullmatch(expected, done.stderr)


def test_a_defect_at_the_providers_side_is_one_line_and_exit_code_4() -> None:
    done = command("--defect", "compression-not-undone")
    assert (done.returncode, done.stdout) == (4, "") and "provider's side" in done.stderr


def test_the_gateway_is_started_with_a_defect_around_it() -> None:
    with served("--defect", "stream-without-done") as (_, url):
        streamed = httpx.post(f"{url}/v1/chat/completions", json=CHAT | {"stream": True})
        assert streamed.text.startswith("data: {") and "[DONE]" not in streamed.text


def test_the_gateway_is_started_with_a_defect_below_http_and_ends_on_a_signal() -> None:
    with served("--defect", "length-too-large") as (process, url):
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{url}/v1/chat/completions", json=CHAT)
        assert httpx.get(f"{url}/v1/models").status_code == 200
        process.terminate()
        assert process.wait(10) == 0


def test_a_defect_below_http_is_served_over_tls_too(tmp_path: Path) -> None:
    trusted = tmp_path / "ca.pem"
    with served("--defect", "stream-without-last-chunk", "--tls-cert-out", str(trusted)) as (_, url):
        assert url.startswith("https://")
        with httpx.Client(verify=ssl.create_default_context(cafile=str(trusted)), base_url=url) as client:
            assert client.get("/v1/models").status_code == 200
            long = {"role": "user", "content": "Use at least 100 words."}
            with pytest.raises(httpx.RemoteProtocolError):
                client.post("/v1/chat/completions", json=CHAT | {"stream": True, "messages": [long]})
