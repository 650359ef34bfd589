"""A gateway that is open for calls: its configuration, who may call, and a backend for each provider."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reference_gateway.backends.simulator import Simulator
from reference_gateway.backends.upstream import Upstream
from reference_gateway.call import Backend, Call, Endpoint, Json
from reference_gateway.config import Config
from reference_gateway.registry import Provider, Registry, Served
from reference_gateway.stream import Answer


@dataclass(frozen=True)
class Gateway:
    config: Config
    tokens: tuple[str, ...] = field(default=(), repr=False)
    backends: Mapping[str, Backend] = field(default_factory=dict)

    @classmethod
    def open(cls, config: Config, *, tokens: Iterable[str] = (), seed: int | None = None) -> "Gateway":
        backends = {provider.name: _backend(provider, seed) for provider in config.registry.providers}
        return cls(config, tuple(tokens), backends)

    @property
    def registry(self) -> Registry:
        return self.config.registry

    def answer(self, endpoint: Endpoint, body: Json, served: Served, name: str) -> Answer:
        """The answer of the served model, which the client knows as `name`."""
        call = Call(endpoint, body, served.model.served_name, served.model.settings)
        return Answer(self.backends[served.provider.name], call, name)

    async def close(self) -> None:
        for backend in self.backends.values():
            await backend.close()


def _backend(provider: Provider, seed: int | None) -> Backend:
    if provider.upstream is None:
        return Simulator(seed)
    options = provider.upstream
    return Upstream(options.base_url, options.api_key, options.headers, options.timeout_s, options.connect_timeout_s)
