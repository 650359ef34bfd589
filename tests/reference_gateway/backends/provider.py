"""A provider that plays a script on a loopback port: raw bytes out, what came in recorded. Not a test."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

KEY = "sk-provider-secret"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Script = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


class ScriptedProvider:
    """Plays `script` for each request, then waits until the client closes, which sets `gone`.

    A script of bytes is written and, unless `keep_open`, the connection closed after it.
    """

    def __init__(self, script: Script, *, keep_open: bool = False) -> None:
        self._script, self._keep_open = script, keep_open
        self.requests: list[Received] = []
        self.connections = 0
        self.gone = asyncio.Event()

    async def __aenter__(self) -> "ScriptedProvider":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await _receive(reader))
                if not isinstance(self._script, bytes):
                    await self._script(writer)
                    continue
                writer.write(self._script)
                await writer.drain()
                if not self._keep_open:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
        finally:
            writer.close()


async def _receive(reader: asyncio.StreamReader) -> Received:
    line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return Received(line, headers, await reader.readexactly(int(headers.get("content-length", 0))))


def reply(body: bytes | dict[str, Any], status: int = 200, headers: str = "", kind: str = "application/json") -> bytes:
    """A whole HTTP response."""
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
    return head.encode() + content


def chunked(content: bytes) -> bytes:
    """One piece of a chunked body."""
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def chunk(text: str | None = None, finish: str | None = None, index: int = 0, **members: Any) -> dict[str, Any]:
    """A chat chunk as a provider would send it."""
    delta = {} if text is None else {"content": text}
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "inner",
        "choices": [choice],
        **members,
    }


def event(data: Any) -> bytes:
    """One event; a string is sent as it is."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


DONE = event("[DONE]")


def stream_of(*events: bytes, ended: bool = True) -> bytes:
    """An HTTP response that streams these events, each its own piece; properly ended or cut."""
    return HEAD + b"".join(map(chunked, events)) + (b"0\r\n\r\n" if ended else b"")
