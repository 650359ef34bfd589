"""Inference by a model's id or alias. Of several models with that name, any one answers, and says which it is."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp

from reference_gateway.call import Backend, Endpoint
from reference_gateway.config import Shapes
from reference_gateway.dialects.common import model_name
from reference_gateway.dialects.watsonx.bodies import PREFIX
from reference_gateway.dialects.watsonx.recorded import Recorded
from reference_gateway.errors import model_not_found
from reference_gateway.gateway import Gateway
from reference_gateway.layers.limits import read_json
from reference_gateway.routing import Handler, Resource


def routes(gateway: Gateway) -> Sequence[Resource]:
    def shaped(backend: Backend) -> Backend:
        return Recorded(backend) if gateway.config.watsonx_shapes is Shapes.RECORDED else backend

    def inference(endpoint: Endpoint) -> Handler:
        async def handle(request: Request) -> ASGIApp:
            body = await read_json(request, gateway.config.max_body_bytes)
            name = model_name(body)
            served = gateway.registry.find(name)
            if not served:
                raise model_not_found(name)
            return gateway.answer(endpoint, body, served, wrap=shaped)

        return handle

    return [Resource(PREFIX + endpoint, {"POST": inference(endpoint)}) for endpoint in Endpoint]
