"""The watsonx.ai model gateway's dialect: /ml/gateway/v1, with providers that are registered there, and models that
have a uuid and perhaps an alias. Its query string (?version=…) and X-IBM-… headers are accepted and mean nothing."""

from collections.abc import Sequence

from starlette.types import Scope

from reference_gateway.call import Json
from reference_gateway.config import Config, Shapes
from reference_gateway.dialects.watsonx import inference, login, models, policies, providers, rate_limits
from reference_gateway.dialects.watsonx.bodies import PREFIX
from reference_gateway.errors import ApiError
from reference_gateway.gateway import Gateway
from reference_gateway.routing import Resource

OPEN_PATHS: Sequence[str] = login.OPEN_PATHS
PREFIXES = (PREFIX, *login.OPEN_PATHS, *login.SCOPES)


def basic_key(scope: Scope, credentials: bytes) -> bytes | None:
    """The vendor's Python client sends a key without a dot in it as `Basic KEY`, not encoded. No other client does, so
    it is taken from that one only."""
    agents = [value for name, value in scope["headers"] if name == b"user-agent"]
    if not scope["path"].startswith("/ml/") or not any(each.startswith(b"ibm-watsonx-ai/") for each in agents):
        return None
    scheme, _, key = credentials.partition(b" ")
    return key if scheme.lower() == b"basic" and key.isascii() and b"." not in key else None


def error_body(error: ApiError, request_id: str, config: Config) -> Json:
    details = {"code": error.code or error.type, "message": error.message}
    if config.watsonx_shapes is Shapes.RECORDED:
        return {"error": details}
    return {"error": {**details, "type": error.type, "param": error.param, "request_id": request_id}}


def routes(gateway: Gateway) -> Sequence[Resource]:
    parts = (login, models, providers, policies, rate_limits, inference)
    return [each for part in parts for each in part.routes(gateway)]
