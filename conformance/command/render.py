"""`gateproof render REPORT`: shows a stored report again, as Markdown, SARIF, a badge and whatever else there is."""

import argparse
import sys
from pathlib import Path
from typing import Any

import schemas
from conformance import rendering
from conformance.comparing.documents import loaded
from conformance.reporting.output import placed
from conformance.target import ConfigError
from conformance.verdict import Exit

EXAMPLES = (
    "gateproof render report/report.json                        # what the check printed",
    "gateproof render report/report.json --to markdown > comment.md",
    "gateproof render report/report.json --output report        # every file again",
)


def configure(parser: argparse.ArgumentParser) -> None:
    files = ", ".join(rendering.written().values())
    parser.add_argument("report", metavar="REPORT", help="report.json of a check by this version")
    parser.add_argument("--to", choices=rendering.RENDERERS, metavar="NAME", help="|".join(rendering.RENDERERS))
    parser.add_argument("--output", metavar="DIR", help=f"folder for {files}, or the one of --to")


def run(options: argparse.Namespace) -> int:
    """Prints the one that is asked for, the text if none is; or writes all that have a file, or the one."""
    document = _read(Path(options.report))
    files = rendering.written()
    if options.output and options.to and options.to not in files:
        raise ConfigError(f"--to {options.to} has no file: leave out --output, and it is printed")
    names = [options.to] if options.to else files if options.output else ["text"]
    said, faults = rendering.rendered(document, names)
    if options.output:
        _write({files[name]: text for name, text in said.items()}, Path(options.output))
    else:
        sys.stdout.writelines(said.values())
    for fault in faults:
        print(f"gateproof: {fault}", file=sys.stderr)
    return Exit.ERROR if faults else Exit.CONFORMANT


def _write(files: dict[str, str], folder: Path) -> None:
    try:
        for path in placed(files, folder):
            print(path)
    except OSError as error:
        raise ConfigError(f"--output {folder}: it can't be written ({error.strerror})") from None


def _read(path: Path) -> dict[str, Any]:
    """The document. Raises ConfigError unless it is one of this version."""
    document = loaded(path)
    if wrong := schemas.violations("report", document):
        raise ConfigError(f"{path}: it is no report.json of a check by this version ({wrong[0]})")
    return dict(document)
