"""Serves a faulty gateway: the application with its defect around it, behind the relay if the defect is below HTTP."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from reference_gateway.faults.fault import Fault
from reference_gateway.faults.tcp import Tcp, relay, relaying
from reference_gateway.server import listen, running, url
from reference_gateway.tls import Certificate


class Stage:
    """Passes every request on to the application of the moment, whose own start and end do not matter here: to start
    and to stop a server takes longer than to judge it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await self.app(scope, receive, send)


@contextmanager
def staged(stage: Stage, stage_url: str, fault: Fault, app: ASGIApp) -> Iterator[str]:
    """This application with this fault, on a stage that is being served already at this URL. Gives the URL to ask."""
    stage.app = fault.wrap(app)
    if fault.tcp is None:
        yield stage_url
        return
    listener = listen("127.0.0.1", 0)
    with relaying(listener, int(stage_url.rsplit(":", 1)[1]), fault.tcp):
        yield url(listener)


def serve_below(
    app: ASGIApp,
    tcp: Tcp,
    listener: socket.socket,
    *,
    when_ready: Callable[[], None],
    certificate: Certificate | None = None,
    drain_timeout_s: float = 5.0,
) -> None:
    """Serves the application behind a relay with this defect until SIGINT or SIGTERM. TLS ends at the relay."""

    async def until_stopped(port: int) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        asyncio.get_running_loop().call_soon(when_ready)
        await relay(listener, port, tcp, stop, tls=None if certificate is None else _context(certificate))

    with running(app, drain_timeout_s=drain_timeout_s) as inner:
        asyncio.run(until_stopped(int(inner.rsplit(":", 1)[1])))


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with certificate.file() as file:
        context.load_cert_chain(file)
    return context
