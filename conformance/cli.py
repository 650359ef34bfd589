"""The gateproof command: finds the subcommand, and says in one line what the user can mend.

A subcommand is a module with configure(parser) and run(options) -> exit code: of conformance.command, or of another
package, named by an entry point of the group gateproof.commands. It is imported only when it is asked for.
"""

import argparse
import os
import sys
from importlib import import_module
from importlib.metadata import entry_points
from typing import NoReturn

from conformance.target import ConfigError
from conformance.verdict import Exit

SUMMARIES = {
    "check": "judge a gateway, requirement by requirement",
    "doctor": "find out why a gateway can't be reached or used",
    "names": "show which reading of the entity naming rule a gateway follows",
    "explain": "say what a requirement means and who breaks without it",
    "trace": "show which tests judged each requirement, and what they said",
    "load": "measure how fast a gateway streams",
    "serve": "run the bundled reference gateway",
}
"""The subcommands in the order of the help."""


def main(argv: list[str] | None = None) -> int:
    """Runs one subcommand and returns its exit code (see Exit)."""
    arguments = sys.argv[1:] if argv is None else argv
    parser = _parser(arguments)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except ConfigError as error:
        print(f"gateproof: {error}", file=sys.stderr)
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.INTERRUPTED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"gateproof: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(Exit.USAGE)


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    from conformance.reporting.report import tool_version

    parser = _Parser(
        prog="gateproof",
        description="Proves that an OpenAI-compatible AI gateway does what its clients rely on.",
        epilog="Exit codes: 0 conformant, 1 broken, 2 interrupted, 3 an error of gateproof's own, 4 usage, "
        "5 nothing was judged, 6 the gateway can't be reached or refuses the key, 7 load figures not trustworthy.",
    )
    parser.add_argument("--version", action="version", version=f"gateproof {tool_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    others = {point.name: point for point in entry_points(group="gateproof.commands")}
    for name in [*SUMMARIES, *(others.keys() - SUMMARIES.keys())]:
        command = commands.add_parser(name, help=SUMMARIES.get(name) or f"from {others[name].value}")
        if name in arguments[:1]:
            module = others[name].load() if name in others else import_module(f"conformance.command.{name}")
            module.configure(command)
            command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
