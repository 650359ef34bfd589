"""A registry and its lookups. It is a value: nothing here changes anything."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from reference_gateway.call import Endpoint
from reference_gateway.registry.records import (
    Model,
    Policy,
    Provider,
    RateLimit,
    Secret,
    Workspace,
)


@dataclass(frozen=True, slots=True)
class Served:
    """A model together with the provider that serves it."""

    provider: Provider
    model: Model


@dataclass(frozen=True)
class Registry:
    providers: tuple[Provider, ...] = ()
    workspaces: tuple[Workspace, ...] = ()
    secrets: tuple[Secret, ...] = ()
    policies: tuple[Policy, ...] = ()
    rate_limits: tuple[RateLimit, ...] = ()

    @cached_property
    def served(self) -> tuple[Served, ...]:
        """Every model; those that chat come first, because a client without a wish takes the first."""
        found = [Served(provider, model) for provider in self.providers for model in provider.models]
        return tuple(sorted(found, key=lambda each: Endpoint.CHAT not in each.model.endpoints))

    @cached_property
    def _by_name(self) -> dict[str, list[Served]]:
        return _grouped((name, each) for each in self.served for name in each.model.names)

    @cached_property
    def _by_entity(self) -> dict[str, list[Served]]:
        served = [Served(provider, model) for provider in self.providers for model in provider.models]
        return _grouped((entity, each) for each in served for entity in each.model.entities)

    def find(self, name: str) -> Sequence[Served]:
        """The models with exactly this id or alias: one for each provider that has it."""
        return self._by_name.get(name, ())

    def serving(self, workspace: str, entity: str) -> Sequence[Served]:
        """The models that serve an entity, the provider registered first before the others."""
        return self._by_entity.get(f"{workspace}/{entity}", ())

    def find_uuid(self, wanted: str) -> Served | None:
        return next((each for each in self.served if each.model.uuid == wanted), None)

    def provider(self, wanted_uuid: str) -> Provider | None:
        return next((provider for provider in self.providers if provider.uuid == wanted_uuid), None)

    def workspace(self, name: str) -> Workspace | None:
        return next((workspace for workspace in self.workspaces if workspace.name == name), None)

    def workspace_provider(self, workspace: str, name: str) -> Provider | None:
        return next((each for each in self.providers if (each.workspace, each.name) == (workspace, name)), None)

    def secret(self, workspace: str, name: str) -> Secret | None:
        return next((each for each in self.secrets if (each.workspace, each.name) == (workspace, name)), None)


def _grouped(pairs: Iterable[tuple[str, Served]]) -> dict[str, list[Served]]:
    groups: dict[str, list[Served]] = {}
    for name, served in pairs:
        groups.setdefault(name, []).append(served)
    return groups
