"""Judges an application or a TCP service with the real probes and the real tests of the suites, without a pytest run
inside the pytest run: what each requirement of some areas says of it.

    verdicts = judge(changed(gateway_app(), edit), "ERR", "AUTH")
    assert red(verdicts) == {"ERR-001": Verdict.FAIL}
"""

import asyncio
import atexit
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from starlette.types import ASGIApp

from conformance import profiles as dialects
from conformance.judging import in_process
from conformance.judging.in_process import GREEN, judge_recording, red
from conformance.judging.outcome import Outcome
from conformance.verdict import Verdict
from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.faults.serving import Stage
from reference_gateway.gateway import Gateway
from reference_gateway.server import running

__all__ = [
    "GREEN", "KEY", "Cut", "Outcome", "altered", "gateway_app", "judge", "judge_recording", "judge_url", "on_stage",
    "paced", "red", "red_verdicts", "serving",
]  # fmt: skip
KEY = "sk-judged-0123456789abcdef"

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def gateway_app(*, key: str | None = KEY, ttft_s: float = 0.0, itl_s: float = 0.0) -> ASGIApp:
    """The bundled gateway, its simulator as fast as it goes unless told otherwise."""
    config = with_settings(default_config(), {"ttft_s": ttft_s, "itl_s": itl_s})
    return create_app(Gateway.open(config, tokens=[key] if key else [], seed=1))


def paced(ttft_s: float = 0.02, itl_s: float = 0.006) -> ASGIApp:
    """The bundled gateway at the pace of a model."""
    return gateway_app(ttft_s=ttft_s, itl_s=itl_s)


def judge(
    app: ASGIApp, *areas: str, path: str | None = None, profile: str = "openai", **options: Any
) -> dict[str, Outcome]:
    """Serves the application on a free port and judges it. `path` is that of the base URL, `options` are Target's."""
    with on_stage(app) as url:
        return judge_url(url + (path or dialects.profile(profile).base_path), *areas, profile=profile, **options)


def judge_url(base_url: str, *areas: str, profile: str = "openai", **options: Any) -> dict[str, Outcome]:
    """Judges what is served there already by the requirements of these areas (or by single ones, by id)."""
    return in_process.judge_url(base_url, *areas, profile=profile, **{"api_key": KEY} | options)


def red_verdicts(judged: dict[str, Outcome]) -> dict[str, Verdict]:
    """The verdict of each requirement that is not green."""
    return {id: said.verdict for id, said in red(judged).items()}


@contextmanager
def on_stage(app: ASGIApp) -> Iterator[str]:
    """The application on a server that this process starts once, as starting and stopping takes longer than judging."""
    stage, url = _stage()
    stage.app = app
    yield url


@contextmanager
def serving(connection: Connection) -> Iterator[str]:
    """A TCP service on a free port of this machine, in a thread of its own: for what no ASGI server would send."""
    loop, address, stop = asyncio.new_event_loop(), [0], asyncio.Event()
    started = threading.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await connection(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        address[0] = server.sockets[0].getsockname()[1]
        started.set()
        await stop.wait()
        server.close()

    def run() -> None:
        loop.run_until_complete(serve())
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()

    thread = threading.Thread(target=run, name="tcp", daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield f"http://127.0.0.1:{address[0]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


class Cut(Exception):
    """Closes a connection after these last bytes."""

    def __init__(self, last: bytes = b"") -> None:
        super().__init__()
        self.last = last


@contextmanager
def altered(app: ASGIApp, edit: Callable[[bytes, bytes], bytes]) -> Iterator[str]:
    """The application behind a TCP proxy that passes every piece the server writes through `edit`, which also gets
    what the client wrote last on this connection. It may raise Cut."""
    with on_stage(app) as url:
        port = int(url.rsplit(":", 1)[1])

        async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            answers, requests = await asyncio.open_connection("127.0.0.1", port)
            asked = b""

            async def ask() -> None:
                nonlocal asked
                while data := await reader.read(65536):
                    asked = data
                    requests.write(data)
                    await requests.drain()
                requests.write_eof()

            asking = asyncio.ensure_future(ask())
            try:
                while data := await answers.read(65536):
                    writer.write(edit(asked, data))
                    await writer.drain()
            except Cut as cut:
                writer.write(cut.last)
                await writer.drain()
            finally:
                asking.cancel()
                requests.close()

        with serving(connection) as outside:
            yield outside


@cache
def _stage() -> tuple[Stage, str]:
    stage = Stage()
    server = running(stage)
    url = server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return stage, url
