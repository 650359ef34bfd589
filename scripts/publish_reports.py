"""Judges real gateways, and puts what came of it, unmodified, into reports/: report.json, what the terminal printed,
and the parts of README.md that can be read off a run.

python scripts/publish_reports.py [NAME…] [--port N]      (make reports; the names are those of gateways/gateways.toml)

One gateway after the other: its script installs and starts it before `gateproof upstream`, the provider that is told
what to answer, and it is judged twice from both sides, so that the README can tell which verdicts differ. Then it is
judged before a real engine, llama.cpp with a model of random weights, whose answers are what they are: how much stays
inconclusive with that, and how little with the other, is told, too. Where one doesn't start, its last report is kept.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report_readme import behind, check_arguments, index, readme

ROOT = Path(__file__).resolve().parent.parent
GATEWAYS = ROOT / "scripts" / "gateways"
REPORTS = ROOT / "reports"
GATEPROOF = Path(sys.executable).with_name("gateproof")
SCRIPTED, ENGINE = "upstream.sh", "llama-cpp.sh"
"""What stands behind a gateway."""
START_S, CHECK_S, STOP_S = 1800, 900, 20
"""Bounds in seconds: for a start, which may install; for a check; and for an end."""


class NotJudged(Exception):
    """There is no new report of a gateway, and why."""


@dataclass(frozen=True, slots=True)
class Run:
    """What `gateproof check` left: its folder, the report in it, and what it printed."""

    folder: Path
    document: dict[str, Any]
    printed: str


def main() -> int:
    rows = tomllib.loads((GATEWAYS / "gateways.toml").read_text("utf-8"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(rows)} (default: all)")
    parser.add_argument("--port", type=int, default=8110, help="of the provider; the gateway's is this + 10")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in rows]:
        parser.error(f"no such gateway: {', '.join(unknown)} (there are {', '.join(rows)})")
    done = [_published(name, rows[name], arguments.port) for name in arguments.names or rows]
    if any(done):
        (REPORTS / "README.md").write_text(index(REPORTS), "utf-8")
    return 0 if all(done) else 1


def _published(name: str, row: dict[str, Any], port: int) -> bool:
    try:
        folder = _publish(name, row, port)
    except NotJudged as error:
        print(f"{name}: {error}; its last report is kept", file=sys.stderr)
        return False
    print(f"{name}: reports/{folder.name}", flush=True)
    return True


def _publish(name: str, row: dict[str, Any], port: int) -> Path:
    is_alone = bool(row.get("alone"))
    with tempfile.TemporaryDirectory() as scratch:
        with _running(row, port, None if is_alone else SCRIPTED) as told:
            first, second = (_check(Path(scratch) / run, row, told) for run in ("first", "second"))
        engine = first
        if not is_alone:
            with _running(row, port, ENGINE) as told_then:
                engine = _check(Path(scratch) / "engine", row, told_then)
        folder: Path = REPORTS / row["folder"].format(version=told["version"])
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(first.folder / "report.json", folder / "report.json")
        (folder / "report.txt").write_text(first.printed, "utf-8")
        page = folder / "README.md"
        written = page.read_text("utf-8") if page.exists() else ""
        runs = first.document, second.document, engine.document
        page.write_text(readme(name, row, told, *runs, written, port), "utf-8")
    return folder


@contextmanager
def _running(row: dict[str, Any], port: int, provider: str | None) -> Iterator[dict[str, str]]:
    """What the gateway's script says of it, as soon as it can be used; and where its scripted provider is, if that is
    behind it."""
    taken = next((each for each in (port, port + 10, port + 11) if _is_taken(each)), None)
    if taken is not None:
        raise NotJudged(f"port {taken} is taken (--port N takes others)")
    with tempfile.TemporaryFile("w+") as log, tempfile.TemporaryFile("w+") as provider_log:
        started: list[subprocess.Popen[str]] = []
        try:
            if provider:
                started.append(_started(provider, [port], {}, provider_log))
                _told(started[0], provider_log)
            started.append(_started(row["start"], [port + 10, f"http://127.0.0.1:{port}/v1"], row.get("env", {}), log))
            told = _told(started[-1], log)
            of_the_gateway = {word: said for word, said in told.items() if not word.startswith("upstream")}
            yield told | behind(port) if provider == SCRIPTED else of_the_gateway
        finally:
            for each in reversed(started):
                _stop(each)


def _started(script: str, words: list[object], env: dict[str, str], log: Any) -> "subprocess.Popen[str]":
    path = f"{GATEPROOF.parent}{os.pathsep}{os.environ['PATH']}"
    command = [str(GATEWAYS / script), *map(str, words)]
    output = {"stdout": log, "stderr": subprocess.STDOUT}
    return subprocess.Popen(
        command, env={**os.environ, "PATH": path, **env}, start_new_session=True, text=True, **output
    )


def _told(process: "subprocess.Popen[str]", log: Any) -> dict[str, str]:
    """The words of the line that a start script prints. Raises NotJudged if it ends, or takes too long."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        ended = process.poll() is not None
        log.seek(0)
        lines = log.read().splitlines()
        for line in lines:
            if line.startswith("version="):
                return dict(word.split("=", 1) for word in line.split())
        if ended:
            last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
            raise NotJudged(f"did not start ({last[:200]})")
        time.sleep(0.3)
    raise NotJudged(f"did not start within {START_S} s")


def _stop(process: "subprocess.Popen[str]") -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _check(folder: Path, row: dict[str, Any], told: dict[str, str]) -> Run:
    folder.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEPROOF_")}
    if "key" in told:
        env["GATEPROOF_API_KEY"] = told["key"]
    command = [str(GATEPROOF), "check", *check_arguments(row, told), "--output", "report"]
    try:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=CHECK_S)
    except subprocess.TimeoutExpired:
        raise NotJudged(f"the check took more than {CHECK_S} s") from None
    if done.returncode not in (0, 1):
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise NotJudged(f"the check ended with {done.returncode} ({''.join(last)[:300]})")
    document = json.loads((folder / "report" / "report.json").read_text("utf-8"))
    return Run(folder / "report", document, done.stdout)


if __name__ == "__main__":
    raise SystemExit(main())
