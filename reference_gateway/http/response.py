"""The answer to one request: what ASGI's `receive` and `send` are to the application, and how the answer is framed."""

import asyncio
import logging
import re
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any, Protocol, cast

from starlette.types import ASGIApp, Message, Scope

log = logging.getLogger("reference_gateway")

MAY_BE_ABANDONED = "gateproof.may_be_abandoned"
"""Where in a scope is what the application calls if its work is to be cancelled when the client goes away."""

ABORT = "gateproof.abort"
"""Where in a scope is what the application calls if it is told to cut its connection off."""

Work = Coroutine[Any, Any, None]

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}
_NOT_IN_A_NAME = re.compile(rb'[\x00-\x20\x7f()<>@,;:\[\]={}\\"]')
_NOT_IN_A_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_LAST_CHUNK = b"0\r\n\r\n"
_FAILED = b"Internal Server Error"
_BODILESS = (204, 304)
_FORGOTTEN: Scope = {}


class Connection(Protocol):
    """What an answer needs of the connection that it goes out on."""

    transport: asyncio.Transport
    full: asyncio.Future[None] | None
    """Done when the client has read enough that more may be written; None if it may be now."""

    def start(self, work: Work) -> asyncio.Task[None]: ...
    def common_headers(self) -> list[tuple[bytes, bytes]]: ...
    def resume_reading(self) -> None: ...
    def log_access(self, scope: Scope, status: int) -> None: ...
    def answered(self, keep_alive: bool) -> None: ...


class Response:
    """One answer. As a function it is ASGI's `send`.

    A stream may outlive the application's own call: what is left to `later` is done when the application has returned,
    so that no layer of it waits for the end.
    """

    __slots__ = (
        "_bodiless",
        "_body",
        "_chunked",
        "_connection",
        "_expects_continue",
        "_keep_alive",
        "_left",
        "_may_be_abandoned",
        "_more",
        "_news",
        "_rest",
        "_scope",
        "_started",
        "_task",
        "_waiting",
        "complete",
        "disconnected",
    )  # fmt: skip

    def __init__(self, connection: Connection, scope: Scope, *, keep_alive: bool, expects_continue: bool) -> None:
        self._connection, self._scope = connection, scope
        self._keep_alive, self._expects_continue = keep_alive, expects_continue
        self._bodiless = scope["method"] == "HEAD"
        self._started = self._chunked = False
        self._left: int | None = None
        """Bytes that the announced length still allows; None if the body is not measured."""
        self._rest: Work | None = None
        self._body = b""
        self._news = False
        self._waiting: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._may_be_abandoned = False
        self.complete = self.disconnected = False
        self._more = True
        scope[MAY_BE_ABANDONED] = self.may_be_abandoned

    def give(self, app: ASGIApp) -> None:
        """Has the application answer, and does what it leaves for later."""
        self._do(cast(Work, app(self._scope, self.receive, self)))

    def _do(self, work: Work) -> None:
        self._task = self._connection.start(work)
        self._task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """The application has returned, or the rest is done."""
        failed = None if task.cancelled() else task.exception()
        if failed is not None:
            log.error("a request failed", exc_info=failed)
        rest, self._rest = self._rest, None
        if rest is None or failed is not None or task.cancelled():
            self._leave_nothing_half_said()
        else:
            self._do(rest)
            if self.disconnected:
                # Only what has begun cleans up after itself.
                task.get_loop().call_soon(self._abandon)
        self._scope = _FORGOTTEN

    def _leave_nothing_half_said(self) -> None:
        if self.complete or self.disconnected:
            return
        if self._started:
            self._connection.transport.close()
        else:
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(_FAILED))]
            self._begin(500, [*headers, (b"connection", b"close")])
            self.more(_FAILED, False)

    def _abandon(self) -> None:
        if self._may_be_abandoned and self._task is not None:
            self._task.cancel()

    def heard(self, body: bytes) -> int:
        """More of the request's body. Gives how much of it waits to be received."""
        if self.complete:
            return 0
        self._body += body
        self._tell()
        return len(self._body)

    def heard_all(self) -> None:
        self._more = False
        self._tell()

    def gone(self) -> None:
        """The client went away."""
        if not (self.complete or self.disconnected):
            self.disconnected = True
            self._abandon()
        self._tell()

    def may_be_abandoned(self) -> None:
        """If the client goes away the work for it is cancelled."""
        self._may_be_abandoned = True

    def close_after(self) -> None:
        """The connection is to end with this answer."""
        self._keep_alive = False

    def later(self, rest: Work) -> None:
        """Does this when the application has returned: it sends the rest of the answer."""
        self._rest = rest

    async def receive(self) -> Message:
        """ASGI's: the request's body as it comes, and then, when it is over, that the client has gone."""
        if self._expects_continue and not self._connection.transport.is_closing():
            self._expects_continue = False
            self._connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not (self.disconnected or self.complete or self._news):
            self._connection.resume_reading()
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        self._news = False
        if self.disconnected or self.complete:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": self._more}

    async def __call__(self, message: Any) -> None:
        """ASGI's `send`."""
        if self._connection.full is not None:
            await self._connection.full
        if self.disconnected:
            return
        kind = message["type"]
        if self.complete or kind != ("http.response.body" if self._started else "http.response.start"):
            raise RuntimeError(f"Unexpected ASGI message {kind!r}.")
        if not self._started:
            self._begin(message["status"], message.get("headers", ()))
            return
        self.more(message.get("body", b""), message.get("more_body", False))

    def more(self, body: bytes, more: bool) -> asyncio.Future[None] | None:
        """Sends a piece of the body, and whether more follow. Gives what has to be waited for before the next, if
        anything."""
        if self._chunked and more and body:
            self._connection.transport.write(b"%x\r\n%b\r\n" % (len(body), body))
        else:
            self._write(body, more)
        return self._connection.full

    def _begin(self, status: int, headers: Any) -> None:
        self._started, self._expects_continue = True, False
        lines, closes = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status], False
        for name, value in (*self._connection.common_headers(), *headers):
            if _NOT_IN_A_NAME.search(name) or _NOT_IN_A_VALUE.search(value):
                raise RuntimeError(f"Header {name!r} can't be sent.")
            lower = name.lower()
            if lower == b"content-length":
                self._left = int(value)
            elif lower == b"connection" and b"close" in value.lower():
                self._keep_alive, closes = False, True
            lines.append(b"%b: %b\r\n" % (lower, value))
        self._bodiless = self._bodiless or status in _BODILESS
        if self._bodiless:
            self._left = None
        elif self._left is None:
            # HTTP/1.0 knows no chunked coding: there a body without a length ends with the connection.
            self._chunked = self._scope["http_version"] == "1.1"
            if self._chunked:
                lines.append(b"transfer-encoding: chunked\r\n")
        if not self._keep_alive and not closes:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        self._connection.log_access(self._scope, status)
        self._connection.transport.write(b"".join(lines))

    def _write(self, body: bytes, more: bool) -> None:
        if self._bodiless:
            body = b""
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                raise RuntimeError("The body has another length than was announced.")
        if self._chunked and body:
            body = b"%x\r\n%b\r\n" % (len(body), body)
        if self._chunked and not more:
            body += _LAST_CHUNK
        if body:
            self._connection.transport.write(body)
        if not more:
            self._end()

    def _end(self) -> None:
        self.complete, self._body = True, b""
        self._tell()
        self._connection.answered(self._keep_alive)

    def _tell(self) -> None:
        self._news = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
