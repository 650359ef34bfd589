"""`gateproof names URL`: which reading of the entity naming rule a gateway follows."""

import argparse
import asyncio
import sys

from conformance.command.options import REACHING, add_options, load_target
from conformance.profiles import profile
from conformance.redact import Redactor
from conformance.reporting import nametable
from conformance.verdict import Exit


def configure(parser: argparse.ArgumentParser) -> None:
    add_options(parser, REACHING)


def run(options: argparse.Namespace) -> int:
    target, _ = load_target(options)
    dialect = profile(target.profile)
    recording = asyncio.run(nametable.asked(target, dialect))
    if recording.blocked:
        print(f"gateproof: {Redactor(target.secrets).text(recording.blocked)}", file=sys.stderr)
        return Exit.UNREACHABLE
    rows = nametable.rows(recording)
    for line in nametable.lines(rows):
        print(line)
    pattern = target.entity_name_pattern or dialect.expect.entity_name_pattern
    return Exit.CONFORMANT if nametable.is_kept(rows, pattern) else Exit.BROKEN
