"""The NeMo Platform inference gateway's dialect: workspaces, whose model entities have strict names, and three routes
(by the model in the body, by entity, by provider). Errors are {"detail": "…"}."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from reference_gateway.call import Endpoint, Json
from reference_gateway.config import Config
from reference_gateway.dialects.common import json_response
from reference_gateway.dialects.entity_names import EntityNames
from reference_gateway.errors import ApiError, clipped
from reference_gateway.gateway import Gateway
from reference_gateway.limits import read_json
from reference_gateway.registry import Served, Workspace
from reference_gateway.routing import Handler, Resource

PREFIX = "/apis/inference-gateway/"
PREFIXES = (PREFIX,)
OPEN_PREFIXES: Sequence[str] = ()
WORKSPACE = f"{PREFIX}v2/workspaces/{{workspace}}"
BY_BODY = f"{WORKSPACE}/openai/-/v1"
BY_ENTITY = f"{WORKSPACE}/model/{{entity:rest}}/-/v1"
BY_PROVIDER = f"{WORKSPACE}/provider/{{provider}}/-/v1"


def error_body(error: ApiError, request_id: str, config: Config) -> Json:
    return {"detail": error.message}


def routes(gateway: Gateway) -> Sequence[Resource]:
    names = EntityNames(gateway, gateway.config.entity_name_pattern)
    limit = gateway.config.max_body_bytes

    async def models(request: Request) -> Response:
        workspace = names.workspace(request.path_params["workspace"])
        registry = gateway.registry
        found = [(each.name, registry.serving(workspace.name, each.name)) for each in workspace.entities]
        found = [(name, served) for name, served in found if served]
        found.sort(key=lambda each: Endpoint.CHAT not in each[1][0].model.endpoints)
        return _list([_model(workspace, *each) for each in found])

    async def model(request: Request) -> Response:
        workspace = names.workspace(request.path_params["workspace"])
        entity = names.entity(workspace, request.path_params["id"])
        return json_response(_model(workspace, entity, names.served(workspace, entity)))

    async def entity_models(request: Request) -> Response:
        workspace = names.workspace(request.path_params["workspace"])
        entity = names.checked(request.path_params["entity"], "name")
        return _list([_model(workspace, entity, names.served(workspace, entity))])

    async def provider_models(request: Request) -> Response:
        provider = names.provider(request.path_params["workspace"], request.path_params["provider"])
        return _list([_card(each.served_name, each.created, provider.name) for each in provider.models])

    async def ready(request: Request) -> Response:
        provider = names.provider(request.path_params["workspace"], request.path_params["provider"])
        return json_response({"ready": True, "provider": f"{provider.workspace}/{provider.name}"})

    def by_body(endpoint: Endpoint) -> Handler:
        async def handle(request: Request) -> ASGIApp:
            workspace = names.workspace(request.path_params["workspace"])
            body = await read_json(request, limit)
            if "model" not in body:
                raise ApiError(400, "Could not extract model from the request: it has no 'model'.")
            entity = names.entity(workspace, body["model"])
            served = names.served(workspace, entity)
            return gateway.answer(endpoint, body, served, f"{workspace.name}/{entity}")

        return handle

    def by_entity(endpoint: Endpoint) -> Handler:
        async def handle(request: Request) -> ASGIApp:
            workspace = names.workspace(request.path_params["workspace"])
            entity = names.checked(request.path_params["entity"], "name")
            served = names.served(workspace, entity)
            body = await read_json(request, limit)
            body["model"] = f"{workspace.name}/{entity}"
            return gateway.answer(endpoint, body, served, body["model"])

        return handle

    def by_provider(endpoint: Endpoint) -> Handler:
        async def handle(request: Request) -> ASGIApp:
            provider = names.provider(request.path_params["workspace"], request.path_params["provider"])
            body = await read_json(request, limit)
            name = body.get("model")
            if not isinstance(name, str):
                raise ApiError(400, "Could not extract model from the request: 'model' must be a string.")
            model = provider.model(name)
            if model is None:
                raise ApiError(404, f"Provider {provider.name!r} serves no model {clipped(name)!r}.")
            served = [Served(provider, model)]
            return gateway.answer(endpoint, body, served, name)

        return handle

    return [
        Resource(f"{BY_BODY}/models", {"GET": models}),
        Resource(f"{BY_BODY}/models/{{id:rest}}", {"GET": model}),
        Resource(f"{BY_ENTITY}/models", {"GET": entity_models}),
        Resource(f"{BY_PROVIDER}/models", {"GET": provider_models}),
        *(Resource(f"{BY_BODY}/{endpoint}", {"POST": by_body(endpoint)}) for endpoint in Endpoint),
        *(Resource(f"{BY_ENTITY}/{endpoint}", {"POST": by_entity(endpoint)}) for endpoint in Endpoint),
        *(Resource(f"{BY_PROVIDER}/{endpoint}", {"POST": by_provider(endpoint)}) for endpoint in Endpoint),
        Resource(f"{WORKSPACE}/provider/{{provider}}/ready", {"GET": ready}),
    ]


def _list(data: list[Json]) -> Response:
    return json_response({"object": "list", "data": data})


def _model(workspace: Workspace, entity: str, served: Sequence[Served]) -> Json:
    return _card(f"{workspace.name}/{entity}", served[0].model.created, workspace.name)


def _card(name: str, created: int, owner: str) -> Json:
    return {"id": name, "object": "model", "created": created, "owned_by": owner}
