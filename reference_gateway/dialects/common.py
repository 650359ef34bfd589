"""The few lines that all dialects share."""

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from reference_gateway.call import Json
from reference_gateway.errors import ApiError
from reference_gateway.wire_json import one_line


def json_response(body: Any, status: int = 200) -> Response:
    return Response(one_line(body), status, media_type="application/json")


def is_http_url(text: str) -> bool:
    """Whether requests can be sent there."""
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return sound and text.isascii() and text.isprintable() and " " not in text


def model_name(body: Json) -> str:
    """The `model` of a request, which must be there and be a string."""
    if "model" not in body:
        raise ApiError(400, "You must provide a model parameter.", code="missing_required_parameter", param="model")
    if not isinstance(body["model"], str):
        raise ApiError(400, "Invalid type for 'model': expected a string.", code="invalid_type", param="model")
    return body["model"]
