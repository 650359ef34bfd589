"""The client on real sockets, in a process of its own (gevent), against a server that plays what real gateways do."""

import json
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.load.scripted import CLOSE, DONE, END, GOOD, HANG, HEAD, RESET, ROLE, TEXT, Server, framed, served

CLIENT = """
import gevent, json, sys
from time import perf_counter
from dataclasses import asdict, replace
from conformance.target import Target
from load.client.endpoint import Endpoint
from load.client import Client, Request
asked = json.loads(sys.argv[1])
target = Target(asked["url"], api_key="sk-1", headers=(("X-Tenant", "a"),), ca_file=asked.get("ca"))
endpoint = replace(Endpoint.of(target), timeout_s=asked.get("timeout_s", 5), connect_timeout_s=2)
client = Client(endpoint)
def bound():
    while True:
        gevent.sleep(0.02)
        client.bound()
gevent.spawn(bound)
body = b'{"pad":"' + b"x" * asked.get("pad", 0) + b'"}'
kind = asked.get("kind", "chat stream")
late = perf_counter() - asked["late_s"] if "late_s" in asked else None
request = Request("GET" if kind == "get" else "POST", asked.get("path", "/chat/completions"), body, kind,
                  asked.get("leave_after"), late)
print(json.dumps([asdict(client.send(request)) for _ in range(asked.get("times", 1))]))
client.close()
"""


def ask(server: Server | str, **asked: Any) -> list[dict[str, Any]]:
    url = server if isinstance(server, str) else server.url
    command = [sys.executable, "-c", CLIENT, json.dumps({"url": url} | asked)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_the_times_of_a_stream_are_those_it_was_sent_with() -> None:
    with served([[GOOD]]) as server:
        (found,) = ask(server)
    assert (found["failure"], found["content_events"], found["tokens"], found["done"]) == (None, 3, 3, True)
    assert 0.05 <= found["ttft_s"] < 0.25
    assert sum(found["gaps_s"]) == pytest.approx(0.04, abs=0.15)
    assert found["tpot_s"] == pytest.approx(sum(found["gaps_s"]) / 2)


def test_one_connection_serves_request_after_request() -> None:
    with served([[GOOD] * 3]) as server:
        found = ask(server, times=3)
    assert [item["failure"] for item in found] == [None] * 3
    assert [item["connect_s"] is None for item in found] == [False, True, True]
    assert server.connections == 1


def test_the_request_is_what_was_asked_for() -> None:
    with served([[GOOD]]) as server:
        ask(server)
    head = server.requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "POST /v1/chat/completions HTTP/1.1"
    assert {"Authorization: Bearer sk-1", "X-Tenant: a", "Accept-Encoding: identity", "Content-Length: 10"} <= set(head)


def test_a_connection_lost_while_idle_is_opened_again_without_a_failure() -> None:
    with served([[(*GOOD, CLOSE)], [GOOD]]) as server:
        found = ask(server, times=2)
    assert [item["failure"] for item in found] == [None, None]
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((HEAD, framed(ROLE), framed(TEXT), CLOSE), "cut short"),
        ((CLOSE,), "closed"),
        ((HEAD, framed(TEXT), 0.2, RESET), "reset"),
        ((HEAD, framed(TEXT), HANG), "timeout"),
        ((HANG,), "timeout"),
        ((b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nretry-after: 2\r\n\r\n",), "http 503"),
        ((b"hello\r\n",), "protocol"),
        ((b"HTTP/1.1 307 Go\r\nlocation: /x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", CLOSE), "http 307"),
        ((HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n"), framed(b"\x1f\x8b")), "encoded"),
        ((HEAD, framed(TEXT.replace(b"{", b"[", 1)), framed(DONE), END, CLOSE), "malformed event"),
    ],
    ids=["cut", "closed", "reset", "stalled", "silent", "busy", "no HTTP", "redirect", "gzip", "malformed"],
)
def test_a_failure_has_its_kind_and_the_next_request_works(answer: Any, kind: str) -> None:
    next_one = [GOOD]
    scripts = [[answer, GOOD], next_one] if kind == "http 503" else [[answer], next_one]
    with served(scripts) as server:
        found = ask(server, times=2, timeout_s=1)
    assert [item["failure"] for item in found] == [kind, None]


def test_a_redirect_is_not_followed() -> None:
    with served([[(b"HTTP/1.1 302 Go\r\nlocation: /v1/x\r\ncontent-length: 0\r\n\r\n", 0.1)]]) as server:
        (found,) = ask(server)
    assert (found["failure"], len(server.requests)) == ("http 302", 1)


def test_a_scheduled_request_counts_from_when_it_was_due() -> None:
    with served([[GOOD]]) as server:
        (found,) = ask(server, late_s=100)
    assert 100 < found["ttft_s"] < found["e2e_s"] < 110
    assert found["started_s"] - found["scheduled_s"] == pytest.approx(100, abs=5)


def test_it_hangs_up_after_as_many_events_as_it_was_told_and_opens_another_connection() -> None:
    answer = (HEAD, framed(ROLE), framed(TEXT), framed(TEXT), HANG)
    with served([[answer], [answer]]) as server:
        found = ask(server, times=2, leave_after=2)
    assert [(item["left"], item["failure"], item["content_events"]) for item in found] == [(True, None, 2)] * 2
    assert server.connections == 2


def test_streamed_completions_are_timed_by_their_text() -> None:
    text = b'data: {"id":"c","object":"text_completion","choices":[{"index":0,"text":" a","finish_reason":null}]}\n\n'
    with served([[(HEAD, framed(text), framed(text.replace(b"null", b'"stop"')), framed(DONE), END)]]) as server:
        (found,) = ask(server, kind="completion stream", path="/completions")
    assert (found["failure"], found["content_events"], found["finish_reason"]) == (None, 2, "stop")


@pytest.mark.parametrize("kind", ["get", "embeddings", "chat", "completion"])
def test_a_plain_answer_has_its_tokens(kind: str) -> None:
    body = b'{"data":[],"usage":{"completion_tokens":7}}'
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    with served([[(answer,)]]) as server:
        (found,) = ask(server, kind=kind, path="/x")
    assert (found["failure"], found["tokens"], found["ttft_s"], found["events"]) == (None, 7, None, 0)


def test_a_body_that_does_not_end_after_done_is_not_waited_for_for_ever_and_told() -> None:
    with served([[(HEAD, framed(TEXT), framed(DONE), HANG)], [GOOD]]) as server:
        found = ask(server, times=2, timeout_s=1)
    assert [item["failure"] for item in found] == [None, None]
    assert found[0]["e2e_s"] < 1  # the second that is waited after [DONE] is not the answer's
    assert ["STREAM-072", "the body had not ended 1.0 s after [DONE]"] in found[0]["violations"]
    assert "STREAM-072" not in dict(found[1]["violations"])
    assert server.connections == 2


def test_a_stream_that_is_longer_than_any_answer_is_given_up() -> None:
    comment = framed(b": " + b"x" * 1_000_000 + b"\n\n")
    with served([[(HEAD, framed(TEXT), *[comment] * 80, HANG)], [GOOD]]) as server:
        found = ask(server, times=2)
    assert [item["failure"] for item in found] == ["oversized stream", None]
    assert "more than 67108864 bytes" in found[0]["detail"]


def test_a_long_prompt_goes_out_whole() -> None:
    with served([[GOOD]]) as server:
        (found,) = ask(server, pad=8_000_000)
    assert found["failure"] is None
    assert len(server.requests[0]) > 8_000_000


@pytest.mark.parametrize(
    ("url", "kind"), [("http://127.0.0.1:9/v1", "connect"), ("http://nowhere.invalid/v1", "connect")]
)
def test_what_can_t_be_reached_is_a_failure_to_connect(url: str, kind: str) -> None:
    assert ask(url)[0]["failure"] == kind


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its self-signed certificate for 127.0.0.1, in one PEM file."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj /CN=test"
    command += " -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    (folder / "both.pem").write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return folder / "both.pem"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_stream_over_tls_is_timed_and_its_connection_used_again(certificate: Path, version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.minimum_version = context.maximum_version = version
    with served([[GOOD, GOOD]], context) as server:
        found = ask(server, times=2, ca=str(certificate.with_name("cert.pem")), pad=300_000)
    assert [item["failure"] for item in found] == [None, None]
    assert all(0.05 <= item["ttft_s"] < 0.25 for item in found)
    assert server.connections == 1


def test_a_certificate_that_is_not_trusted_is_a_tls_failure(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with served([[GOOD]], context) as server:
        assert ask(server)[0]["failure"] == "tls"
