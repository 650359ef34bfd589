"""What a defect is made of below HTTP: a relay on the loopback in front of the correct server, which lets an answer
through, or lets a defect write what no server would: bad chunks, lies about the length, resets, pauses, one write for
everything.

A defect is an async function of three things: what was heard from the client, the answer, and the client to write to.
"""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

PIECE = 65536
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the client wrote since the answer before."""

    data: bytes

    @property
    def method(self) -> str:
        return self.data.split(b" ", 1)[0].decode("latin-1")

    @property
    def path(self) -> str:
        return (self.data.split(b" ", 2)[1:2] or [b""])[0].decode("latin-1")

    @property
    def streams(self) -> bool:
        return re.search(rb'"stream": ?true', self.data) is not None

    @property
    def is_chat(self) -> bool:
        return self.method == "POST" and self.path.endswith("/chat/completions")


@dataclass(slots=True)
class Given:
    """An answer of the correct server: its head up to the blank line, then its body as it is framed, piece by piece (of
    a chunked body: chunk by chunk)."""

    head: bytes
    body: AsyncIterator[bytes]

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    @property
    def is_stream(self) -> bool:
        return b"text/event-stream" in self.head

    async def whole(self) -> bytes:
        """Head and body."""
        return self.head + b"".join([piece async for piece in self.body])


@dataclass(slots=True)
class Client:
    """The client's end of one connection. `notes` last as long as the connection."""

    _writer: asyncio.StreamWriter
    notes: dict[str, Any] = field(default_factory=dict)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def pass_on(self, given: Given) -> None:
        """The answer as it is, as it comes."""
        await self.write(given.head)
        async for piece in given.body:
            await self.write(piece)

    async def close(self) -> None:
        """Closes the connection without a word more."""
        self._writer.close()
        raise ConnectionAbortedError

    async def reset(self) -> None:
        """Resets the connection."""
        if connection := self._writer.get_extra_info("socket"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        raise ConnectionAbortedError

    async def hang(self) -> None:
        """Says nothing more, for as long as the client waits."""
        await asyncio.Event().wait()


Tcp = Callable[[Heard, Given, Client], Awaitable[None]]


# Combinators


def rewritten(edit: Callable[[bytes], bytes], where: Callable[[Heard, Given], Any]) -> Tcp:
    """Such an answer, whole, becomes these bytes."""

    async def speak(heard: Heard, given: Given, client: Client) -> None:
        if where(heard, given):
            await client.write(edit(await given.whole()))
        else:
            await client.pass_on(given)

    return speak


def closing(edit: Callable[[bytes], bytes], where: Callable[[Heard, Given], Any], *, reset: bool = False) -> Tcp:
    """The same, and then the connection is closed, or reset."""

    async def speak(heard: Heard, given: Given, client: Client) -> None:
        if where(heard, given):
            await client.write(edit(await given.whole()))
            if reset:
                await asyncio.sleep(0.02)  # a reset takes with it what was not read yet
                await client.reset()
            await client.close()
        else:
            await client.pass_on(given)

    return speak


def opened(edit: Callable[[bytes], bytes], where: Callable[[Heard, Given], Any]) -> Tcp:
    """The head of such an answer becomes these bytes; its body follows as it comes."""

    async def speak(heard: Heard, given: Given, client: Client) -> None:
        if where(heard, given):
            given.head = edit(given.head)
        await client.pass_on(given)

    return speak


def by_piece(edit: Callable[[int, bytes], bytes], where: Callable[[Heard, Given], Any]) -> Tcp:
    """The pieces of the body of such an answer, by their number, become these bytes; each is sent when it is there."""

    async def speak(heard: Heard, given: Given, client: Client) -> None:
        await client.write(given.head)
        number = 0
        async for piece in given.body:
            await client.write(edit(number, piece) if where(heard, given) else piece)
            number += 1

    return speak


# The relay


async def relay(
    listener: socket.socket, port: int, speak: Tcp, stop: asyncio.Event, *, tls: ssl.SSLContext | None = None
) -> None:
    """Relays what comes in here to the correct server at this port of this machine, until it is stopped."""
    at_work: set[asyncio.Task[Any]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        at_work.add(task)
        try:
            await _connection(reader, writer, port, speak)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            at_work.discard(task)
            writer.close()

    server = await asyncio.start_server(connection, sock=listener, ssl=tls, limit=PIECE * 16)
    await stop.wait()
    server.close()
    for task in list(at_work):
        task.cancel()
    await asyncio.gather(*at_work, return_exceptions=True)


@contextmanager
def relaying(listener: socket.socket, port: int, speak: Tcp, *, tls: ssl.SSLContext | None = None) -> Iterator[None]:
    """The relay, in a thread of its own."""
    loop, stop, started = asyncio.new_event_loop(), asyncio.Event(), Event()

    async def run() -> None:
        started.set()
        await relay(listener, port, speak, stop, tls=tls)

    thread = Thread(target=loop.run_until_complete, args=(run(),), name="relay", daemon=True)
    thread.start()
    started.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, speak: Tcp) -> None:
    answers, requests = await asyncio.open_connection("127.0.0.1", port, limit=PIECE * 16)
    heard, client, owed = bytearray(), Client(writer), 0

    async def listen() -> None:
        nonlocal owed
        try:
            while data := await reader.read(PIECE):
                heard.extend(data[owed:])
                owed = max(0, owed - len(data))
                requests.write(data)
                await requests.drain()
            requests.write_eof()
        except OSError:
            requests.transport.abort()

    listening = asyncio.ensure_future(listen())
    try:
        while True:
            head = await _head(answers)
            if not head:
                return
            if head[9:10] == b"1":  # 100 Continue: the answer is yet to come
                await client.write(head)
                continue
            said, owed = Heard(bytes(heard)), _owed(heard)
            heard.clear()
            await speak(said, Given(head, _body(head, said.method, answers)), client)
    finally:
        listening.cancel()
        requests.transport.abort()


def _owed(heard: bytes | bytearray) -> int:
    """How much of a request's body is yet to come where the answer came before it: it is no part of the next one."""
    head, blank, body = bytes(heard).partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return max(0, int(length[1]) - len(body)) if length and blank else 0


async def _head(answers: asyncio.StreamReader) -> bytes:
    try:
        return await answers.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def _body(head: bytes, method: str, answers: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The body in the server's own pieces, its framing included."""
    if method == "HEAD" or head[9:12] in (b"204", b"304"):
        return
    if _CHUNKED.search(head):
        size = -1
        while size:
            line = await answers.readuntil(b"\r\n")
            size = int(line, 16)
            yield line + await answers.readexactly(size + 2)
    elif length := _LENGTH.search(head):
        missing = int(length[1])
        while missing:
            piece = await answers.read(min(PIECE, missing))
            if not piece:
                return
            missing -= len(piece)
            yield piece
    else:
        with suppress(OSError):
            while piece := await answers.read(PIECE):
                yield piece
