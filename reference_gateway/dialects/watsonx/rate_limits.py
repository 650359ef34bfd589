"""Rate limits: of everything, of one provider or of one model; in requests, in tokens or both."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.call import Json
from reference_gateway.dialects.common import json_response
from reference_gateway.dialects.watsonx.bodies import PREFIX, gone, invalid, listed, not_found, registration
from reference_gateway.gateway import Gateway
from reference_gateway.registry import Rate, RateLimit, new_uuid
from reference_gateway.registry.changes import with_rate_limit, without_rate_limit
from reference_gateway.registry.records import seconds
from reference_gateway.routing import Resource
from reference_gateway.validation.checks import Check, Integer, OneOf, Text, check_fields, is_object, require

TYPES = ("tenant", "provider", "model")
MOST = 10**12
RATE: Mapping[str, Check] = {"amount": Integer(1, MOST), "capacity": Integer(1, MOST), "duration": Text()}


def is_rate(value: Any, param: str) -> None:
    is_object(value, param)
    for name in RATE:
        require(value, name, f"{param}.")
    check_fields(value, RATE, f"{param}.")
    try:
        seconds(value["duration"])
    except ValueError as error:
        raise invalid(f"Invalid value for '{param}.duration': {error}.", f"{param}.duration") from None


CHECKS: Mapping[str, Check] = {
    "type": OneOf(TYPES),
    "provider_uuid": Text(),
    "model_uuid": Text(),
    "request": is_rate,
    "token": is_rate,
}


def routes(gateway: Gateway) -> Sequence[Resource]:
    async def sent(request: Request) -> RateLimit:
        body = await registration(request, gateway, CHECKS, "type")
        limit = RateLimit(
            new_uuid(), body["type"], body.get("provider_uuid"), body.get("model_uuid"), _rate(body, "request"),
            _rate(body, "token"),
        )  # fmt: skip
        if limit.request is None and limit.token is None:
            raise invalid("Give a request limit, a token limit or both.", "request")
        registry = gateway.registry
        for kind, wanted, find in (
            ("provider", limit.provider_uuid, registry.provider),
            ("model", limit.model_uuid, registry.find_uuid),
        ):
            if (wanted is not None) != (limit.type == kind):
                raise invalid(f"A limit of type {kind}, and no other, has a {kind}_uuid.", f"{kind}_uuid")
            if wanted is not None and find(wanted) is None:
                raise not_found(kind, wanted)
        return limit

    def found(request: Request) -> RateLimit:
        uuid = request.path_params["uuid"]
        limit = next((each for each in gateway.registry.rate_limits if each.uuid == uuid), None)
        if limit is None:
            raise not_found("rate limit", uuid)
        return limit

    async def limits(request: Request) -> Response:
        return listed([_limit(each) for each in gateway.registry.rate_limits])

    async def create(request: Request) -> Response:
        limit = await sent(request)
        gateway.become(with_rate_limit(gateway.registry, limit))
        return json_response(_limit(limit), 201)

    async def limit(request: Request) -> Response:
        return json_response(_limit(found(request)))

    async def update(request: Request) -> Response:
        changed = await sent(request)
        changed = replace(changed, uuid=found(request).uuid)
        gateway.become(with_rate_limit(gateway.registry, changed))
        return json_response(_limit(changed))

    async def delete(request: Request) -> Response:
        gateway.become(without_rate_limit(gateway.registry, found(request).uuid))
        return gone()

    return [
        Resource(f"{PREFIX}rate-limits", {"GET": limits, "POST": create}),
        Resource(f"{PREFIX}rate-limits/{{uuid}}", {"GET": limit, "PUT": update, "DELETE": delete}),
    ]


def _rate(body: Json, name: str) -> Rate | None:
    return None if name not in body else Rate(*(body[name][field] for field in RATE))


def _limit(limit: RateLimit) -> Json:
    return {name: value for name, value in asdict(limit).items() if value is not None}
