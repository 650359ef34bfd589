"""The platform's secrets: a provider's key is put here and never shown again."""

import time
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.call import Json
from reference_gateway.dialects.common import json_response
from reference_gateway.dialects.nemo.fields import Fields, mistake, unprocessable
from reference_gateway.dialects.nemo.names import Names
from reference_gateway.dialects.nemo.pages import Pages
from reference_gateway.dialects.nemo.service import SECRETS, conflict, home, listed_workspaces, moment, not_found
from reference_gateway.gateway import Gateway
from reference_gateway.registry import Secret
from reference_gateway.registry.changes import Conflict, with_secret, without_secret
from reference_gateway.routing import Resource


def routes(gateway: Gateway, names: Names) -> Sequence[Resource]:
    pages = Pages[Secret](
        {"name": lambda secret: secret.name, "created_at": lambda secret: secret.created}, "created_at", _secret
    )

    async def secrets(request: Request) -> Response:
        spaces = {space.name for space in listed_workspaces(names, request.path_params["workspace"])}
        return pages.response(request, [each for each in gateway.registry.secrets if each.workspace in spaces])

    async def create(request: Request) -> Response:
        fields = await Fields.of(request, gateway.config.max_body_bytes)
        name, value = fields.name("name", names), fields.required("value")
        if not (value.isascii() and value.isprintable()):
            raise unprocessable(mistake("value_error", ("body", "value"), "Value error, it can't be sent", None))
        fields.check()
        workspace = home(names, request.path_params["workspace"])
        secret = Secret(workspace.name, name, value, time.time())
        try:
            gateway.become(with_secret(gateway.registry, secret))
        except Conflict as error:
            raise conflict(error) from None
        return json_response(_secret(secret), 201)

    async def delete(request: Request) -> Response:
        workspace = names.workspace(request.path_params["workspace"])
        name = names.checked(request.path_params["name"], "name")
        secret = gateway.registry.secret(workspace.name, name)
        if secret is None:
            raise not_found("Secret", workspace.name, name)
        gateway.become(without_secret(gateway.registry, secret))
        return Response(status_code=204)

    return [
        Resource(SECRETS, {"GET": secrets, "POST": create}),
        Resource(f"{SECRETS}/{{name}}", {"DELETE": delete}),
    ]


def _secret(secret: Secret) -> Json:
    return {"name": secret.name, "workspace": secret.workspace, "created_at": moment(secret.created)}
