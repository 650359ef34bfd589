"""What the platform's models controller does once a provider is registered: it asks the provider for its models, and
makes an entity of each, under a name that one may have."""

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from reference_gateway.backends.upstream.models import list_models
from reference_gateway.call import BackendError
from reference_gateway.dialects.nemo.names import Names
from reference_gateway.gateway import Gateway
from reference_gateway.registry import Entity, Model, Provider, Registry, new_uuid, stable_uuid
from reference_gateway.registry.changes import with_entity, with_provider

ATTEMPTS = 6
"""How often a provider that can't be reached is asked before its status is ERROR."""


async def discover(gateway: Gateway, names: Names, provider: Provider) -> None:
    """Sets the status of a new provider and, if it has a list, the models that it serves."""
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(gateway.config.retry_interval_s)
        try:
            listed = None if provider.upstream is None else await list_models(provider.upstream)
        except BackendError:
            continue
        wanted = provider.details.get("enabled_models")
        if provider.upstream is None:
            _settle(gateway, names, provider, wanted)
        elif listed is None:
            _settle(gateway, names, provider, None)
        else:
            ids = [str(each["id"]) for each in listed]
            _settle(gateway, names, provider, [each for each in ids if not wanted or each in wanted])
        return
    if _is_unsettled(gateway, provider):
        failed = replace(provider, status="ERROR", status_message="It could not be reached.", updated=time.time())
        gateway.become(with_provider(gateway.registry, failed))


def entity_name(model_id: str) -> str:
    """The vendor's id as the platform spells it: what is not a letter or a digit becomes a hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", model_id.lower()).strip("-")[:63].rstrip("-")


def serving(registry: Registry, provider: Provider, served: Iterable[tuple[str, str]]) -> Registry:
    """The registry in which the provider serves exactly these: pairs of an entity (workspace/name) and the name that
    the provider knows the model by. An entity that is not there yet is made."""
    entities: dict[str, set[str]] = {}
    for reference, name in served:
        entities.setdefault(name, set()).add(reference)
        space, _, entity = reference.partition("/")
        workspace = registry.workspace(space)
        if workspace is not None and workspace.entity(entity) is None:
            now = time.time()
            registry = with_entity(registry, workspace, Entity(entity, new_uuid(), now, now))
    known: Mapping[str, Model] = {model.served_name: model for model in provider.models}
    models = tuple(
        replace(known[name], entities=frozenset(references))
        if name in known
        else _model(provider, name, frozenset(references))
        for name, references in entities.items()
    )
    return with_provider(registry, replace(provider, models=models))


def _model(provider: Provider, name: str, entities: frozenset[str]) -> Model:
    uuid = stable_uuid("model", provider.uuid, name)
    return Model(name, name, uuid, created=int(time.time()), entities=entities)


def _settle(gateway: Gateway, names: Names, provider: Provider, ids: Iterable[str] | None) -> None:
    """The provider is ready, and serves these; what it did before where nobody knows."""
    if not _is_unsettled(gateway, provider):
        return
    ready = replace(provider, status="READY", updated=time.time())
    if ids is None:
        gateway.become(with_provider(gateway.registry, ready))
        return
    spelt = [(entity_name(each), each) for each in ids]
    served = [(f"{provider.workspace}/{name}", id) for name, id in spelt if names.is_name(name)]
    gateway.become(serving(gateway.registry, ready, served))


def _is_unsettled(gateway: Gateway, provider: Provider) -> bool:
    """Whether nobody has changed it meanwhile."""
    return gateway.registry.provider(provider.uuid) is provider
