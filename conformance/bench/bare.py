"""The yardstick: an asyncio client that sends given requests as fast as it can and looks at nothing."""

import asyncio
import re
import time
from urllib.parse import urlsplit

from conformance.exchange import Exchange
from conformance.sending.wire import raw_request

_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"transfer-encoding:\s*chunked", re.IGNORECASE)


def replay_s(exchanges: list[Exchange], concurrency: int) -> float:
    """Seconds that it takes to send the requests of these exchanges again, so many at a time, over kept connections."""
    pieces = [(_bytes(exchange), exchange.request.method) for exchange in exchanges if exchange.request.headers]
    parts = urlsplit(exchanges[0].request.url)
    return asyncio.run(_replay(pieces, parts.hostname or "", parts.port or 80, concurrency))


def _bytes(exchange: Exchange) -> bytes:
    request = exchange.request
    headers = [("Host", urlsplit(request.url).netloc), *request.headers]
    if request.body or request.method == "POST":
        headers.append(("Content-Length", str(len(request.body))))
    return raw_request(request.method, request.url, headers, request.body)


async def _replay(pieces: list[tuple[bytes, str]], host: str, port: int, concurrency: int) -> float:
    waiting = iter(pieces)
    began = time.perf_counter()

    async def work() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for piece, method in waiting:
            if not await _exchange(reader, writer, piece, method):
                writer.close()
                reader, writer = await asyncio.open_connection(host, port)
        writer.close()

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return time.perf_counter() - began


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece: bytes, method: str) -> bool:
    """Sends one request and reads its answer; False if the connection can't be used again."""
    try:
        writer.write(piece)
        head = await reader.readuntil(b"\r\n\r\n")
        if method == "HEAD":
            return True
        if _CHUNKED.search(head):
            while (size := int(await reader.readuntil(b"\r\n"), 16)) > 0:
                await reader.readexactly(size + 2)
            await reader.readexactly(2)
        elif length := _LENGTH.search(head):
            await reader.readexactly(int(length[1]))
        return b"connection: close" not in head.lower()
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
