"""`gateproof config`: every setting in force, its value and where it comes from; and whether a run would take it."""

import argparse
import json
import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from conformance import catalogue
from conformance.baseline.entries import read
from conformance.command.options import JUDGING, add_options, sources_of
from conformance.configuration.options import BY_NAME, ConfigError, Option
from conformance.configuration.sources import URL, Sources, warnings
from conformance.features import check_names
from conformance.judging.in_process import requirement_by_test
from conformance.profiles import profile
from conformance.redact import MASK
from conformance.target import is_secret_header, settings_of, target_of
from conformance.verdict import Exit

EXAMPLES = (
    "gateproof config",
    "gateproof config http://127.0.0.1:8000/v1 --profile watsonx",
    "gateproof config --json",
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_options(parser, JUDGING)
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Shows what it can, then complains of what a run would refuse."""
    found = sources_of(options)
    rows = {name: {"value": value, "from": origin} for name, value, origin in _rows(found)}
    if options.json:
        print(json.dumps({"settings": rows, "ignored": list(found.ignored)}, indent=1, ensure_ascii=False))
    else:
        for name, row in rows.items():
            print(f"{name:<22}{_shown(row['value']):<48} {row['from']}")
        for line in warnings(found):
            print(line.removeprefix("gateproof: "))
    _check(found)
    return Exit.CONFORMANT


def _rows(found: Sources) -> Iterator[tuple[str, Any, str]]:
    """The name, the value without its secrets, and the origin of each setting."""
    baseline = settings_of(found).baseline
    for name, option in [(URL, None), *BY_NAME.items()]:
        if name == "baseline" and baseline and not found[name]:
            yield name, str(baseline.name), "found in this folder"
        else:
            yield name, _told(option, found[name]), found.found[name].origin


def _told(option: Option | None, value: Any) -> Any:
    """The value without what is secret in it: keys, headers that carry one, a password in the URL, and what a command
    is given."""
    if not value:
        return value
    if option is None:
        parts = urlsplit(str(value))
        return str(value).replace(f":{parts.password}@", f":{MASK}@") if parts.password else value
    if option.is_secret:
        return MASK
    if option.name == "header":
        return [_header(text) for text in value]
    if option.name == "api_key_command":
        program, _, words = str(value).strip().partition(" ")
        return f"{program} {MASK}" if words else program
    return value


def _header(text: str) -> str:
    name, colon, _ = text.partition(":")
    return f"{name}: {MASK}" if is_secret_header(name) or not colon else text


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, float):
        return f"{value:g}"
    return shlex.quote(value) if isinstance(value, str) and not value.strip() else str(value)


def _check(found: Sources) -> None:
    """Raises ConfigError for what a run would refuse, short of asking for the key."""
    target = target_of(found, found[URL] or "http://unnamed")
    profile(target.profile)
    check_names(target)
    settings = settings_of(found)
    try:
        catalogue.select(settings.only)
    except catalogue.UnknownRequirement as error:
        raise ConfigError(f"--only: {error}") from None
    if settings.baseline and settings.baseline.exists():
        read(settings.baseline, requirement_by_test, draft=settings.update_baseline)
