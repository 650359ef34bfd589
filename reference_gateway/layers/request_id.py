"""The outermost layer: every response gets an id of our own making."""

import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY = "gateproof.request_id"
SEND = "gateproof.send"
"""Where in a scope the way out past all layers is. They care for the head of an answer only, so what follows it may
go there; a stream that passes each of them with each event takes twice as long."""


class RequestId:
    """Stamps `x-request-id` on every response, once. It is never the client's own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope[KEY] = request_id = new_request_id()
        scope[SEND] = send
        header = (b"x-request-id", request_id.encode("ascii"))

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self.app(scope, receive, stamped)


def new_request_id() -> str:
    return f"req_{uuid.uuid4().hex}"
