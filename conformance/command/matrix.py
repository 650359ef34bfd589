"""`gateproof matrix DIR`: the index page of published reports, gateways by areas, best first."""

import argparse
import os
import sys
from pathlib import Path

from conformance.comparing import files, markdown, pages, text
from conformance.comparing.matrix import Entry, Speed, area_names, published
from conformance.verdict import Exit

INDEX = "index.html"
EXAMPLES = (
    "gateproof matrix reports",
    "gateproof matrix reports --output reports/index.html --output reports/README.md",
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of published reports, one folder each")
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        action="append",
        help=f"{files.OUTPUT_HELP}; Markdown takes the place of what is between `{markdown.BEGIN}` and "
        f"`{markdown.END}`, where the file has that (default: DIR/{INDEX})",
    )


def run(options: argparse.Namespace) -> int:
    """Exit codes: 0; 1 a report can't be read; 4 a file or folder can't be used; 5 there is no report."""
    entries, complaints = published(options.folder)
    for complaint in complaints:
        print(f"gateproof: left out: {complaint}", file=sys.stderr)
    if not entries:
        print(f"gateproof: {options.folder}: no folder in it holds a report that can be read", file=sys.stderr)
        return Exit.BROKEN if complaints else Exit.NOTHING_JUDGED

    def link(path: Path) -> str:
        way = os.path.relpath(options.folder.resolve(), path.parent.resolve()).replace(os.sep, "/")
        return "" if way == "." else f"{way}/"

    written = files.write(
        options.output or [options.folder / INDEX],
        {
            ".html": lambda path: pages.matrix_page(entries, link(path)),
            ".md": lambda path: markdown.put_into(path, markdown.matrix(entries, link(path))),
        },
    )
    for line in lines(entries):
        print(line)
    for path in written:
        print(f"written: {path}")
    return Exit.BROKEN if complaints else Exit.CONFORMANT


def lines(entries: list[Entry]) -> list[str]:
    """The matrix as text: MUSTs kept, and what is kept of each area."""
    judged = [(entry, entry.run) for entry in entries if entry.run]
    areas = area_names(entries)
    rows = [
        [
            entry.title + (" (outdated)" if entry.is_outdated else "") + (" (a part only)" if entry.is_partial else ""),
            run.profile,
            f"{run.musts.percent} {run.musts.kept}/{run.musts.judged}",
            *(f"{run.areas[area].kept}/{run.areas[area].judged}" if area in run.areas else "·" for area in areas),
        ]
        for entry, run in judged
    ]
    found = [*text.table(["gateway", "profile", "MUSTs", *areas], rows)] if rows else []
    loads = [[entry.title, *entry.speed.cells()] for entry in entries if entry.speed]
    return [*found, *(["", *text.table(["gateway", *Speed.COLUMNS], loads)] if loads else [])]
