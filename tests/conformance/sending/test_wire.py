"""What is recorded on the wire, against a server that says exactly what the case needs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from conformance.exchange import Exchange, Request
from conformance.sending.manners import NOTHING_YET, Manner
from conformance.sending.wire import Limits, Wire, raw_request

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUICK = Limits(connect_s=1, silence_s=0.3, total_s=1, body_bytes=1000)


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def says(*pieces: bytes, pause_s: float = 0.0) -> Talk:
    """Answers each request with these pieces, a pause between them."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(pause_s)
            writer.write(piece)
            await writer.drain()

    return talk


def ask(talk: Talk, limits: Limits = QUICK, request: Request | None = None) -> Exchange:
    async def go() -> Exchange:
        async with server(talk) as origin, Wire(limits) as wire:
            return await wire.send("x1", "probe", request or Request("GET", origin + "/path"))

    return asyncio.run(go())


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def test_body_and_raw_headers_are_recorded() -> None:
    exchange = ask(says(HEAD + b"X-Odd: a\r\nx-odd: b\r\nContent-Length: 5\r\n\r\nhello"))
    assert (exchange.status, exchange.text, exchange.complete) == (200, "hello", True)
    assert exchange.headers[1:3] == (("X-Odd", "a"), ("x-odd", "b"))


def test_each_read_has_the_time_of_its_arrival() -> None:
    chunks = [b"5\r\nhello\r\n", b"5\r\nworld\r\n", b"0\r\n\r\n"]
    exchange = ask(says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, pause_s=0.2))
    assert exchange.response is not None
    (first_s, first), (second_s, second) = exchange.response.reads
    assert (first, second) == (b"hello", b"world")
    assert first_s + 0.1 < second_s <= exchange.duration_s
    assert exchange.response.headers_s < first_s


def test_chunks_of_one_read_share_one_stamp() -> None:
    exchange = ask(says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"))
    assert exchange.response is not None
    assert len({t_s for t_s, _ in exchange.response.reads}) == 1


@pytest.mark.parametrize(
    ("talk", "kind"),
    [
        (says(b""), "closed"),
        (says(HEAD + b"Content-Length: 9\r\n\r\nhell"), "protocol"),
        (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"), "protocol"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "protocol"),
        (says(HEAD + b"Content-Length: 5000\r\n\r\n" + b"x" * 5000), "too-large"),
        (says(b"", b"", pause_s=0.6), "timeout"),
        (says(HEAD + b"Content-Length: 9\r\n\r\nh", *[b"x"] * 20, pause_s=0.2), "timeout"),
    ],
    ids=["closed", "short body", "bad chunk", "other protocol", "too large", "silence", "trickle"],
)
def test_what_goes_wrong_is_recorded_not_raised(talk: Talk, kind: str) -> None:
    exchange = ask(talk)
    assert exchange.failure is not None
    assert exchange.failure.kind == kind
    assert not exchange.complete


def test_a_refused_connection_says_so() -> None:
    exchange = ask(says(b""), request=Request("GET", "http://127.0.0.1:9/"))
    assert exchange.failure is not None
    assert exchange.failure.kind == "connect"


def test_an_idle_connection_that_was_closed_is_replaced() -> None:
    """A server may close a kept connection at any time: that says nothing about the next request."""
    served = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        served += 1
        writer.write(HEAD + b"Content-Length: 2\r\n\r\nok")
        await reader.readuntil(b"\r\n\r\n")  # the second request on this connection is never answered

    async def go() -> list[int]:
        async with server(talk) as origin, Wire(QUICK) as wire:
            return [(await wire.send("x", "p", Request("GET", origin))).status for _ in range(3)]

    assert asyncio.run(go()) == [200, 200, 200]
    assert served == 3


@pytest.mark.parametrize(
    ("status", "body", "connections"),
    [(404, b"{}", 2), (405, b"{}", 2), (404, b"", 1), (200, b"{}", 1)],
    ids=["404", "405", "404 without a body", "200"],
)
def test_a_connection_on_which_a_body_may_lie_unread_is_not_used_again(
    status: int, body: bytes, connections: int
) -> None:
    """The end of a body that a server did not read would be the beginning of the next request."""
    opened = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        while await reader.read(1000):
            writer.write(b"HTTP/1.1 %d Said\r\nContent-Length: 2\r\n\r\nok" % status)

    async def go() -> list[int]:
        async with server(talk) as origin, Wire(QUICK) as wire:
            request = Request("POST", origin, (("Host", "h"),), body)
            return [(await wire.send("x", "p", request)).status for _ in range(2)]

    assert (asyncio.run(go()), opened) == ([status, status], connections)


def test_redirects_are_not_followed() -> None:
    exchange = ask(says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"))
    assert (exchange.status, exchange.header("location")) == (302, "http://127.0.0.1:9/")


def test_raw_pieces_share_one_connection() -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for number in (1, 2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD + b"Content-Length: 1\r\n\r\n%d" % number)

    async def go() -> list[Exchange]:
        async with server(talk) as origin, Wire(QUICK) as wire:
            pieces = [raw_request("GET", origin + "/", [("Host", "h")])] * 3
            return await wire.raw("x", "p", origin, pieces, ["GET"] * 3)

    first, second, third = asyncio.run(go())
    assert (first.text, second.text, third.status, connections) == ("1", "2", 0, 1)


def test_time_is_bounded_even_if_bytes_keep_coming() -> None:
    exchange = ask(says(HEAD + b"\r\n", *[b"x"] * 50, pause_s=0.1))
    assert exchange.failure is not None and exchange.failure.kind == "timeout"
    assert len(exchange.text) < 50


# Bad manners

EVENTS = [b"9\r\ndata: 1\n\n\r\n", b"9\r\ndata: 2\n\n\r\n", b"9\r\ndata: 3\n\n\r\n", b"0\r\n\r\n"]


def ask_badly(manner: Manner, *pieces: bytes, pause_s: float = 0.0) -> tuple[Exchange, str]:
    """The exchange, and how the server saw the connection end: "reset", "closed" or "kept"."""
    end: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await says(*pieces, pause_s=pause_s)(reader, writer)
            end.append("closed" if await reader.read(1) == b"" else "kept")
        except ConnectionResetError:
            end.append("reset")

    async def go() -> Exchange:
        async with server(talk) as origin, Wire(QUICK) as wire:
            exchange = await wire.badly("x1", "probe", Request("POST", origin + "/path"), manner)
            await asyncio.sleep(0.05)
            return exchange

    return asyncio.run(go()), "".join(end)


@pytest.mark.parametrize(("reset", "end"), [(True, "reset"), (False, "closed")])
def test_one_who_leaves_is_recorded_as_gone(reset: bool, end: str) -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + EVENTS[0]
    exchange, seen = ask_badly(Manner(leave_after=1, reset=reset), head)
    assert (exchange.status, exchange.text, exchange.abandoned) == (200, "data: 1\n\n", True)
    assert exchange.failure is not None
    assert exchange.failure.message == "we left after 1 event"
    assert seen == end


def test_one_may_leave_before_anything_came() -> None:
    exchange, _ = ask_badly(Manner(leave_after=NOTHING_YET, reset=True), HEAD + b"\r\n")
    assert (exchange.status, exchange.abandoned, exchange.response) == (0, True, None)


def test_patience_ends() -> None:
    exchange, _ = ask_badly(Manner(leave_after=3, patience_s=0.1), HEAD + b"\r\n", b"data: 1\n\n", pause_s=0.25)
    assert (exchange.abandoned, exchange.text) == (True, "")


def test_a_slow_reader_reads_all() -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    exchange, _ = ask_badly(Manner(pause_s=0.1, bite=5), head, *EVENTS)
    assert (exchange.complete, exchange.text) == (True, "data: 1\n\ndata: 2\n\ndata: 3\n\n")
    assert exchange.duration_s > 0.1


@pytest.mark.parametrize(
    ("pieces", "kind"), [((b"",), "closed"), ((HEAD + b"Content-Length: 9\r\n\r\nhell",), "protocol")]
)
def test_what_goes_wrong_before_one_leaves_is_recorded(pieces: tuple[bytes, ...], kind: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(*pieces)(reader, writer)

    async def go() -> Exchange:
        async with server(talk) as origin, Wire(QUICK) as wire:
            return await wire.badly(
                "x1", "probe", Request("POST", origin + "/", (), b"{}"), Manner(leave_after=9, patience_s=0.9)
            )

    exchange = asyncio.run(go())
    assert exchange.failure is not None
    assert exchange.failure.kind == kind
