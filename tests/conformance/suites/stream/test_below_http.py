"""What goes wrong with a stream below HTTP is seen by its requirement alone, and what is merely unusual is not
blamed."""

import asyncio
import socket
from contextlib import contextmanager
from typing import Any

import pytest

from conformance.verdict import Verdict
from reference_gateway.faults.tcp import Client, Given, Heard, Tcp, closing, relaying, rewritten
from reference_gateway.server import listen

from ..judged import gateway_app, judge_url, on_stage, red, red_verdicts

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("STREAM",)
LAST_CHUNK = b"0\r\n\r\n"


@contextmanager
def relayed(speak: Tcp) -> Any:
    """The bundled gateway behind a relay that speaks so."""
    listener = listen("127.0.0.1", 0)
    with on_stage(gateway_app()) as url, relaying(listener, int(url.rsplit(":", 1)[1]), speak):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def counts_usage(heard: Heard, given: Given) -> bool:
    return given.is_stream and b'"include_usage": true' in heard.data


def is_old(heard: Heard, given: Given) -> bool:
    return b" HTTP/1.0\r\n" in heard.data


def in_chunks(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    return b"%b\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n%b" % (head, len(body), body, LAST_CHUNK)


async def never_ending(heard: Heard, given: Given, client: Client) -> None:
    if not counts_usage(heard, given):
        await client.pass_on(given)
        return
    await client.write((await given.whole()).removesuffix(LAST_CHUNK))
    await client.hang()


async def impatient(heard: Heard, given: Given, client: Client) -> None:
    """Gives up who asked for a longer text and does not take at once what is written."""
    if not (given.is_stream and b"100 words" in heard.data):
        await client.pass_on(given)
        return
    writer = client._writer
    writer.transport.set_write_buffer_limits(0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024)
    await client.write(given.head)
    async for piece in given.body:
        try:
            async with asyncio.timeout(0.3):
                await client.write(piece)
        except TimeoutError:
            await client.reset()


async def confused_by_refusals(heard: Heard, given: Given, client: Client) -> None:
    """What was refused before on a connection stands before the next stream."""
    if client.notes.get("refused", 0) > 1 and given.is_stream:
        await client.write(b"left over\r\n")
    client.notes["refused"] = client.notes.get("refused", 0) + (given.status >= 400 and heard.is_chat)
    await client.pass_on(given)


async def deaf_after_refusals(heard: Heard, given: Given, client: Client) -> None:
    if client.notes.get("refused", 0) > 1 and given.is_stream:
        await client.hang()
    client.notes["refused"] = client.notes.get("refused", 0) + (given.status >= 400 and heard.is_chat)
    await client.pass_on(given)


BELOW: dict[str, tuple[Tcp, dict[str, Verdict]]] = {
    "chunked coding for HTTP/1.0": (rewritten(in_chunks, is_old), {"STREAM-063": WARN}),
    "no last chunk": (closing(lambda data: data.removesuffix(LAST_CHUNK), counts_usage), {"STREAM-072": FAIL}),
    "a reset after [DONE]": (
        closing(lambda data: data.removesuffix(LAST_CHUNK), counts_usage, reset=True),
        {"STREAM-072": FAIL},
    ),
    "no end": (never_ending, {"STREAM-072": FAIL}),
    "a stream that waits for nobody": (impatient, {"STREAM-023": FAIL, "STREAM-026": FAIL, "STREAM-073": FAIL}),
    "something left over from a refusal": (confused_by_refusals, {"STREAM-074": FAIL}),
    "silence after refusals": (deaf_after_refusals, {"STREAM-074": FAIL}),
}


@pytest.mark.parametrize("name", BELOW)
def test_a_defect_below_http_is_seen_by_its_requirement_alone(name: str) -> None:
    speak, expected = BELOW[name]
    with relayed(speak) as url:
        judged = judge_url(url, *AREAS, timeout_s=2.0)
    assert red_verdicts(judged) == expected, red(judged)


def refusing_old(status: bytes) -> Tcp:
    answer = b"HTTP/1.1 %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status
    return closing(lambda data: answer, is_old)


UNUSUAL: dict[str, Tcp] = {
    "HTTP/1.0 is not served": refusing_old(b"505 HTTP Version Not Supported"),
    "HTTP/1.0 is to be upgraded": refusing_old(b"426 Upgrade Required"),
    "HTTP/1.0 is not answered": closing(lambda data: b"", is_old),
    "a connection is closed after a refusal": closing(
        lambda data: data, lambda heard, given: given.status >= 400 and heard.is_chat
    ),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_below_http_turns_nothing_red(name: str) -> None:
    with relayed(UNUSUAL[name]) as url:
        judged = judge_url(url, *AREAS)
    assert red(judged) == {}
