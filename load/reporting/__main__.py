"""`python -m load.reporting load.json`: writes the page of a stored run beside it, as load.html."""

import argparse
import json
import sys
from pathlib import Path

import schemas
from conformance import whole
from conformance.verdict import Exit
from load.reporting.page import page


def main() -> int:
    """Exit codes: 0; 4 if no load.json was named, or it can't be read."""
    parser = argparse.ArgumentParser(prog="load.reporting", description="Writes load.html beside a load.json.")
    parser.add_argument("run", type=Path, metavar="LOAD.JSON", help="load.json of a run by this version")
    path: Path = parser.parse_args().run
    try:
        document = json.loads(path.read_text("utf-8"))
        wrong = schemas.violations("load", document)
    except (OSError, ValueError) as error:
        wrong = [str(error)]
    if wrong:
        print(f"load.reporting: {path} is no load.json of a run by this version ({wrong[0]})", file=sys.stderr)
        return Exit.USAGE
    whole.put(path.with_suffix(".html"), page(document).encode())
    return Exit.CONFORMANT


if __name__ == "__main__":
    raise SystemExit(main())
