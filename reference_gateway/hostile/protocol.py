"""Gateways that do not speak HTTP, or say it wrongly."""

import random

from reference_gateway.faults.tcp import Client, Given, Heard
from reference_gateway.hostile.case import Host, Speak, Table, body_of, chunked

TABLE = Table()
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def says(data: bytes) -> Speak:
    """These bytes, and no more."""

    async def speak(heard: Heard, given: Given, client: Client, host: Host) -> None:
        await client.write(data)
        await client.close()

    return speak


async def mutates(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """The correct answer with some of its bytes changed, others each time."""
    chance, data = random.Random(next(host.numbers)), bytearray(await given.whole())
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    await client.write(bytes(data))
    await client.close()


async def says_it_twice(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """Two answers to each request, so that the next one gets the answer before."""
    whole = await given.whole()
    await client.write(whole + whole)


async def chunks_of_any_size(heard: Heard, given: Given, client: Client, host: Host) -> None:
    sizes = (b"-1", b"ffffffffffffffffffff", b"0x5", b"", b"1_0", b"+5", b"5 5", b"\xff")
    await client.write(chunked(given.head) + sizes[next(host.numbers) % len(sizes)] + b"\r\n" + await body_of(given))
    await client.close()


async def strange_heads(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """Heads that no server may send, one after the other."""
    heads = (
        b"HTTP/9.9 abc What\r\n\r\n",
        b"HTTP/1.1 99999 Large\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\n\r\n",
        b"HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 Unknown\r\nContent-Length: 0\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: -5\r\n\r\n",
        JSON + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nabcdefg",
        JSON + b"Content-Length: 99999999999999999999999999\r\n\r\n{}",
        JSON + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        JSON + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        JSON + b"X-Nul: a\0b\r\nContent-Length: 2\r\n\r\n{}",
        JSON + b"X Space: 1\r\n: nameless\r\nContent-Length: 2\r\n\r\n{}",
        JSON + b" folded\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
        b"HTTP/0.9 200 OK\r\n\r\n{}",
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"\r\n\r\n\r\n" + JSON + b"Content-Length: 2\r\n\r\n{}",
        JSON + b"Content-Encoding: " + b"gzip, " * 50 + b"br\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 50\r\n\r\n" + b"b" * 50,
    )
    await client.write(heads[next(host.numbers) % len(heads)])
    await client.close()


TABLE.both("garbage", "answers with bytes that are no HTTP", says(bytes(range(256)) * 8))
TABLE.at_once("greets", "greets as an SSH server does", says(b"SSH-2.0-OpenSSH_9.2\r\n"))
TABLE.at_once("answers-in-tls", "answers as a TLS server does", says(b"\x15\x03\x01\x00\x02\x02\x46"))
TABLE.later("strange-heads", "answers with heads that no server may send", strange_heads)
TABLE.later("mutates", "changes some bytes of every answer", mutates)
TABLE.later("says-it-twice", "sends every answer twice", says_it_twice)
TABLE.later("chunks-of-any-size", "sends chunks whose size is no size", chunks_of_any_size)
