"""The inference gateway: three routes to a model (by the model in the body, by entity, by provider), and the lists of
what is ready to serve."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from reference_gateway.call import Endpoint, Json
from reference_gateway.dialects.common import json_response
from reference_gateway.dialects.nemo.names import Names, card
from reference_gateway.errors import ApiError, clipped
from reference_gateway.gateway import Gateway
from reference_gateway.layers.limits import read_json
from reference_gateway.registry import Served
from reference_gateway.routing import Handler, Resource

WORKSPACE = "/apis/inference-gateway/v2/workspaces/{workspace}"
BY_BODY = f"{WORKSPACE}/openai/-/v1"
# The platform's own helpers give URLs without the v1 where the provider's URL has it, and their clients use them so.
BY_ENTITY = (f"{WORKSPACE}/model/{{entity:rest}}/-/v1", f"{WORKSPACE}/model/{{entity:rest}}/-")
BY_PROVIDER = (f"{WORKSPACE}/provider/{{provider}}/-/v1", f"{WORKSPACE}/provider/{{provider}}/-")


def routes(gateway: Gateway, names: Names) -> Sequence[Resource]:
    limit = gateway.config.max_body_bytes

    def answer(endpoint: Endpoint, body: Json, served: Sequence[Served], name: str) -> ASGIApp:
        try:
            return gateway.answer(endpoint, body, served, name)
        except ApiError as error:
            raise names.refusal(error) from None

    async def models(request: Request) -> Response:
        workspace = names.workspace(request.path_params["workspace"])
        return _list([names.card(workspace, entity.name, served) for entity, served in names.listed(workspace)])

    async def model(request: Request) -> Response:
        workspace = names.workspace(request.path_params["workspace"])
        entity = names.entity(workspace, request.path_params["id"])
        return json_response(names.card(workspace, entity, names.served(workspace, entity)))

    async def entity_models(request: Request) -> Response:
        workspace = names.workspace(request.path_params["workspace"])
        entity = names.checked(request.path_params["entity"], "name")
        return _list([names.card(workspace, entity, names.served(workspace, entity))])

    async def provider_models(request: Request) -> Response:
        provider = names.provider(request.path_params["workspace"], request.path_params["provider"])
        return _list([card(each.served_name, each.created, provider.name) for each in provider.models])

    async def ready(request: Request) -> Response:
        provider = names.provider(request.path_params["workspace"], request.path_params["provider"])
        if provider.status != "READY":
            raise ApiError(404, f"Provider not ready for {provider.reference}")
        return json_response(names.readiness(provider))

    def by_body(endpoint: Endpoint) -> Handler:
        async def handle(request: Request) -> ASGIApp:
            workspace = names.workspace(request.path_params["workspace"])
            body = await names.body(request)
            entity = names.entity(workspace, body["model"])
            served = names.served(workspace, entity)
            return answer(endpoint, body, served, f"{workspace.name}/{entity}")

        return handle

    def by_entity(endpoint: Endpoint) -> Handler:
        async def handle(request: Request) -> ASGIApp:
            workspace = names.workspace(request.path_params["workspace"])
            entity = names.checked(request.path_params["entity"], "name")
            served = names.served(workspace, entity)
            body = await read_json(request, limit)
            body["model"] = f"{workspace.name}/{entity}"
            return answer(endpoint, body, served, body["model"])

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
            return answer(endpoint, body, [Served(provider, model)], name)

        return handle

    return [
        Resource(f"{BY_BODY}/models", {"GET": models}),
        Resource(f"{BY_BODY}/models/{{id:rest}}", {"GET": model}),
        *(Resource(f"{base}/models", {"GET": entity_models}) for base in BY_ENTITY),
        *(Resource(f"{base}/models", {"GET": provider_models}) for base in BY_PROVIDER),
        *(Resource(f"{BY_BODY}/{endpoint}", {"POST": by_body(endpoint)}) for endpoint in Endpoint),
        *(Resource(f"{base}/{each}", {"POST": by_entity(each)}) for base in BY_ENTITY for each in Endpoint),
        *(Resource(f"{base}/{each}", {"POST": by_provider(each)}) for base in BY_PROVIDER for each in Endpoint),
        Resource(f"{WORKSPACE}/provider/{{provider}}/ready", {"GET": ready}),
    ]


def _list(data: list[Json]) -> Response:
    return json_response({"object": "list", "data": data})
