"""What the gateway knows: providers with their models, and workspaces with their model entities. Plain records and
lookups; where they come from (TOML) is in config.py."""

import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from reference_gateway.call import Endpoint, Json

ProviderType = Literal["simulator", "upstream"]

CREATED = 1_735_689_600
"""The `created` of a model that does not tell its own: 2025-01-01."""

_NAMESPACE = uuid.UUID("6f0d7a52-7c1e-4f3b-9b55-0d6d5a3e2c11")


def stable_uuid(*names: str) -> str:
    """The same UUID for the same names, in every run."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(names)))


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a provider serves. Clients write `id` (or `alias`), the provider hears `served_name`."""

    id: str
    served_name: str
    uuid: str
    endpoints: frozenset[Endpoint]
    alias: str | None = None
    created: int = CREATED
    settings: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """How to reach a proxied provider."""

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 600.0
    connect_timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Provider:
    """Who serves models. `upstream` is set for the type of that name only."""

    name: str
    uuid: str
    type: ProviderType
    workspace: str
    models: tuple[Model, ...] = ()
    upstream: UpstreamOptions | None = None

    def model(self, name: str) -> Model | None:
        """The model the provider itself knows by this name, else the one with this id."""
        for model in self.models:
            if model.served_name == name:
                return model
        return next((model for model in self.models if model.id == name), None)


@dataclass(frozen=True, slots=True)
class Entity:
    """A workspace's own name for a model."""

    name: str
    model_id: str


@dataclass(frozen=True, slots=True)
class Workspace:
    name: str
    entities: tuple[Entity, ...] = ()

    def entity(self, name: str) -> Entity | None:
        return next((entity for entity in self.entities if entity.name == name), None)


@dataclass(frozen=True, slots=True)
class Served:
    """A model together with the provider that serves it."""

    provider: Provider
    model: Model


@dataclass(frozen=True)
class Registry:
    providers: tuple[Provider, ...] = ()
    workspaces: tuple[Workspace, ...] = ()

    @cached_property
    def served(self) -> tuple[Served, ...]:
        """Every model; those that chat come first, because a client without a wish takes the first."""
        found = [Served(provider, model) for provider in self.providers for model in provider.models]
        return tuple(sorted(found, key=lambda each: Endpoint.CHAT not in each.model.endpoints))

    @cached_property
    def _by_name(self) -> dict[str, Served]:
        aliases = {each.model.alias: each for each in self.served if each.model.alias is not None}
        return aliases | {each.model.id: each for each in self.served}

    def find(self, name: str) -> Served | None:
        """The model with exactly this id or alias."""
        return self._by_name.get(name)

    def find_uuid(self, wanted: str) -> Served | None:
        return next((each for each in self.served if each.model.uuid == wanted), None)

    def provider(self, wanted_uuid: str) -> Provider | None:
        return next((provider for provider in self.providers if provider.uuid == wanted_uuid), None)

    def workspace(self, name: str) -> Workspace | None:
        return next((workspace for workspace in self.workspaces if workspace.name == name), None)

    def workspace_provider(self, workspace: str, name: str) -> Provider | None:
        return next((each for each in self.providers if (each.workspace, each.name) == (workspace, name)), None)
