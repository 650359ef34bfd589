"""Options that several subcommands share: what is judged, and how to reach it."""

import argparse

from conformance.target import HOW_TO_RUN, OPTIONS, Settings, Target, load

JUDGING = [option.name for option in OPTIONS]
REACHING = [name for name in JUDGING if name not in HOW_TO_RUN | {"feature", "sdk_python"}]


def add_options(parser: argparse.ArgumentParser, names: list[str]) -> None:
    parser.add_argument("base_url", metavar="URL", nargs="?", help="base URL of the gateway, such as https://host/v1")
    for option in OPTIONS:
        if option.name not in names:
            continue
        if option.kind is bool:
            parser.add_argument(option.flag, action="store_true", default=None, help=option.help)
        elif option.kind is list:
            parser.add_argument(option.flag, action="append", metavar=option.metavar, help=option.help)
        else:
            parser.add_argument(option.flag, type=option.kind, metavar=option.metavar, help=option.help)


def load_target(options: argparse.Namespace) -> tuple[Target, Settings]:
    """What is asked for; where only a host is named, with the dialect that is found there."""
    from conformance.sending.dialects import aimed

    flags = {option.name: getattr(options, option.name, None) for option in OPTIONS}
    target, settings = load(flags, options.base_url)
    return aimed(target, settings), settings
