"""What a paced stream costs the bundled gateway, beside a raw asyncio server in the same run (Linux; about a minute).

Measured with 275 streams of 100 events per second, which is half of 55,000: the CPU time of the server per event, how
much the requests they begin with included, how far a gap between two events is from the pace (p99), and the memory that
an open stream takes which waits for its second token. Server and reader have a core each where there are two. On a
busy machine the times are noise, and most of all the jitter: the raw server beside tells how much, --realtime is the
remedy.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from select import select
from statistics import quantiles
from typing import cast
from urllib.parse import urlsplit

import uvloop

STREAMS, IDLE_STREAMS = 275, 1000
TOKENS, TTFT_S, ITL_S = 128, 0.05, 0.01
WARM_UP_S, LOAD_S = 1.5, 5.0
GATEWAY = [str(Path(sys.executable).with_name("gateproof")), "serve", "--port", "0", "--drain-timeout", "0"]
START_S, OPEN_S, STOP_S = 30.0, 30.0, 10.0
"""How long a server may take to start, for all streams to open, and to stop."""
GOALS = {"cpu_us": 18.0, "jitter_ms": 5.0, "idle_kb": 10.0, "events_per_core": 55_000.0}
RAW = [sys.executable, "-m", "reference_gateway.bench.raw"]
BODY = json.dumps(
    {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": f"Write {TOKENS} words."}],
        "max_tokens": TOKENS,
        "stream": True,
    }
).encode()
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
REQUEST += b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: the time of the load, and how many streams there are of each kind."""

    seconds: float
    streams: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one server: what the bench is about, and how busy it was."""

    cpu_us: float
    jitter_ms: float
    idle_kb: float
    events_per_s: float

    @property
    def events_per_core(self) -> float:
        """How many a second a core would have time for."""
        return 1e6 / self.cpu_us


class Reader(asyncio.Protocol):
    """Reads streams, one after another, and keeps the gaps between events of the same stream."""

    def __init__(self) -> None:
        self.events = 0
        self.began = asyncio.Event()
        self.gaps_s: list[float] = []
        self._last_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        now_s = time.perf_counter()
        self.events += data.count(b"\n\n")
        # A read may hold the opening, whose content is empty, and the first token at once.
        if data.count(b'"content":"') > data.count(b'"role"'):
            if self._last_s:
                self.gaps_s.append(now_s - self._last_s)
            self._last_s = now_s
            self.began.set()
        if data.endswith(b"0\r\n\r\n"):
            self._last_s = 0.0
            self._transport.write(REQUEST)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reference_gateway.bench.stream",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seconds", type=float, default=LOAD_S, help="of load on each server, from 0.1 on (default: %(default)s)")
    add("--streams", type=int, default=STREAMS, help="at a time, from 2 on (default: %(default)s)")
    add("--waiting", type=int, default=IDLE_STREAMS, help="streams that wait, from 10 on (default: %(default)s)")
    add("--realtime", action="store_true", help="keep other programs off the cores (needs root)")
    args = parser.parse_args()
    size = Size(args.seconds, args.streams, args.waiting)
    if not (0.1 <= size.seconds <= 60 and size.streams >= 2 and size.waiting >= 10):
        parser.error("that is too little to measure, or more than a minute")
    if args.realtime:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            parser.error("--realtime needs root")
    gateway = _measured(lambda itl_s: [*GATEWAY, "--ttft", str(TTFT_S), "--itl", str(itl_s)], size)
    raw = _measured(lambda itl_s: [*RAW, str(TTFT_S), str(itl_s), str(TOKENS)], size)
    print(f"{size.streams} streams of {1 / ITL_S:.0f} events per second; {size.waiting} that wait")
    print(f"{'':34}{'gateway':>10}{'goal':>10}{'raw server':>12}")
    for title, name, sign in (
        ("CPU time per event, us", "cpu_us", "<="),
        ("events per second and core", "events_per_core", ">="),
        ("jitter of the gaps, p99, ms", "jitter_ms", "<="),
        ("memory per open stream, kB", "idle_kb", "<="),
    ):
        goal = f"{sign} {GOALS[name]:,.0f}"
        print(f"{title:<34}{getattr(gateway, name):>10,.1f}{goal:>10}{getattr(raw, name):>12,.1f}")
    print(f"{'events per second, as measured':<34}{gateway.events_per_s:>10,.0f}{'':>10}{raw.events_per_s:>12,.0f}")
    return 0


def _measured(command: Callable[[float], list[str]], size: Size) -> Figures:
    with _running(command(ITL_S)) as (pid, port):
        cpu_us, jitter_ms, events_per_s = uvloop.run(_loaded(pid, port, size))
    with _running(command(60.0)) as (pid, port):
        idle_kb = uvloop.run(_idle(pid, port, size.waiting))
    return Figures(cpu_us, jitter_ms, idle_kb, events_per_s)


async def _loaded(pid: int, port: int, size: Size) -> tuple[float, float, float]:
    """CPU microseconds per event, jitter in milliseconds and events per second, of the time after the warm-up. The
    streams begin one after another, as those of many clients do."""
    readers = [Reader() for _ in range(size.streams)]
    for reader in readers:
        await _connected(reader, port)
        await asyncio.sleep(min(WARM_UP_S, size.seconds) / size.streams)
    for reader in readers:
        reader.events, reader.gaps_s = 0, []
    cpu_s, began_s = _cpu_s(pid), time.perf_counter()
    await asyncio.sleep(size.seconds)
    cpu_s, took_s = _cpu_s(pid) - cpu_s, time.perf_counter() - began_s
    events = sum(reader.events for reader in readers)
    off_s = [abs(gap_s - ITL_S) for reader in readers for gap_s in reader.gaps_s]
    return cpu_s / events * 1e6, quantiles(off_s, n=100)[98] * 1e3, events / took_s


async def _idle(pid: int, port: int, streams: int) -> float:
    """Kilobytes of memory that an open stream takes, once it has had its first token."""
    async with asyncio.timeout(OPEN_S):
        await _opened(streams // 10, port)
        before = _memory_kb(pid)
        await _opened(streams, port)
        return (_memory_kb(pid) - before) / streams


async def _opened(count: int, port: int) -> None:
    readers = [Reader() for _ in range(count)]
    for reader in readers:
        await _connected(reader, port)
    await asyncio.gather(*(reader.began.wait() for reader in readers))
    await asyncio.sleep(0.3)


async def _connected(reader: Reader, port: int) -> None:
    await asyncio.get_running_loop().create_connection(lambda: reader, "127.0.0.1", port)


@contextmanager
def _running(command: list[str]) -> Iterator[tuple[int, int]]:
    """The process and the port of a server, on the first core where there are several; the reader keeps off it."""
    cores = sorted(os.sched_getaffinity(0))
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        if len(cores) > 1:
            os.sched_setaffinity(server.pid, cores[:1])
            os.sched_setaffinity(0, cores[1:])
        yield server.pid, _port(server)
    finally:
        os.sched_setaffinity(0, cores)
        server.terminate()
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _port(server: "subprocess.Popen[str]") -> int:
    """The port that it says it listens on. Ends the bench if it says nothing of that kind."""
    assert server.stdout is not None
    said = server.stdout.readline().strip() if select([server.stdout], [], [], START_S)[0] else ""
    port = urlsplit(said.removeprefix("listening on ")).port
    if port is None:
        raise SystemExit(f"the server did not start: {server.args!r}")
    return port


def _cpu_s(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) / 1e9


def _memory_kb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1.024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    raise SystemExit(main())
