"""What a stream's defects below HTTP, in its timing, or of the whole gateway, are called."""

import asyncio
import re
from dataclasses import replace

import pytest

from conformance.verdict import Verdict
from reference_gateway.server import running

from ..defects import Answer, before, changed, each_write, error
from ..edits import Wrap, answered, headers, judge_with, stream
from ..judged import gateway_app, judge, judge_url, paced, red, serving

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")
DONE = b"data: [DONE]\n\n"
END = b"\r\n0\r\n\r\n"


# Timing


def test_a_stream_that_comes_as_it_is_made_passes() -> None:
    assert judge(paced(), "STREAM-047")["STREAM-047"].verdict is Verdict.PASS


def test_a_stream_that_is_held_back_until_it_is_whole_is_seen() -> None:
    buffering = changed(paced(0.02, 0.015), lambda asked, answer: answer)
    assert {id: said.verdict for id, said in red(judge(buffering, "STREAM")).items()} == {"STREAM-047": WARN}


def test_a_model_that_is_slow_to_begin_and_quick_afterwards_is_not_blamed() -> None:
    assert judge(paced(0.4, 0.0), "STREAM-047")["STREAM-047"].verdict is Verdict.INCONCLUSIVE


def test_a_model_that_thinks_first_is_not_blamed() -> None:
    def thinking(body: bytes) -> bytes:
        return re.sub(rb'"content":("[^"]+")', rb'"content":null,"reasoning_content":\1', body)

    app = each_write(paced(), lambda asked, piece: thinking(piece))
    assert judge(app, "STREAM-047")["STREAM-047"].verdict is Verdict.PASS


# Below HTTP


def test_a_connection_that_closes_after_a_stream_without_a_word_is_seen() -> None:
    with running(gateway_app()) as url:

        async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            answers, requests = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
            passing = asyncio.ensure_future(_pass_on(reader, requests))
            while (piece := await answers.read(65536)) and not piece.endswith(END):
                writer.write(piece)
            writer.write(piece)
            passing.cancel()
            requests.close()

        with serving(connection) as outside:
            assert {id: said.verdict for id, said in red(judge_url(f"{outside}/v1", "CHAT", "STREAM")).items()} == {
                "STREAM-064": WARN
            }


def test_a_connection_that_serves_nonsense_after_a_stream_is_seen() -> None:
    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        event = b'data: {"id":"c","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[]}\n\n'
        plain = b'{"id":"c","object":"chat.completion","created":1700000000,"model":"m","choices":[]}'
        while request := await reader.readuntil(b"\r\n\r\n"):
            length = int(re.search(rb"(?i)content-length: (\d+)", request + b"content-length: 0")[1])
            streamed = b'"stream": true' in await reader.readexactly(length)
            chunked = b"%x\r\n%s\r\n0\r\n\r\nleft over" % (len(event), event)
            answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            writer.write(head + chunked if streamed else answer % (len(plain), plain))

    with serving(connection) as outside:
        assert judge_url(f"{outside}/v1", "STREAM-064")["STREAM-064"].verdict is FAIL


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


def test_a_connection_that_is_said_to_close_after_a_stream_is_reported() -> None:
    assert red(judge(headers("connection", "close")(gateway_app()), "STREAM-064"))["STREAM-064"].verdict is WARN


def test_a_stream_cut_in_the_middle_is_seen() -> None:
    cut = stream(lambda body: body[: len(body) // 2])
    found = {id for id, said in red(judge(cut(gateway_app()), "STREAM")).items() if said.verdict is FAIL}
    assert {"STREAM-005", "STREAM-023", "STREAM-026"} <= found


# Of the whole gateway: one failure, and the rest can't be tested


def streams(answer: Answer) -> Wrap:
    return answered(lambda asked: asked.streams, answer)


SSE = Answer(200, ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")))
MODEL_IS_DOWN = b'data: {"error": {"message": "the model is down", "type": "server_error"}}\n\n'
BROKEN: dict[str, tuple[Wrap, set[str]]] = {
    "chats crash": (answered(lambda asked: not asked.streams, error(500)), {"CHAT-001"}),
    "chats are answered with an error": (
        answered(lambda asked: not asked.streams, Answer(200, body=b'{"error": {"message": "no"}}')),
        {"CHAT-001"},
    ),
    "chats are a page": (
        answered(lambda asked: not asked.streams, Answer(200, ((b"content-type", b"text/html"),), b"<html>")),
        {"CHAT-001"},
    ),
    "streams crash": (streams(error(500)), {"STREAM-001"}),
    "streams are empty": (streams(replace(SSE, body=DONE)), {"STREAM-065"}),
    "streams are nothing": (streams(SSE), {"STREAM-065"}),
    "streams are an error": (streams(replace(SSE, body=MODEL_IS_DOWN)), set()),
    "streams are plain": (
        lambda app: before(app, lambda asked: replace(asked, body=asked.body.replace(b'"stream": true', b'"x": 1'))),
        {"STREAM-001"},
    ),
    "streams are plain where JSON is accepted": (
        lambda app: before(
            app,
            lambda asked: (
                replace(asked, body=asked.body.replace(b'"stream": true', b'"x": 1'))
                if asked.header("accept") == "application/json"
                else None
            ),
        ),
        {"STREAM-002"},
    ),
    "events are not told apart": (stream(lambda body: body.replace(b"\n\n", b"\n") + b"\n"), {"STREAM-005"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_altogether_is_one_failure(name: str) -> None:
    wrap, expected = BROKEN[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id for id, said in judged.items() if said.verdict is not Verdict.UNTESTABLE} == expected, judged
    assert len(judged) > 20
