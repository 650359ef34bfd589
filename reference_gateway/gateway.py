"""A gateway that is open for calls: its configuration, what is registered, who may call, and a backend for each
provider."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

from reference_gateway.access.keys import READ_ONLY, Key
from reference_gateway.access.minting import Mint
from reference_gateway.backends.failover import Choice, Failover
from reference_gateway.backends.simulator import Simulator
from reference_gateway.backends.upstream import Upstream
from reference_gateway.call import Backend, Call, Endpoint, Json
from reference_gateway.config import Config
from reference_gateway.errors import ApiError
from reference_gateway.health import Health
from reference_gateway.rate_limits import Metered, RateLimits
from reference_gateway.registry import Provider, Registrations, Registry, Served
from reference_gateway.registry.sqlite import open_state
from reference_gateway.stream import Answer
from reference_gateway.validation import validate

MakeBackend = Callable[[Provider], Backend]
Wrap = Callable[[Backend], Backend]


class Gateway:
    def __init__(
        self, config: Config, keys: Sequence[Key], registrations: Registrations, make_backend: MakeBackend
    ) -> None:
        self.config, self.keys = config, keys
        self.mint = Mint(keys)
        self.health = Health(config.retry_interval_s)
        self._registrations, self._make_backend = registrations, make_backend
        self._rate_limits = RateLimits()
        self._backends: dict[str, tuple[Provider, Backend]] = {}
        self._work: set[asyncio.Task[None]] = set()

    @classmethod
    def open(
        cls,
        config: Config,
        *,
        tokens: Iterable[str] = (),
        readonly_tokens: Iterable[str] = (),
        seed: int | None = None,
        state: Path | None = None,
        make_backend: MakeBackend | None = None,
    ) -> "Gateway":
        """A gateway whose registrations are kept in the file `state`, if there is one. Raises StateError."""
        keys = [Key(token) for token in tokens] + [Key(token, READ_ONLY) for token in readonly_tokens]
        registrations = Registrations(*(open_state(state, config.registry) if state else (config.registry,)))
        return cls(config, [*keys, *config.keys], registrations, make_backend or _Backends(seed))

    @property
    def registry(self) -> Registry:
        return self._registrations.registry

    def become(self, registry: Registry) -> None:
        """Changes what is registered. Calls that are on their way end as they began."""
        self._registrations.become(registry)
        self._rate_limits.keep(registry.rate_limits)
        left = {provider.uuid for provider in registry.providers}
        for uuid in self._backends.keys() - left:
            self.start(self._backends.pop(uuid)[1].close())

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Does this beside the calls; it ends with the gateway at the latest."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def answer(
        self,
        endpoint: Endpoint,
        body: Json,
        served: Sequence[Served],
        name: str | None = None,
        wrap: Wrap = lambda backend: backend,
    ) -> Answer:
        """The answer of one of the models, which the client knows as `name`, or else by the id of the one that
        answers. ApiError if the body is not one for them."""
        in_turn = self._in_turn(endpoint, served)
        validate(endpoint, body, in_turn[0])
        admission = self._rate_limits.take(self.registry.rate_limits, in_turn[0])

        def choice(each: Served) -> Choice:
            backend = self._backend(each.provider)
            return Choice(
                each, wrap(Metered(backend, admission) if admission.tokens else backend), name or each.model.id
            )

        call = Call(endpoint, body, settings=self.config.settings)
        return Answer(Failover([choice(each) for each in in_turn], self.health), call, admission.headers)

    async def close(self) -> None:
        for task in list(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        for _, backend in self._backends.values():
            await backend.close()
        self._registrations.close()

    def _in_turn(self, endpoint: Endpoint, served: Sequence[Served]) -> list[Served]:
        """Those that can do it: in any order, but who could not be reached a moment ago comes last."""
        up = [each for each in served if each.provider.up]
        if not up:
            raise ApiError(503, "No provider of this model is available.", "server_error", "no_available_provider")
        able = [each for each in up if endpoint in each.model.endpoints] or up
        random.shuffle(able)
        return sorted(able, key=lambda each: not self.health.is_up(each.provider.uuid))

    def _backend(self, provider: Provider) -> Backend:
        """The provider's backend; a new one where it is reached in another way than before."""
        known = self._backends.get(provider.uuid)
        if known is not None and known[0].upstream == provider.upstream:
            return known[1]
        if known is not None:
            self.start(known[1].close())
        backend = self._make_backend(provider)
        self._backends[provider.uuid] = (provider, backend)
        return backend


class _Backends:
    def __init__(self, seed: int | None) -> None:
        self._seed = seed

    def __call__(self, provider: Provider) -> Backend:
        if provider.upstream is None:
            return Simulator(self._seed)
        way = provider.upstream
        return Upstream(way.base_url, way.api_key, way.headers, way.timeout_s, way.connect_timeout_s)
