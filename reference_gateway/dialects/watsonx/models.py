"""Models: those of one provider, and those of all of them."""

import time
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.call import Json
from reference_gateway.dialects.common import json_response
from reference_gateway.dialects.watsonx.bodies import PREFIX, conflict, find_provider, gone, listed, registration
from reference_gateway.errors import model_not_found
from reference_gateway.gateway import Gateway
from reference_gateway.registry import Model, Provider, new_uuid
from reference_gateway.registry.changes import Conflict, with_model, without_model
from reference_gateway.routing import Resource
from reference_gateway.validation.checks import Check, Text, is_object

CHECKS: Mapping[str, Check] = {"id": Text(r"\S(.*\S)?", 512), "alias": Text(r"\S(.*\S)?", 512), "metadata": is_object}


def routes(gateway: Gateway) -> Sequence[Resource]:
    async def provider_models(request: Request) -> Response:
        provider = find_provider(gateway, request.path_params["uuid"])
        return listed([draw_model(provider, model) for model in provider.models])

    async def create(request: Request) -> Response:
        body = await registration(request, gateway, CHECKS, "id")
        provider = find_provider(gateway, request.path_params["uuid"])
        model = Model(
            body["id"],
            body["id"],
            new_uuid(),
            alias=body.get("alias"),
            created=int(time.time()),
            metadata=body.get("metadata"),
        )
        try:
            gateway.become(with_model(gateway.registry, provider, model))
        except Conflict as error:
            raise conflict(error) from None
        return json_response(draw_model(provider, model), 201)

    async def models(request: Request) -> Response:
        return listed([draw_model(served.provider, served.model) for served in gateway.registry.served])

    async def model(request: Request) -> Response:
        """By uuid, else by alias or id: of several, the one that was registered first."""
        name, registry = request.path_params["id"], gateway.registry
        served = registry.find_uuid(name) or next(iter(registry.find(name)), None)
        if served is None:
            raise model_not_found(name)
        return json_response(draw_model(served.provider, served.model))

    async def delete(request: Request) -> Response:
        served = gateway.registry.find_uuid(request.path_params["id"])
        if served is None:
            raise model_not_found(request.path_params["id"])
        gateway.become(without_model(gateway.registry, served.provider, served.model.uuid))
        return gone()

    return [
        Resource(f"{PREFIX}providers/{{uuid}}/models", {"GET": provider_models, "POST": create}),
        Resource(f"{PREFIX}models", {"GET": models}),
        Resource(f"{PREFIX}models/{{id:rest}}", {"GET": model, "DELETE": delete}),
    ]


def draw_model(provider: Provider, model: Model) -> Json:
    """Unset fields are left out: the vendor's Python client fails on null metadata."""
    optional = {"alias": model.alias, "metadata": model.metadata}
    return {
        "uuid": model.uuid,
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": f"{provider.type}:{provider.name}",
        **{name: value for name, value in optional.items() if value is not None},
    }
