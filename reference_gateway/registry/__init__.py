"""What the gateway knows: providers with their models, workspaces with their model entities, and what was decided about
them. A registry is a value: a change makes a new one, `Registrations` holds the one that counts."""

from reference_gateway.registry.records import (
    CREATED,
    Entity,
    Model,
    Policy,
    Provider,
    Rate,
    RateLimit,
    Secret,
    UpstreamOptions,
    Workspace,
    new_uuid,
    stable_uuid,
)
from reference_gateway.registry.registrations import Registrations
from reference_gateway.registry.registry import Registry, Served

__all__ = [
    "CREATED",
    "Entity",
    "Model",
    "Policy",
    "Provider",
    "Rate",
    "RateLimit",
    "Registrations",
    "Registry",
    "Secret",
    "Served",
    "UpstreamOptions",
    "Workspace",
    "new_uuid",
    "stable_uuid",
]
