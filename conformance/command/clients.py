"""`gateproof clients REPORT`: which well-known clients will work with a gateway, as far as its report tells."""

import argparse
import sys
from pathlib import Path

from conformance.comparing import text
from conformance.comparing.clients import Outlook, clients, known_clients
from conformance.comparing.documents import loaded, run_of
from conformance.configuration.spelling import did_you_mean
from conformance.exchange import clip
from conformance.reporting.terminal import has_colour
from conformance.target import ConfigError
from conformance.verdict import Exit

WORKING = (Outlook.WORKS, Outlook.PARTLY)
EXAMPLES = (
    "gateproof clients report/report.json",
    "gateproof clients report/report.json --require langchain --require codex-like",
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", metavar="REPORT", nargs="+", type=Path, help="report.json of a check")
    names = ", ".join(client.name for client in known_clients())
    parser.add_argument(
        "--require", metavar="CLIENT", action="append", default=[], help=f"fail unless it works (repeatable): {names}"
    )


def run(options: argparse.Namespace) -> int:
    """Exit codes: 0; 1 a client that is required does not work, or it can't be told; 4 a file can't be used."""
    known = [client.name for client in known_clients()]
    for name in options.require:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"--require: there is no client {name!r}{hint} (clients: {', '.join(known)})")
    colour = has_colour(sys.stdout)
    code = Exit.CONFORMANT
    documents = [(path, loaded(path)) for path in options.report]
    runs = [run_of(path, document) for path, document in documents]
    for (_, document), judged in zip(documents, runs, strict=True):
        print(f"{clip(judged.base_url)}, profile {clip(judged.profile)}, {clip(judged.started_at)}")
        rows = clients(document)
        for line in text.clients(rows, colour=colour):
            print(line)
        print()
        if any(row.name in options.require and row.outlook not in WORKING for row in rows):
            code = Exit.BROKEN
    return code
