"""The load test as locust runs it: `locust -f load/locustfile.py -H https://host/v1`. Options and wiring only."""
# mypy: allow-untyped-calls, allow-untyped-decorators

import sys
from pathlib import Path
from typing import Any

from locust import events

_ROOT = str(Path(__file__).resolve().parent.parent)
sys.path.insert(0, _ROOT)  # this package, from a checkout or installed, before a folder named load in the user's own
try:
    from conformance import profiles
    from conformance.target import BY_NAME as TARGET_BY_NAME
    from conformance.target import ConfigError
    from load import dashboard
    from load.gate import parse
    from load.options import OPTIONS, TARGET_NAMES, settings_of, target_of
    from load.sending.run import RUN
    from load.sending.users import BY_SCENARIO, Chosen, tagged
    from load.session import SESSION
    from load.web_form import check_form
finally:
    sys.path.remove(_ROOT)

globals().update({found.__name__: found for found in BY_SCENARIO.values()})
_SHOWN = ("profile", "model", "api_key")
_KEY = "--gateproof-api-key"


@events.init_command_line_parser.add_listener
def add_options(parser: Any, **_: Any) -> None:
    """Ours, as --gateproof-…; GATEPROOF_ variables stand for what gateproof's own command reads from there, too."""
    add = parser.add_argument
    for option in OPTIONS:
        words: dict[str, Any] = {"action": "append"} if option.repeats else {"default": ""}
        words |= {"choices": ["", *option.choices]} if option.choices else {"metavar": option.metavar}
        add(f"--gateproof-{option.flag[2:]}", help=f"Gateproof: {option.help}", **words)
    for name in TARGET_NAMES:
        target_option = TARGET_BY_NAME[name]
        words = {"action": "append"} if target_option.kind is list else {"default": ""}
        if target_option.kind is bool:
            words = {"action": "store_true"}
        elif name == "profile":
            words |= {"choices": ["", *profiles.names()]}
        else:
            words |= {"metavar": target_option.metavar}
        words |= {"include_in_web_ui": name in _SHOWN, "is_secret": name == "api_key"}
        add(f"--gateproof-{target_option.flag[2:]}", help=f"Gateproof: {target_option.help}", **words)
    add("--gateproof-json", metavar="FILE", help="Write the figures to this file at the end", include_in_web_ui=False)
    add("--gateproof-length", metavar="S", default="", help="Open arrivals end after this", include_in_web_ui=False)
    add("--gateproof-progress", metavar="FILE", help="Write them to this one every second", include_in_web_ui=False)


@events.init.add_listener
def prepare(environment: Any, **_: Any) -> None:
    options = environment.parsed_options
    _hide_key()
    try:
        parse(settings_of(options).slo)
        if environment.host:
            target_of(options, environment.host).tls()
    except ConfigError as error:
        print(f"gateproof: {error}", file=sys.stderr)
        raise SystemExit(4) from None
    if options.tags or options.exclude_tags:
        environment.user_classes = tagged(environment.user_classes, options.tags, options.exclude_tags)
    elif not (options.user_classes or options.class_picker):
        environment.user_classes = [Chosen]
    if environment.web_ui:
        check_form(environment)
        dashboard.install(environment, SESSION)


def _hide_key() -> None:
    """Takes the key out of the words that locust fills its web form from; the options have it already."""
    for place, word in enumerate(sys.argv):
        if word == _KEY:
            sys.argv[place : place + 2] = []
            return
        if word.startswith(f"{_KEY}="):
            del sys.argv[place]
            return


events.test_start.add_listener(RUN.prepare)
SESSION.install(events)
RUN.install(events)
