"""One connection of a client: reads its requests, and has each answered by the application, one after the other."""

import asyncio
import logging
import re
from collections import deque
from typing import Any, cast
from urllib.parse import unquote

import httptools
import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.server import ServerState

from reference_gateway.http.response import ABORT, Response, Work
from reference_gateway.layers.request_id import new_request_id
from reference_gateway.wire_json import one_line

access_log = logging.getLogger("uvicorn.access")

_MOST_UNREAD = 65_536
"""Bytes of a request that may wait for the application before the client has to wait, too."""
_NO_HEADERS: list[tuple[bytes, bytes]] = []
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """uvicorn's server makes one for each client (its option `http`), and calls `shutdown` when it drains."""

    __slots__ = (
        "_answering",
        "_config",
        "_expects_continue",
        "_headers",
        "_idle",
        "_is_within",
        "_loop",
        "_parser",
        "_reading",
        "_reading_paused",
        "_state",
        "_url",
        "_waiting",
        "full",
        "transport",
    )  # fmt: skip

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config, self._state = config, server_state
        self._loop = _loop or asyncio.get_running_loop()
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.full: asyncio.Future[None] | None = None
        self._parser: Any = None
        self._is_within = False
        """Whether a request has begun and is not complete."""
        self._url = b""
        self._headers = _NO_HEADERS
        self._expects_continue = False
        self._reading: Response | None = None
        """The answer to the request that comes in, or that came in last."""
        self._answering: Response | None = None
        """The answer that is being given, or that was given last."""
        self._waiting: deque[Response] | None = None
        """Answers to requests that came before it was their turn."""
        self._reading_paused = False
        self._idle: asyncio.TimerHandle | None = None

    # The transport's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._state.connections.add(cast(Any, self))

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(cast(Any, self))
        self._busy()
        self._parser = None
        for response in (self._answering, self._reading):
            if response is not None:
                response.gone()
        self._answering = self._reading = None
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        self._busy()
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
            if hasattr(self._parser, "set_dangerous_leniencies"):  # httptools 0.6.3: a last request may be followed
                self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        if self._reading is None or self._reading.complete:
            # The parser drops the body of a request that offers an upgrade (as Java's client does with h2c). We offer
            # none, so the header is made one that means nothing.
            head, blank, rest = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(b"\r\nx-pgrade:", head) + blank + rest
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse("Invalid HTTP request received.")
        except httptools.HttpParserUpgrade:
            pass
        if not self._is_within:
            self._parser = None  # it is not small, and most connections say nothing while they are answered

    def pause_writing(self) -> None:
        if self.full is None:
            self.full = self._loop.create_future()

    def resume_writing(self) -> None:
        full, self.full = self.full, None
        if full is not None and not full.done():
            full.set_result(None)

    # The parser's calls

    def on_message_begin(self) -> None:
        self._is_within = True
        self._url, self._headers, self._expects_continue = b"", [], False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self._expects_continue = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        version, url = self._parser.get_http_version(), httptools.parse_url(self._url)
        path = url.path.decode("ascii")
        scope: Scope = {
            "type": "http",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "method": self._parser.get_method().decode("ascii"),
            "scheme": "https" if self._is_tls() else "http",
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "headers": self._headers,
            ABORT: self.transport.abort,
        }
        keep_alive = version != "1.0" and self._parser.should_keep_alive()
        response = Response(self, scope, keep_alive=keep_alive, expects_continue=self._expects_continue)
        self._url, self._headers = b"", _NO_HEADERS
        self._reading = response
        if self._answering is None or self._answering.complete:
            self._answer(response)
        else:
            self._waiting = self._waiting or deque()
            self._waiting.append(response)
            self._pause_reading()

    def on_body(self, body: bytes) -> None:
        if self._reading is not None and self._reading.heard(body) > _MOST_UNREAD:
            self._pause_reading()

    def on_message_complete(self) -> None:
        self._is_within = False
        if self._reading is not None:
            self._reading.heard_all()

    # The answer's calls

    def start(self, work: Work) -> asyncio.Task[None]:
        """A task that the server waits for when it drains."""
        task = self._loop.create_task(work)
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)
        return task

    def common_headers(self) -> list[tuple[bytes, bytes]]:
        return self._state.default_headers

    def log_access(self, scope: Scope, status: int) -> None:
        if self._config.access_log:
            host, port = self.transport.get_extra_info("peername")[:2]
            query = scope["query_string"].decode("ascii", "replace")
            path = scope["raw_path"].decode("ascii") + (f"?{query}" if query else "")
            access_log.info(
                '%s:%d - "%s %s HTTP/%s" %d', host, port, scope["method"], path, scope["http_version"], status
            )

    def resume_reading(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()

    def answered(self, keep_alive: bool) -> None:
        """An answer is complete: it is the next one's turn, or the client's."""
        self._state.total_requests += 1
        if not keep_alive:
            self.transport.close()
        if self.transport.is_closing():
            return
        self.resume_reading()
        if self._waiting:
            self._answer(self._waiting.popleft())
        else:
            self._busy()
            self._idle = self._loop.call_later(self._config.timeout_keep_alive, self.transport.close)

    # The server's call

    def shutdown(self) -> None:
        """Ends after the answer that is being given. An idle connection is closed at once; over TLS it would wait for
        the client to say goodbye."""
        if self._answering is not None and not self._answering.complete:
            self._answering.close_after()
        elif self._is_tls():
            self.transport.abort()
        else:
            self.transport.close()

    def _answer(self, response: Response) -> None:
        self._answering = response
        response.give(cast(ASGIApp, self._config.loaded_app))

    def _refuse(self, message: str) -> None:
        body = one_line({"error": {"message": message, "type": "invalid_request_error", "param": None,
                                   "code": "invalid_http"}})  # fmt: skip
        headers = [
            *self.common_headers(),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", new_request_id().encode("ascii")),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + lines + b"\r\n" + body)
        self.transport.close()

    def _pause_reading(self) -> None:
        if not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()

    def _busy(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _is_tls(self) -> bool:
        return self.transport.get_extra_info("sslcontext") is not None
