"""A run's recording: every exchange, and what each probe returned. Made once, judged as often as one likes."""

import asyncio
import json
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from conformance import whole
from conformance.exchange import BUSY, Blame, Exchange, Unusable, clip, exchanges_in
from conformance.limits import GRACE_S, MESSAGE_CHARS
from conformance.probe import PROBES, Phase
from conformance.profiles import Profile
from conformance.sending import records
from conformance.sending.cost import Budget, Tokens, spent
from conformance.sending.doctor import Diagnosis, examine
from conformance.sending.gateway import Facts, Gateway, current_label, current_rank
from conformance.sending.wire import Limits, Wire
from conformance.target import ConfigError, Target


@dataclass(frozen=True, slots=True)
class Result:
    """What a probe returned; or why it could not send: `unusable`, with who is to `blame` for it, or `error`, which is
    a fault of ours."""

    value: Any = None
    unusable: str | None = None
    error: str | None = None
    blame: Blame = Blame.GATEWAY


@dataclass(slots=True)
class Recording:
    """All that was sent and received in one run. `blocked` says why nothing could be judged, None if something
    could."""

    facts: Facts = field(default_factory=Facts)
    exchanges: list[Exchange] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)
    blocked: str | None = None
    started_at: float = 0.0
    duration_s: float = 0.0
    behind: list[Exchange] = field(default_factory=list)
    """What was asked with a script for the provider, and what that kept of it."""

    @property
    def all(self) -> list[Exchange]:
        """All exchanges, those behind the gateway, too."""
        return [*self.exchanges, *self.behind]

    @property
    def scripted(self) -> list[Exchange]:
        """What the gateway itself answered to requests with a script."""
        return [exchange for exchange in self.behind if exchange.request.method == "POST"]

    def of(self, probe: str) -> list[Exchange]:
        """The exchanges that this probe returned; those that it sent, where it could return nothing."""
        result = self.results.get(probe)
        if result and not result.unusable:
            return list(exchanges_in(result.value))
        return [exchange for exchange in self.all if exchange.label.split("[")[0] == probe]

    @property
    def busy(self) -> dict[str, int]:
        """How many answers were 429 or 503 and obeyed, and how many requests were given up for it."""
        return {
            "obeyed": sum(exchange.repeated and exchange.status in BUSY for exchange in self.exchanges),
            "given_up": sum(exchange.given_up for exchange in self.exchanges),
        }

    @property
    def cost(self) -> dict[str, int]:
        """Requests sent, and the tokens that the gateway says they cost (about, where it does not say)."""
        tokens = sum((spent(exchange) for exchange in self.all), Tokens())
        return {
            "requests": len(self.all),
            "prompt_tokens": tokens.prompt,
            "completion_tokens": tokens.completion,
        }

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready form; `from_record` is its inverse."""
        return {
            "facts": asdict(self.facts),
            "exchanges": [records.of_exchange(exchange) for exchange in self.exchanges],
            "behind": [records.of_exchange(exchange) for exchange in self.behind],
            "results": {name: _kept(result) for name, result in self.results.items()},
            "blocked": self.blocked,
            "started_at": self.started_at,
            "duration_s": self.duration_s,
        }

    def save(self, path: Path) -> None:
        """Writes the recording as it is, whole or not at all."""
        whole.put(path, json.dumps(self.to_record()).encode())

    @classmethod
    def load(cls, path: Path) -> "Recording":
        return cls.from_record(json.loads(path.read_text("utf-8")))

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Recording":
        exchanges = [records.exchange_of(item) for item in record["exchanges"]]
        behind = [records.exchange_of(item) for item in record.get("behind", [])]
        by_id = {exchange.id: exchange for exchange in (*exchanges, *behind)}
        facts = record["facts"] | {"listed": tuple(record["facts"]["listed"])}
        return cls(
            facts=Facts(**facts),
            exchanges=exchanges,
            behind=behind,
            results={
                name: Result(
                    records.value_of(result["value"], by_id),
                    result["unusable"],
                    result["error"],
                    Blame(result.get("blame", Blame.GATEWAY)),
                )
                for name, result in record["results"].items()
            },
            blocked=record["blocked"],
            started_at=record["started_at"],
            duration_s=record["duration_s"],
        )


async def record(
    target: Target,
    profile: Profile,
    names: set[str],
    *,
    concurrency: int = 16,
    budget: Budget | None = None,
    run_s: float = Limits().run_s,
    on_exchange: Callable[[Exchange], None] | None = None,
) -> Recording:
    """Examines the target, then sends the probes of these names, phase by phase, for `run_s` at the most. Raises
    ConfigError."""
    limits = Limits(silence_s=target.timeout_s, total_s=max(Limits().total_s, 4 * target.timeout_s), run_s=run_s)
    budget = budget or Budget()
    budget.begin(run_s)
    async with Wire(limits, target.tls()) as wire:
        gateway = Gateway(wire, target, profile, concurrency=concurrency, budget=budget, on_exchange=on_exchange)
        return await record_with(gateway, names)


async def record_with(gateway: Gateway, names: set[str]) -> Recording:
    """Examines what this gateway is aimed at, then sends the probes of these names through it."""
    loop = asyncio.get_running_loop()
    started_at, began = time.time(), loop.time()
    diagnosis = await _examined(gateway)
    gateway.facts = diagnosis.facts
    results: dict[str, Result] = {}
    if not diagnosis.blocked:
        for phase in Phase:
            chosen = [name for name in PROBES if name in names and PROBES[name].phase is phase]
            chosen.sort(key=lambda name: -PROBES[name].tokens)
            if phase.is_alone:
                for name in chosen:
                    results[name] = await _send(gateway, name)
            else:
                sent = await asyncio.gather(*(_send(gateway, name, rank) for rank, name in enumerate(chosen)))
                results |= dict(zip(chosen, sent, strict=True))
    took_s = loop.time() - began
    made = Recording(diagnosis.facts, list(gateway.exchanges), results, diagnosis.blocked, started_at, took_s)
    return replace(made, behind=list(gateway.behind))


async def _examined(gateway: Gateway) -> Diagnosis:
    """What the preflight says; that there was no time for it, where there was none."""
    diagnosis = Diagnosis()
    try:
        return await examine(gateway)
    except Unusable as error:
        diagnosis.block("time", f"{gateway.target.base_url} has not answered the first requests in time", str(error))
        return diagnosis


async def _send(gateway: Gateway, name: str, rank: int = 0) -> Result:
    current_label.set(name)
    current_rank.set(rank)
    budget = gateway.budget
    try:
        async with _until(budget.ends_at + GRACE_S) as bound:
            value = await PROBES[name].send(gateway)
    except Unusable as error:
        return _unusable(error)
    except ConfigError:
        raise
    except TimeoutError:
        if bound.expired():
            return _unusable(budget.time_is_over)
        return Result(error=traceback.format_exc(limit=-3))
    except Exception:  # noqa: BLE001 - a fault of ours is this probe's error, and no other's
        return Result(error=traceback.format_exc(limit=-3))
    return Result(value)


def _until(moment: float) -> asyncio.Timeout:
    return asyncio.timeout_at(moment if moment < float("inf") else None)


def _unusable(error: Unusable) -> Result:
    return Result(unusable=clip(str(error), MESSAGE_CHARS), blame=error.blame)


def _kept(result: Result) -> dict[str, Any]:
    """A result as it stands in a file."""
    blame = {} if result.blame is Blame.GATEWAY else {"blame": result.blame.value}
    return {"value": records.of_value(result.value), "unusable": result.unusable, "error": result.error, **blame}
