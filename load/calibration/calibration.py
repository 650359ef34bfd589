"""Runs the load's own client, in locust, against the truth at a given load, and tells how far its times are off.

Nothing here is locust or gevent: both ends are processes of their own.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from load.metrics import rounded

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
ROOT = LOCUSTFILE.parent.parent.parent
GRACE_S = 60
MAX_TOKENS = 2000
LONGEST_S = 1.5
"""A stream of a calibration takes no longer, so that enough of them end in its time."""
LIKE = 0.7
"""A calibration that comes to less than this share of the run's events is not at its load, and says so."""
_NOT_OURS = ("LOCUST_", "GATEPROOF_")


class _Failed(Exception):
    """No calibration came about; the message says why."""


def like(document: Mapping[str, Any], duration_s: float = 5.0) -> dict[str, Any] | None:
    """A calibration at the load of this run: as many streams open in a process, at the same pace, and shorter in the
    same proportions where they are long; in as many processes at once, if they and their truths have a core each, as
    the run's gateway need not have had any of these cores. None for a run without streams."""
    streams, ttft_s, itl_s = document["streams"], document["ttft_s"]["p50"], document["itl_s"]["mean"] or 0.0
    if not streams or ttft_s is None:
        return None
    active = sorted(row["active"] for row in document["series"] if row["active"])
    users = active[len(active) // 2] if active else document["users"]
    processes = max(1, document["client"]["processes"])
    tokens = max(1.0, document["content_events"] / streams)
    shorter = min(1.0, LONGEST_S / (ttft_s + itl_s * tokens)) if itl_s else 1.0
    at_once = max(1, min(processes, _cores() // 2))
    found = calibrate(
        math.ceil(max(users, 1) / processes),
        None,
        duration_s,
        ttft_s=ttft_s * shorter,
        itl_s=itl_s,
        tokens=max(2, min(MAX_TOKENS, round(tokens * shorter))),
        spread=document["arrivals"]["kind"] != "closed",
        processes=at_once,
    )
    wanted, reached = document["events_per_s"], found.get("events_per_s")
    notes = [found["note"]] if found["note"] else []
    if wanted and reached and reached * processes < LIKE * wanted * at_once:
        each = f"{reached / at_once:.0f} events/s a process, the run {wanted / processes:.0f}"
        notes.append(f"the calibration reached {each}")
    if at_once < processes:
        notes.append(
            f"of {at_once} of the {processes} processes, for want of cores: they may err more when all of them send"
        )
    return {**found, "note": "; ".join(notes) or None}


def calibrate(
    users: int,
    rate: float | None,
    duration_s: float,
    *,
    ttft_s: float = 0.05,
    itl_s: float = 0.01,
    tokens: int = 64,
    spread: bool = False,
    processes: int = 1,
) -> dict[str, Any]:
    """The errors of this client with `users` streams open at once; with a `rate`, as many as are open at that rate. Of
    several processes each has so many, and a truth of its own, all at the same time.

    `ttft_s` and `itl_s` (seconds) are the pace of the truth; `spread` starts its streams apart rather than in step. An
    error is the client's time minus the true one, in seconds; that of ITL without its sign. Never raises: where nothing
    could be measured, `note` says why and the errors are None.
    """
    if rate is not None:
        users, spread = max(1, round(rate * (ttft_s + itl_s * (tokens - 1)))), True
    # A stream must end within the time, twice, since the first of each user is not looked at.
    duration_s = max(duration_s, 3 * (2 * ttft_s + itl_s * tokens))
    told: dict[str, Any] = {"streams": users, "duration_s": round(duration_s, 1), "ttft_s": ttft_s, "itl_s": itl_s}
    told |= {"events_per_stream": tokens, "processes": processes}

    def one(_: int) -> tuple[dict[str, Any], dict[str, Any]]:
        with _truth(ttft_s, itl_s, tokens, spread) as url:
            seen = _run(url, users, math.ceil(duration_s))
            with build_opener(ProxyHandler({})).open(url, timeout=GRACE_S) as answer:
                return json.load(answer), seen

    try:
        with ThreadPoolExecutor(processes) as pool:
            runs = list(pool.map(one, range(processes)))
    except _Failed as failed:
        return told | _errors([], [], str(failed))
    except OSError as error:
        return told | _errors([], [], f"the calibration could not be run: {error}")
    ttft: list[float] = []
    itl: list[float] = []
    failures: list[str] = []
    for truth, seen in runs:
        late, jitter = differences(truth["sent"], seen["seen"])
        ttft += late
        itl += jitter
        failures += seen["errors"]
    note = f"{len(failures)} streams failed: {failures[0]}" if failures else ""
    return (
        told
        | _errors(ttft, itl, note or ("" if ttft else "no stream ended in time"))
        | _worst([run[1] for run in runs])
    )


def _worst(seen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the processes say of themselves: events/s in all, the rest of whichever is worst off."""
    lags = [found["loop_lag_s"] for found in seen]
    known = {name: [found[name] for found in seen if found[name] is not None] for name in _OF_ONE}
    return {
        "events_per_s": round(sum(known["events_per_s"]), 2) if known["events_per_s"] else None,
        "events_per_read": max(known["events_per_read"], default=None),
        "loop_lag_s": max(lags, key=lambda lag: lag["p99"] or 0.0),
        "cpu": max(known["cpu"], default=None),
    }


_OF_ONE = ("events_per_s", "events_per_read", "cpu")


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def differences(
    sent: Mapping[str, Sequence[float]], seen: Mapping[str, Sequence[float]]
) -> tuple[list[float], list[float]]:
    """(error of TTFT of each stream, error of each gap without its sign) in seconds, of the streams seen whole."""
    ttft, itl = [], []
    for name, stamps in seen.items():
        true = sent.get(name, ())
        if len(true) != len(stamps) or not stamps:
            continue
        ttft.append(stamps[0] - true[0])
        late = [stamp - moment for stamp, moment in zip(stamps, true, strict=True)]
        itl += [abs(after - before) for before, after in pairwise(late)]
    return ttft, itl


def _errors(ttft: Sequence[float], itl: Sequence[float], note: str) -> dict[str, Any]:
    return {"ttft_error_s": _told(ttft), "itl_error_s": _told(itl), "note": note or None}


def _told(errors: Sequence[float]) -> dict[str, float | int | None]:
    ordered = sorted(errors)
    count = len(ordered)
    at = {name: ordered[math.ceil(share * count) - 1] if count else None for name, share in _SHARES.items()}
    return {"count": count, **{name: rounded(value) for name, value in at.items()}}


_SHARES = {"p50": 0.5, "p99": 0.99, "max": 1.0}


@contextmanager
def _truth(ttft_s: float, itl_s: float, tokens: int, spread: bool) -> Iterator[str]:
    words = ["--ttft", str(ttft_s), "--itl", str(itl_s), "--tokens", str(tokens), *["--spread"] * spread]
    process = subprocess.Popen(
        [sys.executable, "-m", "load.calibration.truth", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise _Failed("the calibration's own server did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
        process.stdout.close()


def _run(url: str, users: int, duration_s: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "seen.json"
        words = ["-f", str(LOCUSTFILE), "-H", f"{url}/v1", "--headless", "--only-summary", "-u", str(users)]
        words += ["-r", str(users), "-t", f"{duration_s}s", "-s", "0", "--seen", str(file)]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "locust", *words],
                cwd=folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=duration_s + GRACE_S,
            )
            found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        except subprocess.TimeoutExpired:
            raise _Failed("the calibration did not end in time") from None
        except (OSError, ValueError):
            raise _Failed(
                f"the calibration broke: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}"
            ) from None
        return found


def _environment() -> dict[str, str]:
    """No proxy, key or option of the run's own; this package before one named load in the user's folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
    kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    return kept | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])}
