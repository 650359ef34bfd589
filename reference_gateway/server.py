"""Runs an ASGI application on uvicorn's server: one listening socket, and a bounded drain."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from reference_gateway.app import create_app
from reference_gateway.config import Config, default_config
from reference_gateway.gateway import Gateway
from reference_gateway.http.connection import Connection
from reference_gateway.tls import Certificate

KEEP_ALIVE_S = 75
BACKLOG = 2048


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
                http=Connection,
                ws="none",
                proxy_headers=False,
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
    port: int = 0,
    certificate: Certificate | None = None,
) -> Iterator[str]:
    """A gateway (the default one without a configuration) on a free port of this machine, in a thread of its own.
    Gives the URL without a path: add `/v1`."""
    gateway = Gateway.open(config or default_config(), tokens=tokens, seed=seed)
    with running(create_app(gateway), port=port, certificate=certificate) as base_url:
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
