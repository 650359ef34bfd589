"""The names of the NeMo dialect: what may be called how, and who is meant. An ill-formed name is a 422 whatever else
is wrong with the request, a well-formed one that nobody has is a 404."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reference_gateway.errors import ApiError
from reference_gateway.gateway import Gateway
from reference_gateway.registry import Provider, Served, Workspace

RULE = "Name must be 2-63 characters of lowercase letters, digits and hyphens, and must not begin or end with a hyphen."


@dataclass(frozen=True, slots=True)
class EntityNames:
    gateway: Gateway
    pattern: re.Pattern[str]

    def checked(self, name: Any, what: str) -> str:
        """The name, if it is one. `what` tells the client which of its names is wrong."""
        if not isinstance(name, str) or self.pattern.fullmatch(name) is None:
            raise ApiError(422, f"Invalid {what}: {RULE}", code="invalid_name", param=what)
        return name

    def workspace(self, name: str) -> Workspace:
        workspace = self.gateway.registry.workspace(self.checked(name, "workspace"))
        if workspace is None:
            raise ApiError(404, f"There is no workspace {name!r}.")
        return workspace

    def entity(self, workspace: Workspace, reference: Any) -> str:
        """The entity meant by a `model`: the workspace's own prefix may stand before it, and no other."""
        if isinstance(reference, str):
            reference = reference.removeprefix(f"{workspace.name}/")
        return self.checked(reference, "model")

    def served(self, workspace: Workspace, entity: str) -> Sequence[Served]:
        served = self.gateway.registry.serving(workspace.name, entity)
        if not served:
            raise ApiError(
                404, f"There is no model entity '{workspace.name}/{entity}'.", code="model_not_found", param="model"
            )
        return served

    def provider(self, workspace: str, name: str) -> Provider:
        space = self.workspace(workspace)
        provider = self.gateway.registry.workspace_provider(space.name, self.checked(name, "name"))
        if provider is None:
            raise ApiError(404, f"There is no model provider '{space.name}/{name}'.")
        return provider
