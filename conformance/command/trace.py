"""`gateproof trace REPORT`: which tests judged each requirement, and what they said."""

import argparse
from pathlib import Path

from conformance.comparing.documents import loaded
from conformance.reporting import trace
from conformance.target import ConfigError
from conformance.verdict import Exit

EXAMPLES = (
    "gateproof trace report/report.json",
    "gateproof trace openai/report.json nemo/report.json watsonx/report.json",
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "report", metavar="REPORT", nargs="+", type=Path, help="report.json of a run; several may cover the profiles"
    )


def run(options: argparse.Namespace) -> int:
    reports = []
    for path in options.report:
        report = loaded(path)
        try:
            report["requirements"][0]["tests"]
        except (LookupError, TypeError):
            raise ConfigError(f"{path}: it is no report.json of a check by this version") from None
        reports.append(report)
    traces, unknown = trace.traced(reports)
    for line in trace.lines(traces, unknown):
        print(line)
    return Exit.BROKEN if unknown or any(found.is_missing for found in traces) else Exit.CONFORMANT
