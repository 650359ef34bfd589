"""The OpenAI dialect: /v1, model ids as they are, errors in OpenAI's envelope."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from reference_gateway.call import Endpoint, Json
from reference_gateway.config import Config
from reference_gateway.dialects.common import json_response, model_name
from reference_gateway.errors import ApiError, model_not_found
from reference_gateway.gateway import Gateway
from reference_gateway.layers.limits import read_json
from reference_gateway.registry import Served
from reference_gateway.responses import resources as responses
from reference_gateway.routing import Handler, Resource

PREFIX = "/v1/"
PREFIXES = (PREFIX,)
OPEN_PATHS: Sequence[str] = ()


def error_body(error: ApiError, request_id: str, config: Config) -> Json:
    details = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return {"error": details}


def routes(gateway: Gateway) -> Sequence[Resource]:
    async def models(request: Request) -> Response:
        """A model that several providers have is listed once, as the first of them has it."""
        by_id: dict[str, Served] = {}
        for served in gateway.registry.served:
            by_id.setdefault(served.model.id, served)
        return json_response({"object": "list", "data": [_model(served) for served in by_id.values()]})

    def find(name: str) -> Sequence[Served]:
        served = gateway.registry.find(name)
        if not served:
            raise model_not_found(name)
        return served

    async def model(request: Request) -> Response:
        return json_response(_model(find(request.path_params["id"])[0]))

    def inference(endpoint: Endpoint) -> Handler:
        async def handle(request: Request) -> ASGIApp:
            body = await read_json(request, gateway.config.max_body_bytes)
            name = model_name(body)
            return gateway.answer(endpoint, body, find(name), name)

        return handle

    return [
        Resource(f"{PREFIX}models", {"GET": models}),
        Resource(f"{PREFIX}models/{{id:rest}}", {"GET": model}),
        *(Resource(PREFIX + endpoint, {"POST": inference(endpoint)}) for endpoint in Endpoint),
        *responses(gateway, PREFIX, find),
    ]


def _model(served: Served) -> Json:
    model = served.model
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": served.provider.name}
