"""Runs an ASGI application on uvicorn: one listening socket, a bounded drain, and errors of HTTP itself as JSON."""

import asyncio
import logging
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from reference_gateway.app import create_app
from reference_gateway.config import Config, default_config
from reference_gateway.gateway import Gateway
from reference_gateway.request_id import new_request_id
from reference_gateway.tls import Certificate
from reference_gateway.wire_json import one_line

KEEP_ALIVE_S = 75
BACKLOG = 2048
ABORT = "gateproof.abort"
"""The extension of ASGI by which an application that is told to fail cuts its connection off."""
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


def _is_about_us(record: logging.LogRecord) -> bool:
    """What a client does wrong is answered; it is nothing to warn of."""
    return record.getMessage() != "Invalid HTTP request received."


logging.getLogger("uvicorn.error").addFilter(_is_about_us)


class ServerError(Exception):
    """The server can't start; the message is one line."""


class Server(uvicorn.Server):
    """A uvicorn server that says when it accepts connections, and leaves the process's signals to its owner."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        drain_timeout_s: float = 5.0,
        log_level: str = "warning",
        certificate: Certificate | None = None,
    ) -> None:
        with nullcontext() if certificate is None else certificate.file() as file:
            config = uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level=log_level,
                access_log=log_level in ("info", "debug", "trace"),
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=cast(int, drain_timeout_s),
                server_header=False,
                ssl_keyfile=file,
                ssl_certfile=file,
            )
            config.load()
        super().__init__(config)
        self.before_start: Callable[[], None] = lambda: None
        self.when_ready: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.before_start()
        await super().startup(sockets)
        self.when_ready()

    def capture_signals(self) -> Any:
        return nullcontext()

    def stop(self) -> None:
        """Accept nothing more, let open streams drain, end. Twice: end at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    def stop_on_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP, which sends small writes at once and answers what is not HTTP in JSON."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        cast(Any, self.scope)["extensions"] = {ABORT: self.transport.abort}
        if self.cycle is not None:
            self.cycle.__class__ = _UntilClosed if self.scope["http_version"] == "1.0" else _Cycle

    def shutdown(self) -> None:
        """An idle connection is closed at once; over TLS it would wait for the client to say goodbye."""
        super().shutdown()
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.transport.get_extra_info("ssl_object") is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """The parser drops the body of a request that offers an upgrade (as Java's client does with h2c). We offer
        none, so the header is made one that means nothing."""
        if self.cycle is None or self.cycle.response_complete:
            head, blank, rest = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(b"\r\nx-pgrade:", head) + blank + rest
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        error = {"message": msg, "type": "invalid_request_error", "param": None, "code": "invalid_http"}
        body = one_line({"error": error})
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", new_request_id().encode("ascii")),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + lines + b"\r\n" + body)
        self.transport.close()


class _Cycle(RequestResponseCycle):
    """uvicorn's answer, with a short way for what is sent most: one more chunk of a body."""

    async def send(self, message: Any) -> None:
        if (
            self.chunked_encoding
            and message.get("more_body")
            and message.get("body")
            and not (self.flow.write_paused or self.disconnected or self.response_complete)
            and self.scope["method"] != "HEAD"
        ):
            body = message["body"]
            self.transport.write(b"%x\r\n%b\r\n" % (len(body), body))
        else:
            await super().send(message)


class _UntilClosed(RequestResponseCycle):
    """The answer to an HTTP/1.0 client, which knows no chunked coding: without a length it ends with the connection,
    which uvicorn does not do by itself."""

    _measured = True

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._measured = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
            if not self._measured:
                self.chunked_encoding = False
        elif not self._measured and self.scope["method"] != "HEAD":
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. ServerError if it can't be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a host name"
        raise ServerError(f"can't listen on {host}:{port}: {reason.lower()}") from None
    return listener


def url(listener: socket.socket, scheme: str = "http") -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"{scheme}://{host}:{port}"


@contextmanager
def running_gateway(
    config: Config | None = None,
    *,
    tokens: Iterable[str] = (),
    seed: int | None = None,
    drain_timeout_s: float = 0.5,
    port: int = 0,
    certificate: Certificate | None = None,
) -> Iterator[str]:
    """A gateway (the default one without a configuration) on a free port of this machine, in a thread of its own.
    Gives the URL without a path: add `/v1`."""
    gateway = Gateway.open(config or default_config(), tokens=tokens, seed=seed)
    with running(create_app(gateway), drain_timeout_s=drain_timeout_s, port=port, certificate=certificate) as base_url:
        yield base_url


@contextmanager
def running(
    app: ASGIApp, *, drain_timeout_s: float = 0.5, port: int = 0, certificate: Certificate | None = None
) -> Iterator[str]:
    """Any ASGI application on a free port of this machine, in a thread of its own."""
    listener = listen("127.0.0.1", port)
    server = Server(app, drain_timeout_s=drain_timeout_s, certificate=certificate)
    started = threading.Event()
    server.when_ready = started.set
    thread = threading.Thread(target=server.run, args=([listener],), name="gateway", daemon=True)
    base_url = url(listener, "http" if certificate is None else "https")
    thread.start()
    if not started.wait(30):
        raise ServerError("the gateway did not start within 30 s")
    try:
        yield base_url
    finally:
        server.should_exit = True
        thread.join()
