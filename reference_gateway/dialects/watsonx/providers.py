"""Providers, registered by their type. Nothing of how they are reached is ever listed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.backends.upstream.models import list_models
from reference_gateway.call import Json
from reference_gateway.dialects.common import is_http_url, json_response
from reference_gateway.dialects.watsonx.bodies import (
    PREFIX,
    conflict,
    find_provider,
    gone,
    invalid,
    listed,
    registration,
)
from reference_gateway.dialects.watsonx.models import draw_model
from reference_gateway.errors import clipped
from reference_gateway.gateway import Gateway
from reference_gateway.registry import Provider, UpstreamOptions, new_uuid
from reference_gateway.registry.changes import Conflict, with_provider, without_provider
from reference_gateway.routing import Handler, Resource
from reference_gateway.validation.checks import Check, MapOf, Text, is_object

REQUIRED: Mapping[str, Sequence[str]] = {
    "openai": ("apikey",),
    "watsonxai": ("base_url",),
    "azure-openai": ("apikey", "resource_name"),
    "anthropic": ("apikey",),
    "bedrock": ("access_key_id", "secret_access_key", "region"),
    "ollama": ("host",),
    **dict.fromkeys(("cerebras", "cohere", "gemini", "groq", "mistral", "nim", "xai", "simulator"), ()),
}
"""What `data` must hold, for each type that there is."""
OPENAI_COMPATIBLE = frozenset(("openai", "cerebras", "groq", "mistral", "nim", "ollama", "xai"))
"""Types that are proxied where `data` tells a URL. All others, and those without a URL, are simulated."""

NAME = r"[A-Za-z0-9()\[\]-]+( [A-Za-z0-9()\[\]-]+)*"
CHECKS: Mapping[str, Check] = {
    "name": Text(NAME, 256),
    "data": is_object,
    "data_reference": MapOf(Text(), Text(max_length=2048)),
}


def routes(gateway: Gateway) -> Sequence[Resource]:
    async def sent(request: Request, type_: str) -> tuple[str, Json, UpstreamOptions | None]:
        """The name of a provider, what is kept of the rest, and the way to it."""
        if type_ not in REQUIRED:
            raise invalid(f"There is no provider type {clipped(type_)!r}; there are: {', '.join(sorted(REQUIRED))}.")
        body = await registration(request, gateway, CHECKS, "name")
        if "data" in body and "data_reference" in body:
            raise invalid("Give data or data_reference, not both.", "data_reference")
        kept = {"data_reference": body["data_reference"]} if "data_reference" in body else {}
        return body["name"], kept, _way(type_, body.get("data"))

    def put(provider: Provider, status: int) -> Response:
        try:
            gateway.become(with_provider(gateway.registry, provider))
        except Conflict as error:
            raise conflict(error) from None
        return json_response({"uuid": provider.uuid, "name": provider.name, "type": provider.type}, status)

    async def providers(request: Request) -> Response:
        return listed([_provider(each) for each in gateway.registry.providers])

    async def create(request: Request) -> Response:
        type_ = request.path_params["uuid_or_type"]
        name, kept, way = await sent(request, type_)
        now = time.time()
        return put(Provider(name, new_uuid(), type_, upstream=way, created=now, updated=now, details=kept), 201)

    async def provider(request: Request) -> Response:
        return json_response(_provider(find_provider(gateway, request.path_params["uuid_or_type"])))

    def update(type_: str) -> Handler:
        async def handle(request: Request) -> Response:
            name, kept, way = await sent(request, type_)
            found = find_provider(gateway, request.path_params["uuid"])
            changed = replace(found, name=name, type=type_, upstream=way, details=kept, updated=time.time())
            return put(changed, 200)

        return handle

    async def delete(request: Request) -> Response:
        found = find_provider(gateway, request.path_params["uuid_or_type"])
        gateway.become(without_provider(gateway.registry, found.uuid))
        return gone()

    async def available(request: Request) -> Response:
        """The provider's own list; null where it has none, and of a simulated one nobody knows."""
        found = find_provider(gateway, request.path_params["uuid"])
        data = None if found.upstream is None else await list_models(found.upstream)
        return listed(data and [_available(found, each) for each in data])

    return [
        Resource(f"{PREFIX}providers", {"GET": providers}),
        Resource(f"{PREFIX}providers/{{uuid}}/models/available", {"GET": available}),
        Resource(f"{PREFIX}providers/{{uuid_or_type}}", {"POST": create, "GET": provider, "DELETE": delete}),
        *(Resource(f"{PREFIX}providers/{{uuid}}/{type_}", {"PUT": update(type_)}) for type_ in REQUIRED),
    ]


def _way(type_: str, data: Json | None) -> UpstreamOptions | None:
    """How the provider is reached; None if it is simulated."""
    if data is None:
        return None
    for name in REQUIRED[type_]:
        if not isinstance(data.get(name), str) or not data[name]:
            raise invalid(f"A provider of type {type_} needs a {name}.", f"data.{name}")
    url, key = data.get("host" if type_ == "ollama" else "base_url"), data.get("apikey")
    if url is not None and not (isinstance(url, str) and is_http_url(url)):
        raise invalid("The provider's URL is not one of http:// or https://.", "data")
    if key is not None and not (isinstance(key, str) and key.isascii() and key.isprintable()):
        raise invalid("The key can't be sent in a header.", "data.apikey")
    if url is None or type_ not in OPENAI_COMPATIBLE:
        return None
    return UpstreamOptions(f"{url.rstrip('/')}/v1" if type_ == "ollama" else url.rstrip("/"), key)


def _provider(provider: Provider) -> Json:
    models = [draw_model(provider, model) for model in provider.models]
    kept = {name: value for name, value in provider.details.items() if name == "data_reference"}
    return {"uuid": provider.uuid, "name": provider.name, "type": provider.type, "data": {}, **kept, "models": models}


def _available(provider: Provider, model: Json) -> Json:
    created = model.get("created")
    return {
        "id": model["id"],
        "object": "model",
        "created": created if isinstance(created, int) else int(provider.created),
        "owned_by": f"{provider.type}:{provider.name}",
    }
