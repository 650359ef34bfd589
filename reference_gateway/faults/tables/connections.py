"""What goes wrong below HTTP and over time: lengths that lie, chunks that are none, connections that break, hang or
serve another's answer, and streams that mix."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.faults.asgi import Asked, Events, before, each_event, error
from reference_gateway.faults.edits import DONE, is_chat
from reference_gateway.faults.fault import table
from reference_gateway.faults.tcp import Client, Given, Heard, Tcp, by_piece, closing, opened, rewritten

CONNECTIONS = table("connections")
CONCURRENCY = table("concurrency")
below = CONNECTIONS.add_below
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
LAST = b"0\r\n\r\n"


def plain_chat(heard: Heard, given: Given) -> bool:
    return heard.is_chat and given.status == 200 and not given.is_stream


def compressible(heard: Heard, given: Given) -> bool:
    """Plain chats of clients that can unpack: their length is that of something else."""
    return plain_chat(heard, given) and re.search(rb"accept-encoding: .*gzip", heard.data, re.IGNORECASE) is not None


NO_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def in_small_letters(heard: Heard, given: Given) -> bool:
    """Plain chats whose key comes as HTTP/2 and Node's fetch write its header."""
    return plain_chat(heard, given) and b"\r\nauthorization: " in heard.data


def denied(data: bytes) -> bytes:
    """The answer to a chat without a key instead."""
    body = b'{"error": {"message": "No key.", "type": "invalid_request_error", "param": null, "code": null}}'
    head = _LENGTH.sub(b"content-length: %d" % len(body), data.partition(b"\r\n\r\n")[0])
    return head.replace(b" 200 OK", b" 401 Unauthorized\r\nwww-authenticate: Bearer", 1) + b"\r\n\r\n" + body


def not_allowed(heard: Heard, given: Given) -> bool:
    return given.status == 405


def streamed(heard: Heard, given: Given) -> bool:
    return heard.is_chat and given.is_stream


def long_stream(heard: Heard, given: Given) -> bool:
    """Longer streams, which are cut more often than short ones."""
    return streamed(heard, given) and b"at least 100 words" in heard.data


def refused(heard: Heard, given: Given) -> bool:
    return given.status == 400


def longer(data: bytes) -> bytes:
    """The length that is told is too large by five."""
    return _LENGTH.sub(lambda found: b"content-length: %d" % (int(found[1]) + 5), data, count=1)


def shorter(data: bytes) -> bytes:
    return _LENGTH.sub(lambda found: b"content-length: %d" % (int(found[1]) - 5), data, count=1)


def inserted(line: bytes) -> Callable[[bytes], bytes]:
    """One more header."""
    return lambda data: data.replace(b"\r\n", b"\r\n" + line + b"\r\n", 1)


async def without_last_chunk(heard: Heard, given: Given, client: Client) -> None:
    """A stream ends without the chunk that says so, and the connection closes."""
    if not long_stream(heard, given):
        return await client.pass_on(given)
    await client.write(given.head)
    async for piece in given.body:
        if piece == LAST:
            await client.close()
        await client.write(piece)


def in_the_middle(act: Callable[[Client], Awaitable[None]]) -> Tcp:
    """This happens after the fourth piece of a long stream."""

    async def speak(heard: Heard, given: Given, client: Client) -> None:
        if not long_stream(heard, given):
            return await client.pass_on(given)
        await client.write(given.head)
        number = 0
        async for piece in given.body:
            if number == 4:
                await act(client)
            await client.write(piece)
            number += 1
        return None

    return speak


async def resetting(client: Client) -> None:
    await asyncio.sleep(0.02)
    await client.reset()


async def lingering(heard: Heard, given: Given, client: Client) -> None:
    """The end of a stream comes a while after [DONE]."""
    await client.write(given.head)
    async for piece in given.body:
        if piece == LAST and streamed(heard, given):
            await asyncio.sleep(1.3)
        await client.write(piece)


async def closing_after_streams(heard: Heard, given: Given, client: Client) -> None:
    await client.pass_on(given)
    if streamed(heard, given):
        await client.close()


async def left_over(heard: Heard, given: Given, client: Client) -> None:
    """Something follows the end of a stream, and is taken for the next answer."""
    await client.pass_on(given)
    if streamed(heard, given):
        await client.write(b"\r\nleft over\r\n")


def is_last(heard: Heard) -> bool:
    """A list that is the last request of a connection."""
    return heard.method == "GET" and re.search(rb"connection: close", heard.data, re.IGNORECASE) is not None


async def hanging_after_errors(heard: Heard, given: Given, client: Client) -> None:
    """A connection that has seen a refusal does not answer its last request."""
    if client.notes.get("refused") and is_last(heard):
        await client.hang()
    client.notes["refused"] = client.notes.get("refused", False) or given.status >= 400
    await client.pass_on(given)


async def refusals_again(heard: Heard, given: Given, client: Client) -> None:
    """A connection gives its first refusal once more where it is asked for something else at last."""
    answer = await given.whole()
    if given.status >= 400:
        client.notes.setdefault("refusal", answer)
    await client.write(client.notes.get("refusal", answer) if is_last(heard) else answer)


async def bodies_left_lying(heard: Heard, given: Given, client: Client) -> None:
    """The body of what was refused with 405 is read as the beginning of the next request, which is none."""
    if client.notes.pop("left", False):
        await client.write(NO_REQUEST)
        await client.close()
    client.notes["left"] = not_allowed(heard, given) and not heard.data.endswith(b"\r\n\r\n")
    await client.pass_on(given)


async def refused_for_ever(heard: Heard, given: Given, client: Client) -> None:
    """A connection on which nothing but streams was asked for, and two were refused, goes on to refuse."""
    answer = await given.whole() if refused(heard, given) else b""
    if not heard.streams:
        client.notes["other"] = True
    if answer:
        client.notes.setdefault("refusals", []).append(answer)
        await client.write(answer)
    elif given.is_stream and len(client.notes.get("refusals", ())) > 1 and "other" not in client.notes:
        await client.write(client.notes["refusals"][0])
    else:
        await client.pass_on(given)


async def in_one_write(heard: Heard, given: Given, client: Client) -> None:
    """Streams are held back below HTTP until they are whole."""
    if streamed(heard, given):
        await client.write(await given.whole())
    else:
        await client.pass_on(given)


async def chunks_for_1_0(heard: Heard, given: Given, client: Client) -> None:
    """A client that speaks HTTP/1.0 gets its stream in chunks, which it does not know."""
    if b" HTTP/1.0\r\n" not in heard.data or not streamed(heard, given):
        return await client.pass_on(given)
    await client.write(inserted(b"transfer-encoding: chunked")(given.head))
    async for piece in given.body:
        await client.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    await client.write(LAST)
    return None


def not_hex(number: int, piece: bytes) -> bytes:
    return b"zz" + piece if number == 3 else piece


def short_chunk(number: int, piece: bytes) -> bytes:
    """The size of one chunk is too small by one."""
    if number != 3:
        return piece
    size, _, rest = piece.partition(b"\r\n")
    return b"%x\r\n%b" % (int(size, 16) - 1, rest)


# fmt: off
below("length-too-large", "HDR-004 SDK-001 SDK-002 SDK-003 SDK-007 SDK-008 SDK-009 SDK-022 SDK-023 SDK-024",
    closing(longer, compressible),
    "Clients wait for bytes that never come, and throw the answer away.")
below("header-names-with-case", "HDR-022", rewritten(denied, in_small_letters),
    "Clients behind HTTP/2 and all that use Node's fetch are refused with a right key.", "hand-written parsers")
below("length-too-large-on-errors", "ERR-014 ERR-033 HDR-004", closing(longer, not_allowed), "Errors can't be read.")
below("length-too-small", "ERR-001 HDR-004", rewritten(shorter, not_allowed),
    "Answers are cut, and what is left is taken for the next answer.")
below("bytes-after-errors", "HDR-004", rewritten(lambda data: data + b"}}}", refused),
    "What is left over is taken for the next answer.")
below("length-and-chunks", "STREAM-049", opened(inserted(b"content-length: 7"), streamed),
    "Proxies and clients disagree about where the answer ends: requests can be smuggled.")
below("head-with-a-body", "HDR-011", rewritten(lambda data: data + b'{"object": "list"}', lambda heard, _: heard.method
                                           == "HEAD"),
    "The body is taken for the next answer.")
below("closed-after-errors", "HDR-012", closing(lambda data: data, refused),
    "Clients' next request on the connection fails, once in a while.")
below("hangs-after-errors", "HDR-012", hanging_after_errors, "After a mistake the client waits for ever.")
below("answers-of-before-after-errors", "HDR-012", refusals_again,
    "After a mistake users get the answers of others.", "queues that get out of step, as in request smuggling")
below("bodies-left-lying-after-405", "HDR-012", bodies_left_lying,
    "The rest of one request is read as the next one: behind a proxy that is another user's.",
    "request smuggling by bodies of refused methods")
below("chunks-for-http-1-0", "STREAM-063", chunks_for_1_0,
    "HTTP/1.0 knows no chunks: clients show the sizes in the text.")
below("stream-chunk-sizes-not-hexadecimal", "STREAM-023 STREAM-026 STREAM-073", by_piece(not_hex, long_stream),
    "The stream breaks off for every client.")
below("stream-chunk-size-too-small", "STREAM-023 STREAM-026 STREAM-073", by_piece(short_chunk, long_stream),
    "The stream breaks off for every client.")
below("stream-without-last-chunk", "STREAM-072 STREAM-073", without_last_chunk,
    "openai-python raises at the end of a perfect answer.", "proxies that turn a broken upstream into an end")
below("stream-reset-in-the-middle", "STREAM-023 STREAM-026 STREAM-073",
    in_the_middle(resetting), "Half of the answer is lost.")
below("stream-stalls", "STREAM-023 STREAM-026 STREAM-073", in_the_middle(Client.hang), "The client waits for ever.")
below("streams-refused-after-refusals", "STREAM-074", refused_for_ever,
    "After two mistakes a connection never streams again.")
below("stream-lingers-after-done", "STREAM-028", lingering,
    "The connection can't be reused for a second after each answer.")
below("stream-closes-without-a-word", "HDR-012 STREAM-064", closing_after_streams,
    "Clients' next request on the connection fails, once in a while.")
below("stream-leaves-bytes-behind", "HDR-004 STREAM-064", left_over, "What is left over is taken for the next answer.")
below("streams-in-one-write", "STREAM-047", in_one_write, "The user waits for the whole answer.",
    "nginx 1.22 with its default settings delivers 15 events in two reads", paced=True)
below("answers-to-large-prompts-reset", "CHAT-078",
    closing(lambda data: b"", lambda heard, given: plain_chat(heard, given) and len(heard.data) > 20_000,
            reset=True),
    "Long documents get no answer.", "proxies with a small buffer")
# fmt: on


# Several at once

row = CONCURRENCY.add


def many_words(asked: Asked) -> bool:
    return asked.streams and "pear" in str(asked.object.get("messages"))


def mixing(app: ASGIApp) -> ASGIApp:
    """From the second stream on, one event is that of the stream before."""
    seen: list[bytes] = []

    def begin(asked: Asked) -> Events | None:
        if not many_words(asked):
            return None
        numbers = iter(range(10**6))

        def edit(event: bytes) -> bytes:
            if next(numbers) != 2 or event == DONE:
                return event
            seen.append(event)
            return seen[-2] if len(seen) > 1 else event

        return edit

    return each_event(app, begin)


def in_turn(app: ASGIApp) -> ASGIApp:
    """One lock for all streamed chats."""
    lock = asyncio.Lock()

    async def take(asked: Asked) -> Asked | None:
        if not (is_chat(asked) and asked.streams):
            return None
        await lock.acquire()
        return asked.with_header("x-in-turn", "1")

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        holds = scope["type"] == "http" and (b"x-in-turn", b"1") in scope["headers"]

        async def sending(message: Message) -> None:  # of its own, so that a stream does not outlive this call
            await send(message)

        try:
            await app(scope, receive, sending)
        finally:
            if holds:
                lock.release()

    return before(wrapped, take)


class Leaking:
    """Every stream that is left takes a place for ever, and there are a few. Where there is none, streams wait, if they
    are told to, or nothing is served."""

    def __init__(self, app: ASGIApp, *, wait_s: float = 0.0) -> None:
        self.app, self.taken, self.wait_s = app, 0, wait_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ended = False

        async def sending(message: Message) -> None:
            nonlocal ended
            ended = ended or (message["type"] == "http.response.body" and not message.get("more_body"))
            if message.get("more_body"):
                await asyncio.sleep(0.004)
            await send(message)

        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif self.taken >= 6 and self.wait_s:
            await before(self.app, self._waiting)(scope, receive, send)
        elif self.taken >= 6:
            await before(self.app, lambda asked: error(500, "no place left"))(scope, receive, send)
        else:
            try:
                await self.app(scope, receive, sending)
            finally:
                self.taken += not ended and scope["method"] == "POST"

    async def _waiting(self, asked: Asked) -> None:
        if asked.streams:
            await asyncio.sleep(self.wait_s)


# fmt: off
row("streams-mix", "STREAM-014 STREAM-057", mixing, "Users read the answers of others.")
row("streams-in-parallel-fail", "STREAM-001 STREAM-057", lambda app: before(
    app, lambda asked: error(500) if is_chat(asked) and many_words(asked) else None),
      "Under load every stream fails.")
row("streams-that-are-left-take-a-place", "STREAM-056", Leaking,
      "After some users have closed their page nobody is served.", "leaked upstream slots",
    may="SDK-024 STREAM-001 ERR-035 SDK-013")
row("streams-wait-where-others-were-left", "STREAM-056", lambda app: Leaking(app, wait_s=4.0),
    "After some users have closed their page every stream begins late, and chats don't.")
row("streams-in-turn", "STREAM-075", in_turn, "Each user waits for the end of everybody else's stream.",
    "one lock around one connection to the engine", paced=True)
# fmt: on
