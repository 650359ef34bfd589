"""Serves a hostile gateway: the bundled one behind a relay that does what the case says, and another host, which keeps
what reaches it."""

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event, Thread

from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.faults.tcp import relay
from reference_gateway.gateway import Gateway
from reference_gateway.hostile.case import Case, Host
from reference_gateway.hostile.tls import context
from reference_gateway.server import listen, running

BODY_LIMIT = 1024 * 1024


@dataclass(slots=True)
class Served:
    """Where a case is served, what the other host has heard so far, and the certificate's authority, if any."""

    url: str
    elsewhere: str
    authority: bytes = b""
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def serving(case: Case, key: str, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Served]:
    """This case on a free port of this machine, in threads of its own. Gives the URL without a path."""
    config = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0, "dimensions": 64})
    app = create_app(Gateway.open(replace(config, max_body_bytes=BODY_LIMIT), tokens=[key], seed=1))
    listener, other = listen(host, port), listen("127.0.0.1", 0)
    scheme = case.scheme or ("https" if case.certificate else "http")
    name, number = listener.getsockname()[:2]
    served = Served(f"{scheme}://{name}:{number}", f"http://localhost:{other.getsockname()[1]}")
    tls, served.authority = context(case.certificate) if case.certificate else (None, b"")
    loop, ended, started = asyncio.new_event_loop(), asyncio.Event(), Event()

    async def run(inner: int) -> None:
        away = await asyncio.start_server(lambda r, w: _keep(r, w, served.heard), sock=other)
        at_end = Host(served.elsewhere)
        relaying = asyncio.ensure_future(
            relay(
                listener,
                inner,
                case.begin(at_end),
                at_end.stop,
                tls=tls,
            )
        )
        started.set()
        await ended.wait()
        at_end.stop.set()
        await relaying
        away.close()

    with running(app, drain_timeout_s=0.1) as inner_url:
        inner = int(inner_url.rsplit(":", 1)[1])
        thread = Thread(target=loop.run_until_complete, args=(run(inner),), name="hostile", daemon=True)
        thread.start()
        started.wait(10)
        try:
            yield served
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join(10)
            if not thread.is_alive():
                loop.close()


async def _keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: list[bytes]) -> None:
    """Keeps what it hears, and answers as if nothing were the matter."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        while True:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    writer.close()
