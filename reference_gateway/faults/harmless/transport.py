"""How bytes are sent: headers, codings, framing and connections."""

import gzip
import json
import re
from dataclasses import replace

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.faults.asgi import Answer, Asked, Wrap, changed, headed
from reference_gateway.faults.edits import never
from reference_gateway.faults.harmless.variation import Layer, Variation
from reference_gateway.faults.tcp import Client, Given, Heard, opened

MOST_PIECES = 48


VENDORS = {
    "x-vendor": "1",
    "via": "1.1 varnish",
    "strict-transport-security": "max-age=1",
    "x-ratelimit-limit-requests": "60",
}


def headers(given: dict[str, str]) -> Wrap:
    """More headers."""
    more = tuple((name.encode(), value.encode()) for name, value in given.items())
    return lambda app: headed(app, lambda asked, x: replace(x, headers=(*x.headers, *more)))


def media(suffix: str) -> Wrap:
    """Another spelling of the same media type."""

    def change(asked: Asked, x: Answer) -> Answer | None:
        old = x.header("content-type")
        return x.with_header("content-type", old.split(";")[0] + suffix) if old else None

    return lambda app: headed(app, change)


def reordered(asked: Asked, x: Answer) -> Answer:
    return replace(x, headers=tuple(reversed(x.headers)))


def compressed(asked: Asked, x: Answer) -> Answer | None:
    if "gzip" not in (asked.header("accept-encoding") or "") or not x.body or x.header("content-encoding"):
        return None
    packed = replace(x, body=gzip.compress(x.body)).with_header("content-encoding", "gzip")
    return packed.with_header("vary", "Accept-Encoding")


def in_pieces(size: int) -> Wrap:
    """Every body in chunked coding, so many bytes at a time; more where that would be very many pieces."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    kept = [pair for pair in message["headers"] if pair[0].lower() != b"content-length"]
                    bare = message["status"] in (204, 304) or scope.get("method") == "HEAD"
                    await send(message if bare else {**message, "headers": kept})
                    return
                body = message.get("body", b"")
                step = max(size, len(body) // MOST_PIECES)
                for at in range(0, len(body), step):
                    await send({**message, "body": body[at : at + step], "more_body": True})
                if message.get("more_body"):
                    return
                await send({**message, "body": b""})

            await app(scope, receive, sending if scope["type"] == "http" else send)

        return wrapped

    return wrap


def indented(app: ASGIApp) -> ASGIApp:
    def change(asked: Asked, x: Answer) -> Answer | None:
        if "json" not in (x.header("content-type") or "") or not x.body:
            return None
        text = json.dumps(x.json, indent=2, ensure_ascii=False) + "\n"
        return replace(x, body=text.encode("utf-8", "surrogatepass"))

    return changed(app, change, streams=never)


def named_in_capitals(head: bytes) -> bytes:
    first, *lines = head.split(b"\r\n")
    return b"\r\n".join([first, *(re.sub(rb"^[^:]+", lambda name: name[0].title(), line) for line in lines)])


def everything(heard: Heard, given: Given) -> bool:
    return True


async def closed_after(heard: Heard, given: Given, client: Client) -> None:
    """Says so, and closes the connection after every answer."""
    given.head = given.head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    await client.pass_on(given)
    await client.close()


async def byte_by_byte(heard: Heard, given: Given, client: Client) -> None:
    """Each byte of a head in a segment of its own."""
    for at in range(len(given.head)):
        await client.write(given.head[at : at + 1])
    given.head = b""
    await client.pass_on(given)


VARIATIONS = (
    Variation("indented JSON", Layer.BYTES, indented),
    Variation("headers of one's own", Layer.BYTES, headers(VENDORS)),
    Variation("headers in another order", Layer.BYTES, lambda app: headed(app, reordered)),
    Variation("a charset", Layer.BYTES, media("; charset=utf-8")),
    Variation("a charset in capitals", Layer.BYTES, media(";charset=UTF-8")),
    Variation("compressed", Layer.BYTES, lambda app: changed(app, compressed, streams=never)),
    Variation("chunked coding, in tiny pieces", Layer.BYTES, in_pieces(1)),
    Variation("chunked coding, seven bytes at a time", Layer.BYTES, in_pieces(7)),
    Variation("header names in capitals", Layer.BYTES, tcp=opened(named_in_capitals, everything)),
    Variation("a connection for each answer", Layer.BYTES, warns="STREAM-064", tcp=closed_after),
    Variation("heads byte by byte", Layer.BYTES, tcp=byte_by_byte),
)
