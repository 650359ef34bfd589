"""The options of a load test, in one table: for `gateproof load`, for locust's command line and for its web form."""

import argparse
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conformance import profiles
from conformance.redact import MASK
from conformance.target import ConfigError, Target, checked_url, is_secret_header
from conformance.target import load as load_target
from load import scenarios
from load.arrivals import schedule
from load.arrivals.schedule import MAX_RATE, Schedule
from load.scenarios import prompts
from load.scenarios.prompts import Prompt
from load.spans import seconds

PREFIX = "gateproof_"
MAX_IN_FLIGHT = 10_000
STALL_S = 1.0
SEARCH_TIMES = 4
"""An answer to what is asked before the load may take so many times the longest silence, as in a check."""
TARGET_NAMES = (
    *("profile", "model", "completions_model", "embeddings_model", "api_key", "header", "ca_file", "insecure"),
    *("timeout", "workspace"),
)
"""The options of conformance.target that a load test has, too."""


@dataclass(frozen=True, slots=True)
class LoadOption:
    """One setting: --name of `gateproof load`, --gateproof-name of locust. `is_shown`: it has a field in the web form.

    All values are texts until Settings.of reads them, since a web form sends nothing else.
    """

    name: str
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    repeats: bool = False
    is_shown: bool = True

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


OPTIONS = (
    LoadOption("scenario", f"what clients do (default {scenarios.DEFAULT})", "NAME", scenarios.NAMES),
    LoadOption("rate", "requests started per second, whatever the earlier ones do (open arrivals)", "R"),
    LoadOption("arrivals", schedule.HELP, "KIND"),
    LoadOption("max_in_flight", f"open arrivals: at most this many requests open (default {MAX_IN_FLIGHT})", "N"),
    LoadOption("max_tokens", "length of answers in tokens (default: what the scenario says)", "N"),
    LoadOption("prompts", "JSONL file of prompts (default: a small built-in set)", "FILE"),
    LoadOption("seed", "names the prompts and the random arrivals of a run (default 1)", "N"),
    LoadOption("slo", "what must hold, such as 'ttft_p95 < 300ms', 'error_rate < 0.1%%' (repeatable)", "SLO", (), True),
    LoadOption("stall", "a gap between events of a stream over this is a stall (default 1s)", "S"),
    LoadOption("direct", "base URL of the provider itself, asked in pairs: what does the gateway add?", "URL"),
    LoadOption("direct_model", "what the provider calls the model, where that differs", "ID"),
)
DIRECT_KEY = "GATEPROOF_DIRECT_API_KEY"
"""The environment variable with the provider's own key. The gateway's key is never sent to another host."""
BY_NAME = {option.name: option for option in OPTIONS}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the options of a run amount to. `schedule` is None for closed arrivals; times are in seconds."""

    scenario: str = scenarios.DEFAULT
    schedule: Schedule | None = None
    max_in_flight: int = MAX_IN_FLIGHT
    max_tokens: int | None = None
    prompts: tuple[Prompt, ...] = ()
    seed: int = 1
    slo: tuple[str, ...] = ()
    stall_s: float = STALL_S
    direct: str | None = None
    direct_model: str | None = None
    length_s: float | None = None
    """When open arrivals end; None where the run's end is theirs, too."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Settings":
        """The settings from texts by option name; empty and missing ones take the default. Raises ConfigError."""
        given = {name: value for name, value in values.items() if name in BY_NAME and value not in (None, "", [])}
        rate = _number("rate", given["rate"]) if "rate" in given else None
        chosen = str(given.get("scenario", scenarios.DEFAULT))
        if chosen not in scenarios.NAMES:
            raise ConfigError(f"--scenario {chosen}: there are {', '.join(scenarios.NAMES)}")
        slo = given.get("slo", ())
        return cls(
            scenario=chosen,
            schedule=Schedule.parse(str(given.get("arrivals", "")), rate),
            max_in_flight=_count("max_in_flight", given) or MAX_IN_FLIGHT,
            max_tokens=_count("max_tokens", given),
            prompts=prompts.read(Path(given["prompts"])) if "prompts" in given else (),
            seed=_seed(given.get("seed", "1")),
            slo=tuple(part.strip() for text in ([slo] if isinstance(slo, str) else slo) for part in text.split(",")),
            stall_s=_span("stall", given) or STALL_S,
            direct=given.get("direct"),
            direct_model=given.get("direct_model"),
            length_s=_span("length", values),
        )


def flags(values: Mapping[str, Any], prefix: str = "--") -> list[str]:
    """The words of a command line that give these options their values; none for an option without one."""
    found = []
    for name, value in values.items():
        flag = prefix + name.replace("_", "-")
        for part in value if isinstance(value, list | tuple) else [value]:
            if part is True:
                found.append(flag)
            elif part not in (None, "", False):
                found += [flag, f"{part:g}" if isinstance(part, float) else str(part)]
    return found


def shown_headers(headers: Iterable[tuple[str, str]]) -> list[str]:
    """These headers as options give them, without what is secret."""
    return [f"{name}: {MASK if is_secret_header(name) else value}" for name, value in headers]


def without_password(url: str) -> str:
    """The URL, with nothing that names or identifies a user."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def of_locust(options: argparse.Namespace) -> dict[str, Any]:
    """Our options among those of a locust process, by name and without their prefix."""
    return {name.removeprefix(PREFIX): value for name, value in vars(options).items() if name.startswith(PREFIX)}


def settings_of(options: argparse.Namespace) -> Settings:
    """Raises ConfigError, with a sentence for the user."""
    return Settings.of(of_locust(options))


def target_of(options: argparse.Namespace, host: str | None) -> Target:
    """The target that locust's options and GATEPROOF_ variables name. Raises ConfigError.

    Where the host has no path, it is the usual one of the profile, if one was named.
    """
    values = of_locust(options)
    flags = {name: values.get(name) or None for name in TARGET_NAMES}
    header = values.get("header") or os.environ.get("GATEPROOF_HEADER", "").splitlines()
    flags["header"] = [header] if isinstance(header, str) else header or None
    flags["timeout"] = _span("timeout", values)
    target = load_target(flags, placed(host or None, flags["profile"], flags["workspace"]))[0]
    profiles.profile(target.profile)
    return target


def direct_of(target: Target, settings: Settings) -> Target | None:
    """The provider behind the gateway, if it is to be asked, too: with its own key, and none of the gateway's headers.
    Raises ConfigError."""
    if not settings.direct:
        return None
    key = os.environ.get(DIRECT_KEY) or None
    url = checked_url(placed(settings.direct, "openai") or "")
    model = settings.direct_model or target.model
    return replace(target, base_url=url, model=model, api_key=key, api_key_command=None, headers=())


def placed(url: str | None, profile: str | None, workspace: str | None = None) -> str | None:
    """The base URL, with the path that a named profile usually has where it has none."""
    if url and profile and urlsplit(url).path in ("", "/"):
        return url.rstrip("/") + profiles.profile(profile).base_path.format(workspace=workspace or "default")
    return url


def _number(name: str, text: Any) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= MAX_RATE:
        raise ConfigError(f"{BY_NAME[name].flag} {text}: it must be a number above 0")
    return found


def _count(name: str, given: Mapping[str, Any]) -> int | None:
    if name not in given:
        return None
    text = str(given[name])
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 10_000_000):
        raise ConfigError(f"{BY_NAME[name].flag} {text}: it must be a whole number from 1 up")
    return int(text)


def _span(name: str, given: Mapping[str, Any]) -> float | None:
    text = given.get(name)
    if text in (None, ""):
        return None
    found = seconds(str(text))
    if not found:
        raise ConfigError(f"--{name} {text}: it must be a time above 0, such as 500ms or 2s")
    return found


def _seed(text: Any) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"--seed {text}: it must be a whole number") from None
