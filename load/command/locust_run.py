"""Runs locust headless in a process of its own and brings back its load.json.

Locust changes the whole process that imports it, so nothing here does.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.target import ConfigError, Target
from load import progress
from load.options import DIRECT_KEY

LOCUSTFILE = Path(__file__).parent.with_name("locustfile.py")
DRAIN_S = 10
"""How long answers that are open when the time is up may go on; what is still open then is counted as unfinished."""
GRACE_S = 30
LEAD_S = 10
"""How much longer locust may take for a run than it should, before its own --run-time ends it."""
IN_CSV_WRITER, CLOSED = "in stats_writer", "ValueError: I/O operation on closed file."
"""With several processes locust's writer of CSV files may wake once more when locust has closed them, at the end."""
FIGURES, PROGRESS, LOG = "load.json", "progress.json", "locust.log"


@dataclass(frozen=True, slots=True)
class Job:
    """One run of locust: `options` are of the table in load.options, by name; an open run has one user a process."""

    target: Target
    model: str
    options: Mapping[str, Any]
    users: int
    spawn_rate: float
    duration_s: int
    processes: int = 1
    label: str = ""


def measure(job: Job, folder: Path) -> dict[str, Any] | None:
    """Runs locust, which leaves its files in this folder, and returns its load.json; None if it wrote none."""
    (folder / FIGURES).unlink(missing_ok=True)
    # An empty folder to work in: no locust.conf, gateproof.toml or folder named load of the user's has a say.
    with (folder / LOG).open("wb") as log, tempfile.TemporaryDirectory() as cwd:
        process = subprocess.Popen(
            command(job, folder), cwd=cwd, env=environment(job.target), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _wait(process, job, folder / PROGRESS)
        finally:
            _end(process)
    try:
        found: dict[str, Any] = json.loads((folder / FIGURES).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found


def command(job: Job, folder: Path) -> list[str]:
    """The words of locust's command line. Secrets are not among them."""
    words = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
    words += [
        "-u",
        str(job.users),
        "-r",
        f"{job.spawn_rate:g}",
        "-t",
        f"{job.duration_s + LEAD_S}s",
        "-s",
        f"{DRAIN_S}s",
    ]
    words += ["--gateproof-length", f"{job.duration_s}s"]
    if job.processes > 1:
        port = str(_free_port())  # locust's default may be another run's
        words += ["--processes", str(job.processes), "--master-bind-port", port, "--master-port", port]
    words += ["--csv", str(folder / "locust"), "--html", str(folder / "locust.html")]
    words += ["--gateproof-json", str(folder / FIGURES), "--gateproof-progress", str(folder / PROGRESS)]
    words += [f"--gateproof-model={job.model}", f"--gateproof-profile={job.target.profile}"]
    words += [f"--gateproof-timeout={job.target.timeout_s:g}"]
    given = {name: getattr(job.target, name) for name in ("completions_model", "embeddings_model", "workspace")}
    given["ca_file"] = os.path.abspath(job.target.ca_file) if job.target.ca_file else None
    for name, value in {**given, **job.options}.items():
        for part in value if isinstance(value, list | tuple) else [value]:
            words += [f"--gateproof-{name.replace('_', '-')}={part}"] if part not in (None, "") else []
    return words + (["--gateproof-insecure"] if job.target.insecure else [])


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def environment(target: Target) -> dict[str, str]:
    """The variables of locust's process: the caller's, less those that would change the run, and the secrets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "GATEPROOF_"))}
    kept["LOCUST_HOST"] = target.base_url
    if DIRECT_KEY in os.environ:
        kept[DIRECT_KEY] = os.environ[DIRECT_KEY]
    if target.api_key:
        kept["GATEPROOF_API_KEY"] = target.api_key
    if target.headers:
        kept["GATEPROOF_HEADER"] = "\n".join(f"{name}: {value}" for name, value in target.headers)
    return kept


def last_words(folder: Path) -> str:
    """What locust said last, for a run that it did not finish."""
    try:
        lines = (folder / LOG).read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    ours = [line for line in lines if line.startswith("gateproof: ")]
    return (ours or lines or ["it said nothing"])[-1].removeprefix("gateproof: ")


def crash(folder: Path) -> str:
    """What broke in a process of locust's, which tells it in its log and goes on; "" if nothing did."""
    try:
        text = (folder / LOG).read_text("utf-8", "replace")
    except OSError:
        return ""
    for traceback in text.split("Traceback (most recent call last):\n")[:0:-1]:
        words = [line for line in traceback.splitlines() if not line.startswith((" ", "["))]
        if words and not (IN_CSV_WRITER in traceback and words[0] == CLOSED):
            return words[0]
    return ""


def staging(output: Path | None) -> "tempfile.TemporaryDirectory[str]":
    """A folder for what is not finished: beside the final files, so that it can be moved into place."""
    if output is None:
        return tempfile.TemporaryDirectory()
    try:
        output.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=".partial-", dir=output.absolute())
    except OSError as error:
        raise ConfigError(f"--output {output}: it can't be written ({error.strerror})") from None


def _wait(process: "subprocess.Popen[bytes]", job: Job, row: Path) -> None:
    """Waits for locust to end by itself, within its time and a margin, and shows how it goes on a terminal."""
    began_s, is_shown = time.monotonic(), sys.stderr.isatty()
    until_s = began_s + job.duration_s + LEAD_S + DRAIN_S + GRACE_S
    while process.poll() is None and time.monotonic() < until_s:
        if is_shown:
            said = progress.line(progress.read(row), time.monotonic() - began_s, job.duration_s, job.label)
            print(f"\r{said}\x1b[K", end="", file=sys.stderr, flush=True)
        time.sleep(0.2)
    if is_shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _end(process: "subprocess.Popen[bytes]") -> None:
    for stop in (process.terminate, process.kill):
        if process.poll() is None:
            stop()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                continue
