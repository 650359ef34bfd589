"""Turns everything that is raised below into an error response, in the dialect's words; once a response has begun,
all that is left is to break it off."""

import asyncio
import logging
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.call import BackendError
from reference_gateway.errors import ApiError, from_backend, internal_error
from reference_gateway.layers.limits import ClientGone

log = logging.getLogger("reference_gateway")


class Failures:
    """Answers with `draw(scope, error)` where the application raised instead of answering."""

    def __init__(self, app: ASGIApp, draw: Callable[[Scope, ApiError], Response]) -> None:
        self.app, self.draw = app, draw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
            return
        except ApiError as error:
            failure = error
        except BackendError as error:
            failure = from_backend(error)
        except ClientGone:
            return
        except asyncio.CancelledError:
            # The server stops, and the time to drain is over.
            failure = ApiError(503, "The gateway is shutting down.", type="server_error")
        except Exception:  # a fault of ours: the log has all of it, the client an error that its SDK can read
            log.exception("a request failed")
            failure = internal_error()
        if not started:
            await self.draw(scope, failure)(scope, receive, send)
