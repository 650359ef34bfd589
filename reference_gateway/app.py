"""The gateway as an ASGI application: the layers that every request passes, and the dialects behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_gateway.access.authentication import Authentication
from reference_gateway.dialects import nemo, openai, watsonx
from reference_gateway.dialects.common import json_response
from reference_gateway.errors import ApiError, unknown_url
from reference_gateway.gateway import Gateway
from reference_gateway.layers.failures import Failures
from reference_gateway.layers.limits import HeaderLimits
from reference_gateway.layers.request_id import KEY, RequestId
from reference_gateway.routing import Resource, Routes
from reference_gateway.wire_json import one_line

DIALECTS = (watsonx, nemo, openai)
HEALTH = "/health"
"""What load balancers, and routers of models, ask of each server before they send it anything. Needs no key."""


def create_app(gateway: Gateway) -> ASGIApp:
    """The application for this gateway, which it closes when the server shuts down."""

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        nemo.resume(gateway)
        yield
        await gateway.close()

    open_paths = [HEALTH, *(path for dialect in DIALECTS for path in dialect.OPEN_PATHS)]
    routes = [Resource(HEALTH, {"GET": _health}), *(route for dialect in DIALECTS for route in dialect.routes(gateway))]

    def draw(scope: Scope, error: ApiError) -> Response:
        """The error as the dialect of the path writes it; OpenAI's where no dialect is."""
        dialect = next((each for each in DIALECTS if scope["path"].startswith(each.PREFIXES)), openai)
        body = one_line(dialect.error_body(error, scope[KEY], gateway.config))
        return Response(body, error.status, dict(error.headers), "application/json")

    app: ASGIApp = Routes(routes, _not_found, Router(lifespan=lifespan))
    app = Authentication(app, gateway.keys, gateway.mint, open_paths, [watsonx.basic_key])
    app = HeaderLimits(app)
    app = Failures(app, draw)
    return RequestId(app)


async def _health(request: Request) -> Response:
    return json_response({"status": "ok"})


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    raise unknown_url(scope["method"], scope["path"])
