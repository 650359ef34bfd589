"""Judges an application or a TCP service with the real probes and the real tests of the suites, without a pytest run
inside the pytest run: what each requirement of some areas says of it.

    verdicts = judge(changed(gateway_app(), edit), "ERR", "AUTH")
    assert red(verdicts) == {"ERR-001": Verdict.FAIL}
"""

import asyncio
import atexit
import inspect
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from conformance import catalogue, suites
from conformance import profiles as dialects
from conformance.deviations import settled
from conformance.exchange import Unusable
from conformance.features import FEATURES, is_claimed, why_not
from conformance.probe import MODES, PROBES, streamed
from conformance.probes import listing as _registers_all_probes  # noqa: F401
from conformance.recording import Recording, Result, record
from conformance.target import Target
from conformance.verdict import NotApplicable, Verdict, verdict_of, worst
from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.gateway import Gateway
from reference_gateway.server import running

KEY = "sk-judged-0123456789abcdef"
GREEN = (Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.INCONCLUSIVE, Verdict.KNOWN)

Test = Callable[..., None]
Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of one requirement, and why."""

    verdict: Verdict
    message: str = ""

    def __repr__(self) -> str:
        return f"{self.verdict}: {self.message}" if self.message else str(self.verdict)


def gateway_app(*, key: str | None = KEY) -> ASGIApp:
    """The bundled gateway, its simulator as fast as it goes."""
    config = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
    return create_app(Gateway.open(config, tokens=[key] if key else [], seed=1))


def judge(
    app: ASGIApp, *areas: str, path: str | None = None, profile: str = "openai", **options: Any
) -> dict[str, Judged]:
    """Serves the application on a free port and judges it. `path` is that of the base URL, `options` are Target's."""
    with on_stage(app) as url:
        return judge_url(url + (path or dialects.profile(profile).base_path), *areas, profile=profile, **options)


def judge_url(base_url: str, *areas: str, profile: str = "openai", **options: Any) -> dict[str, Judged]:
    """Judges what is served there already by the requirements of these areas (or by single ones, by id)."""
    settings: dict[str, Any] = {"profile": profile, "api_key": KEY, "timeout_s": 5.0} | options
    target = Target(base_url, **settings)
    dialect = dialects.profile(profile)
    tests = _tests_for(areas, dialect)
    probes = {_sent(name, mode) for _, test, mode in tests for name in inspect.signature(test).parameters}
    probes &= PROBES.keys()
    for id, _, _ in tests:
        for feature in catalogue.requirement(id).features:
            if not is_claimed(feature, target, dialect):
                probes |= set(FEATURES[feature].probes)
    recording = asyncio.run(record(target, dialect, probes))
    assert not recording.blocked, recording.blocked
    return judge_recording(recording, target, *areas)


def judge_recording(recording: Recording, target: Target, *areas: str) -> dict[str, Judged]:
    """Judges what was recorded, once more or for the first time; all probes that these areas need must be in it."""
    dialect = dialects.profile(target.profile)
    found: dict[str, Judged] = {}
    for id, test, mode in _tests_for(areas, dialect):
        said = _judged(id, test, mode, target, dialect, recording)
        if id not in found or worst((said.verdict, found[id].verdict)) is said.verdict:
            found[id] = said
    return found


def red(judged: dict[str, Judged]) -> dict[str, Judged]:
    """Those that are neither passed nor left open."""
    return {id: said for id, said in judged.items() if said.verdict not in GREEN}


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


class _Stage:
    """Passes every request on to the application of the moment, whose own start and end do not matter here."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await self.app(scope, receive, send)


@cache
def _stage() -> tuple[_Stage, str]:
    stage = _Stage()
    server = running(stage)
    url = server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return stage, url


@cache
def _tests_of(area: str) -> list[tuple[str, Test, str]]:
    files = sorted(file.stem for file in Path(suites.__path__[0]).glob(f"test_{area.lower()}*.py"))
    modules = [import_module(f"conformance.suites.{name}") for name in files]
    tests = [test for module in modules for name, test in vars(module).items() if name.startswith("test_")]
    marks = [(test, {mark.name: mark for mark in getattr(test, "pytestmark", ())}) for test in tests]
    return [
        (found["requirement"].args[0], test, mode)
        for test, found in marks
        if "requirement" in found
        for mode in (MODES if "parametrize" in found else MODES[:1])
    ]


def _sent(name: str, mode: str) -> str:
    """The probe that a test asks for by this name."""
    return streamed(name) if mode == "streamed" and streamed(name) in PROBES else name


def _tests(areas: set[str]) -> list[tuple[str, Test, str]]:
    return [found for area in sorted(areas) for found in _tests_of(area)]


def _tests_for(areas: tuple[str, ...], dialect: dialects.Profile) -> list[tuple[str, Test, str]]:
    wanted = {id for id in catalogue.select(areas) if dialect.applies(catalogue.requirement(id))}
    return [found for found in _tests({id.split("-")[0] for id in wanted}) if found[0] in wanted]


def _judged(id: str, test: Test, mode: str, target: Target, dialect: dialects.Profile, recording: Recording) -> Judged:
    """One test on the recording, as the plugin judges it."""
    requirement = catalogue.requirement(id)
    given: dict[str, Any] = {"exchanges": recording.exchanges, "facts": recording.facts, "target": target}
    given |= {"profile": dialect, "mode": mode}
    try:
        reason = why_not(requirement.features, target, dialect, recording)
        if reason:
            raise NotApplicable(reason)
        for name in inspect.signature(test).parameters:
            sent = _sent(name, mode)
            given.setdefault(name, _value(recording.results[sent]) if sent in recording.results else None)
        test(**{name: given[name] for name in inspect.signature(test).parameters})
    except Exception as raised:  # noqa: BLE001 - every outcome is a verdict
        error, seen = raised, f"{raised}" or type(raised).__name__
    else:
        error, seen = None, ""
    verdict = verdict_of(error, dialect.level(requirement))
    return Judged(*settled(dialect.deviations.get(id), verdict, seen, error))


def _value(result: Result) -> Any:
    if result.error:
        raise RuntimeError(result.error)
    if result.unusable:
        raise Unusable(result.unusable)
    return result.value
