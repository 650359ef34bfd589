"""The C server on one core, a client on another, and the CPU that the client needs for each event."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TOKENS = 128
START_S = 30.0
"""How long a client may take until its streams run."""
SETTLE_S = 1.0
_NICE, _REALTIME = -5, 10


@dataclass(frozen=True, slots=True)
class Workload:
    """`streams` of `tokens` events run at once for `seconds`; CPU is counted for `window_s` of them. `server` are the
    server's options."""

    name: str
    streams: int
    server: tuple[str, ...] = ("--ttft-ms", "50", "--itl-ms", "10")
    seconds: int = 8
    window_s: float = 4.0
    tokens: int = TOKENS


@dataclass(frozen=True, slots=True)
class Run:
    """One client's run, measured from outside: CPU per event in seconds, events per second, cores that it used, and
    how many streams were open, of so many tokens each."""

    cpu_per_event_s: float
    events_per_s: float
    cpu: float
    truth: Path
    tokens: int
    rss_bytes: int = 0
    streams: int = 0
    said: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def us(self) -> float:
        """CPU per event, in microseconds."""
        return self.cpu_per_event_s * 1e6


def built(folder: Path) -> None:
    """Compiles the server and the reader. Raises CalledProcessError where there is no C compiler."""
    for name in ("server", "reader"):
        subprocess.run(["cc", "-O2", "-w", "-o", folder / name, HERE / f"{name}.c"], check=True)


def pinned(core: int | None, *, realtime: bool) -> Callable[[], None]:
    """What a child does before it starts: stays on one core, if it is given one, and comes before other programs, where
    that is allowed."""

    def prepare() -> None:
        if core is not None:
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cores[core % len(cores)]})
        try:
            if realtime:
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_REALTIME))
            else:
                os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        except PermissionError:
            return

    return prepare


@contextmanager
def serving(folder: Path, workload: Workload, *, realtime: bool) -> Iterator[str]:
    """The base URL of a server that plays the workload, and writes its truth when asked."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(folder / "server"), "--port", str(port), "--truth", str(folder / "truth.bin")]
    command += ["--tokens", str(workload.tokens), *workload.server]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=pinned(0, realtime=realtime))
    url = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: _reachable(port), 5.0)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def measured(
    folder: Path, workload: Workload, command: Sequence[str], url: str, *, realtime: bool, spread: bool = False
) -> Run:
    """Runs a client against the server at `url`, on one core unless its processes are to `spread`. CPU and events are
    those of a window in the middle of its run."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "BENCH_TOKENS": str(workload.tokens), "NO_PROXY": "127.0.0.1"}
    env["BENCH_FIGURES"] = str(folder / "figures.json")
    log = folder / "client.log"
    with log.open("wb") as out:
        prepare = pinned(None if spread else 1, realtime=realtime)
        client = subprocess.Popen(command, env=env, cwd=folder, stdout=out, stderr=out, preexec_fn=prepare)
        try:
            _until(lambda: _events(url) > workload.streams * 4 or client.poll() is not None, START_S)
            time.sleep(SETTLE_S)
            if client.poll() is not None:
                raise RuntimeError(f"the client ended too early: {log.read_text('utf-8', 'replace')[-500:]}")
            family = _family(client.pid)
            before = _events(url), _cpu_s(family), time.monotonic()
            time.sleep(workload.window_s)
            rss, streams = _rss_bytes(client.pid), int(_stats(url)["active"])
            after = _events(url), _cpu_s(family), time.monotonic()
            client.wait(workload.seconds + START_S)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(str(error)) from None
        finally:
            if client.poll() is None:
                client.kill()
                client.wait()
    _get(f"{url}/__dump")
    events, cpu_s, wall_s = (later - earlier for earlier, later in zip(before, after, strict=True))
    said = log.read_text("utf-8", "replace")
    if not events:
        raise RuntimeError(f"nothing was read: {said[-500:]}")
    truth = folder / "truth.bin"
    return Run(cpu_s / events, events / wall_s, cpu_s / wall_s, truth, workload.tokens, rss, streams, said)


def ours(url: str, workload: Workload, figures: Path, workers: int = 0) -> list[str]:
    """The load test itself, as locust runs it, with all its figures and rules; alone or in so many workers."""
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "load" / "locustfile.py"), "-H", f"{url}/v1"]
    command += ["--headless", "--only-summary", "-u", str(workload.streams), "-r", str(workload.streams)]
    command += ["-t", f"{workload.seconds}s", "--gateproof-json", str(figures)]
    command += ["--gateproof-model", "bench-model", "--gateproof-max-tokens", str(workload.tokens)]
    if workers:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        command += ["--processes", str(workers), "--master-bind-port", port, "--master-port", port]
    return command


def stock(url: str, workload: Workload) -> list[str]:
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "stock.py"), "-H", url, "--headless", "--only-summary"]
    return [*command, "-u", str(workload.streams), "-r", str(workload.streams), "-t", f"{workload.seconds}s"]


def reader(folder: Path, url: str, workload: Workload) -> list[str]:
    command = [str(folder / "reader"), "--port", url.rpartition(":")[2], "--conns", str(workload.streams)]
    return [*command, "--tokens", str(workload.tokens), "--parse", "2", "--dur", str(workload.seconds)]


def _until(holds: Callable[[], bool], limit_s: float) -> None:
    end_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end_s:
            raise TimeoutError("the bench waited in vain")
        time.sleep(0.02)


def _reachable(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stats(url: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_get(f"{url}/__stats"))
    return found


def _events(url: str) -> int:
    return int(_stats(url)["events"])


def _get(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=20) as answer:
        return bytes(answer.read())


def _family(pid: int) -> list[int]:
    """A process and its children, which are a master and its workers."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def _cpu_s(pids: Sequence[int]) -> float:
    """What these processes have used, by the CPU clock of each (Linux: clock_getcpuclockid)."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def _rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
