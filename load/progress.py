"""The line that a terminal shows while a run goes on. Imports neither gevent nor locust."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance import whole


def write(path: Path, row: Mapping[str, Any]) -> None:
    """Leaves the figures of the last second where the command finds them, whole or not at all."""
    whole.put(path, json.dumps(row).encode())


def read(path: Path) -> dict[str, Any]:
    """The figures that were left there; none yet, if there is no file."""
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def line(row: Mapping[str, Any], passed_s: float, duration_s: float, label: str = "") -> str:
    """The time and the figures of the last second, in one line without a line break."""
    found = [f"{label}{min(passed_s, duration_s):.0f} of {duration_s:.0f} s"]
    if row:
        found.append(f"{row['ended']} answered, {row['failed']} failed, {row.get('active', 0)} open")
    if row.get("ttft_p50_s") is not None:
        found.append(f"TTFT {row['ttft_p50_s'] * 1000:.0f} ms")
    if row.get("tokens_per_s"):
        found.append(f"{row['tokens_per_s']:.0f} tokens/s")
    if row.get("loop_lag_s"):
        found.append(f"lag {row['loop_lag_s'] * 1000:.1f} ms")
    return " | ".join(found)
