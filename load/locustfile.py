"""The load test as locust runs it: `locust -f load/locustfile.py -H https://host/v1`. Options and wiring only."""
# mypy: allow-untyped-decorators

import sys
from pathlib import Path
from typing import Any

from locust import events

_ROOT = str(Path(__file__).resolve().parent.parent)
sys.path.insert(0, _ROOT)  # this package, from a checkout or installed, before a folder named load in the user's own
try:
    from conformance.target import ConfigError
    from load import dashboard
    from load.plan import target_of
    from load.session import SESSION
    from load.users import PlainChat, StreamingChat, only_default
finally:
    sys.path.remove(_ROOT)

__all__ = ["PlainChat", "StreamingChat"]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(text)
    return int(text)


_HIDDEN = {"include_in_web_ui": False}
OPTIONS: dict[str, dict[str, Any]] = {
    "model": {
        "env_var": "GATEPROOF_MODEL",
        "metavar": "ID",
        "default": "",
        "help": "Gateproof: model to ask (default: the first listed one that answers a chat)",
    },
    "max-tokens": {"type": _positive, "metavar": "N", "default": 64, "help": "Gateproof: length of answers in tokens"},
    "header": {"action": "append", "metavar": "HEADER", "help": "Extra header, 'Name: value' (repeatable)", **_HIDDEN},
    "timeout": {"type": float, "metavar": "S", "help": "Seconds without a byte before giving up", **_HIDDEN},
    "ca-file": {"metavar": "FILE", "help": "PEM file of the certificate authority to trust", **_HIDDEN},
    "insecure": {"action": "store_true", "help": "Do not verify the gateway's certificate", **_HIDDEN},
    "json": {"metavar": "FILE", "help": "Write the streaming figures to this file at the end", **_HIDDEN},
}


@events.init_command_line_parser.add_listener
def add_options(parser: Any, **_: Any) -> None:
    """Options are read from the environment, too: GATEPROOF_MODEL and so on; the key, GATEPROOF_API_KEY, only there."""
    for name, settings in OPTIONS.items():
        parser.add_argument(f"--gateproof-{name}", **settings)


@events.init.add_listener
def prepare(environment: Any, **_: Any) -> None:
    options = environment.parsed_options
    if environment.host:
        try:
            target_of(options, environment.host).tls()
        except ConfigError as error:
            print(f"gateproof: {error}", file=sys.stderr)
            raise SystemExit(4) from None
    if not options.user_classes:
        environment.user_classes = only_default(environment.user_classes)
    if environment.web_ui:
        dashboard.install(environment, SESSION)


SESSION.install(events)
