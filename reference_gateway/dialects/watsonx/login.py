"""What the vendor's clients call before anything else: the platform's version, tokens for a key or a password, and the
project or space that they were told to work in. A key or a password is one of the gateway's own keys."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.access.minting import LIFETIME_S
from reference_gateway.dialects.common import json_response
from reference_gateway.errors import ApiError
from reference_gateway.gateway import Gateway
from reference_gateway.layers.limits import read_body, read_json
from reference_gateway.routing import Resource

VERSION = "/ml/wml_services/v2/version"
AUTHORIZE = "/icp4d-api/v1/authorize"
IDENTITY_TOKEN = "/idprovider/v1/auth/identitytoken"
VALIDATE = "/v1/preauth/validateAuth"
CLOUD_TOKEN = "/identity/token"
OPEN_PATHS = (VERSION, AUTHORIZE, IDENTITY_TOKEN, VALIDATE, CLOUD_TOKEN)
SCOPES = ("/v2/projects/", "/v2/spaces/")


def routes(gateway: Gateway) -> Sequence[Resource]:
    def token(subject: Any, *credentials: Any) -> str:
        """A token for one of the credentials."""
        key = gateway.mint.key(*(each for each in credentials if isinstance(each, str)))
        if key is None:
            raise ApiError(401, "The credentials are not valid.", code="authentication_token_not_valid")
        return gateway.mint.token(key, subject if isinstance(subject, str) else "")

    async def version(request: Request) -> Response:
        return json_response({"version": "5.2.0"})

    async def authorize(request: Request) -> Response:
        body = await read_json(request, gateway.config.max_body_bytes)
        minted = token(body.get("username"), body.get("api_key"), body.get("password"))
        return json_response({"token": minted, "_messageCode_": "success", "message": "success"})

    async def identity_token(request: Request) -> Response:
        """For a password or a cloud API key, sent as a form."""
        form = await _form(request, gateway.config.max_body_bytes)
        minted = token(form.get("username"), form.get("password"), form.get("apikey"))
        return json_response({"access_token": minted, "token_type": "Bearer", "expires_in": LIFETIME_S})

    async def validate(request: Request) -> Response:
        """Gives for a token of `identity_token` one of the platform's own: here the same."""
        minted = request.headers.get("iam-token", "")
        if gateway.keys and (not minted.isascii() or gateway.mint.redeemed(minted) is None):
            raise ApiError(401, "The token is not valid.", code="authentication_token_not_valid")
        return json_response({"accessToken": minted, "username": request.headers.get("username", "")})

    async def project(request: Request) -> Response:
        storage = {"type": "local_git_storage", "guid": "0"}
        entity = {"name": "project", "storage": storage, "scope": {}, "compute": []}
        return json_response({"metadata": {"guid": request.path_params["id"]}, "entity": entity})

    async def space(request: Request) -> Response:
        entity = {"name": "space", "status": {"state": "active"}, "compute": []}
        return json_response({"metadata": {"id": request.path_params["id"]}, "entity": entity})

    return [
        Resource(VERSION, {"GET": version}),
        Resource(AUTHORIZE, {"POST": authorize}),
        Resource(IDENTITY_TOKEN, {"POST": identity_token}),
        Resource(CLOUD_TOKEN, {"POST": identity_token}),
        Resource(VALIDATE, {"GET": validate}),
        Resource("/v2/projects/{id}", {"GET": project}),
        Resource("/v2/spaces/{id}", {"GET": space}),
    ]


async def _form(request: Request, max_bytes: int) -> dict[str, str]:
    raw = await read_body(request, max_bytes)
    try:
        return {name: values[0] for name, values in parse_qs(raw.decode("utf-8"), max_num_fields=20).items()}
    except ValueError:
        raise ApiError(400, "The request body is not a form.", code="invalid_request_entity") from None
