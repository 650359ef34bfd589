"""The client of a load test: a raw non-blocking socket, read by a callback of gevent's event loop.

One clock stamp per socket read, taken before anything is parsed. The greenlet that asks sleeps meanwhile, and is woken
once per response, not once per event.
"""
# mypy: allow-untyped-calls

import _socket
import ssl
from time import perf_counter
from typing import Any

import gevent
from gevent import get_hub
from gevent import socket as cooperative
from gevent.event import Event

from load.client.endpoint import Endpoint
from load.client.reply import ChatStream, Reply
from load.client.request import Request
from load.result import StreamResult

READ_BYTES = 65536
TAIL_S = 1.0
"""How long the end of a body is waited for after [DONE] before the connection is given up."""
_READ, _WRITE = 1, 2


class Client:
    """One keep-alive connection to a gateway, opened when needed and again after it was lost. One request at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._connection: _Connection | None = None

    def send(self, request: Request) -> StreamResult:
        """Sends one request and returns when its answer has ended, however it ended."""
        reply, started_s, connect_s = self._send(
            request.method, request.path, request.body, lambda: Reply(ChatStream() if request.streamed else None)
        )
        return reply.result(started_s, connect_s, request.scheduled_s)

    def fetch(self, method: str, path: str, body: bytes = b"") -> Reply:
        """Sends one request outside the measurement and returns its ended reply."""
        return self._send(method, path, body, Reply)[0]

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _send(self, method: str, path: str, body: bytes, new_reply: Any) -> tuple[Reply, float, float | None]:
        request = self.endpoint.request(method, path, body)
        while True:
            reply: Reply = new_reply()
            connect_s = None
            used = self._connection is not None and self._connection.is_alive()
            if not used:
                self.close()
                before_s = perf_counter()
                try:
                    self._connection = _Connection(self.endpoint)
                except _CantConnect as error:
                    reply.fail(error.kind, str(error))
                    return reply, before_s, None
                connect_s = perf_counter() - before_s
            assert self._connection is not None
            try:
                started_s = self._connection.exchange(request, reply)
            finally:
                if not reply.reusable:
                    self.close()
            if used and reply.failure in ("closed", "reset") and reply.bytes_read == 0:
                continue  # the gateway closed an idle connection while the request was on its way
            return reply, started_s, connect_s


class _CantConnect(Exception):
    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class _CantSend(Exception):
    pass


class _Connection:
    """An open connection. Raises _CantConnect if it can't be opened within the endpoint's connect timeout."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._unsent = b""
        self._reply = Reply()
        self._awake = Event()
        self._fault: Exception | None = None
        self._sock: Any = None
        self._reader: Any = None
        self._writer: Any = None
        try:
            with gevent.Timeout(endpoint.connect_timeout_s, TimeoutError("no connection in time")):
                self._open()
        except ssl.SSLError as error:
            self.close()
            raise _CantConnect("tls", str(error)) from None
        except TimeoutError as error:
            self.close()
            raise _CantConnect("connect timeout", str(error)) from None
        except OSError as error:
            self.close()
            raise _CantConnect("connect", error.strerror or str(error)) from None
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        endpoint = self._endpoint
        opened = cooperative.create_connection((endpoint.host, endpoint.port))
        family, kind, protocol = opened.family, opened.type, opened.proto
        self._sock = _socket.socket(family, kind, protocol, fileno=opened.detach())
        self._sock.setblocking(False)
        self._sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        loop = get_hub().loop
        self._reader = loop.io(self._sock.fileno(), _READ)
        self._writer = loop.io(self._sock.fileno(), _WRITE)
        if endpoint.tls:
            self._tls = endpoint.tls.wrap_bio(self._incoming, self._outgoing, server_hostname=endpoint.host)
            self._shake_hands(self._tls)

    def _shake_hands(self, tls: ssl.SSLObject) -> None:
        while True:
            try:
                tls.do_handshake()
                self._flush(wait=True)
                return
            except ssl.SSLWantReadError:
                self._flush(wait=True)
            get_hub().wait(self._reader)
            self._receive_encrypted(self._sock.recv(READ_BYTES))

    def is_alive(self) -> bool:
        """Whether the gateway has kept an idle connection open and silent."""
        try:
            data = self._sock.recv(READ_BYTES)
            if not data or not self._tls:
                return False
            self._receive_encrypted(data)  # session tickets come after the handshake
            self._tls.read(1)
        except (BlockingIOError, ssl.SSLWantReadError):
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

    # One request and its response

    def exchange(self, request: bytes, reply: Reply) -> float:
        """Sends `request`, lets the loop feed `reply` until it has ended, and returns when sending began (seconds)."""
        endpoint = self._endpoint
        self._reply = reply
        self._awake.clear()
        reply.last_s = started_s = perf_counter()
        self._reader.start(self._on_readable)
        try:
            self._write(request)
            while not reply.ended:
                now_s = perf_counter()
                until_s = min(reply.last_s + endpoint.timeout_s, started_s + endpoint.limit_s)
                if reply.done:
                    until_s = min(until_s, reply.last_s + TAIL_S)
                if now_s < until_s:
                    self._awake.wait(until_s - now_s)
                    self._awake.clear()
                elif reply.done:
                    break
                elif now_s - started_s >= endpoint.limit_s:
                    reply.fail("timeout", f"not over after {endpoint.limit_s:g} s")
                else:
                    reply.fail("timeout", f"{endpoint.timeout_s:g} s without a byte")
        finally:
            if self._reader is not None:
                self._reader.stop()
        if self._fault:
            raise self._fault
        return started_s

    def _on_readable(self) -> None:
        try:
            data = self._sock.recv(READ_BYTES)
            now_s = perf_counter()
            reply = self._reply
            if data:
                reply.reads += 1
                if self._tls:
                    self._decrypt(data, reply, now_s)
                else:
                    reply.feed(data, now_s)
            else:
                reply.close()
            if reply.ended or reply.done:
                self._wake()
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error)
        except Exception as error:  # noqa: BLE001 - raised again in the greenlet that waits, where locust counts it
            self._fault = error
            self._reply.fail("client", repr(error))
            self._wake()

    def _wake(self) -> None:
        if self._reply.ended and self._reader is not None:
            self._reader.stop()
        self._awake.set()

    def _lost(self, error: OSError) -> None:
        kind = "tls" if isinstance(error, ssl.SSLError) else "reset"
        self._reply.fail(kind, error.strerror or str(error))
        self._wake()

    # TLS: bytes go through two memory buffers, so that one socket read keeps one stamp

    def _receive_encrypted(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _decrypt(self, data: bytes, reply: Reply, now_s: float) -> None:
        assert self._tls is not None
        self._incoming.write(data)
        try:
            while True:
                if not (plain := self._tls.read(READ_BYTES)):
                    reply.close()
                    break
                reply.feed(plain, now_s)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            reply.close()
        if self._outgoing.pending:
            self._flush(wait=False)

    def _write(self, data: bytes) -> None:
        if self._tls:
            self._tls.write(data)
        else:
            self._unsent += data
        try:
            with gevent.Timeout(self._endpoint.timeout_s, _CantSend("the request could not be sent in time")):
                self._flush(wait=True)
        except _CantSend as error:
            self._reply.fail("timeout", str(error))
        except OSError as error:
            self._on_readable()  # an answer may have come before the gateway closed, such as 413
            self._lost(error)

    def _flush(self, *, wait: bool) -> None:
        """Sends what is to be sent; what does not go at once is waited for, or left to the write watcher."""
        self._unsent += self._outgoing.read()
        while self._unsent:
            try:
                self._unsent = self._unsent[self._sock.send(self._unsent) :]
            except BlockingIOError:
                if not wait:
                    self._writer.start(self._on_writable)
                    return
                get_hub().wait(self._writer)

    def _on_writable(self) -> None:
        self._writer.stop()
        try:
            self._flush(wait=False)
        except OSError as error:
            self._lost(error)
