"""The process: it reads calls as lines of JSON and writes what came of each as a line of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from . import KEY, chats, endpoints, responses
from .answers import raised

TIMEOUT_S = 600.0
"""Longer than the recorder waits for the gateway, which ends what does not end."""
THREADS = 24

_LATER = (chats.create_async, chats.iterate_async, endpoints.models_async)
_NOW = (
    *(chats.create, chats.iterate, chats.helper, chats.parse, chats.parse_tool, chats.raw, chats.raw_streamed),
    *(chats.give_back, chats.leave),
    *(endpoints.models, endpoints.retrieve, endpoints.embed, endpoints.complete, endpoints.complete_streamed),
    *(responses.respond, responses.respond_streamed, responses.respond_parsed),
)
ASYNCHRONOUS: dict[str, Any] = {call.__name__: call for call in _LATER}
SYNCHRONOUS: dict[str, Any] = {call.__name__: call for call in _NOW}


class Clients:
    """Makes the SDK's clients, which share their connections."""

    def __init__(self) -> None:
        import openai

        self.openai: Any = openai
        self._http, self._later = openai.DefaultHttpxClient(), openai.DefaultAsyncHttpxClient()

    def of(self, options: dict[str, Any], kind: str) -> Any:
        """A client of its own for each call, with these options; connections are kept for all of them."""
        words = {"api_key": KEY, "max_retries": 0, "timeout": TIMEOUT_S, **options}
        if kind in ASYNCHRONOUS:
            return self.openai.AsyncOpenAI(http_client=self._later, **words)
        return self.openai.OpenAI(http_client=self._http, **words)


class Player:
    """Makes the calls that are asked for, all at once: plain ones in threads, async ones in a loop of their own."""

    def __init__(self, clients: Clients, answer: Callable[[Any], None]) -> None:
        self._clients, self._answer = clients, answer
        self._threads = ThreadPoolExecutor(THREADS)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def begin(self, job: dict[str, Any]) -> None:
        steps: list[str] = []

        def done(future: Future[Any]) -> None:
            error, step = future.exception(), steps[-1] if steps else job["kind"]
            if error is None:
                outcome = {"outcome": "returned", "call": step, "data": future.result()}
            else:
                outcome = raised(error, step) if isinstance(error, Exception) else {"outcome": "lost"}
            self._answer({"number": job["number"], "outcome": outcome})

        client = self._clients.of(job["options"], job["kind"])
        if job["kind"] in ASYNCHRONOUS:
            later = ASYNCHRONOUS[job["kind"]](client, job["body"], steps.append)
            begun: Future[Any] = asyncio.run_coroutine_threadsafe(later, self._loop)
        else:
            begun = self._threads.submit(SYNCHRONOUS[job["kind"]], client, job["body"], steps.append)
        begun.add_done_callback(done)


def main() -> None:
    """Says which client this is, then serves until standard input ends."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout = sys.stderr
    lock = threading.Lock()

    def write(value: Any) -> None:
        with lock:
            out.write(json.dumps(value) + "\n")
            out.flush()

    try:
        clients = Clients()
    except ImportError as error:
        write({"error": f"{error}"})
        return
    write({"client": "openai-python", "version": clients.openai.__version__, "python": platform.python_version()})
    player = Player(clients, write)
    for line in sys.stdin:
        player.begin(json.loads(line))
    os._exit(0)
