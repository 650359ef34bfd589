"""`gateproof completion SHELL`: a script that completes commands, options and the names that gateproof knows."""

import argparse
from typing import Any

import shtab

from conformance import catalogue
from conformance.configuration.options import ENDPOINTS
from conformance.features import FEATURES
from conformance.profiles import names
from conformance.verdict import Exit

SHELLS = ("bash", "zsh", "fish")
EXAMPLES = (
    "gateproof completion bash > ~/.local/share/bash-completion/completions/gateproof",
    "gateproof completion zsh > ~/.zfunc/_gateproof     # with fpath+=~/.zfunc before compinit",
    "gateproof completion fish > ~/.config/fish/completions/gateproof.fish",
)
_FILES = {"FILE": shtab.FILE, "PATH": shtab.FILE, "REPORT": shtab.FILE, "DIR": shtab.DIRECTORY}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")


def run(options: argparse.Namespace) -> int:
    from conformance.cli import commands, parser

    root, found = parser(*commands())
    for command in found.values():
        command.epilog = None
        for action in command._actions:
            _complete(action)
    print(shtab.complete(root, options.shell))
    return Exit.CONFORMANT


def _complete(action: Any) -> None:
    """Tells shtab what an option takes: words that are known, or a file."""
    requirements = [*catalogue.areas(), *catalogue.requirements()]
    words = {
        "profile": names(),
        "only": requirements,
        "id": requirements,
        "feature": [f"+{name}" for name in FEATURES],
        "without": ENDPOINTS,
    }
    if action.dest in words and action.choices is None:
        action.choices = list(words[action.dest])
    elif action.metavar in _FILES:
        action.complete = _FILES[action.metavar]
