"""What the platform's code was seen to do where its documentation says something else: a wider pattern, one provider
and no other, its own words, and accidents."""

import json
import re
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from reference_gateway.call import Json
from reference_gateway.dialects.nemo.names import Names
from reference_gateway.errors import ApiError
from reference_gateway.layers.limits import read_body
from reference_gateway.registry import Entity, Provider, Served, Workspace
from reference_gateway.wire_json import MAX_DEPTH, deeper_than

PATTERN = r"^[a-z](?!.*--)[a-z0-9\-@.+_]{1,62}(?<!-)$"
RULE = (
    "Name must start with a lowercase letter, be 2-63 characters, and use lowercase letters, digits, hyphens, and dots "
    "(no consecutive hyphens, cannot end with a hyphen)."
)
_LONGEST_DETAIL = 2048


class Deployed(Names):
    @property
    def pattern(self) -> str:
        return PATTERN

    def is_name(self, name: str) -> bool:
        """With `match`, whose `$` lets a line break follow, as there."""
        return re.match(PATTERN, name) is not None

    def checked(self, name: Any, what: str) -> str:
        if not isinstance(name, str):
            raise _accident()
        if not self.is_name(name):
            raise ApiError(422, f"Invalid {what}: {RULE}")
        return name

    def workspace(self, name: str) -> Workspace:
        """One that is not there is an empty one."""
        return self.registry.workspace(self.checked(name, "workspace")) or Workspace(name)

    def entity(self, workspace: Workspace, reference: Any) -> str:
        """An adapter may follow the name: `base&adapters/workspace/name`."""
        if isinstance(reference, str) and "&adapters/" in reference:
            base, _, adapter = reference.removeprefix(f"{workspace.name}/").partition("&adapters/")
            for part in (base, *adapter.split("/", 1)):
                self.checked(part, "model")
            return f"{base}&adapters/{adapter}"
        return super().entity(workspace, reference)

    def served(self, workspace: Workspace, entity: str) -> Sequence[Served]:
        """The provider that was registered first, up or down."""
        served = self.registry.serving(workspace.name, entity)
        if not served:
            raise ApiError(
                404,
                f"No VirtualModel named '{workspace.name}/{entity}' was found. Inference requests must resolve to a "
                "VirtualModel; one is auto-created for every served model entity. Check that the model entity exists "
                "and is currently served by a provider, or create a VirtualModel explicitly.",
            )
        return served[:1]

    def provider(self, workspace: str, name: str) -> Provider:
        space = self.workspace(workspace)
        provider = self.registry.workspace_provider(space.name, self.checked(name, "name"))
        if provider is None:
            raise ApiError(404, f"Model provider not found for {workspace}/{name}")
        return provider

    def listed(self, workspace: Workspace) -> list[tuple[Entity, Sequence[Served]]]:
        """The newest first."""
        found = [(each, self.registry.serving(workspace.name, each.name)) for each in reversed(workspace.entities)]
        return sorted([each for each in found if each[1]], key=lambda each: -each[0].created)

    def card(self, workspace: Workspace, entity: str, served: Sequence[Served]) -> Json:
        return {"id": f"{workspace.name}/{entity}", "owned_by": workspace.name, "object": "model", "created": 0}

    def readiness(self, provider: Provider) -> Json:
        host_url = provider.details.get("host_url") or (provider.upstream.base_url if provider.upstream else None)
        return {**super().readiness(provider), "host_url": host_url}

    async def body(self, request: Request) -> Json:
        raw = await read_body(request, self._gateway.config.max_body_bytes)
        try:
            body = json.loads(raw)
            body["model"]
        except UnicodeDecodeError:
            raise _accident() from None
        except json.JSONDecodeError as error:
            raise ApiError(400, f"Invalid request body: {error}") from None
        except (KeyError, TypeError) as error:
            raise ApiError(400, f"Could not extract model from openai request: {error}") from None
        except (ValueError, RecursionError):
            raise ApiError(400, "Invalid request body: it holds what can't be worked with.") from None
        if deeper_than(body, MAX_DEPTH):
            raise ApiError(400, "Invalid request body: it is nested too deeply.")
        found: Json = body
        return found

    def refusal(self, error: ApiError) -> ApiError:
        """A provider's error object, as text."""
        told = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
        return ApiError(error.status, json.dumps({"error": told})[:_LONGEST_DETAIL], headers=error.headers)


def _accident() -> ApiError:
    return ApiError(500, "An unexpected error occurred.", type="server_error")
