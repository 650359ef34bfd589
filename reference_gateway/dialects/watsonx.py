"""The watsonx.ai model gateway's dialect: /ml/gateway/v1, with providers, and models that also have a uuid and an
alias. Its query string (?version=…) and X-IBM-… headers are accepted and mean nothing here."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from reference_gateway.call import Endpoint, Json
from reference_gateway.config import Config
from reference_gateway.dialects.common import json_response, model_name
from reference_gateway.errors import ApiError, clipped, model_not_found
from reference_gateway.gateway import Gateway
from reference_gateway.limits import read_json
from reference_gateway.registry import Model, Provider, Registry
from reference_gateway.routing import Handler, Resource

PREFIX = "/ml/gateway/v1/"
VERSION_PATH = "/ml/wml_services/v2/version"
PREFIXES = (PREFIX, VERSION_PATH)
OPEN_PREFIXES: Sequence[str] = (VERSION_PATH,)


def basic_key(scope: Scope, credentials: bytes) -> bytes | None:
    """The vendor's Python client sends a key without a dot in it as `Basic KEY`, not encoded. No other client does, so
    it is taken from that one only."""
    agents = [value for name, value in scope["headers"] if name == b"user-agent"]
    if not scope["path"].startswith(PREFIX) or not any(each.startswith(b"ibm-watsonx-ai/") for each in agents):
        return None
    scheme, _, key = credentials.partition(b" ")
    return key if scheme.lower() == b"basic" and key.isascii() and b"." not in key else None


def error_body(error: ApiError, request_id: str, config: Config) -> Json:
    code = error.code or error.type
    details = {"code": code, "message": error.message, "type": error.type, "param": error.param}
    return {"error": {**details, "request_id": request_id}}


def routes(gateway: Gateway) -> Sequence[Resource]:
    async def version(request: Request) -> Response:
        return json_response({"version": "5.2.0"})

    async def providers(request: Request) -> Response:
        return _list([_provider(each) for each in gateway.registry.providers])

    async def provider(request: Request) -> Response:
        return json_response(_provider(_find_provider(gateway.registry, request.path_params["uuid"])))

    async def provider_models(request: Request) -> Response:
        found = _find_provider(gateway.registry, request.path_params["uuid"])
        return _list([_model(found, model) for model in found.models])

    async def models(request: Request) -> Response:
        return _list([_model(served.provider, served.model) for served in gateway.registry.served])

    async def model(request: Request) -> Response:
        name = request.path_params["id"]
        registry = gateway.registry
        served = registry.find_uuid(name) or next(iter(registry.find(name)), None)
        if served is None:
            raise model_not_found(name)
        return json_response(_model(served.provider, served.model))

    def inference(endpoint: Endpoint) -> Handler:
        async def handle(request: Request) -> ASGIApp:
            body = await read_json(request, gateway.config.max_body_bytes)
            name = model_name(body)
            served = gateway.registry.find(name)
            if not served:
                raise model_not_found(name)
            return gateway.answer(endpoint, body, served)

        return handle

    return [
        Resource(VERSION_PATH, {"GET": version}),
        Resource(f"{PREFIX}providers", {"GET": providers}),
        Resource(f"{PREFIX}providers/{{uuid}}", {"GET": provider}),
        Resource(f"{PREFIX}providers/{{uuid}}/models", {"GET": provider_models}),
        Resource(f"{PREFIX}models", {"GET": models}),
        Resource(f"{PREFIX}models/{{id:rest}}", {"GET": model}),
        *(Resource(PREFIX + endpoint, {"POST": inference(endpoint)}) for endpoint in Endpoint),
    ]


def _find_provider(registry: Registry, wanted: str) -> Provider:
    provider = registry.provider(wanted)
    if provider is None:
        raise ApiError(404, f"There is no provider {clipped(wanted)!r}.", code="provider_not_found")
    return provider


def _list(data: list[Json]) -> Response:
    return json_response({"object": "list", "data": data})


def _provider(provider: Provider) -> Json:
    """How to reach the provider, its key above all, is nobody's business."""
    models = [_model(provider, model) for model in provider.models]
    return {"uuid": provider.uuid, "name": provider.name, "type": provider.type, "models": models}


def _model(provider: Provider, model: Model) -> Json:
    """Unset fields are left out: the vendor's Python client fails on null metadata."""
    alias = {} if model.alias is None else {"alias": model.alias}
    return {
        "uuid": model.uuid,
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": f"{provider.type}:{provider.name}",
        **alias,
    }
