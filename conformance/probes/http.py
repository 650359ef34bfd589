"""Probes of HTTP itself: methods, lengths, codings, headers, and what happens on one connection."""

import gzip
import re

from conformance.exchange import Exchange
from conformance.probe import Phase, probe
from conformance.probes.errors import MALFORMED, offered, unserved_model
from conformance.sending.gateway import Gateway, encode, together

EMPTY = b"\r\n\r\n"
CLOSE = (("Connection", "close"),)
ORIGIN = "https://app.gateproof.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}
EXTRA_HEADERS = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "Idempotency-Key": "gateproof-1",
    "X-Gateproof-Invented": "1",
    "Prefer": "return=representation",
    "TE": "trailers",
    "Connection": "TE",
}
OFFERED = "gzip, deflate"


@probe()
async def options(gateway: Gateway) -> Exchange:
    return await gateway.send("OPTIONS", "/chat/completions")


@probe(tokens=64)
async def one_connection(gateway: Gateway) -> list[Exchange]:
    """A chat, a stream, a refusal and two lists on one connection: what one answer leaves behind spoils the next."""
    chat, *_ = await offered(gateway)
    requests = [
        gateway.as_bytes("POST", chat.path, chat.having()),
        gateway.as_bytes("POST", chat.path, chat.having(stream=True)),
        gateway.as_bytes("POST", chat.path, MALFORMED["truncated"](chat)),
        gateway.as_bytes("GET", "/models"),
        gateway.as_bytes("GET", "/models", extra=CLOSE),
    ]
    return await gateway.raw(requests, ["POST", "POST", "POST", "GET", "GET"])


@probe(phase=Phase.HOSTILE)
async def refused_on_one_connection(gateway: Gateway) -> list[Exchange]:
    """Refusals of several kinds, each with a body that must not be left lying, and a list after each, on one
    connection. The list with a body is no mistake, and its body may be left lying as easily."""
    chat, *_ = await offered(gateway)
    unknown = chat.having(model=unserved_model(gateway))
    asked = gateway.as_bytes("POST", chat.path, unknown)
    requests = [
        asked,
        _without(asked, b"Authorization"),
        _without(asked, b"Content-Type").replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain\r\n\r\n", 1),
        gateway.as_bytes("PUT", chat.path, unknown),
        gateway.as_bytes("POST", "/gateproof-no-such-endpoint", unknown),
        gateway.as_bytes("POST", chat.path, b"[]"),
        gateway.as_bytes("GET", "/models", unknown),
    ]
    listing = gateway.as_bytes("GET", "/models")
    pieces = [piece for each in requests for piece in (each, listing)]
    pieces[-1] = gateway.as_bytes("GET", "/models", extra=CLOSE)
    return await gateway.raw(pieces, [data.split(b" ")[0].decode() for data in pieces])


@probe(phase=Phase.HOSTILE)
async def no_host(gateway: Gateway) -> Exchange:
    """The list, asked for without saying of which host."""
    return (await gateway.raw([_without(gateway.as_bytes("GET", "/models", extra=CLOSE), b"Host")], ["GET"]))[0]


@probe()
async def preflight(gateway: Gateway) -> Exchange:
    """What a browser asks before a page of another origin may post a chat. It never sends a key with it."""
    return await gateway.send("OPTIONS", "/chat/completions", key=None, headers=PREFLIGHT)


@probe()
async def models_with_origin(gateway: Gateway) -> Exchange:
    return await gateway.get("/models", headers={"Origin": ORIGIN})


@probe()
async def options_without_key(gateway: Gateway) -> Exchange:
    return await gateway.send("OPTIONS", "/models", key=None)


@probe(phase=Phase.HOSTILE)
async def compressed_request(gateway: Gateway) -> Exchange:
    """The smallest chat, compressed."""
    body = gzip.compress(encode(gateway.chat_body()), mtime=0)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return await gateway.post("/chat/completions", body=body, headers=headers)


@probe()
async def head_of_models(gateway: Gateway) -> list[Exchange]:
    """HEAD, then GET on the same connection, which a body after HEAD would spoil."""
    requests = [gateway.as_bytes("HEAD", "/models"), gateway.as_bytes("GET", "/models", extra=CLOSE)]
    return await gateway.raw(requests, ["HEAD", "GET"])


@probe()
async def compressed(gateway: Gateway) -> dict[str, Exchange]:
    """Answers to a client that can read gzip and deflate."""
    headers = {"Accept-Encoding": OFFERED}
    return await together(
        {
            "list": gateway.get("/models", headers={"Accept-Encoding": "gzip"}),
            "chat": gateway.chat({"headers": headers}),
            "stream": gateway.stream({"headers": headers}),
        }
    )


@probe()
async def chunked_request(gateway: Gateway) -> Exchange:
    """The smallest chat in chunked transfer coding, its length not told beforehand."""
    return await gateway.chat({"headers": {"Transfer-Encoding": "chunked"}})


@probe()
async def posted_with_slash(gateway: Gateway) -> dict[str, Exchange]:
    """The POST endpoints with a trailing slash and a model that is not served, so that no answer costs anything."""
    model = unserved_model(gateway)
    return await together(
        {
            f"{post.path}/": gateway.post(f"{post.path}/", post.body | {"model": model})
            for post in await offered(gateway)
        }
    )


@probe()
async def unknown_headers(gateway: Gateway) -> Exchange:
    return await gateway.chat({"headers": EXTRA_HEADERS})


@probe()
async def cased_headers(gateway: Gateway) -> dict[str, Exchange]:
    """The smallest chat, the names of its headers in one case: of the whole head no more is changed."""
    head, _, body = gateway.as_bytes("POST", "/chat/completions", encode(gateway.chat_body()), CLOSE).partition(EMPTY)
    first, *lines = head.split(b"\r\n")
    named = [line.partition(b":") for line in lines]
    heads = {
        "lower case": [name.lower() + colon + value for name, colon, value in named],
        "upper case": [name.upper() + colon + value for name, colon, value in named],
    }
    asked = {case: b"\r\n".join([first, *each]) + EMPTY + body for case, each in heads.items()}
    return {case: (await gateway.raw([data], ["POST"]))[0] for case, data in asked.items()}


def _without(request: bytes, name: bytes) -> bytes:
    """The bytes of a request without this header."""
    return re.sub(rb"\r\n%b: [^\r]*" % name, b"", request, count=1)
