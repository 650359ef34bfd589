"""`make bench`: the wall time of `gateproof check` on the bundled gateway, against what bounds it.

Prints, for each repetition of the same run: the sum of its requests' own durations (what one after another would
take), the longest chain of requests that wait for each other, a bare asyncio client that sends the same requests at
the same concurrency (all at once, and in the phases that a check has to keep apart), process start-up (the same
command with a selection that sends nothing), the check itself, and its peak memory. Then the ratios: requirements
judged per second, requests per judged requirement, and the check's wall time over each of these yardsticks.
"""

import asyncio
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from conformance import probes
from conformance.bench.bare import replay_s
from conformance.exchange import Exchange
from conformance.probe import PROBES, Phase
from conformance.profiles import profile
from conformance.sending.recording import Recording, record
from conformance.target import Target

KEY = "sk-bench-gateproof.key"
CONCURRENCY = 16
REPETITIONS = 5


@dataclass(frozen=True, slots=True)
class Round:
    """One repetition: seconds, and the check's peak memory in MiB."""

    sum_s: float
    bare_s: float
    phased_s: float
    start_up_s: float
    check_s: float
    peak_mib: float


def main() -> int:
    gateproof = str(Path(sys.executable).with_name("gateproof"))
    serve = [gateproof, "serve", "--port", "0", "--token", KEY]
    gateway = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
    try:
        assert gateway.stdout is not None
        url = gateway.stdout.readline().removeprefix("listening on ").strip() + "/v1"
        target = Target(url, api_key=KEY)
        with tempfile.TemporaryDirectory() as folder:
            command = [gateproof, "check", url, "--api-key", KEY, "--concurrency", str(CONCURRENCY)]
            recording = _record(target, set(PROBES))
            names = _sent_by_check(recording)
            rounds = [_round(target, names, [*command, "--output", folder]) for _ in range(REPETITIONS)]
            report = json.loads((Path(folder) / "report.json").read_text("utf-8"))
        chain_s = _longest_chain_s(target, names)
    finally:
        gateway.terminate()
        gateway.wait(timeout=30)
    _print(rounds, chain_s, report)
    return 0


def _round(target: Target, names: set[str], command: list[str]) -> Round:
    recording = _record(target, names)
    start_up_s, _ = _run([*command[:-2], "--only", "NAME"], {5})
    bare_s = replay_s(recording.exchanges, CONCURRENCY)
    check_s, peak_mib = _run(command, {0})
    phased_s = sum(replay_s(group, CONCURRENCY) for group in _phases(recording))
    return Round(sum(x.duration_s for x in recording.exchanges), bare_s, phased_s, start_up_s, check_s, peak_mib)


def _print(rounds: list[Round], chain_s: float, report: dict[str, Any]) -> None:
    def median(of: str) -> float:
        return float(statistics.median(getattr(each, of) for each in rounds))

    check_s, start_up_s = median("check_s"), median("start_up_s")
    bare_s, phased_s = median("bare_s"), median("phased_s")
    requests, judged = report["cost"]["requests"], len(report["requirements"]) - report["summary"]["not-applicable"]
    print(f"{requests} requests, {judged} requirements judged, concurrency {CONCURRENCY}, median of {len(rounds)} runs")
    for title, value in (
        ("sum of the requests' own durations, s", median("sum_s")),
        ("longest chain of requests, s", chain_s),
        ("bare client, all requests at once, s", bare_s),
        ("bare client, in the check's phases, s", phased_s),
        ("process start-up, s", start_up_s),
        ("gateproof check, s", check_s),
        ("peak memory, MiB", median("peak_mib")),
        ("requirements judged per second", judged / check_s),
        ("requests per judged requirement", requests / judged),
        ("check ÷ sum of durations", check_s / median("sum_s")),
        ("check ÷ longest chain", check_s / chain_s),
        ("(check - start-up) ÷ bare, at once", (check_s - start_up_s) / bare_s),
        ("(check - start-up) ÷ bare, in phases", (check_s - start_up_s) / phased_s),
    ):
        print(f"  {title:<40}{value:8.2f}")


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


def _run(command: list[str], codes: set[int]) -> tuple[float, float]:
    """Wall time in seconds and peak memory in MiB of a command that must end with one of these codes."""
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        started = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, used = os.wait4(started.pid, 0)
        took_s = time.perf_counter() - began
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode not in codes:
            said.seek(0)
            raise SystemExit(f"bench: {' '.join(command[1:])} ended with {started.returncode}\n{said.read()}")
    return took_s, used.ru_maxrss / 1024


if __name__ == "__main__":
    _ = probes
    raise SystemExit(main())
