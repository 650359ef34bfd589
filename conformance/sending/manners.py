"""How a client treats its connection while an answer comes: one that goes away in the middle, one that reads slowly.

Only reading lives here; `Wire.badly` connects, writes the request and records the exchange.
"""

import asyncio
import socket
import ssl
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field

import h11

from conformance.limits import Limits
from conformance.sending.failures import Silence
from conformance.sending.keeping import Body

SMALL_BUFFER = 1024
"""Bytes of receive buffer asked of the system by one who reads slowly, so that the sender notices."""
NOTHING_YET = 0
_BLANK_LINES = (b"\n\n", b"\r\r", b"\r\n\r\n")


@dataclass(frozen=True, slots=True)
class Manner:
    """What a client does that others do not.

    It leaves after `leave_after` events of the answer (NOTHING_YET: as soon as the request is written; None: it stays),
    or when `patience_s` have passed without them; with `reset` by resetting the connection, else by closing it. It
    pauses for `pause_s` seconds in the middle of the body, and reads at most `bite` bytes at a time.
    """

    leave_after: int | None = None
    reset: bool = False
    patience_s: float = 10.0
    pause_s: float = 0.0
    bite: int = 65536

    @property
    def is_slow(self) -> bool:
        return self.pause_s > 0


class Left(Exception):
    """The client went away, as it meant to."""


@dataclass(slots=True)
class Seen:
    """What came so far. Times are seconds after the request was written."""

    body: Body
    response: h11.Response | None = None
    headers_s: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * len(_BLANK_LINES))
    _end: bytes = b""

    def add(self, t_s: float, data: bytes) -> None:
        """Keeps it and counts its blank lines, of which one may have begun in what came before."""
        for number, blank in enumerate(_BLANK_LINES):
            begun = self._end[-(len(blank) - 1) :]
            self.counts[number] += (begun + data).count(blank)
        self._end = (self._end + data)[-3:]
        self.body.add(t_s, data)

    @property
    def events(self) -> int:
        """About how many events came, by their blank lines."""
        return max(self.counts)


async def received(reader: asyncio.StreamReader, size: int, seconds: float) -> bytes:
    """What comes next. Raises Silence if nothing comes for so long."""
    try:
        async with asyncio.timeout(seconds) as bound:
            return await reader.read(size)
    except TimeoutError:
        if bound.expired():
            raise Silence(seconds) from None
        raise


async def read(reader: asyncio.StreamReader, manner: Manner, method: str, limits: Limits, seen: Seen) -> None:
    """Reads one answer in this manner into `seen`. Raises Left when the client goes, and what reading raises."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.head_bytes)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "raw")]))
    connection.send(h11.EndOfMessage())
    began, stamp, paused = time.perf_counter(), 0.0, False
    if manner.leave_after == NOTHING_YET:
        raise Left
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            wait_s = limits.silence_s
            if manner.leave_after is not None:
                wait_s = min(wait_s, manner.patience_s - (time.perf_counter() - began))
            try:
                data = await received(reader, manner.bite, wait_s)
            except Silence:
                if manner.leave_after is None:
                    raise
                raise Left from None
            stamp = time.perf_counter() - began
            if not data and seen.response is None:
                raise ConnectionResetError("the connection was closed without an answer")
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            seen.response, seen.headers_s = event, stamp
            seen.body.begin(event.headers.raw_items())
        elif isinstance(event, h11.Data):
            seen.add(stamp, bytes(event.data))
            if manner.leave_after is not None and seen.events >= manner.leave_after:
                raise Left
            if manner.is_slow and not paused:
                paused = True
                await asyncio.sleep(manner.pause_s)
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED:
            return


async def connect(
    host: str, port: int | None, tls: ssl.SSLContext | None, manner: Manner
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of its own, with small buffers for one who reads slowly."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port or (443 if tls else 80), type=socket.SOCK_STREAM)
    for last, (family, kind, protocol, _, address) in enumerate(found, 1 - len(found)):
        connection = socket.socket(family, kind, protocol)
        connection.setblocking(False)
        try:
            if manner.is_slow:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            await loop.sock_connect(connection, address)
        except BaseException as error:
            connection.close()
            if last == 0 or not isinstance(error, OSError):
                raise
            continue
        limit = SMALL_BUFFER if manner.is_slow else 65536
        return await asyncio.open_connection(
            sock=connection, ssl=tls, server_hostname=host if tls else None, limit=limit
        )
    raise OSError(f"{host} has no address")


def close(writer: asyncio.StreamWriter, manner: Manner) -> None:
    """Ends the connection as one who leaves does: at once, and with a reset if that is the manner."""
    if manner.leave_after is None:
        writer.close()
        return
    if manner.reset:
        connection = writer.get_extra_info("socket")
        with suppress(OSError):  # the other side was faster
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
