"""`gateproof compare A.json B.json`: what became worse or better between two runs, or how two gateways differ."""

import argparse
import sys
from pathlib import Path

from conformance.comparing import kinds, text
from conformance.comparing.files import OUTPUT_HELP, write
from conformance.comparing.markdown import comparison as markdown
from conformance.comparing.pages import comparison_page
from conformance.reporting.terminal import has_colour

EXAMPLES = (
    "gateproof compare before/report.json report/report.json",
    "gateproof compare litellm/report.json nemo/report.json --output side-by-side.html",
    "gateproof compare before/load.json out/load.json --output comment.md",
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", metavar="BEFORE", type=Path, help="report.json or load.json of the earlier run")
    parser.add_argument("now", metavar="NOW", type=Path, help="the same of the later run, or of another gateway")
    parser.add_argument("--strict", action="store_true", help="a new warning, or what is not judged any more, is red")
    parser.add_argument("--output", metavar="FILE", type=Path, action="append", default=[], help=OUTPUT_HELP)


def run(options: argparse.Namespace) -> int:
    """Exit codes: 0 no regression; 1 a regression; 4 a file can't be used; 5 nothing can be compared; 7 load
    figures that are not to be trusted."""
    found = kinds.compared(options.before, options.now, strict=options.strict)
    names = str(options.before), str(options.now)
    written = write(
        options.output, {".html": lambda _: comparison_page(found, *names), ".md": lambda _: markdown(found, *names)}
    )
    for line in text.comparison(found, colour=has_colour(sys.stdout)):
        print(line)
    for path in written:
        print(f"written: {path}")
    return found.code
