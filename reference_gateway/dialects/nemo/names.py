"""The names of the NeMo dialect as the platform publishes them: what may be called how, and who is meant. An ill-formed
name is a 422 whatever else is wrong with the request, a well-formed one that nobody has is a 404."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from reference_gateway.call import Endpoint, Json
from reference_gateway.errors import ApiError
from reference_gateway.gateway import Gateway
from reference_gateway.layers.limits import read_json
from reference_gateway.registry import Entity, Provider, Registry, Served, Workspace

RULE = "Name must be 2-63 characters of lowercase letters, digits and hyphens, and must not begin or end with a hyphen."


class Names:
    """The published rule."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @property
    def registry(self) -> Registry:
        return self._gateway.registry

    @property
    def pattern(self) -> str:
        """As errors show it."""
        return f"^{self._gateway.config.entity_name_pattern.pattern}$"

    def is_name(self, name: str) -> bool:
        return self._gateway.config.entity_name_pattern.fullmatch(name) is not None

    def checked(self, name: Any, what: str) -> str:
        """The name, if it is one. `what` tells the client which of its names is wrong."""
        if not isinstance(name, str) or not self.is_name(name):
            raise ApiError(422, f"Invalid {what}: {RULE}", code="invalid_name", param=what)
        return name

    def workspace(self, name: str) -> Workspace:
        workspace = self.registry.workspace(self.checked(name, "workspace"))
        if workspace is None:
            raise ApiError(404, f"There is no workspace {name!r}.")
        return workspace

    def entity(self, workspace: Workspace, reference: Any) -> str:
        """The entity meant by a `model`: the workspace's own prefix may stand before it, and no other."""
        if isinstance(reference, str):
            reference = reference.removeprefix(f"{workspace.name}/")
        return self.checked(reference, "model")

    def served(self, workspace: Workspace, entity: str) -> Sequence[Served]:
        """Everyone who serves the entity."""
        served = self.registry.serving(workspace.name, entity)
        if not served:
            raise ApiError(
                404, f"There is no model entity '{workspace.name}/{entity}'.", code="model_not_found", param="model"
            )
        return served

    def provider(self, workspace: str, name: str) -> Provider:
        space = self.workspace(workspace)
        provider = self.registry.workspace_provider(space.name, self.checked(name, "name"))
        if provider is None:
            raise ApiError(404, f"There is no model provider '{space.name}/{name}'.")
        return provider

    def listed(self, workspace: Workspace) -> list[tuple[Entity, Sequence[Served]]]:
        """The entities that somebody serves; those that chat come first."""
        found = [(each, self.registry.serving(workspace.name, each.name)) for each in workspace.entities]
        servable = [(entity, served) for entity, served in found if served]
        return sorted(servable, key=lambda each: Endpoint.CHAT not in each[1][0].model.endpoints)

    def card(self, workspace: Workspace, entity: str, served: Sequence[Served]) -> Json:
        """An entity as the inference routes list it."""
        return card(f"{workspace.name}/{entity}", served[0].model.created, workspace.name)

    def readiness(self, provider: Provider) -> Json:
        return {"ready": True, "provider": provider.reference}

    async def body(self, request: Request) -> Json:
        """The object that the client sent, with a `model` in it."""
        body = await read_json(request, self._gateway.config.max_body_bytes)
        if "model" not in body:
            raise ApiError(400, "Could not extract model from the request: it has no 'model'.")
        return body

    def refusal(self, error: ApiError) -> ApiError:
        """What a client is told whose request is none that the model takes."""
        return error


def card(name: str, created: int, owner: str) -> Json:
    return {"id": name, "object": "model", "created": created, "owned_by": owner}
