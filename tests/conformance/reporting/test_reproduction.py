"""The programs that a report gives to send a request again: they run, and see what was recorded."""

import asyncio
import base64
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import openai
import pytest

from conformance import profiles
from conformance.exchange import Exchange, Request
from conformance.judging.in_process import needed
from conformance.reporting.reproduction import SDK_CREATES, python
from conformance.sending.recording import record
from conformance.target import Target
from reference_gateway.server import running_gateway
from tests.conftest import KEY

AREAS = ("LIST", "MODEL", "CHAT-001", "CHAT-018", "CHAT-063", "STREAM-001", "COMP", "EMB")
AREAS += ("ERR-006", "ERR-011", "ERR-019", "ERR-020", "AUTH", "HDR-016", "SEC", "SDK-001")
CASES = {
    "models by the SDK": ("client.models.with_raw_response.list()", 200),
    "a model by the SDK": ("client.models.with_raw_response.retrieve(", 200),
    "a chat by the SDK": ("client.chat.completions.with_raw_response.create(", 200),
    "a stream by the SDK": ("for chunk in answer.parse()", 200),
    "a completion by the SDK": ("client.completions.with_raw_response.create(", 200),
    "embeddings by the SDK": ("client.embeddings.with_raw_response.create(", 200),
    "an unknown model by the SDK": ("client.chat.completions.with_raw_response.create(", 404),
    "another key by the SDK": ('api_key="[redacted]"', 401),
    "no object by httpx": ("content=b'[]'", 400),
    "deep nesting by httpx": ("b'[' * 1000", 400),
    "the key in another scheme by httpx": ('"Basic " + os.environ["API_KEY"]', 401),
}
"""What stands in the program, and the status that was recorded."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    """A gateway that says the same to the same."""
    with running_gateway(tokens=(KEY,), seed=7) as url:
        yield url


@cache
def recorded(url: str) -> tuple[Target, tuple[Exchange, ...]]:
    target = Target(f"{url}/v1", api_key=KEY)
    return target, tuple(asyncio.run(record(target, profiles.profile("openai"), needed(target, *AREAS))).exchanges)


def ran(code: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"API_KEY": KEY} | env,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("case", CASES)
def test_a_program_sees_the_status_and_the_answer_that_were_recorded(gateway: str, case: str) -> None:
    shape, status = CASES[case]
    target, exchanges = recorded(gateway)
    exchange = next(x for x in exchanges if x.status == status and shape in python(x, target))
    head, *answer = ran(python(exchange, target)).splitlines()
    assert head.startswith(f"{status} {exchange.media_type}")
    if exchange.media_type == "text/event-stream":
        assert [sorted(json.loads(line)) for line in answer] == [sorted(chunk) for chunk in exchange.chunks]
    else:
        again = json.loads("\n".join(answer))
        assert again.keys() == exchange.json.keys()
        assert again.get("error") == exchange.json.get("error")


def test_all_programs_of_a_run_are_valid_and_hold_no_key(gateway: str) -> None:
    target, exchanges = recorded(gateway)
    kinds = {"import openai": 0, "import httpx": 0, "import contextlib": 0}
    for exchange in exchanges:
        code = python(exchange, target)
        compile(code, exchange.label, "exec")
        assert KEY not in code
        for kind in kinds:
            kinds[kind] += kind in code
    assert all(kinds.values()), kinds


def test_bytes_that_no_client_would_send_go_through_a_socket(gateway: str) -> None:
    data = f"GET /v1/models HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n\r\n".encode()
    target = Target(f"{gateway}/v1", api_key=KEY)
    code = python(Exchange("x1", "raw", Request("GET", target.base_url, (), data)), target)
    assert "socket.create_connection" in code
    assert KEY not in code
    assert ran(code).startswith("HTTP/1.1 200")
    odd = Request("POST", f"{target.base_url}/models", (("Host", "h"), ("Content-Length", "7")), b"\xff{")
    code = python(Exchange("x2", "odd", odd), target)
    assert r"b'\xff{'" in code
    assert "Content-Length: 7" in code


@pytest.mark.parametrize(
    "body",
    [b'{"model":"m","model":"n","messages":[]}', b'{"model": "m", "messages": [], "temperature": 1e999}', b"[]", b"{"],
    ids=["a member twice", "a huge number", "no object", "no JSON"],
)
def test_what_the_sdk_would_change_is_not_sent_by_it(body: bytes) -> None:
    code = python(chat(body), Target("http://h/v1", api_key=KEY))
    assert "httpx.Request" in code
    assert f"content={body!r}" in code


def test_what_the_sdk_does_not_know_goes_into_its_extras() -> None:
    body = json.dumps({"model": "m", "messages": [], "guardrails": {"x": None}}).encode()
    headers = (("X-Trace", "1"), ("X-Api-Key", "sk-of-the-header"))
    target = Target("http://h/v1", api_key=KEY, headers=(("X-Api-Key", "sk-of-the-header"),), insecure=True)
    code = python(chat(body, *headers), target)
    assert 'extra_body={"guardrails": {"x": None}}' in code
    assert 'extra_headers={"X-Trace": "1"}' in code
    assert 'default_headers={"X-Api-Key": os.environ["X_API_KEY"]}' in code
    assert "verify=False" in code
    assert "sk-of-the-header" not in code
    compile(code, "snippet", "exec")


def test_long_bodies_are_written_short_and_longer_ones_not_at_all() -> None:
    target = Target("http://h/v1", api_key=KEY)
    code = python(chat(b'{"model": "' + b"a" * 1_000_000 + b'", "messages": []}'), target)
    assert '"a" * 1000000' in code
    noise = base64.b64encode(bytes(n * n % 251 for n in range(9000)) + os.urandom(9000))
    assert python(chat(noise), target).startswith("# The request, of")


def test_a_text_stays_a_text_whatever_is_in_it() -> None:
    said = "\"'''\\ \n\r\x00\x7f\u2028\u202e🙂 {KEY} " + KEY
    body = json.dumps({"model": said, "messages": []}, ensure_ascii=False).encode()
    code = python(chat(body), Target("http://h/v1", api_key=KEY))
    assert code.replace("\n", "").isprintable()
    found: dict[str, object] = {}
    line = next(line for line in code.splitlines() if "model=" in line).strip().rstrip(",")
    exec(line, {"os": type("os", (), {"environ": {"API_KEY": KEY}})}, found)
    assert found["model"] == said


@pytest.mark.parametrize("path", SDK_CREATES)
def test_the_sdk_takes_what_we_give_it_by_name(path: str) -> None:
    resource, needed_, *others = SDK_CREATES[path]
    found = openai.OpenAI(api_key="none")
    for name in resource.split("."):
        found = getattr(found, name)
    assert {*needed_, *others} <= inspect.signature(found.create).parameters.keys()


def chat(body: bytes, *headers: tuple[str, str]) -> Exchange:
    usual = (("Accept", "application/json"), ("Content-Type", "application/json"), ("Authorization", f"Bearer {KEY}"))
    return Exchange("x1", "chat", Request("POST", "http://h/v1/chat/completions", (*usual, *headers), body))


def test_a_key_that_is_not_the_targets_own_is_not_shown() -> None:
    code = python(chat(b'{"model": "m", "messages": []}'), Target("http://h/v1", api_key=KEY + "-longer"))
    assert 'api_key="[redacted]"' in code
    assert KEY not in code
