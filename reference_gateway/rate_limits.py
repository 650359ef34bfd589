"""Enforces the registered rate limits: a bucket for each, which calls empty and time fills."""

import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast

from reference_gateway.call import Backend, Call, Json
from reference_gateway.errors import ApiError
from reference_gateway.registry import Rate, RateLimit, Served


@dataclass(slots=True)
class Bucket:
    rate: Rate
    left: float
    at: float

    def fill(self, now: float) -> None:
        self.left = min(self.rate.capacity, self.left + (now - self.at) * self.rate.per_second)
        self.at = now

    def wait_s(self, wanted: float) -> float:
        """How long until so much is in it; 0 if it is."""
        return max(0.0, round((wanted - self.left) / self.rate.per_second, 6))


class RateLimits:
    """The buckets of the limits that are registered. A limit that was changed begins with a full one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def take(self, limits: Sequence[RateLimit], served: Served) -> "Admission":
        """Admits one call of this model, or raises ApiError 429. A refused call costs nothing."""
        meant = {None, served.provider.uuid, served.model.uuid}
        met = [each for each in limits if {each.provider_uuid, each.model_uuid} <= meant]
        requests = [self._bucket(each.uuid, "requests", each.request) for each in met if each.request]
        tokens = [self._bucket(each.uuid, "tokens", each.token) for each in met if each.token]
        wait_s = max([bucket.wait_s(1) for bucket in (*requests, *tokens)], default=0.0)
        if wait_s > 0:
            headers = {
                "retry-after": str(math.ceil(wait_s)),
                **_headers("requests", requests),
                **_headers("tokens", tokens),
            }
            raise ApiError(429, "Rate limit reached.", "rate_limit_error", "rate_limit_exceeded", headers=headers)
        for bucket in requests:
            bucket.left -= 1
        return Admission(tokens, {**_headers("requests", requests), **_headers("tokens", tokens)})

    def keep(self, limits: Sequence[RateLimit]) -> None:
        """Forgets the buckets of all others."""
        left = {each.uuid for each in limits}
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if key[0] in left}

    def _bucket(self, uuid: str, unit: str, rate: Rate) -> Bucket:
        known = self._buckets.get((uuid, unit))
        if known is None or known.rate != rate:
            known = self._buckets[uuid, unit] = Bucket(rate, rate.capacity, self._now())
        known.fill(self._now())
        return known


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that may be made: what its answer is charged to, and the headers that tell what is left."""

    tokens: Sequence[Bucket]
    headers: dict[str, str]

    def charge(self, tokens: int) -> None:
        """What an answer cost is known when it is over, so a bucket may hold less than nothing."""
        for bucket in self.tokens:
            bucket.left -= tokens


class Metered:
    """Another backend, whose answers are charged to an admission."""

    def __init__(self, backend: Backend, admission: Admission) -> None:
        self._backend, self._admission = backend, admission

    async def answer(self, call: Call) -> Json:
        answer = await self._backend.answer(call)
        self._admission.charge(_total(answer) or 0)
        return answer

    async def stream(self, call: Call) -> AsyncIterator[Json]:
        """A stream without usage costs as many tokens as it had chunks."""
        count, total = 0, None
        chunks = cast(AsyncGenerator[Json, None], self._backend.stream(call))
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    count += 1
                    total = _total(chunk) or total
                    yield chunk
        finally:
            self._admission.charge(count if total is None else total)

    async def close(self) -> None:
        await self._backend.close()


def _total(answer: Json) -> int | None:
    usage = answer.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) else None


def _headers(unit: str, buckets: Sequence[Bucket]) -> dict[str, str]:
    """Those of the bucket that is nearest to empty."""
    if not buckets:
        return {}
    least = min(buckets, key=lambda bucket: bucket.left)
    full_s = least.wait_s(least.rate.capacity)
    return {
        f"x-ratelimit-limit-{unit}": str(least.rate.capacity),
        f"x-ratelimit-remaining-{unit}": str(max(0, math.floor(least.left))),
        f"x-ratelimit-reset-{unit}": f"{full_s:.3f}s",
    }
