"""Runs one call and sends its answer straight to ASGI: JSON at once, or server-sent events, one event a write.
A client that goes away stops the work."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping

from starlette.types import Receive, Scope, Send

from reference_gateway.call import Backend, BackendError, Call, Endpoint, Json
from reference_gateway.errors import ApiError, from_backend, internal_error
from reference_gateway.events import Events, event
from reference_gateway.request_id import SEND
from reference_gateway.wire_json import one_line

log = logging.getLogger("reference_gateway")

JSON_HEADERS = [(b"content-type", b"application/json")]
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
DONE = b"data: [DONE]\n\n"


class Answer:
    """The response to an inference request, as an ASGI application.

    The headers go out when the first chunk (or the whole answer) exists: until then a BackendError is raised, and
    becomes an error response like any other. After it, it becomes one error event, and the stream ends there.
    """

    def __init__(self, backend: Backend, call: Call, headers: Mapping[str, str]) -> None:
        """`headers` go with the answer, beside its own."""
        self.backend, self.call = backend, call
        self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        streamed = self.call.body.get("stream") is True and self.call.endpoint is not Endpoint.EMBEDDINGS
        work = asyncio.create_task(self._stream(send, scope.get(SEND, send)) if streamed else self._whole(send))
        try:
            await _disconnected(receive, work)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        if not work.cancelled():
            work.result()

    async def _whole(self, send: Send) -> None:
        answer = await self.backend.answer(self.call)
        body = one_line(answer)
        headers = [*JSON_HEADERS, *self.headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, send: Send, past_layers: Send) -> None:
        chunks, write = self.backend.stream(self.call), Events().event
        try:
            first = await anext(chunks, None)
            if first is None:
                raise BackendError(502, "The model's stream ended before its first chunk.")
            headers = [*STREAM_HEADERS, *self.headers]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            try:
                await past_layers({"type": "http.response.body", "body": write(first), "more_body": True})
                async for chunk in chunks:
                    await past_layers({"type": "http.response.body", "body": write(chunk), "more_body": True})
                last = DONE
            except BackendError as error:
                last = _error_event(from_backend(error))
            except Exception:
                log.exception("a stream broke off")
                last = _error_event(internal_error())
            await past_layers({"type": "http.response.body", "body": last})
        finally:
            await _close(chunks)


def _error_event(error: ApiError) -> bytes:
    """What every OpenAI client recognises inside a stream, whatever the dialect's own error bodies look like."""
    body = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return event({"error": body})


async def _disconnected(receive: Receive, work: asyncio.Task[None]) -> None:
    """Returns when the client has gone, or the work is done."""
    listening = True

    def done(_: asyncio.Task[None]) -> None:
        if listening:
            waiting.reschedule(0)

    try:
        async with asyncio.timeout(None) as waiting:
            work.add_done_callback(done)
            while (await receive())["type"] != "http.disconnect":
                pass
            listening = False
    except TimeoutError:
        pass
    finally:
        listening = False


async def _close(chunks: AsyncIterator[Json]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()
