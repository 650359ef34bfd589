"""What a request may look like as HTTP before anybody reads its JSON: its headers, its media type, its size."""

from collections.abc import Awaitable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_gateway.call import Json
from reference_gateway.errors import ApiError, clipped
from reference_gateway.wire_json import MalformedJson, read_object

MAX_HEADER_BYTES = 32 * 1024


class ClientGone(Exception):
    """The client left before its request was complete; there is nobody to answer."""


class HeaderLimits:
    """Refuses requests whose header is too large, or that don't tell which host they are for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            headers = scope["headers"]
            if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
                raise ApiError(431, "The header of the request is too large.", code="headers_too_large")
            hosts = sum(name == b"host" for name, _ in headers)
            if hosts != 1 and (hosts > 1 or scope["http_version"] == "1.1"):
                raise ApiError(400, "The request must have exactly one Host header.", code="invalid_host")
        return self.app(scope, receive, send)


async def read_json(request: Request, max_bytes: int) -> Json:
    """The JSON object that the client sent. ApiError if it isn't one, or is larger than allowed."""
    _check_media_type(request)
    raw = await read_body(request, max_bytes)
    try:
        return read_object(raw)
    except MalformedJson as error:
        raise ApiError(400, str(error)) from None


def _check_media_type(request: Request) -> None:
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise ApiError(
            415,
            f"Content-Encoding {clipped(coding)!r} is not supported; send the body as it is.",
            code="unsupported_content_encoding",
            headers={"accept-encoding": "identity"},
        )
    for value in request.headers.getlist("content-type"):
        essence = value.partition(";")[0].strip().lower()
        is_json = essence == "application/json" or (essence.startswith("application/") and essence.endswith("+json"))
        if not is_json:
            raise ApiError(
                415,
                f"Content-Type {clipped(essence)!r} is not supported; use application/json.",
                code="unsupported_media_type",
                headers={"accept": "application/json"},
            )


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The bytes that the client sent. ApiError if they are more than allowed."""
    too_large = ApiError(
        413, f"The request body is larger than the limit of {max_bytes} bytes.", code="request_too_large"
    )
    if int(request.headers.get("content-length", "0")) > max_bytes:
        raise too_large
    body = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > max_bytes:
            raise too_large
    return bytes(body)
