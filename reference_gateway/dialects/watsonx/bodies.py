"""What the parts of the dialect share: the prefix, reading what a client registers, and lists."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.call import Json
from reference_gateway.dialects.common import json_response
from reference_gateway.errors import ApiError, clipped
from reference_gateway.gateway import Gateway
from reference_gateway.layers.limits import read_json
from reference_gateway.registry import Provider
from reference_gateway.registry.changes import Conflict
from reference_gateway.validation.checks import Check, check_fields, require

PREFIX = "/ml/gateway/v1/"


async def registration(request: Request, gateway: Gateway, checks: Mapping[str, Check], *required: str) -> Json:
    """The object that the client sent, with these fields in it. Fields that nobody knows are left out."""
    body = await read_json(request, gateway.config.max_body_bytes)
    for name in required:
        require(body, name)
    check_fields(body, checks)
    return {name: body[name] for name in checks if body.get(name) is not None}


def invalid(message: str, param: str | None = None) -> ApiError:
    return ApiError(400, message, code="json_validation_error", param=param)


def not_found(what: str, wanted: str) -> ApiError:
    return ApiError(404, f"There is no {what} {clipped(wanted)!r}.", code=f"{what.replace(' ', '_')}_not_found")


def conflict(error: Conflict) -> ApiError:
    return ApiError(409, str(error), code="already_exists")


def find_provider(gateway: Gateway, wanted: str) -> Provider:
    provider = gateway.registry.provider(wanted)
    if provider is None:
        raise not_found("provider", wanted)
    return provider


def listed(data: list[Any] | None) -> Response:
    return json_response({"object": "list", "data": data})


def gone() -> Response:
    return Response(status_code=204)
