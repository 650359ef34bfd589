"""`make bench`: the wall time of `gateproof check` on the bundled gateway, against what bounds it.

Prints, for each repetition of the same run: the sum of its requests' own durations (what one after another would
take), the longest chain of requests that wait for each other, a bare asyncio client that sends the same requests at
the same concurrency (all at once, and in the phases that a check has to keep apart), process start-up (the same
command with a selection that sends nothing), and the check itself.
"""

import asyncio
import contextlib
import io
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

from conformance import probes
from conformance.bench.bare import replay_s
from conformance.exchange import Exchange
from conformance.probe import PROBES, Phase
from conformance.profiles import profile
from conformance.recording import Recording, record
from conformance.target import Target

KEY = "sk-bench-gateproof.key"
CONCURRENCY = 16
REPETITIONS = 5


def main() -> int:
    gateproof = str(Path(sys.executable).with_name("gateproof"))
    serve = [gateproof, "serve", "--port", "0", "--token", KEY]
    gateway = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
    try:
        assert gateway.stdout is not None
        url = gateway.stdout.readline().removeprefix("listening on ").strip() + "/v1"
        target = Target(url, api_key=KEY)
        command = [gateproof, "check", url, "--api-key", KEY, "--concurrency", str(CONCURRENCY)]
        recording = _record(target, set(PROBES))
        names = _sent_by_check(recording)
        rows: list[tuple[float, ...]] = []
        for _ in range(REPETITIONS):
            recording = _record(target, names)
            start_up_s = _wall_s([*command, "--only", "NAME"], {5})
            bare_s = replay_s(recording.exchanges, CONCURRENCY)
            check_s = _wall_s(command, {0})
            phased_s = sum(replay_s(group, CONCURRENCY) for group in _phases(recording))
            rows.append((sum(x.duration_s for x in recording.exchanges), bare_s, phased_s, start_up_s, check_s))
        chain_s = _longest_chain_s(target, names)
    finally:
        gateway.terminate()
        gateway.wait(timeout=30)
    _print(rows, chain_s, recording)
    return 0


def _print(rows: list[tuple[float, ...]], chain_s: float, recording: Recording) -> None:
    sum_s, bare_s, phased_s, start_up_s, check_s = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{len(recording.exchanges)} requests, concurrency {CONCURRENCY}, median of {len(rows)} runs, in seconds")
    for title, value in (
        ("sum of the requests' own durations", sum_s),
        ("longest chain of requests", chain_s),
        ("bare client, all requests at once", bare_s),
        ("bare client, in the check's phases", phased_s),
        ("process start-up", start_up_s),
        ("gateproof check", check_s),
        ("check ÷ sum of durations", check_s / sum_s),
        ("(check - start-up) ÷ longest chain", (check_s - start_up_s) / chain_s),
        ("(check - start-up) ÷ bare, at once", (check_s - start_up_s) / bare_s),
        ("(check - start-up) ÷ bare, in phases", (check_s - start_up_s) / phased_s),
        ("check ÷ (bare, at once + start-up)", check_s / (bare_s + start_up_s)),
    ):
        print(f"  {title:<38}{value:6.2f}")


def _phases(recording: Recording) -> list[list[Exchange]]:
    """The exchanges in the groups that a check sends one after another: finding a model first, what may hurt last."""
    groups: dict[int, list[Exchange]] = {}
    for exchange in recording.exchanges:
        sender = PROBES.get(exchange.label.split("[")[0])
        groups.setdefault(sender.phase if sender else -1, []).append(exchange)
    return [groups[phase] for phase in sorted(groups)]


def _record(target: Target, names: set[str]) -> Recording:
    return asyncio.run(record(target, profile(target.profile), names, concurrency=CONCURRENCY))


def _sent_by_check(recording: Recording) -> set[str]:
    """The probes that the profile's tests need: those that could send, less the other dialects' own."""
    import pytest

    from conformance import plugin

    class Needs:
        names: ClassVar[set[str]] = set()

        def pytest_collection_finish(self, session: pytest.Session) -> None:
            judging: Any = session.config.pluginmanager.get_plugin("gateproof-judging")
            Needs.names = set(judging.needed)

    words = ["-c", "/dev/null", "--rootdir", str(plugin.PACKAGE), "-p", "no:cacheprovider", "-q", "-q"]
    words += ["--collect-only", "--import-mode=importlib", "--base-url", "http://127.0.0.1:9/v1"]
    words += ["--gateproof-api-key", KEY, str(plugin.PACKAGE / "suites")]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(words, plugins=[Needs()])
    return Needs.names


def _longest_chain_s(target: Target, names: set[str]) -> float:
    """The preflight, then in each phase the probe that takes longest when it is alone."""
    preflight_s = _record(target, set()).duration_s
    alone = {name: _record(target, {name}).duration_s - preflight_s for name in names}
    by_phase = [[alone[name] for name in names if PROBES[name].phase is phase] for phase in Phase]
    return preflight_s + sum(
        sum(ones) if phase is Phase.TIMED else max(ones, default=0.0)
        for phase, ones in zip(Phase, by_phase, strict=True)
    )


def _wall_s(command: list[str], codes: set[int]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in codes:
        raise SystemExit(f"bench: {' '.join(command[1:])} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - began


if __name__ == "__main__":
    _ = probes
    raise SystemExit(main())
