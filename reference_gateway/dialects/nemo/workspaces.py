"""The platform's workspaces: what there is, and new ones."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.call import Json
from reference_gateway.dialects.common import json_response
from reference_gateway.dialects.nemo.fields import Fields
from reference_gateway.dialects.nemo.names import Names
from reference_gateway.dialects.nemo.pages import Pages
from reference_gateway.dialects.nemo.service import WORKSPACES, conflict
from reference_gateway.gateway import Gateway
from reference_gateway.registry import Workspace
from reference_gateway.registry.changes import Conflict, with_workspace
from reference_gateway.routing import Resource


def routes(gateway: Gateway, names: Names) -> Sequence[Resource]:
    pages = Pages[Workspace]({"name": lambda workspace: workspace.name}, "name", _workspace)

    async def workspaces(request: Request) -> Response:
        return pages.response(request, gateway.registry.workspaces)

    async def create(request: Request) -> Response:
        fields = await Fields.of(request, gateway.config.max_body_bytes)
        name = fields.name("name", names)
        fields.check()
        try:
            gateway.become(with_workspace(gateway.registry, Workspace(name)))
        except Conflict as error:
            raise conflict(error) from None
        return json_response(_workspace(Workspace(name)), 201)

    async def workspace(request: Request) -> Response:
        return json_response(_workspace(names.workspace(request.path_params["workspace"])))

    return [
        Resource(WORKSPACES, {"GET": workspaces, "POST": create}),
        Resource(f"{WORKSPACES}/{{workspace}}", {"GET": workspace}),
    ]


def _workspace(workspace: Workspace) -> Json:
    return {"name": workspace.name}
