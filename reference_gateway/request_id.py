"""The outermost layer: every response gets an id of our own making."""

import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY = "gateproof.request_id"


class RequestId:
    """Stamps `x-request-id` on every response, once. It is never the client's own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope[KEY] = request_id = new_request_id()
        header = (b"x-request-id", request_id.encode("ascii"))

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self.app(scope, receive, stamped)


def new_request_id() -> str:
    return f"req_{uuid.uuid4().hex}"
