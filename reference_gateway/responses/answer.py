"""Runs the chat that a response stands for and sends its answer: JSON at once, or events as they are made."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from starlette.types import Receive, Scope, Send

from reference_gateway.backends.failover import Begun
from reference_gateway.call import BackendError, Json
from reference_gateway.errors import from_backend, internal_error
from reference_gateway.http.response import MAY_BE_ABANDONED
from reference_gateway.responses import answering
from reference_gateway.responses.streaming import Telling
from reference_gateway.stream import JSON_HEADERS, STREAM_HEADERS, Answer
from reference_gateway.wire_json import one_line

log = logging.getLogger("reference_gateway")


class ResponseAnswer:
    """The response to this request, as an ASGI application. `keep` gets the response once it has ended well."""

    def __init__(self, chat: Answer, asked: Json, keep: Callable[[Json], None]) -> None:
        self.chat, self.asked, self.keep = chat, asked, keep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if MAY_BE_ABANDONED in scope:
            scope[MAY_BE_ABANDONED]()
        if self.asked.get("stream") is True:
            await self._stream(send)
        else:
            await self._whole(send)

    async def _whole(self, send: Send) -> None:
        completion = await self.chat.choices.answer(self.chat.call)
        response = answering.whole(answering.begun(self.asked, completion["model"]), completion)
        self.keep(response)
        body = one_line(response)
        headers = [*JSON_HEADERS, *self.chat.headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, send: Send) -> None:
        begun = await self.chat.choices.begin(self.chat.call)
        async with aclosing(begun.rest):
            headers = [*STREAM_HEADERS, *self.chat.headers]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async for event in self._events(begun):
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _events(self, begun: Begun) -> AsyncIterator[bytes]:
        telling = Telling(answering.begun(self.asked, begun.answers_as))
        for event in telling.begin():
            yield event
        try:
            for event in telling.chunk(begun.first):
                yield event
            async for chunk in begun.rest:
                for event in telling.chunk(chunk):
                    yield event
            last = list(telling.end())
            self.keep(telling.response)
        except BackendError as error:
            last = list(telling.fail(from_backend(error).message))
        except Exception:  # a fault of ours: the status is sent already, so the stream itself must say it
            log.exception("a response broke off")
            last = list(telling.fail(internal_error().message))
        for event in last:
            yield event
