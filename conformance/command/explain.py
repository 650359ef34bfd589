"""`gateproof explain CHAT-018`: what a requirement means and who breaks without it."""

import argparse
import textwrap

from conformance import catalogue
from conformance.target import ConfigError
from conformance.verdict import Exit

EXAMPLES = (
    "gateproof explain CHAT-018",
    "gateproof explain STREAM     # a whole area",
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="+", help="requirement id, such as CHAT-018, or an area")


def run(options: argparse.Namespace) -> int:
    try:
        chosen = catalogue.select(tuple(options.id))
    except catalogue.UnknownRequirement as error:
        raise ConfigError(str(error)) from None
    print("\n\n".join(_told(found) for id, found in catalogue.requirements().items() if id in chosen))
    return Exit.CONFORMANT


def _told(found: catalogue.Requirement) -> str:
    rows = (
        ("must hold", found.statement),
        ("where", found.endpoint),
        ("needs", ", ".join(found.features)),
        ("judged by", found.test),
        ("source", found.source),
        ("who breaks", found.breaks),
        ("implies", ", ".join(found.implies)),
        ("not judged", found.not_judged),
    )
    wrapped = textwrap.TextWrapper(110, subsequent_indent=" " * 13, break_on_hyphens=False)
    lines = [f"{found.id}  {found.level}  {found.area}: {catalogue.areas()[found.area].title}"]
    return "\n".join([*lines, *(wrapped.fill(f"  {title:<11}{text}") for title, text in rows if text)])
