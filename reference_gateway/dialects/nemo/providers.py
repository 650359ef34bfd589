"""The Models service's providers: who serves model entities, and under which names of its own."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.call import Json
from reference_gateway.config import HEADER_NAME
from reference_gateway.dialects.common import is_http_url, json_response
from reference_gateway.dialects.nemo.discovery import discover, serving
from reference_gateway.dialects.nemo.fields import Fields
from reference_gateway.dialects.nemo.names import Names
from reference_gateway.dialects.nemo.pages import Pages
from reference_gateway.dialects.nemo.service import (
    MODELS,
    conflict,
    home,
    identifier,
    listed_workspaces,
    moment,
    not_found,
)
from reference_gateway.errors import ApiError
from reference_gateway.gateway import Gateway
from reference_gateway.registry import Provider, UpstreamOptions, Workspace, new_uuid
from reference_gateway.registry.changes import Conflict, with_provider, without_provider
from reference_gateway.routing import Resource

STATES = ("UNKNOWN", "CREATED", "PENDING", "READY", "ERROR", "DELETING", "DELETED", "LOST")
SIMULATED = "simulator://local"
"""The host_url of a provider whose answers the gateway makes up."""
KEPT = ("description", "project", "host_url", "api_key_secret_name", "enabled_models", "default_extra_body",
        "default_extra_headers", "required_extra_body", "required_extra_headers", "auth_header_format",
        "auth_context", "model_deployment_id")  # fmt: skip
_SECRET = "{{ auth_secret }}"
_FORMAT = rf"{HEADER_NAME}:[ -~]*{re.escape(_SECRET)}[ -~]*"


def routes(gateway: Gateway, names: Names) -> Sequence[Resource]:
    pages = Pages[Provider](
        {
            "name": lambda provider: provider.name,
            "created_at": lambda provider: provider.created,
            "updated_at": lambda provider: provider.updated,
            "status": lambda provider: provider.status,
        },
        "created_at",
        _provider,
    )

    def found(request: Request) -> Provider:
        workspace = names.workspace(request.path_params["workspace"])
        name = names.checked(request.path_params["name"], "name")
        provider = names.registry.workspace_provider(workspace.name, name)
        if provider is None:
            raise not_found("Model provider", workspace.name, name)
        return provider

    def put(provider: Provider) -> Response:
        """Registers it, and has its models found."""
        try:
            gateway.become(with_provider(gateway.registry, provider))
        except Conflict as error:
            raise conflict(error) from None
        gateway.start(discover(gateway, names, provider))
        return json_response(_provider(provider), 201)

    async def providers(request: Request) -> Response:
        spaces = {space.name for space in listed_workspaces(names, request.path_params["workspace"])}
        return pages.response(request, [each for each in names.registry.providers if each.workspace in spaces])

    async def create(request: Request) -> Response:
        fields = await Fields.of(request, gateway.config.max_body_bytes)
        name = fields.name("name", names)
        details = _details(fields)
        workspace = home(names, request.path_params["workspace"])
        now = time.time()
        provider = Provider(name, new_uuid(), "nim", workspace.name, status="CREATED", created=now, updated=now)
        return put(replace(provider, details=details, upstream=_way(names, workspace, details)))

    async def provider(request: Request) -> Response:
        return json_response(_provider(found(request)))

    async def upsert(request: Request) -> Response:
        fields = await Fields.of(request, gateway.config.max_body_bytes)
        details = _details(fields)
        workspace = home(names, request.path_params["workspace"])
        name = names.checked(request.path_params["name"], "name")
        way, now = _way(names, workspace, details), time.time()
        known = names.registry.workspace_provider(workspace.name, name)
        if known is None:
            known = Provider(name, new_uuid(), "nim", workspace.name, created=now)
        changed = replace(known, details=details, upstream=way, status="CREATED", status_message="", updated=now)
        response = put(changed)
        response.status_code = 200
        return response

    async def delete(request: Request) -> Response:
        gateway.become(without_provider(gateway.registry, found(request).uuid))
        return Response(status_code=204)

    async def status(request: Request) -> Response:
        fields = await Fields.of(request, gateway.config.max_body_bytes)
        state, message = fields.word("status", STATES), fields.text("status_message")
        tables = fields.tables("served_models")
        served = None if tables is None else [_served(each) for each in tables]
        fields.text("model_deployment_id")
        fields.check(*(tables or ()))
        provider = found(request)
        provider = replace(
            provider,
            status=state or provider.status,
            status_message=provider.status_message if message is None else message,
            updated=time.time(),
            details=provider.details | fields.given("model_deployment_id"),
        )
        for reference, _ in served or ():
            space, _, entity = reference.partition("/")
            home(names, space)
            names.checked(entity, "model_entity_id")
        registry = names.registry
        gateway.become(with_provider(registry, provider) if served is None else serving(registry, provider, served))
        if provider.up:
            gateway.health.answered(provider.uuid)
        return json_response(_provider(found(request)))

    return [
        Resource(f"{MODELS}/providers", {"GET": providers, "POST": create}),
        Resource(f"{MODELS}/providers/{{name}}/status", {"PUT": status}),
        Resource(f"{MODELS}/providers/{{name}}", {"GET": provider, "PUT": upsert, "DELETE": delete}),
    ]


def _details(fields: Fields) -> Json:
    """What was sent about a provider, once it is known to be sound."""
    host_url = fields.required("host_url")
    if host_url and not _is_url(host_url):
        fields.wrong("url_parsing", "host_url", "Input should be a valid URL", ctx={"error": "not an http(s) URL"})
    for name in ("description", "project", "api_key_secret_name", "model_deployment_id"):
        fields.text(name)
    format_ = fields.text("auth_header_format")
    if format_ is not None and re.fullmatch(_FORMAT, format_) is None:
        fields.wrong("value_error", "auth_header_format", f"Value error, expected 'Name: … {_SECRET} …'")
    for name in ("default_extra_body", "required_extra_body"):
        fields.object(name)
    for name in ("default_extra_headers", "required_extra_headers"):
        fields.headers(name)
    fields.texts("enabled_models")
    fields.check()
    return {name: value for name, value in fields.given(*KEPT).items() if value is not None}


def _served(fields: Fields) -> tuple[str, str]:
    return fields.required("model_entity_id"), fields.required("served_model_name")


def _is_url(text: str) -> bool:
    return text.startswith("simulator:") or (is_http_url(text) and urlsplit(text).username is None)


def _way(names: Names, workspace: Workspace, details: Json) -> UpstreamOptions | None:
    """How to reach the provider; None if it is simulated. The platform adds /v1 to a host that does not end in it."""
    host_url = str(details["host_url"]).rstrip("/")
    wanted = details.get("api_key_secret_name")
    secret = names.registry.secret(workspace.name, wanted) if wanted else None
    if wanted and secret is None:
        raise ApiError(400, f"Secret '{wanted}' not found in workspace '{workspace.name}'")
    if host_url.startswith("simulator:"):
        return None
    headers: dict[str, str] = {
        **cast(Mapping[str, str], details.get("default_extra_headers", {})),
        **cast(Mapping[str, str], details.get("required_extra_headers", {})),
    }
    format_ = details.get("auth_header_format")
    if secret is not None and format_:
        name, _, value = str(format_).partition(":")
        headers[name.strip()] = value.strip().replace(_SECRET, secret.value)
    return UpstreamOptions(
        host_url if host_url.endswith("/v1") else f"{host_url}/v1",
        None if secret is None or format_ else secret.value,
        headers,
        default_body=details.get("default_extra_body", {}),
        required_body=details.get("required_extra_body", {}),
    )


def _provider(provider: Provider) -> Json:
    """Of its key there is the secret's name. Of headers, which may hold one, the names."""
    details = dict(provider.details)
    for name in ("default_extra_headers", "required_extra_headers"):
        if name in details:
            details[name] = dict.fromkeys(details[name], "**********")
    reached = SIMULATED if provider.upstream is None else provider.upstream.base_url
    return {
        "id": identifier("provider", provider.uuid),
        "name": provider.name,
        "workspace": provider.workspace,
        "created_at": moment(provider.created),
        "updated_at": moment(provider.updated),
        **dict.fromkeys(KEPT),
        "host_url": reached,
        **details,
        "status": provider.status,
        "status_message": provider.status_message,
        "served_models": [
            {"model_entity_id": entity, "served_model_name": model.served_name}
            for model in provider.models
            for entity in sorted(model.entities)
        ],
    }
