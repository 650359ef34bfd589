"""The Models service's model entities: what is configured, whether anybody serves it or not."""

import time
from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.call import Json
from reference_gateway.dialects.common import json_response
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
from reference_gateway.gateway import Gateway
from reference_gateway.registry import Entity, Registry, Workspace, new_uuid
from reference_gateway.registry.changes import Conflict, with_entity, without_entity
from reference_gateway.routing import Resource

FORMATS = ("OPENAI_CHAT", "ANTHROPIC_MESSAGES")
Place = tuple[Workspace, Entity]


def routes(gateway: Gateway, names: Names) -> Sequence[Resource]:
    pages = Pages[Place](
        {
            "name": lambda place: place[1].name,
            "created_at": lambda place: place[1].created,
            "updated_at": lambda place: place[1].updated,
        },
        "created_at",
        lambda place: _entity(gateway.registry, *place),
    )

    def found(request: Request) -> Place:
        workspace = names.workspace(request.path_params["workspace"])
        name = names.checked(request.path_params["name"], "name")
        entity = workspace.entity(name)
        if entity is None:
            raise not_found("Model", workspace.name, name)
        return workspace, entity

    async def entities(request: Request) -> Response:
        spaces = listed_workspaces(names, request.path_params["workspace"])
        return pages.response(request, [(space, entity) for space in spaces for entity in space.entities])

    async def create(request: Request) -> Response:
        fields = await Fields.of(request, gateway.config.max_body_bytes)
        name, details = fields.name("name", names), _details(fields)
        fields.check()
        workspace = home(names, request.path_params["workspace"])
        if workspace.entity(name) is not None:
            told = f"Model with workspace '{workspace.name}' and name '{name}' already exists"
            raise conflict(Conflict(told))
        now = time.time()
        entity = Entity(name, new_uuid(), now, now, details)
        gateway.become(with_entity(gateway.registry, workspace, entity))
        return json_response(_entity(gateway.registry, workspace, entity), 201)

    async def entity(request: Request) -> Response:
        return json_response(_entity(gateway.registry, *found(request)))

    async def update(request: Request) -> Response:
        fields = await Fields.of(request, gateway.config.max_body_bytes)
        details = _details(fields)
        fields.check()
        workspace, entity = found(request)
        entity = replace(entity, updated=time.time(), details=entity.details | details)
        gateway.become(with_entity(gateway.registry, workspace, entity))
        return json_response(_entity(gateway.registry, workspace, entity))

    async def delete(request: Request) -> Response:
        workspace, entity = found(request)
        gateway.become(without_entity(gateway.registry, workspace, entity.name))
        return Response(status_code=204)

    return [
        Resource(f"{MODELS}/models", {"GET": entities, "POST": create}),
        Resource(f"{MODELS}/models/{{name:rest}}", {"GET": entity, "PATCH": update, "DELETE": delete}),
    ]


def _details(fields: Fields) -> Json:
    """The members that are kept as they were sent."""
    fields.text("description")
    fields.text("project")
    fields.flag("trust_remote_code")
    fields.object("api_endpoint")
    fields.object("custom_fields")
    fields.word("backend_format", FORMATS)
    return fields.given(
        "description", "project", "trust_remote_code", "api_endpoint", "custom_fields", "backend_format"
    )


def _entity(registry: Registry, workspace: Workspace, entity: Entity) -> Json:
    served = registry.serving(workspace.name, entity.name)
    defaults: Json = {
        "description": None,
        "project": None,
        "trust_remote_code": False,
        "api_endpoint": None,
        "backend_format": FORMATS[0],
        "custom_fields": {},
    }
    return {
        "id": identifier("model", entity.uuid),
        "name": entity.name,
        "workspace": workspace.name,
        "created_at": moment(entity.created),
        "updated_at": moment(entity.updated),
        **defaults,
        **entity.details,
        "adapters": [],
        "model_providers": list(dict.fromkeys(each.provider.reference for each in served)),
    }
