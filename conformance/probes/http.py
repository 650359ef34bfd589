"""Probes of HTTP itself: methods, lengths, codings, headers, and what happens on one connection."""

from conformance.exchange import Exchange
from conformance.gateway import Gateway, together
from conformance.probe import probe
from conformance.probes.errors import MALFORMED, offered, unserved_model

CLOSE = (("Connection", "close"),)
EXTRA_HEADERS = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "Idempotency-Key": "gateproof-1",
    "X-Gateproof-Invented": "1",
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
