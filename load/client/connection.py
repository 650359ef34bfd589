"""An open connection: a raw non-blocking socket, read by a callback of gevent's event loop.

One clock stamp per socket read, taken before anything is parsed. The greenlet that asks sleeps meanwhile, and is woken
once per response, not once per event.
"""
# mypy: allow-untyped-calls

import _socket
import re
import ssl
from collections.abc import Callable
from time import perf_counter
from typing import Any

import gevent
from gevent import get_hub
from gevent import socket as cooperative
from gevent.event import Event
from gevent.socket import socket as _tcp  # type: ignore[attr-defined]

from load.client.collector import settle
from load.client.endpoint import Endpoint
from load.client.reply import MAX_HEAD_BYTES, Reply
from load.client.turns import Turns

READ_BYTES = 65536
TAIL_S = 5.0
"""How long the end of a body is waited for after [DONE], as the SDK waits for it, before the connection is given up."""
_READ, _WRITE = 1, 2
_LITERAL = re.compile(r"\d+\.\d+\.\d+\.\d+")
_turns: Turns | None = None


def _of_this_loop() -> Turns:
    """The queue of this process, which is made ready to measure when it first asks for it."""
    global _turns
    if _turns is None:
        settle()
        _turns = Turns()
    return _turns


class CantConnect(Exception):
    """`kind` is a kind of failure as in StreamResult; the message says what was seen."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class _CantSend(Exception):
    pass


class Connection:
    """A connection without TLS. Raises CantConnect if it can't be opened within the endpoint's connect timeout."""

    __slots__ = (
        "_awake",
        "_endpoint",
        "_fault",
        "_feed",
        "_is_behind",
        "_reader",
        "_recv",
        "_reply",
        "_sock",
        "_turns",
        "_unsent",
        "_writer",
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._unsent = b""
        self._reply = Reply()
        self._awake = Event()
        self._turns = _of_this_loop()
        self._is_behind = False
        self._fault: Exception | None = None
        self._sock: Any = None
        self._reader: Any = None
        self._writer: Any = None
        try:
            with gevent.Timeout(endpoint.connect_timeout_s, TimeoutError("no connection in time")):
                self._open()
        except ssl.SSLError as error:
            self.close()
            raise CantConnect("tls", str(error)) from None
        except TimeoutError as error:
            self.close()
            raise CantConnect("connect timeout", str(error)) from None
        except OSError as error:
            self.close()
            raise CantConnect("connect", error.strerror or str(error)) from None
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        self._sock = self._connected()
        self._sock.setblocking(False)
        self._sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._recv = self._sock.recv
        loop = get_hub().loop
        self._reader = loop.io(self._sock.fileno(), _READ)
        self._writer = loop.io(self._sock.fileno(), _WRITE)
        if tunnel := self._endpoint.tunnel:
            self._dig(tunnel)

    def _connected(self) -> Any:
        address = self._endpoint.address
        if _LITERAL.fullmatch(address[0]):  # no name to be looked up, which takes a thread
            opened: Any = _tcp()
            opened.connect(address)
        else:
            opened = cooperative.create_connection(address)
        return _socket.socket(opened.family, opened.type, opened.proto, fileno=opened.detach())

    def _dig(self, tunnel: bytes) -> None:
        """Has the proxy open a tunnel to the gateway."""
        self._unsent = tunnel
        self._flush(wait=True)
        head = b""
        while b"\r\n\r\n" not in head:
            get_hub().wait(self._reader)
            data = self._recv(READ_BYTES)
            head += data
            if not data or len(head) > MAX_HEAD_BYTES:
                raise CantConnect("proxy", "the proxy did not answer CONNECT with a head")
        reply = Reply()
        reply.feed(head, perf_counter())
        reply.catch_up()
        if reply.status is None or not 200 <= reply.status < 300:
            raise CantConnect("proxy", f"the proxy answered CONNECT with {reply.status or 'no HTTP'}")

    def is_alive(self) -> bool:
        """Whether the gateway has kept an idle connection open and silent."""
        try:
            self._recv(1)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        for watcher in (self._reader, self._writer):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._reader = self._writer = None
        if self._sock is not None:
            self._sock.close()

    def exchange(self, request: bytes, reply: Reply) -> float:
        """Sends `request`, lets the loop feed `reply` until it has ended, and returns when sending began (seconds)."""
        self._reply, self._feed = reply, self._feeder(reply)
        self._awake.clear()
        self._turns.take()
        started_s = perf_counter()
        reply.begin(started_s)
        self._reader.start(self._on_readable)
        try:
            self._send(request)
            self._wait(reply, started_s)
        finally:
            if self._reader is not None:
                self._reader.stop()
        if self._fault:
            raise self._fault
        return started_s

    def cut(self, kind: str, detail: str) -> None:
        """Ends the answer that is open with this failure."""
        self._reply.fail(kind, detail)
        self._wake()

    def _feeder(self, reply: Reply) -> Callable[[bytes, float], bool]:
        """What takes a socket read and its stamp, and returns whether there is something to catch up with."""
        return reply.feed

    def _wait(self, reply: Reply, started_s: float) -> None:
        timeout_s, limit_s = self._endpoint.timeout_s, self._endpoint.limit_s
        while not reply.ended:
            now_s = perf_counter()
            until_s = min(reply.last_s + timeout_s, started_s + limit_s)
            if reply.done:
                until_s = min(until_s, reply.last_s + TAIL_S)
            if now_s < until_s:
                self._awake.wait(until_s - now_s)
                self._awake.clear()
            elif reply.done:
                reply.hang(now_s - reply.last_s)
                break
            elif now_s - started_s >= limit_s:
                reply.fail("timeout", f"not over after {limit_s:g} s")
            else:
                reply.fail("timeout", f"{timeout_s:g} s without a byte")

    def _on_readable(self) -> None:
        try:
            data = self._recv(READ_BYTES)
            now_s = perf_counter()
            if self._feed(data, now_s) and not self._is_behind:
                self._is_behind = True
                self._turns.give(self._catch_up)
            if not data:
                self._reader.stop()
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error)
        except Exception as error:  # noqa: BLE001 - raised again in the greenlet that waits, where locust counts it
            self._broke(error)

    def _catch_up(self) -> None:
        self._is_behind = False
        reply = self._reply
        try:
            reply.catch_up()
        except Exception as error:  # noqa: BLE001 - as above
            self._broke(error)
        if reply.ended or reply.done:
            self._wake()

    def _wake(self) -> None:
        if self._reply.ended and self._reader is not None:
            self._reader.stop()
        self._awake.set()

    def _lost(self, error: OSError) -> None:
        kind = "tls" if isinstance(error, ssl.SSLError) else "reset"
        self._reply.fail(kind, error.strerror or str(error))
        self._wake()

    def _broke(self, error: Exception) -> None:
        self._fault = error
        self._reply.fail("client", repr(error))
        self._wake()

    def _send(self, data: bytes) -> None:
        self._unsent += data
        try:
            self._flush(wait=False)
            if self._unsent:
                with gevent.Timeout(self._endpoint.timeout_s, _CantSend("the request could not be sent in time")):
                    self._flush(wait=True)
        except _CantSend as error:
            self._reply.fail("timeout", str(error))
        except OSError as error:
            self._on_readable()  # an answer may have come before the gateway closed, such as 413
            self._lost(error)

    def _flush(self, *, wait: bool) -> None:
        """Sends what is to be sent; what does not go at once is waited for, or left to the write watcher."""
        while self._unsent:
            try:
                self._unsent = self._unsent[self._sock.send(self._unsent) :]
            except BlockingIOError:
                if not wait:
                    self._writer.start(self._on_writable)
                    return
                self._writer.stop()
                get_hub().wait(self._writer)

    def _on_writable(self) -> None:
        self._writer.stop()
        try:
            self._flush(wait=False)
        except OSError as error:
            self._lost(error)
