"""Policies are registered and listed; they can't be changed, and nobody's access depends on them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.dialects.common import json_response
from reference_gateway.dialects.watsonx.bodies import PREFIX, gone, listed, not_found, registration
from reference_gateway.gateway import Gateway
from reference_gateway.registry import Policy, new_uuid
from reference_gateway.registry.changes import with_policy, without_policy
from reference_gateway.routing import Resource
from reference_gateway.validation.checks import Check, OneOf, Text

CHECKS: Mapping[str, Check] = {
    "action": OneOf(("read", "write")),
    "resource": Text(r"\S+", 512),
    "subject": Text(r"\S+", 512),
    "effect": OneOf(("allow", "deny")),
}


def routes(gateway: Gateway) -> Sequence[Resource]:
    async def policies(request: Request) -> Response:
        return listed([asdict(each) for each in gateway.registry.policies])

    async def create(request: Request) -> Response:
        body = await registration(request, gateway, CHECKS, "action", "resource", "subject")
        policy = Policy(new_uuid(), **body)
        gateway.become(with_policy(gateway.registry, policy))
        return json_response(asdict(policy), 201)

    async def delete(request: Request) -> Response:
        uuid = request.path_params["uuid"]
        if all(each.uuid != uuid for each in gateway.registry.policies):
            raise not_found("policy", uuid)
        gateway.become(without_policy(gateway.registry, uuid))
        return gone()

    return [
        Resource(f"{PREFIX}policies", {"GET": policies, "POST": create}),
        Resource(f"{PREFIX}policies/{{uuid}}", {"DELETE": delete}),
    ]
