"""What a user ordered, checked: nothing in it can be misunderstood any more."""

import argparse
import json
import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.profiles import profile
from conformance.target import ConfigError, Target
from conformance.target import load as load_target
from load import gate
from load.command.locust_run import Job
from load.command.sweep import Sweep
from load.options import OPTIONS, TARGET_NAMES, Settings, direct_of, flags, shown_headers, without_password

USERS = 10
DURATION_S = 10
LONGEST_S = 7 * 86400
TARGET_OPTIONS = (*TARGET_NAMES, "api_key_env", "api_key_command", "without")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done, checked: nothing in it can be misunderstood any more."""

    target: Target
    options: Mapping[str, Any]
    settings: Settings
    checks: gate.Checks
    sweep: Sweep | None
    baseline: Mapping[str, Any] | None
    tolerance: float
    users: int
    spawn_rate: float
    duration_s: int
    processes: int
    calibrates: bool

    def job(self, model: str, **changes: Any) -> Job:
        is_open = "rate" in changes or (self.settings.schedule is not None and "users" not in changes)
        users = max(self.processes, int(changes.get("users", self.processes if is_open else self.users)))
        options = {**self.options, **({"rate": f"{changes['rate']:g}"} if "rate" in changes else {})}
        spawn_rate = self.processes if is_open else self.spawn_rate or min(users, 100)
        return Job(
            target=self.target,
            model=model,
            options=options,
            users=users,
            spawn_rate=spawn_rate,
            duration_s=self.duration_s,
            processes=self.processes,
            label=changes.get("label", ""),
        )

    def command(self, model: str) -> str:
        """The line that orders the same again, of this model and without secrets: a key comes from the environment."""
        target, search = self.target, self.sweep
        is_closed = self.settings.schedule is None and search is None
        words = ["gateproof", "load", without_password(target.base_url)]
        words += flags({"profile": target.profile, "model": model})
        given = ("completions_model", "embeddings_model", "ca_file", "insecure", "workspace", "timeout_s")
        words += flags({name.removesuffix("_s"): getattr(target, name) for name in given})
        words += flags({"header": shown_headers(target.headers), "users": self.users if is_closed else None})
        direct = self.options["direct"]
        words += flags({**self.options, "direct": without_password(direct) if direct else None})
        words += flags({"sweep": search.text if search else None, "spawn_rate": self.spawn_rate})
        words += flags({"duration": f"{self.duration_s}s", "processes": self.processes if self.processes > 1 else None})
        return shlex.join(words + flags({"no_calibration": not self.calibrates}))


def order_of(args: argparse.Namespace) -> Order:
    """The order that the command's arguments are. Raises ConfigError, with a sentence for the user."""
    target, _ = load_target({name: getattr(args, name) for name in TARGET_OPTIONS}, args.base_url)
    profile(target.profile)
    options = {option.name: getattr(args, option.name) for option in OPTIONS}
    options["prompts"] = os.path.abspath(options["prompts"]) if options["prompts"] else None
    options["arrivals"] = _with_whole_path(options["arrivals"])
    search = Sweep.parse(args.sweep) if args.sweep else None
    settings = Settings.of({**options, "rate": "1"} if search and search.unit == "rate" else options)
    if search and (args.users or args.rate or (args.arrivals and search.unit == "users")):
        raise ConfigError("--sweep sets the load itself: it can't go with --users or --rate")
    if settings.schedule and args.users:
        raise ConfigError("--users are for closed arrivals: with --rate, requests start on a schedule")
    direct_of(target, settings)
    if args.baseline and search:
        raise ConfigError("--baseline is for one run: a sweep has many")
    if args.tolerance is not None and not args.baseline:
        raise ConfigError("--tolerance is of --baseline: it needs an earlier run to compare with")
    return Order(
        target=target,
        options=options,
        settings=settings,
        checks=gate.parse(settings.slo),
        sweep=search,
        baseline=_read(args.baseline) if args.baseline else None,
        tolerance=gate.TOLERANCE if args.tolerance is None else args.tolerance,
        users=args.users or USERS,
        spawn_rate=args.spawn_rate or 0,
        duration_s=args.duration or _natural_s(settings) or DURATION_S,
        processes=args.processes,
        calibrates=not args.no_calibration,
    )


def _with_whole_path(arrivals: str | None) -> str | None:
    """A replay's file by its whole path: locust runs in another folder."""
    kind, _, rest = (arrivals or "").partition(":")
    if kind.strip() != "replay" or not rest:
        return arrivals
    path, comma, speed = rest.rpartition(",speed=")
    return f"replay:{os.path.abspath(path if comma else rest)}{comma}{speed if comma else ''}"


def _natural_s(settings: Settings) -> int | None:
    """How long a schedule with an end of its own takes."""
    length_s = settings.schedule.length_s if settings.schedule else None
    return min(math.ceil(length_s), LONGEST_S) if length_s else None


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if found["tool"]["name"] != "gateproof" or "ttft_s" not in found:
            raise ValueError("it is no load.json")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"--baseline {path}: it can't be used ({getattr(error, 'strerror', None) or error})"
        ) from None
    return found
