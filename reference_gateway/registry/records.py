"""The plain records of the registry. How they are found is in registry.py, how they change in changes.py."""

import re
import uuid
from dataclasses import dataclass, field

from reference_gateway.call import Endpoint, Json

CREATED = 1_735_689_600
"""The `created` of what does not tell its own: 2025-01-01."""

DOWN = frozenset(("ERROR", "LOST", "PENDING", "DELETING", "DELETED"))
"""States in which a provider is not asked."""

_NAMESPACE = uuid.UUID("6f0d7a52-7c1e-4f3b-9b55-0d6d5a3e2c11")


def stable_uuid(*names: str) -> str:
    """The same UUID for the same names, in every run."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(names)))


def new_uuid() -> str:
    return str(uuid.uuid4())


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def seconds(duration: str) -> float:
    """What "1m", "1h30m" or "500ms" is in seconds. ValueError if it is none, or nothing."""
    parts = _PART.findall(duration)
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != duration or not 0 < total < 1e9:
        raise ValueError(f"{duration!r} is not a duration such as 1m or 1h30m")
    return total


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a provider serves. Clients write `id` (or `alias`), the provider hears `served_name`."""

    id: str
    served_name: str
    uuid: str
    endpoints: frozenset[Endpoint] = frozenset(Endpoint)
    alias: str | None = None
    created: int = CREATED
    settings: Json = field(default_factory=dict)
    metadata: Json | None = None
    entities: frozenset[str] = frozenset()
    """The model entities that this model is one server of, as workspace/name."""

    @property
    def names(self) -> tuple[str, ...]:
        """What clients may write."""
        return (self.id,) if self.alias is None else (self.id, self.alias)


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """How to reach a proxied provider, and what is laid under and over every request to it."""

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 600.0
    connect_timeout_s: float = 10.0
    default_body: Json = field(default_factory=dict)
    required_body: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provider:
    """Who serves models. Without `upstream` its answers are simulated. `details` are members of a dialect's own that
    are kept for its listings; secrets are never among them."""

    name: str
    uuid: str
    type: str
    workspace: str = "default"
    models: tuple[Model, ...] = ()
    upstream: UpstreamOptions | None = None
    status: str = "READY"
    status_message: str = ""
    created: float = CREATED
    updated: float = CREATED
    details: Json = field(default_factory=dict)

    @property
    def reference(self) -> str:
        return f"{self.workspace}/{self.name}"

    @property
    def up(self) -> bool:
        """Whether it may be asked, as far as its status tells."""
        return self.status not in DOWN

    def model(self, name: str) -> Model | None:
        """The model the provider itself knows by this name, else the one with this id."""
        for model in self.models:
            if model.served_name == name:
                return model
        return next((model for model in self.models if model.id == name), None)


@dataclass(frozen=True, slots=True)
class Entity:
    """A workspace's own name for a model. Which models serve it, the models tell."""

    name: str
    uuid: str
    created: float = CREATED
    updated: float = CREATED
    details: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workspace:
    name: str
    entities: tuple[Entity, ...] = ()

    def entity(self, name: str) -> Entity | None:
        return next((entity for entity in self.entities if entity.name == name), None)


@dataclass(frozen=True, slots=True)
class Secret:
    """A provider's key, kept under a name that listings may show."""

    workspace: str
    name: str
    value: str = field(repr=False)
    created: float = CREATED


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may do what with a model. Kept and listed; nobody's access depends on it."""

    uuid: str
    action: str
    resource: str
    subject: str
    effect: str = "allow"


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: it holds `capacity`, and gains `amount` every `duration`."""

    amount: int
    capacity: int
    duration: str

    @property
    def per_second(self) -> float:
        return self.amount / seconds(self.duration)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How much may be asked of everything (type `tenant`), of one provider or of one model."""

    uuid: str
    type: str
    provider_uuid: str | None = None
    model_uuid: str | None = None
    request: Rate | None = None
    token: Rate | None = None
