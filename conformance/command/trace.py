"""`gateproof trace REPORT`: which tests judged each requirement, and what they said."""

import argparse
import json
from pathlib import Path

from conformance.reporting import trace
from conformance.target import ConfigError
from conformance.verdict import Exit


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "report", metavar="REPORT", nargs="+", help="report.json of a run; several may cover the profiles"
    )


def run(options: argparse.Namespace) -> int:
    reports = []
    for name in options.report:
        try:
            report = json.loads(Path(name).read_text("utf-8"))
            report["requirements"][0]["tests"]
        except OSError as error:
            raise ConfigError(f"{name}: it can't be read ({error.strerror})") from None
        except (ValueError, LookupError, TypeError):
            raise ConfigError(f"{name}: it is no report.json of a check by this version") from None
        reports.append(report)
    traces, unknown = trace.traced(reports)
    for line in trace.lines(traces, unknown):
        print(line)
    return Exit.BROKEN if unknown or any(found.is_missing for found in traces) else Exit.CONFORMANT
