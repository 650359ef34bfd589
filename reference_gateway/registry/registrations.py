"""The registry that counts at the moment. What is changed is stored first, and counts then."""

from typing import Protocol

from reference_gateway.registry.registry import Registry


class Store(Protocol):
    """Where registrations survive a restart."""

    def save(self, before: Registry, after: Registry) -> None:
        """Makes what is stored, which is `before`, into `after`."""
        ...

    def close(self) -> None: ...


class Registrations:
    """Holds one registry at a time; without a store, for as long as the process lives."""

    def __init__(self, registry: Registry, store: Store | None = None) -> None:
        self.registry = registry
        self._store = store

    def become(self, after: Registry) -> None:
        """The registry to hold from now on."""
        if self._store is not None:
            self._store.save(self.registry, after)
        self.registry = after

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
