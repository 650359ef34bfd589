"""`gateproof explain CHAT-018`: what a requirement means and who breaks without it."""

import argparse
import textwrap

from conformance import catalogue
from conformance.target import ConfigError
from conformance.verdict import Exit


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="+", help="requirement id, such as CHAT-018, or an area")


def run(options: argparse.Namespace) -> int:
    try:
        chosen = catalogue.select(tuple(options.id))
    except catalogue.UnknownRequirement as error:
        raise ConfigError(str(error)) from None
    for id, found in catalogue.requirements().items():
        if id in chosen:
            print(f"{id}  {found.level}  {found.area}: {catalogue.areas()[found.area].title}")
            for title, text in (
                ("must hold", found.statement),
                ("where", found.endpoint),
                ("needs", ", ".join(found.features)),
                ("judged by", found.test),
                ("source", found.source),
                ("who breaks", found.breaks),
                ("implies", ", ".join(found.implies)),
                ("not judged", found.not_judged),
            ):
                if text:
                    print(textwrap.fill(text, 110, initial_indent=f"  {title:<11}", subsequent_indent=" " * 13))
            print()
    return Exit.CONFORMANT
