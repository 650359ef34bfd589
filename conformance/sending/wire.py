"""Sends one request and records its Exchange. No retries, no redirects, no decoding: what is judged is what was on
the wire.

Requests go through httpcore, the engine below httpx, because it shows what httpx hides: raw headers, undecoded
bodies, and (through a network backend of our own) the time of every socket read. HTTP that is malformed on purpose
goes through
`raw`.
"""

import asyncio
import itertools
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import h11
import httpcore

from conformance.exchange import Exchange, Failure, Headers, Request, Response
from conformance.limits import CONTINUE_S, HEADERS
from conformance.limits import Limits as Limits
from conformance.sending import manners
from conformance.sending.failures import NETWORK_ERRORS, Over, Unconnected, failure_of
from conformance.sending.keeping import Body, Store
from conformance.sending.manners import Manner
from conformance.sending.pulse import Pulse

KEEP_IDLE_S = 15.0

MAYBE_UNREAD = (404, 405)
"""What can be answered before its body is read. One that is left lying would spoil whatever is asked next on the
connection, so that is not used again: HDR-012 alone looks for it."""


class _StampedStream(httpcore.AsyncNetworkStream):
    """A network stream that knows when it last received bytes."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self.read_at = 0.0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._inner.read(max_bytes, timeout)
        self.read_at = time.perf_counter()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _StampedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _StampingBackend(httpcore.AsyncNetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _StampedStream(await self._inner.connect_tcp(*args, **kwargs))

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class Wire:
    """Connections to one gateway, kept and used again. Use as an async context manager.

    `tls` is the context for https URLs. An exchange that fails is returned, never raised. From `run_s` after the
    beginning on, nothing is waited for any more.
    """

    def __init__(self, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.limits = limits or Limits()
        self._tls = tls
        self._backend = _StampingBackend()
        self._idle: list[httpcore.AsyncHTTPConnection] = []
        self._store = Store(self.limits)
        self._ends_at = float("inf")
        self._pulse = Pulse()

    async def __aenter__(self) -> "Wire":
        self._ends_at = asyncio.get_running_loop().time() + self.limits.run_s
        self._pulse.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pulse.stop()
        for connection in self._idle:
            await connection.aclose()

    @asynccontextmanager
    async def _connection(
        self, origin: httpcore.Origin, anew: bool
    ) -> AsyncIterator[tuple[httpcore.AsyncHTTPConnection, bool]]:
        """A connection for one request, a new one if `anew`, and whether it is new. (httpcore's own pool looks at every
        connection of its own for every request, which takes longer than the request.)"""
        connection, fresh = None, False
        while self._idle and connection is None and not anew:
            connection = self._idle.pop()
            if connection.has_expired() or not connection.can_handle_request(origin):
                await connection.aclose()
                connection = None
        if connection is None:
            fresh = True
            connection = httpcore.AsyncHTTPConnection(
                origin, ssl_context=self._tls, keepalive_expiry=KEEP_IDLE_S, network_backend=self._backend
            )
        try:
            yield connection, fresh
        finally:
            if connection.is_idle() and not connection.is_closed():
                self._idle.append(connection)
            else:
                await connection.aclose()

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        """The time of one exchange, which ends with that of the run."""
        loop = asyncio.get_running_loop()
        ends_at = min(loop.time() + self.limits.total_s, self._ends_at)
        try:
            async with asyncio.timeout_at(ends_at) as bound:
                yield
        except TimeoutError:
            if bound.expired() and ends_at == self._ends_at:
                raise Over from None
            raise

    @asynccontextmanager
    async def _connecting(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.limits.connect_s) as bound:
                yield
        except TimeoutError:
            if bound.expired():
                raise Unconnected from None
            raise

    async def send(self, id: str, label: str, request: Request) -> Exchange:
        """Sends `request` as it stands (headers in their order and case) and records what comes back."""
        recorded, fresh = await self._attempt(id, label, request)
        lost = recorded.response is None and recorded.failure and recorded.failure.kind in ("closed", "protocol")
        if lost and not fresh:  # the server was closing the idle connection, or the answer before has spoilt it
            recorded, _ = await self._attempt(id, label, request, anew=True)
        return recorded

    async def _attempt(self, id: str, label: str, request: Request, *, anew: bool = False) -> tuple[Exchange, bool]:
        started_at, sent_at, fresh = time.time(), time.perf_counter(), False
        late_s = self._pulse.late_s
        status, version, headers_s = 0, "HTTP/1.1", 0.0
        headers: Headers = ()
        body = Body(self._store)
        failure: Failure | None = None

        async def trace(event: str, _: dict[str, Any]) -> None:
            nonlocal sent_at
            if event == "http11.send_request_body.complete":
                sent_at = time.perf_counter()

        silence_s = self.limits.silence_s
        timeouts = {"connect": self.limits.connect_s, "read": silence_s, "write": silence_s}
        try:
            outgoing = httpcore.Request(
                request.method,
                request.url,
                headers=_framed(request),
                content=request.body or None,
                extensions={"timeout": timeouts, "trace": trace},
            )
            async with self._bounded(), self._connection(outgoing.url.origin, anew) as (connection, fresh):
                async with _closing(await connection.handle_async_request(outgoing)) as response:
                    stream = response.extensions["network_stream"]
                    headers_s = stream.read_at - sent_at
                    version = response.extensions["http_version"].decode("latin-1")
                    status, headers = response.status, _decoded(response.headers)
                    body.begin(response.headers)
                    async for data in response.aiter_stream():
                        body.add(stream.read_at - sent_at, data)
                if request.body and status in MAYBE_UNREAD:
                    await connection.aclose()
        except NETWORK_ERRORS as error:
            failure = failure_of(error, self.limits)
        body.end()
        duration_s, late_s = time.perf_counter() - sent_at, self._pulse.late_s - late_s
        answer = Response(status, headers, body.reads, version, headers_s) if status else None
        return Exchange(id, label, request, answer, failure, started_at, duration_s, late_s), fresh

    async def raw(self, id: str, label: str, origin: str, data: list[bytes], expect: list[str]) -> list[Exchange]:
        """Writes `data` piece by piece on one new connection and reads one answer to each request in it.

        `expect` holds the method of each request, as the answer to HEAD has no body. For requests that no HTTP client
        would send, and for what happens on ONE connection. Stops at the first answer that fails or closes. A
        piece that is only a head with Expect: 100-continue is answered by 100; without it the next one is sent, too.
        """
        exchanges: list[Exchange] = []
        parts = urlsplit(origin)
        tls = self._tls if parts.scheme == "https" else None
        port = parts.port or (443 if tls else 80)
        writer: asyncio.StreamWriter | None = None
        try:
            async with self._bounded():
                async with self._connecting():
                    reader, writer = await asyncio.open_connection(
                        parts.hostname, port, ssl=tls, server_hostname=parts.hostname if tls else None
                    )
                rest = b""
                for number, (piece, method) in enumerate(zip(data, expect, strict=True)):
                    request = Request(method, origin, (), piece)
                    exchange, rest = await self._raw_one(f"{id}.{number}", label, request, reader, writer, rest)
                    exchanges.append(exchange)
                    if exchange.status >= 200 if _waits(piece) else not exchange.complete:
                        break
        except NETWORK_ERRORS as error:
            request = Request(expect[len(exchanges)], origin, (), data[len(exchanges)])
            exchanges.append(
                Exchange(f"{id}.{len(exchanges)}", label, request, None, failure_of(error, self.limits), time.time())
            )
        finally:
            if writer is not None:
                writer.close()
        return exchanges

    async def badly(self, id: str, label: str, request: Request, manner: Manner) -> Exchange:
        """Sends `request` on a connection of its own and reads the answer in this manner. Where the client goes away
        before the end, the exchange ends with the failure "abandoned"."""
        parts = urlsplit(request.url)
        tls = self._tls if parts.scheme == "https" else None
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in _framed(request)]
        data = raw_request(request.method, request.url, headers, request.body)
        started_at, sent_at = time.time(), time.perf_counter()
        seen, failure, writer = manners.Seen(Body(self._store)), None, None
        try:
            async with self._bounded():
                async with self._connecting():
                    reader, writer = await manners.connect(parts.hostname or "", parts.port, tls, manner)
                writer.write(data)
                await writer.drain()
                sent_at = time.perf_counter()
                await manners.read(reader, manner, request.method, self.limits, seen)
        except manners.Left:
            failure = Failure("abandoned", f"we left after {seen.events} event{'s' * (seen.events != 1)}")
        except NETWORK_ERRORS as error:
            failure = failure_of(error, self.limits)
        finally:
            seen.body.end()
            if writer is not None:
                manners.close(writer, manner)
        answer = None
        if seen.response is not None:
            version = f"HTTP/{seen.response.http_version.decode('latin-1')}"
            fields = _decoded(seen.response.headers.raw_items())
            answer = Response(seen.response.status_code, fields, seen.body.reads, version, seen.headers_s)
        return Exchange(id, label, request, answer, failure, started_at, time.perf_counter() - sent_at)

    async def _raw_one(
        self,
        id: str,
        label: str,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        rest: bytes,
    ) -> tuple[Exchange, bytes]:
        started_at = time.time()
        writer.write(request.body)
        sent_at = time.perf_counter()
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=self.limits.head_bytes)
        connection.send(h11.Request(method=request.method, target="/", headers=[("Host", "raw")]))
        connection.send(h11.EndOfMessage())
        if rest:
            connection.receive_data(rest)
        response: h11.Response | h11.InformationalResponse | None = None
        body, failure, stamp, headers_s = Body(self._store), None, 0.0, 0.0
        silence_s = min(CONTINUE_S, self.limits.silence_s) if _waits(request.body) else self.limits.silence_s
        try:
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    received = await manners.received(reader, 65536, silence_s)
                    stamp = time.perf_counter() - sent_at
                    if not received and connection.their_state is h11.SEND_RESPONSE and response is None:
                        raise ConnectionResetError("the connection was closed without an answer")
                    connection.receive_data(received)
                elif isinstance(event, h11.InformationalResponse) and event.status_code == 100 and _waits(request.body):
                    response, headers_s = event, stamp
                    break
                elif isinstance(event, h11.Response):
                    response, headers_s = event, stamp
                    body.begin(event.headers.raw_items())
                elif isinstance(event, h11.Data):
                    body.add(stamp, bytes(event.data))
                elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED:
                    break
        except NETWORK_ERRORS as error:
            failure = failure_of(error, self.limits)
        body.end()
        answer = None
        if response is not None:
            headers = _decoded(response.headers.raw_items())
            version = f"HTTP/{response.http_version.decode('latin-1')}"
            answer = Response(response.status_code, headers, body.reads, version, headers_s)
        exchange = Exchange(id, label, request, answer, failure, started_at, time.perf_counter() - sent_at)
        return exchange, bytes(connection.trailing_data[0])


@asynccontextmanager
async def _closing(response: httpcore.Response) -> AsyncIterator[httpcore.Response]:
    try:
        yield response
    finally:
        await response.aclose()


def _waits(piece: bytes) -> bool:
    """Whether this is the head of a request alone, which asks to be told to go on."""
    return b"\r\nexpect: 100-continue" in piece.lower() and piece.endswith(b"\r\n\r\n")


def raw_request(method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """One HTTP/1.1 request as bytes, its framing left to `headers`."""
    parts = urlsplit(url)
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def meant(method: str, url: str, piece: bytes) -> Request:
    """The request that these bytes, written as they stand, are meant to be; `url` names the host."""
    head, _, body = piece.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    parts, words = urlsplit(url), first.split(" ")
    path = words[1] if len(words) > 1 else "/"
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return Request(method, f"{parts.scheme}://{parts.netloc}{path}", headers, body)


def _framed(request: Request) -> list[tuple[bytes, bytes]]:
    """The headers as bytes, with Host and a length where they are not given."""
    names = {name.lower() for name, _ in request.headers}
    headers = list(request.headers)
    if "host" not in names:
        headers.insert(0, ("Host", urlsplit(request.url).netloc.rpartition("@")[2]))
    if not {"content-length", "transfer-encoding"} & names and (request.body or request.method in ("POST", "PUT")):
        headers.append(("Content-Length", str(len(request.body))))
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    kept = itertools.islice(headers, HEADERS)
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in kept)
