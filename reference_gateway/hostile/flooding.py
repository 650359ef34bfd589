"""Gateways that send more than anybody can keep: endless streams, gigabytes, compression bombs, headers without end."""

import gzip
import zlib
from functools import cache

from reference_gateway.faults.tcp import Client, Given, Heard
from reference_gateway.hostile.case import Host, Speak, Table, body_of, chunked, framed, pour

TABLE = Table()
MIB = 1024 * 1024
PIECE = b"x" * 65536
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
CHUNK = (
    b'data: {"id": "c", "object": "chat.completion.chunk", "created": 1700000000, "model": "gpt-4o-mini", '
    b'"choices": [{"index": 0, "delta": {"content": "more "}, "finish_reason": null}]}\n\n'
)


def endless(head: bytes, piece: bytes) -> Speak:
    """This head, and this piece as a chunk for ever."""

    async def speak(heard: Heard, given: Given, client: Client, host: Host) -> None:
        await client.write(head)
        await pour(client, b"%x\r\n%b\r\n" % (len(piece), piece))

    return speak


async def gigabytes(heard: Heard, given: Given, client: Client, host: Host) -> None:
    await client.write(JSON.removesuffix(b"\r\n") + b"Content-Length: 8589934592\r\n\r\n")
    await pour(client, PIECE)


async def swollen(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """The correct document with a member of 15 MiB in it."""
    body = await body_of(given)
    if body.startswith(b"{"):
        body = b'{"more": [' + b"[]," * (15 * MIB // 3) + b"[]], " + body[1:]
    await client.write(framed(given.head, body))


async def spaced(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """The correct document after a megabyte of blanks."""
    await client.write(framed(given.head, b" " * MIB + await body_of(given)))


async def one_byte_chunks(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """The correct body, and then blanks without end, each byte a chunk of its own."""
    await client.write(chunked(given.head))
    body = await body_of(given)
    await client.write(b"".join(b"1\r\n%c\r\n" % byte for byte in body))
    await pour(client, b"1\r\n \r\n" * 10_000)


def headers(lines: bytes, times: int) -> Speak:
    async def speak(heard: Heard, given: Given, client: Client, host: Host) -> None:
        body = await body_of(given)
        await client.write(framed(given.head, body, *[lines] * times))

    return speak


async def endless_headers(heard: Heard, given: Given, client: Client, host: Host) -> None:
    await client.write(b"HTTP/1.1 200 OK\r\n")
    await pour(client, b"X-More: " + b"y" * 1000 + b"\r\n")


async def endless_chunk_line(heard: Heard, given: Given, client: Client, host: Host) -> None:
    await client.write(chunked(given.head) + b"5;")
    await pour(client, PIECE)


async def endless_trailers(heard: Heard, given: Given, client: Client, host: Host) -> None:
    body = await body_of(given) or b" "
    await client.write(chunked(given.head) + b"%x\r\n%b\r\n0\r\n" % (len(body), body))
    await pour(client, b"X-Trailer: " + b"z" * 1000 + b"\r\n")


def packed(coding: str) -> Speak:
    """Everything is a compressed body of this kind."""

    async def speak(heard: Heard, given: Given, client: Client, host: Host) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        name = b"deflate" if coding == "deflate" else b"gzip"
        await client.write(framed(head, _packed(coding), b"Content-Encoding: " + name))

    return speak


@cache
def _packed(coding: str) -> bytes:
    match coding:
        case "bomb":
            return _zeros(31) * 32
        case "deflate":
            return _zeros(15)
        case "members":
            return gzip.compress(b"", mtime=0) * 200_000
        case "lists":
            return gzip.compress(b"[" + b"[]," * (4 * MIB) + b"[]]", mtime=0)
    return gzip.compress(b'{"data": "' + b"ab" * MIB + b'"}', mtime=0)


def _zeros(kind: int) -> bytes:
    """64 MiB of zeros, packed to a thousandth."""
    packer, zeros = zlib.compressobj(9, zlib.DEFLATED, kind), bytes(MIB)
    return b"".join(packer.compress(zeros) for _ in range(64)) + packer.flush()


TABLE.both("gigabytes", "sends 8 GiB as fast as it can", gigabytes)
TABLE.later("endless-stream", "streams chunks of a chat as fast as it can, for ever", endless(STREAM, CHUNK))
TABLE.later("endless-events", "streams empty events as fast as it can, for ever", endless(STREAM, b"a\n\n" * 20_000))
TABLE.later("endless-line", "streams one line that does not end", endless(STREAM, b"data: " + b"x" * 1000))
TABLE.later("endless-values", "sends a JSON array that does not end", endless(chunked(JSON), b"[]," * 20_000))
TABLE.later("one-byte-chunks", "sends each byte as a chunk of its own, for ever", one_byte_chunks)
TABLE.both("swollen", "adds fifteen megabytes of empty arrays to every document", swollen)
TABLE.later("spaced", "puts a megabyte of blanks before every document", spaced)
TABLE.both("bomb", "answers with 2 GiB of zeros in 2 MiB of gzip", packed("bomb"))
TABLE.later("bomb-in-deflate", "answers with 64 MiB of zeros in 64 KiB of deflate", packed("deflate"))
TABLE.later("bomb-of-members", "answers with 200,000 gzip members, all empty", packed("members"))
TABLE.later("bomb-of-lists", "answers with a gzip body of four million lists", packed("lists"))
TABLE.later("bomb-within-bounds", "answers with 2 MiB in 2 KiB of gzip, each time", packed("small"))
TABLE.both("large-header", "answers with a header of 1 MB", headers(b"X-Large: " + b"h" * 1_000_000, 1))
TABLE.later("many-headers", "answers with eight thousand headers", headers(b"X-H: 1", 8000))
TABLE.later("endless-headers", "sends headers for ever", endless_headers)
TABLE.later("endless-chunk-line", "sends the extension of a chunk for ever", endless_chunk_line)
TABLE.later("endless-trailers", "sends trailers for ever", endless_trailers)
