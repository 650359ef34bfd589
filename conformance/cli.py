"""The gateproof command: finds the subcommand, and says in one line what the user can mend.

A subcommand is a module with EXAMPLES, configure(parser) and run(options) -> exit code: of conformance.command, or of
another package, named by an entry point of the group gateproof.commands. It is imported only when it is asked for.
"""

import argparse
import os
import sys
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import NoReturn

from conformance.configuration.spelling import did_you_mean
from conformance.target import ConfigError
from conformance.verdict import Exit

SUMMARIES = {
    "check": "judge a gateway, requirement by requirement",
    "doctor": "find out why a gateway can't be reached or used",
    "names": "show which reading of the entity naming rule a gateway follows",
    "explain": "say what a requirement means and who breaks without it",
    "render": "show a stored report again, as Markdown, SARIF, a badge and more",
    "trace": "show which tests judged each requirement, and what they said",
    "compare": "show what became worse or better between two runs, or two gateways side by side",
    "clients": "say which well-known clients will work with a gateway",
    "matrix": "make the index page of published reports",
    "load": "measure how fast a gateway streams",
    "serve": "run the bundled reference gateway",
    "config": "show every setting in force, and where it comes from",
    "completion": "print a script that completes gateproof's words in a shell",
}
"""The subcommands in the order of the help."""
EXIT_CODES = (
    "Exit codes: 0 conformant, 1 broken, 2 interrupted, 3 an error of gateproof's own, 4 usage, 5 nothing was judged,\n"
    "6 the gateway can't be reached or refuses the key, 7 load figures not trustworthy."
)


def main(argv: list[str] | None = None) -> int:
    """Runs one subcommand and returns its exit code (see Exit)."""
    arguments = sys.argv[1:] if argv is None else argv
    options = _parsed(arguments)
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


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"gateproof: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(Exit.USAGE)

    def check(self, words: list[str]) -> None:
        """Complains of the first option among the words that there is not; argparse speaks of what lacks first."""
        for word in words[: words.index("--")] if "--" in words else words:
            option = word.split("=")[0]
            if option.startswith("--") and option not in self._option_string_actions:
                self.error(f"unknown option {option}{did_you_mean(option, self._option_string_actions)}")


def commands() -> dict[str, str]:
    """Every subcommand, with its summary: ours, then those of other packages that we know nothing of."""
    others = {point.name: f"from {point.value}" for point in entry_points(group="gateproof.commands")}
    return SUMMARIES | {name: said for name, said in others.items() if name not in SUMMARIES}


def parser(*wanted: str) -> tuple[Parser, dict[str, Parser]]:
    """The parser, and those of its subcommands; only the `wanted` ones have their options."""
    from conformance.reporting.report import tool_version

    root = Parser(
        prog="gateproof",
        description="Proves that an OpenAI-compatible AI gateway does what its clients rely on.",
        epilog=f"{_examples('gateproof serve', 'gateproof check http://127.0.0.1:8000/v1')}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"gateproof {tool_version()}")
    added = root.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    found: dict[str, Parser] = {}
    for name, summary in commands().items():
        found[name] = command = added.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name in wanted:
            module = _module(name)
            module.configure(command)
            command.epilog = command.epilog or _examples(*module.EXAMPLES)
            command.set_defaults(run=module.run)
    return root, found


def _parsed(arguments: list[str]) -> argparse.Namespace:
    name = next((word for word in arguments if not word.startswith("-")), "")
    root, known = parser(name)
    if name and name not in known:
        root.error(f"there is no command {name!r}{did_you_mean(name, known) or ' (' + ', '.join(known) + ')'}")
    start = arguments.index(name) if name else len(arguments)
    root.check(arguments[:start])
    known.get(name, root).check(arguments[start:])
    return root.parse_args(arguments)


def _module(name: str) -> ModuleType:
    for point in entry_points(group="gateproof.commands", name=name):
        module: ModuleType = point.load()
        return module
    return import_module(f"conformance.command.{name}")


def _examples(*lines: str) -> str:
    return "Examples:\n" + "\n".join(f"  {line}" for line in lines)


if __name__ == "__main__":
    raise SystemExit(main())
