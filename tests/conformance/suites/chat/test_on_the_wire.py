"""How the bytes of right answers are sent turns nothing red."""

import gzip
from dataclasses import replace

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.server import running

from ..defects import Answer, Asked, changed
from ..edits import Wrap, judge_with
from ..harmless import delayed
from ..judged import gateway_app, judge_url, red

AREAS = ("LIST", "MODEL", "CHAT", "STREAM")


def gzipped(asked: Asked, answer: Answer) -> Answer:
    if answer.is_stream or not answer.body:
        return answer
    return replace(answer, body=gzip.compress(answer.body)).with_header("content-encoding", "gzip")


def in_pieces(size: int) -> Wrap:
    """Bodies in chunked coding, so many bytes at a time (0: all at once)."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            body = bytearray()

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    kept = [pair for pair in message["headers"] if pair[0] != b"content-length"]
                    await send({**message, "headers": kept})
                    return
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    step = size or len(body) or 1
                    for at in range(0, len(body), step):
                        await send({**message, "body": bytes(body[at : at + step]), "more_body": True})
                    await send({"type": "http.response.body", "body": b""})

            await app(scope, receive, sending if scope["type"] == "http" else send)

        return wrapped

    return wrap


ON_THE_WIRE: dict[str, Wrap] = {
    "gzip": lambda app: changed(app, gzipped),
    "seven bytes a write": in_pieces(7),
    "one write": in_pieces(0),
    "a slow gateway": delayed(0.3),
}


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_how_bytes_are_sent_turns_nothing_red(name: str) -> None:
    assert red(judge_with(ON_THE_WIRE[name], *AREAS)) == {}


def test_one_byte_in_each_segment_turns_nothing_red() -> None:
    """A TCP proxy that passes on the smallest streams byte by byte."""
    with running(in_pieces(1)(gateway_app())) as url:
        assert red(judge_url(f"{url}/v1", *(f"STREAM-{n:03}" for n in range(1, 28) if n not in (9, 28)))) == {}
