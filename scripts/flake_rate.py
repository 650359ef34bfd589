"""The flake rate: many full runs against the bundled gateway while other processes burn every core.

All runs of a dialect have to say the same of every requirement. Ends with 0 only if they do; prints each verdict that
differed, and leaves runs.json in reports/flake-rate/.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from reference_gateway.server import running_gateway

ROOT = Path(__file__).resolve().parent.parent
GATEPROOF = Path(sys.executable).with_name("gateproof")
KEY = "sk-flake-0123456789abcdef"
DIALECTS = {
    "openai": "/v1",
    "watsonx": "/ml/gateway/v1",
    "nemo": "/apis/inference-gateway/v2/workspaces/default/openai/-/v1",
}
BOUND_S = 300.0


def main() -> int:
    args = _arguments()
    burners = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(args.burners)]
    for burner in burners:
        burner.start()
    runs: list[dict[str, Any]] = []
    began = time.monotonic()
    try:
        with running_gateway(tokens=(KEY,)) as url:
            for number in range(args.runs):
                dialect = list(DIALECTS)[number % len(DIALECTS)]
                runs.append(_run(url, dialect))
                print(f"run {number + 1:3} {dialect:8}{runs[-1]['took_s']:7.1f} s  {_counted(runs[-1])}", flush=True)
    finally:
        for burner in burners:
            burner.terminate()
    differing = _differing(runs)
    for (dialect, id), said in differing.items():
        print(f"differs: {dialect} {id}: {said}")
    seconds = sorted(run["took_s"] for run in runs)
    figures = {
        "runs": len(runs),
        "cores": os.cpu_count(),
        "burners": args.burners,
        "verdicts": sum(len(run["verdicts"]) for run in runs),
        "differing_verdicts": len(differing),
        "red_or_warned": sum(verdict not in CALM for run in runs for verdict in run["verdicts"].values()),
        "median_s": seconds[len(seconds) // 2],
        "slowest_s": seconds[-1],
        "took_s": round(time.monotonic() - began),
    }
    for name, figure in figures.items():
        print(f"{name.replace('_', ' '):20}{figure:>8}")
    args.output.mkdir(parents=True, exist_ok=True)
    shown = {f"{dialect} {id}": said for (dialect, id), said in differing.items()}
    (args.output / "runs.json").write_text(
        json.dumps({"figures": figures, "differing": shown}, indent=1) + "\n", "utf-8"
    )
    return 1 if differing or figures["red_or_warned"] else 0


CALM = ("pass", "not-applicable")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50, help="full runs, the dialects in turn (default: %(default)s)")
    cores = os.cpu_count() or 1
    parser.add_argument("--burners", type=int, default=cores, help="processes that burn a core (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "reports" / "flake-rate", help="folder for runs.json")
    return parser.parse_args()


def _run(url: str, dialect: str) -> dict[str, Any]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        command = [GATEPROOF, "check", url + DIALECTS[dialect], "--profile", dialect, "--output", folder]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEPROOF_")}
        done = subprocess.run(
            command, env=environment | {"GATEPROOF_API_KEY": KEY}, capture_output=True, text=True, timeout=BOUND_S
        )
        report = Path(folder) / "report.json"
        if not report.exists():
            sys.exit(f"flake_rate: no report; exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        rows = json.loads(report.read_text("utf-8"))["requirements"]
    return {
        "dialect": dialect,
        "verdicts": {row["id"]: row["verdict"] for row in rows},
        "messages": {row["id"]: row["message"] for row in rows if row["verdict"] not in CALM},
        "took_s": round(time.monotonic() - began, 1),
    }


def _counted(run: dict[str, Any]) -> str:
    counts = Counter(run["verdicts"].values())
    said = "".join(f"\n    {id}: {message}" for id, message in run["messages"].items())
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) + said


def _differing(runs: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, int]]:
    """Each requirement of which not all runs of its dialect say the same, with how often what was said."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for run in runs:
        for id, verdict in run["verdicts"].items():
            found.setdefault((run["dialect"], id), Counter())[verdict] += 1
    return {key: dict(counts) for key, counts in found.items() if len(counts) > 1}


def _burn() -> None:
    while True:
        sum(range(10_000))


if __name__ == "__main__":
    sys.exit(main())
