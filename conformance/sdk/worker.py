"""The process that runs the SDK: started when it is first needed, asked as often as one likes, ended with this one."""

import asyncio
import atexit
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.target import ConfigError

CALLS = Path(__file__).with_name("calls")
PATIENCE_S = 1200.0
"""Longer than any call can take; a worker that is silent for so long is lost."""


@dataclass(frozen=True, slots=True)
class Client:
    """An SDK as it names itself, and the interpreter that runs it ("" for our own)."""

    name: str
    version: str
    python: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Lost(RuntimeError):
    """The process could not be started or has ended; the message says why."""


class Worker:
    """One process with one SDK in it, run by `python`, the path of an interpreter ("" for our own)."""

    def __init__(self, python: str = "") -> None:
        self._python = python
        self._greeting: Future[Client] = Future()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        try:
            self._process = subprocess.Popen(
                [python or sys.executable, str(CALLS)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            raise ConfigError(f"--sdk-python {python}: it can't be run ({error.strerror})") from None
        threading.Thread(target=self._listen, name="sdk", daemon=True).start()
        atexit.register(self.end)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    async def client(self) -> Client:
        """Which SDK it is, once it has been imported. Raises Lost."""
        return await asyncio.shield(asyncio.wrap_future(self._greeting))

    async def call(self, kind: str, body: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """What came of one call (see calls/). Raises Lost."""
        number, answer = next(self._numbers), Future[dict[str, Any]]()
        self._waiting[number] = answer
        line = json.dumps({"number": number, "kind": kind, "body": body, "options": options})
        try:
            with self._lock:
                assert self._process.stdin is not None
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
        except (OSError, ValueError):
            raise Lost("the process that runs the SDK has ended") from None
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.shield(asyncio.wrap_future(answer))

    def end(self) -> None:
        if self.alive:
            self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        why = f"{self._python or sys.executable} ended before it had imported openai"
        for line in self._process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if "error" in said:
                why = f"openai is not installed for {self._python or sys.executable}: {said['error']}"
            elif "client" in said:
                self._greeting.set_result(Client(said["client"], said["version"], self._python))
            else:
                self._waiting.pop(said["number"]).set_result(said["outcome"])
        if not self._greeting.done():
            self._greeting.set_exception(ConfigError(f"--sdk-python: {why}") if self._python else Lost(why))
        for answer in list(self._waiting.values()):
            answer.set_exception(Lost("the process that runs the SDK has ended"))


_workers: dict[str, Worker] = {}


def worker(python: str = "") -> Worker:
    """The worker of this interpreter. It lives on between runs, as importing the SDK takes longer than most runs."""
    found = _workers.get(python)
    if found is None or not found.alive:
        found = _workers[python] = Worker(python)
    return found


def _environment() -> dict[str, str]:
    """Ours, without what would turn the SDK elsewhere: its own settings, proxies, and the folder of the script."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("OPENAI_") and not name.upper().endswith("_PROXY")
    }
    return kept | {"PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
