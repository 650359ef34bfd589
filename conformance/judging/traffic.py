"""Where the recording that a run judges comes from: it is sent for, read from a file, or waited for where another
process sends."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conformance.exchange import Exchange
from conformance.limits import RECORDING_S
from conformance.profiles import Profile
from conformance.sending.archive import keep, opened
from conformance.sending.cost import Budget
from conformance.sending.recording import Recording, record
from conformance.sending.rehearsal import plan
from conformance.target import ConfigError, Settings, Target


def recorded(
    target: Target,
    profile: Profile,
    settings: Settings,
    needed: set[str],
    *,
    on_exchange: Callable[[Exchange], None],
    worker: Mapping[str, Any] | None,
) -> Recording:
    """The recording of the `needed` probes. `worker` is what xdist told this process, if it is one of several: the
    first of them sends and saves, the others wait for what it saved. Raises ConfigError."""
    if settings.replay:
        return opened(settings.replay)[1]
    if worker is None:
        return _sent(target, profile, settings, needed, on_exchange)
    path = shared(worker["gateproof_folder"])
    if worker["workerid"] == "gw0":
        recording = _sent(target, profile, settings, needed, on_exchange)
        recording.save(path)
        return recording
    give_up = time.monotonic() + settings.max_time_s + RECORDING_S
    while not path.exists():
        if time.monotonic() > give_up or not path.parent.exists():
            raise ConfigError("the worker that sends the requests has gone")
        time.sleep(0.05)
    return Recording.load(path)


def shared(folder: str) -> Path:
    """The file that the worker which sends leaves for the others."""
    return Path(folder) / "recording.json"


def _sent(
    target: Target,
    profile: Profile,
    settings: Settings,
    needed: set[str],
    on_exchange: Callable[[Exchange], None],
) -> Recording:
    budget = _budget(target, profile, settings, needed)
    found: list[Recording] = []

    async def go() -> None:  # returns nothing: asyncio.run makes a repr of the result, here one of all traffic
        found.append(
            await record(
                target,
                profile,
                needed,
                concurrency=settings.concurrency,
                budget=budget,
                run_s=settings.max_time_s,
                on_exchange=on_exchange,
            )
        )

    asyncio.run(go())
    if settings.record:
        keep(settings.record, found[0], target)
    return found[0]


def _budget(target: Target, profile: Profile, settings: Settings, needed: set[str]) -> Budget:
    """The caps of a run. Raises ConfigError if it is known before that they will not do."""
    requests, tokens = settings.max_requests, settings.budget_tokens
    if requests is None and tokens is None:
        return Budget()
    planned = plan(target, profile, needed, concurrency=settings.concurrency)
    for option, cap, wanted in (
        ("--max-requests", requests, planned.requests),
        ("--budget-tokens", tokens, planned.tokens.total),
    ):
        if cap is not None and wanted > cap:
            advice = "raise it, or judge less with --only"
            raise ConfigError(f"{option} {cap}: this run needs about {wanted}; {advice}")
    return Budget(requests, tokens)
