"""The client of a load test: one keep-alive connection, one request at a time."""

from collections.abc import Callable, Sequence
from time import perf_counter

from load.client.connection import CantConnect, Connection
from load.client.endpoint import Endpoint
from load.client.events import EventStream
from load.client.reply import Reply
from load.client.request import Request
from load.client.secure import SecureConnection
from load.result import StreamResult
from load.stream_rules import Ids, Judge

_IDS = Ids()
"""Of all streams of this process, as no two of them may have the same."""


class Client:
    """One keep-alive connection to a gateway, opened when needed and again after it was lost. One request at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._connection: Connection | None = None
        self._reply: Reply | None = None
        self._scheduled_s: float | None = None

    @property
    def watched(self) -> tuple[float, Sequence[float]]:
        """(since when it counts, when text came so far) of the stream that is open, on the clock of `perf_counter`."""
        reply = self._reply
        if reply is None or reply.stream is None:
            return 0.0, ()
        reply.settle()
        return reply.began_s if self._scheduled_s is None else self._scheduled_s, reply.stream.stamps

    def bound(self) -> None:
        """Ends the answer that is open if it has become longer than any answer may be."""
        if self._reply and self._connection and (excess := self._reply.excess):
            self._connection.cut("oversized stream", excess)

    def send(self, request: Request) -> StreamResult:
        """Sends one request and returns when its answer has ended, however it ended."""

        def new_reply() -> Reply:
            if not request.streamed:
                return Reply()
            return Reply(EventStream(Judge(request.kind, request.body, _IDS)), request.leave_after)

        self._scheduled_s = request.scheduled_s
        reply, started_s, connect_s = self._send(request.method, request.path, request.body, new_reply)
        return reply.result(started_s, connect_s, request.scheduled_s)

    def fetch(self, method: str, path: str, body: bytes = b"") -> Reply:
        """Sends one request outside the measurement and returns its ended reply."""
        return self._send(method, path, body, Reply)[0]

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _send(
        self, method: str, path: str, body: bytes, new_reply: Callable[[], Reply]
    ) -> tuple[Reply, float, float | None]:
        request = self.endpoint.request(method, path, body)
        while True:
            reply = new_reply()
            connection, connect_s = self._connection, None
            used = connection is not None and connection.is_alive()
            if connection is None or not used:
                self.close()
                before_s = perf_counter()
                try:
                    connection = self._connection = self._connected()
                except CantConnect as error:
                    reply.begin(perf_counter())
                    reply.fail(error.kind, str(error))
                    return reply, before_s, None
                connect_s = perf_counter() - before_s
            self._reply = reply
            try:
                started_s = connection.exchange(request, reply)
            finally:
                self._reply = None
                reply.forget()
                if not reply.reusable:
                    self.close()
            if used and reply.failure in ("closed", "reset") and reply.bytes_read == 0:
                continue  # the gateway closed an idle connection while the request was on its way
            return reply, started_s, connect_s

    def _connected(self) -> Connection:
        return SecureConnection(self.endpoint) if self.endpoint.tls else Connection(self.endpoint)
