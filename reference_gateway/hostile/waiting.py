"""Gateways that take their time: they never answer, or never come to an end."""

import asyncio

from reference_gateway.faults.tcp import Client, Given, Heard
from reference_gateway.hostile.case import Host, Table, body_of, chunked, framed

TABLE = Table()
DRIP_S = 1.0


async def silent(heard: Heard, given: Given, client: Client, host: Host) -> None:
    await client.hang()


async def drips(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """The head at once, the body a byte a second."""
    body = await body_of(given)
    await client.write(framed(given.head, body).removesuffix(body))
    await _dripped(client, body)


async def drips_from_the_start(heard: Heard, given: Given, client: Client, host: Host) -> None:
    await _dripped(client, await given.whole())


async def stalls(heard: Heard, given: Given, client: Client, host: Host) -> None:
    whole = await given.whole()
    await client.write(whole[: len(whole) // 2])
    await client.hang()


async def continues(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """One 100 Continue after another, and never an answer."""
    while True:
        await client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.01)


async def keeps_alive(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """An event stream of comments alone."""
    await client.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await client.write(b"8\r\n: ping\n\n\r\n")
        await asyncio.sleep(0.2)


async def never_done(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """The whole body, and never its last chunk."""
    body = await body_of(given)
    await client.write(chunked(given.head) + b"%x\r\n%b\r\n" % (len(body) or 1, body or b" "))
    await client.hang()


async def asks_to_wait(heard: Heard, given: Given, client: Client, host: Host) -> None:
    refusal = b'{"error": {"message": "later", "type": "rate_limit_error", "param": null, "code": null}}'
    head = b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n\r\n"
    await client.write(framed(head, refusal, b"Retry-After: 99999999999"))


async def _dripped(client: Client, data: bytes) -> None:
    for byte in data:
        await client.write(bytes([byte]))
        await asyncio.sleep(DRIP_S)


TABLE.both("silent", "never answers", silent)
TABLE.both("drips", "sends one byte of the body a second", drips)
TABLE.later("drips-from-the-start", "sends one byte a second, from the status line on", drips_from_the_start)
TABLE.later("stalls", "stops in the middle of every answer, and keeps the connection", stalls)
TABLE.later("continues", "says 100 Continue for ever", continues)
TABLE.later("keeps-alive", "answers with a stream of keep-alive comments that does not end", keeps_alive)
TABLE.later("never-done", "sends whole bodies in chunks, and never the last chunk", never_done)
TABLE.later("asks-to-wait", "answers 429 with a Retry-After of three thousand years", asks_to_wait)
