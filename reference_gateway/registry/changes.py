"""What may be done to a registry. Each change takes one and gives the next; Conflict where two things would have one
name. The caller has looked up what it changes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from reference_gateway.registry.records import Entity, Model, Policy, Provider, RateLimit, Secret, Workspace
from reference_gateway.registry.registry import Registry

T = TypeVar("T")


class Conflict(Exception):
    """A name is taken already; the message says which."""


def with_provider(registry: Registry, provider: Provider) -> Registry:
    """A provider with this uuid, in the place of the one that had it."""
    others = [each for each in registry.providers if each.uuid != provider.uuid]
    if any(each.reference == provider.reference for each in others):
        raise Conflict(
            f"Model provider with workspace '{provider.workspace}' and name '{provider.name}' already exists"
        )
    _check_names(provider)
    return replace(registry, providers=_put(registry.providers, provider, lambda each: each.uuid))


def without_provider(registry: Registry, uuid: str) -> Registry:
    """Its models go with it, and so do the limits of either."""
    gone = {uuid, *(model.uuid for each in registry.providers if each.uuid == uuid for model in each.models)}
    return replace(
        registry,
        providers=tuple(each for each in registry.providers if each.uuid != uuid),
        rate_limits=_limits_without(registry, gone),
    )


def with_model(registry: Registry, provider: Provider, model: Model) -> Registry:
    models = _put(provider.models, model, lambda each: each.uuid)
    return with_provider(registry, replace(provider, models=models))


def without_model(registry: Registry, provider: Provider, uuid: str) -> Registry:
    left = tuple(each for each in provider.models if each.uuid != uuid)
    limits = _limits_without(registry, {uuid})
    return with_provider(replace(registry, rate_limits=limits), replace(provider, models=left))


def with_workspace(registry: Registry, workspace: Workspace) -> Registry:
    if registry.workspace(workspace.name) is not None:
        raise Conflict(f"Workspace '{workspace.name}' already exists")
    return replace(registry, workspaces=(*registry.workspaces, workspace))


def with_entity(registry: Registry, workspace: Workspace, entity: Entity) -> Registry:
    """An entity of this name, in the place of the one that had it."""
    changed = replace(workspace, entities=_put(workspace.entities, entity, lambda each: each.name))
    return replace(registry, workspaces=_put(registry.workspaces, changed, lambda each: each.name))


def without_entity(registry: Registry, workspace: Workspace, name: str) -> Registry:
    """No model serves it any more."""
    reference = f"{workspace.name}/{name}"
    changed = replace(workspace, entities=tuple(each for each in workspace.entities if each.name != name))
    providers = tuple(
        replace(each, models=tuple(replace(model, entities=model.entities - {reference}) for model in each.models))
        if any(reference in model.entities for model in each.models)
        else each
        for each in registry.providers
    )
    spaces = _put(registry.workspaces, changed, lambda each: each.name)
    return replace(registry, providers=providers, workspaces=spaces)


def with_secret(registry: Registry, secret: Secret) -> Registry:
    if registry.secret(secret.workspace, secret.name) is not None:
        raise Conflict(f"Secret with workspace '{secret.workspace}' and name '{secret.name}' already exists")
    return replace(registry, secrets=(*registry.secrets, secret))


def without_secret(registry: Registry, secret: Secret) -> Registry:
    return replace(registry, secrets=tuple(each for each in registry.secrets if each is not secret))


def with_policy(registry: Registry, policy: Policy) -> Registry:
    return replace(registry, policies=_put(registry.policies, policy, lambda each: each.uuid))


def without_policy(registry: Registry, uuid: str) -> Registry:
    return replace(registry, policies=tuple(each for each in registry.policies if each.uuid != uuid))


def with_rate_limit(registry: Registry, limit: RateLimit) -> Registry:
    return replace(registry, rate_limits=_put(registry.rate_limits, limit, lambda each: each.uuid))


def without_rate_limit(registry: Registry, uuid: str) -> Registry:
    return replace(registry, rate_limits=tuple(each for each in registry.rate_limits if each.uuid != uuid))


def _put(things: Iterable[T], thing: T, key: Callable[[T], Any]) -> tuple[T, ...]:
    """The things with this one in the place of that with the same key, or at the end."""
    found = tuple(things)
    if any(key(each) == key(thing) for each in found):
        return tuple(thing if key(each) == key(thing) else each for each in found)
    return (*found, thing)


def _check_names(provider: Provider) -> None:
    """Within one provider a name means one model; on several it means them all."""
    seen: set[str] = set()
    for model in provider.models:
        taken = seen & set(model.names)
        if taken or len(set(model.names)) < len(model.names):
            name = min(taken or model.names)
            raise Conflict(f"Provider '{provider.name}' already has a model with the id or alias '{name}'")
        seen.update(model.names)


def _limits_without(registry: Registry, gone: set[str]) -> tuple[RateLimit, ...]:
    return tuple(each for each in registry.rate_limits if not gone & {each.provider_uuid, each.model_uuid})
