"""Runs one call and sends its answer straight to ASGI: JSON at once, or server-sent events, one event a write.
A client that goes away stops the work. Where no layer has to see each event, the rest of a stream is sent when all of
them have returned."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing

from starlette.types import Receive, Scope, Send

from reference_gateway.backends.failover import Failover
from reference_gateway.call import BackendError, Call, Endpoint, Json
from reference_gateway.errors import ApiError, from_backend, internal_error
from reference_gateway.events import Events, event
from reference_gateway.http.response import MAY_BE_ABANDONED, Response
from reference_gateway.layers.request_id import SEND
from reference_gateway.wire_json import one_line

log = logging.getLogger("reference_gateway")

JSON_HEADERS = [(b"content-type", b"application/json")]
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
DONE = b"data: [DONE]\n\n"

More = Callable[[bytes, bool], Awaitable[None] | None]
"""Sends the next piece of a body, and whether more follow. Gives what has to be waited for before that, if anything."""


class Answer:
    """The response to an inference request, as an ASGI application.

    The headers go out when the first chunk (or the whole answer) exists: until then a BackendError is raised, and
    becomes an error response like any other. After it, it becomes one error event, and the stream ends there.
    """

    def __init__(self, choices: Failover, call: Call, headers: Mapping[str, str]) -> None:
        """`headers` go with the answer, beside its own."""
        self.choices, self.call = choices, call
        self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if MAY_BE_ABANDONED in scope:
            scope[MAY_BE_ABANDONED]()
        if self.call.body.get("stream") is True and self.call.endpoint is not Endpoint.EMBEDDINGS:
            await self._stream(send, scope.get(SEND, send))
        else:
            await self._whole(send)

    async def _whole(self, send: Send) -> None:
        answer = await self.choices.answer(self.call)
        body = one_line(answer)
        headers = [*JSON_HEADERS, *self.headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, send: Send, past_layers: Send) -> None:
        begun = await self.choices.begin(self.call)
        async with AsyncExitStack() as closing:
            closing.push_async_callback(begun.rest.aclose)
            headers = [*STREAM_HEADERS, *self.headers]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            closing.pop_all()
        if isinstance(past_layers, Response):
            past_layers.later(_sending(begun.first, begun.rest, begun.answers_as, past_layers.more))
        else:
            await _sending(begun.first, begun.rest, begun.answers_as, _as_messages(past_layers))


def _as_messages(send: Send) -> More:
    return lambda body, more: send({"type": "http.response.body", "body": body, "more_body": more})


async def _sending(chunk: Json, rest: AsyncGenerator[Json, None], model: str, more: More) -> None:
    """Sends a stream from this chunk on, and what ends it. Each chunk calls the model so."""
    write = Events().event
    async with aclosing(rest):
        try:
            chunk["model"] = model
            if (full := more(write(chunk), True)) is not None:
                await full
            async for chunk in rest:
                chunk["model"] = model
                if (full := more(write(chunk), True)) is not None:
                    await full
            last = DONE
        except BackendError as error:
            last = _error_event(from_backend(error))
        except Exception:  # a fault of ours: the status is sent already, so the stream itself must say it
            log.exception("a stream broke off")
            last = _error_event(internal_error())
        if (full := more(last, False)) is not None:
            await full


def _error_event(error: ApiError) -> bytes:
    """What every OpenAI client recognises inside a stream, whatever the dialect's own error bodies look like."""
    body = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return event({"error": body})
