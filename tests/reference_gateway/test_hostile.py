"""The hostile gateways are as hostile as they say, and a check survives a few of each kind. `make hostile` checks them
all, each in a process of its own."""

import asyncio
import gc
import socket
import ssl
from urllib.parse import urlsplit

import httpx
import pytest

from conformance import profiles
from conformance.judging.in_process import judge_recording, needed
from conformance.judging.outcome import Outcome
from conformance.limits import JSON_DEPTH, MIB
from conformance.sending.recording import Recording, record
from conformance.target import Target
from conformance.verdict import Verdict
from reference_gateway.hostile import CASES
from reference_gateway.hostile.serving import Served, serving

KEY = "sk-hostile-test-0123456789"


def checked(name: str, *areas: str, run_s: float = 20.0) -> tuple[Recording, dict[str, Outcome], Served]:
    with serving(CASES[name], KEY) as served:
        target = Target(f"{served.url}/v1", api_key=KEY, timeout_s=0.5)
        recording = asyncio.run(record(target, profiles.profile("openai"), needed(target, *areas), run_s=run_s))
    judged = {} if recording.blocked else judge_recording(recording, target, *areas)
    return recording, judged, served


def test_there_are_enough_of_them_and_each_says_what_it_does() -> None:
    assert len(CASES) >= 60
    assert len({case.does for case in CASES.values()}) == len(CASES)
    assert all(set(case.exits) <= {1, 6} for case in CASES.values())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("silent", "nothing was received for 0.5 s"),
        ("closes", "closed without an answer"),
        ("resets", "reset"),
        ("garbage", "not HTTP"),
        ("large-header", "passed 100 KiB (a bound of gateproof's own)"),
        ("gigabytes", "passed 16 MiB and was cut there (a bound of gateproof's own"),
        ("redirects-in-a-loop", "HTTP 301"),
        ("unknown-authority", "is not trusted"),
        ("no-tls", "no TLS is spoken there"),
    ],
)
def test_one_that_is_hostile_at_once_is_told_in_a_sentence(name: str, said: str) -> None:
    recording, _, _ = checked(name)
    assert recording.blocked is not None
    assert said in recording.blocked or said in _all_said(recording)
    assert recording.blocked.isprintable()


def _all_said(recording: Recording) -> str:
    return " ".join(exchange.seen for exchange in recording.exchanges)


def test_the_other_host_hears_a_client_that_follows() -> None:
    with serving(CASES["redirects-elsewhere"], KEY) as served:
        httpx.get(f"{served.url}/v1/models", follow_redirects=True, headers={"Authorization": f"Bearer {KEY}"})
    assert len(served.heard) == 1


def test_another_host_never_hears_the_key() -> None:
    recording, _, served = checked("redirects-elsewhere-later", "LIST", "SDK")
    assert recording.blocked is None
    assert not served.heard


@pytest.mark.parametrize(
    "name", ["terminal-escapes", "half-characters", "not-utf8", "deep", "bomb-later", "mutates", "extreme-numbers"]
)
def test_poison_breaks_nothing_of_ours(name: str) -> None:
    recording, judged, _ = checked(name, "LIST", "CHAT", "RESP")
    assert recording.blocked is None
    assert not [said.message for said in judged.values() if said.verdict is Verdict.ERROR]
    assert all(said.message.isprintable() for said in judged.values())


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning", "error::RuntimeWarning")
def test_one_that_dies_is_said_once() -> None:
    _, judged, _ = checked("dies", "CHAT", "ERR")
    gc.collect()  # a request that was made ready and never sent is told here
    told = (said.message.removeprefix("streamed: ") for said in judged.values())
    gone = {message for message in told if "could not be reached any more" in message}
    assert len(gone) == 1
    assert "Connection refused" in gone.pop()


def talk(name: str, times: int = 1) -> list[bytes]:
    """The first 64 KiB of what a case answers to a list of models, so many times."""
    found = []
    with serving(CASES[name], KEY) as served:
        port = urlsplit(served.url).port
        assert port is not None
        for _ in range(times):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                head = f"GET /v1/models HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode())
                data = b""
                while len(data) < 65536 and (piece := connection.recv(65536)):
                    data += piece
                found.append(data)
    return found


def test_a_patient_one_lets_the_first_list_through() -> None:
    first, second = talk("bomb-later", 2)
    assert b'"object"' in first
    assert b"Content-Encoding: gzip" in second


def test_one_that_floods_sends_more_than_anybody_keeps() -> None:
    (data,) = talk("gigabytes")
    assert b"Content-Length: 8589934592" in data
    assert int(data.split(b"Content-Length: ")[1].split(b"\r")[0]) > 100 * MIB


def test_depths_lie_on_both_sides_of_the_bound() -> None:
    from reference_gateway.hostile.bodies import nested

    depths = {nested(number).count(b"[") + nested(number).count(b"{") for number in range(10)}
    assert min(depths) < JSON_DEPTH < max(depths)


def test_a_certificate_that_has_expired_has_expired() -> None:
    with serving(CASES["expired"], KEY) as served:
        context = ssl.create_default_context(cadata=served.authority.decode())
        port = urlsplit(served.url).port
        with (
            pytest.raises(ssl.SSLCertVerificationError, match="expired"),
            socket.create_connection(("127.0.0.1", port)) as connection,
        ):
            context.wrap_socket(connection, server_hostname="127.0.0.1")
