"""A loopback address that the SDK takes for the gateway. What the SDK sends there goes to the gateway as a recorded
request of the run, with the target's own credentials; what comes back is handed over byte by byte as it came.

Equal requests are sent once, as everywhere: two ways of the SDK to read one answer cost one answer.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin, urlsplit
from weakref import WeakKeyDictionary

import h11

from conformance.exchange import Blame, Exchange, Unusable
from conformance.limits import HANDED_BYTES
from conformance.sdk.calls import KEY, LEFT
from conformance.sending.gateway import ABSENT, Gateway
from conformance.sending.manners import Manner

LEAVING = Manner(leave_after=2, patience_s=60.0)
OFFERED_CODINGS = "gzip, deflate"
"""What the SDK offers where nothing else is installed beside it; more depends on the environment."""
_OWN = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "authorization")
_FRAMING = ("connection", "keep-alive", "content-length", "transfer-encoding", "proxy-connection", "upgrade", "trailer")
_BODILESS = (204, 304)
_SPELT = {name.lower(): name for name in ("Accept", "Content-Type", "User-Agent")}
"""Headers that the gateway's requests have by default, as they are spelt there."""
_shared: WeakKeyDictionary[Gateway, dict[Any, asyncio.Task[Exchange]]] = WeakKeyDictionary()


class Recorder:
    """One address for one call of the SDK. Use as an async context manager.

    `exchanges` are those that the call caused, in their order. `obey` is that of Gateway.send. With `afresh` nothing is
    shared. `script` names what the prompt tells the provider: such requests are set apart, and sent as often as the SDK
    makes them. A stream that the SDK is going to leave is left at the gateway, too. `trouble` is what kept a request
    from being sent, if anything did.
    """

    def __init__(self, gateway: Gateway, *, afresh: bool = False, obey: bool = True, script: str = "") -> None:
        self.exchanges: list[Exchange] = []
        self.trouble: BaseException | None = None
        self._gateway, self._afresh, self._obey, self._script = gateway, afresh, obey, script
        self._origin = ""
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        return self._origin + urlsplit(self._gateway.target.base_url).path

    async def __aenter__(self) -> "Recorder":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._origin = "http://{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, h11.RemoteProtocolError):
            pass  # the SDK has left
        except asyncio.CancelledError:
            writer.transport.abort()
        except Exception as error:  # noqa: BLE001 - a fault of ours: raised where the call is awaited
            self.trouble = error
        finally:
            writer.close()
            self._connections.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request after the other on one connection, as long as both sides keep it."""
        http = h11.Connection(h11.SERVER)
        while True:
            request, body = await _read(http, reader)
            if request is None:
                return
            left = any(name == LEFT.encode() for name, _ in request.headers)
            if left and request.method == b"POST" and body:  # and not where a redirect has made a GET of it
                exchange = await self._abandoned(body)
            else:
                exchange = await self._asked(request, body)
            self._check(exchange)
            self.exchanges.append(exchange)
            for piece in self._written(http, exchange):
                writer.write(piece)
            await writer.drain()
            while exchange.abandoned and await reader.read(65536):
                pass  # until the SDK has gone, too
            if not exchange.complete:
                writer.transport.abort()
                return
            if (http.our_state, http.their_state) != (h11.DONE, h11.DONE):
                return
            http.start_next_cycle()

    async def _abandoned(self, body: bytes) -> Exchange:
        """A stream that is left after its first events."""
        return await self._gateway.badly(LEAVING, "/chat/completions", json.loads(body))

    async def _asked(self, request: h11.Request, body: bytes) -> Exchange:
        """The exchange with the gateway that this request of the SDK stands for."""
        method, path = request.method.decode(), request.target.decode()
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        headers = {_SPELT.get(name, name): value for name, value in given.items() if name not in (*_OWN, LEFT)}
        key = given.get("authorization", "").removeprefix("Bearer ")
        words = tuple((name, value) for name, value in sorted(headers.items()) if not _tells_of_the_sdk(name))
        nth = len(self.exchanges) if self._script else 0
        same = (method, path, _canonical(body), words, key, nth)
        sent = _shared.setdefault(self._gateway, {})
        if same not in sent or self._afresh:
            sent[same] = asyncio.ensure_future(self._sent(request, method, path, body, headers, key))
        return await asyncio.shield(sent[same])

    async def _sent(
        self, request: h11.Request, method: str, path: str, body: bytes, headers: dict[str, str], key: str
    ) -> Exchange:
        headers = headers | {"Accept-Encoding": OFFERED_CODINGS}
        if self._script:
            below = path.removeprefix(urlsplit(self._gateway.target.base_url).path)
            return await self._gateway.scripted(json.loads(body), case=self._script, path=below, headers=headers)
        return await self._gateway.send(
            method,
            path,
            body=body,
            headers=headers,
            key=ABSENT if key == KEY else key,
            from_origin=True,
            repeat=f"sdk {id(request)}" if self._afresh else 0,
            obey=self._obey,
        )

    def _check(self, exchange: Exchange) -> None:
        """Raises Unusable for what is not handed to the SDK, whose process knows no bounds and follows redirects."""
        try:
            length = len(exchange.content)
        except Unusable as error:
            if error.blame is Blame.SUITE:
                raise
            length = len(exchange.response.body) if exchange.response else 0
        if length > HANDED_BYTES:
            said = f"an answer of {length} bytes was not handed to the SDK (a bound of gateproof's own)"
            raise Unusable(said, blame=Blame.SUITE)
        place = exchange.header("location")
        if 300 <= exchange.status < 400 and place is not None and self._is_elsewhere(place):
            raise Unusable(f"the SDK was sent to another host, where it was not let go: {exchange.seen}")

    def _is_elsewhere(self, place: str) -> bool:
        """Whether a Location is not of the gateway."""
        here = urlsplit(self._gateway.target.base_url)
        try:
            there = urlsplit(urljoin(here.geturl(), place.strip()))
            return (there.scheme, there.hostname, there.port) != (here.scheme, here.hostname, here.port)
        except ValueError:
            return True

    def _written(self, http: h11.Connection, exchange: Exchange) -> list[bytes]:
        """The answer as bytes for the SDK, as far as it came."""
        if exchange.response is None:
            return []
        status = exchange.status
        headers = [(name, self._here(name, value)) for name, value in exchange.headers if name.lower() not in _FRAMING]
        bodiless = status in _BODILESS or exchange.request.method == "HEAD"
        if not bodiless:
            headers.append(("Transfer-Encoding", "chunked"))
        written = [http.send(h11.Response(status_code=status, headers=_encoded(headers)))]
        if not bodiless:
            written += [http.send(h11.Data(data=data)) for _, data in exchange.response.reads if data]
        if exchange.complete:
            written.append(http.send(h11.EndOfMessage()))
        return [piece for piece in written if piece]

    def _here(self, name: str, value: str) -> str:
        """A header's value, with a redirect to the gateway turned into one to here."""
        origin = self._gateway.target.origin
        own = name.lower() == "location" and (value == origin or value.startswith(origin + "/"))
        return self._origin + value.removeprefix(origin) if own else value


async def _read(http: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request | None, bytes]:
    """The next request and its body; None once the connection has ended."""
    request, body = None, b""
    async for event in _events(http, reader):
        if isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
    return request, body


async def _events(http: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[Any]:
    """What one request consists of."""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(65536))
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return
        else:
            yield event


def _canonical(body: bytes) -> str:
    """JSON in one spelling, so that two requests which differ in the order of members alone are equal."""
    with suppress(ValueError):
        return json.dumps(json.loads(body), sort_keys=True)
    return body.decode("latin-1")


def _tells_of_the_sdk(name: str) -> bool:
    """Whether a header says which of its ways the SDK goes, and nothing that is wanted of the gateway."""
    return name.lower().startswith("x-stainless-") or name == "User-Agent"


def _encoded(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def not_sent(recorder: Recorder) -> Unusable | None:
    """Why the run did not send what the SDK asked for, where that is the run's own doing."""
    return recorder.trouble if isinstance(recorder.trouble, Unusable) else None
