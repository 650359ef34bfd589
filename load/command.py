"""`gateproof load URL`: looks at the gateway, has locust measure it, once or in a sweep, judges and keeps it."""

import argparse
import asyncio
import json
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.profiles import profile
from conformance.redact import MASK, Redactor
from conformance.sending.dialects import located
from conformance.sending.doctor import examine
from conformance.sending.gateway import Gateway
from conformance.sending.wire import Limits, Wire
from conformance.target import BY_NAME, ConfigError, Target
from conformance.target import load as load_target
from conformance.verdict import Exit
from load import calibration, gate, health, locust_run, page, sweep, table
from load.locust_run import DRAIN_S, FIGURES, Job
from load.options import OPTIONS, TARGET_NAMES, Settings, direct_of
from load.scenarios import SCENARIOS, members
from load.spans import seconds
from load.sweep import Sweep

HELP = "measure how fast a gateway streams"
USERS = 10
DURATION_S = 10
LONGEST_S = 7 * 86400
_TARGET_OPTIONS = (*TARGET_NAMES, "api_key_env", "api_key_command", "without")


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("base_url", metavar="URL", nargs="?", help="base URL of the gateway, such as https://host/v1")
    add("--users", type=_count, metavar="N", help=f"users asking at the same time (default: {USERS})")
    for option in OPTIONS:
        words: dict[str, Any] = {"action": "append"} if option.repeats else {}
        words |= {"choices": option.choices} if option.choices else {}
        add(option.flag, metavar=option.metavar, help=option.help, **words)
    add("--sweep", metavar="LOADS", help=f"find the highest load that holds the SLOs, {sweep.FORM}")
    add("--duration", type=_duration, metavar="S", help=f"seconds, or 2m, 1h30m (default: {DURATION_S})")
    add("--spawn-rate", type=_rate, metavar="R", help="users started per second (default: all, at most 100)")
    add("--processes", type=_count, default=1, metavar="N", help="processes that send (default: %(default)s)")
    add(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="load.json of an earlier run, which this one must not be worse than",
    )
    add("--no-calibration", action="store_true", help="do not measure this client's own error after the run")
    for name in _TARGET_OPTIONS:
        target_option = BY_NAME[name]
        if target_option.kind is bool:
            add(target_option.flag, action="store_true", default=None, help=target_option.help)
        elif target_option.kind is list:
            add(target_option.flag, action="append", metavar=target_option.metavar, help=target_option.help)
        else:
            add(target_option.flag, type=target_option.kind, metavar=target_option.metavar, help=target_option.help)
    add("--output", type=Path, metavar="DIR", help="folder for load.json, load.html, and locust's own report and CSV")


def run(args: argparse.Namespace) -> int:
    """Exit codes: 0; 1 a request failed, an SLO was missed or a rule broken; 3 a fault of ours; 4 usage; 5 nothing was
    measured; 6 the gateway can't be reached or refuses the key; 7 the client was the bottleneck."""
    order = _order(args)
    order = replace(order, target=asyncio.run(located(order.target)))
    with locust_run.staging(args.output) as folder:
        redactor = Redactor(order.target.secrets)
        model, code, complaint = asyncio.run(_look(order))
        if model is None:
            return _complain(code, redactor.text(complaint))
        try:
            document = _swept(order, model, Path(folder)) if order.sweep else _once(order, model, Path(folder))
        except _Unfinished:
            said = redactor.text(locust_run.last_words(Path(folder)))
            return _complain(Exit.ERROR, f"locust did not finish its run: {said}")
        document = redactor.tree(document)
        for line in table.lines(document):
            print(line)
        code = sweep_code(document) if order.sweep else gate.exit_code(document)
        crash = redactor.text(locust_run.crash(Path(folder)))
        if crash or code == Exit.ERROR:
            return _complain(Exit.ERROR, f"a fault of gateproof's own, please report it: {crash or 'a user broke'}")
        if code == Exit.NOTHING_JUDGED:
            spans = f"within {document['duration_s'] or order.duration_s:g} s and {DRAIN_S} s more"
            return _complain(code, f"nothing was measured: no answer ended {spans}")
        if args.output:
            _keep(Path(folder), args.output, document, order.target.secrets)
            print(f"written: {args.output / FIGURES}, load.html, locust.html, locust_*.csv")
        return code


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be done, checked: nothing in it can be misunderstood any more."""

    target: Target
    options: Mapping[str, Any]
    settings: Settings
    checks: gate.Checks
    sweep: Sweep | None
    baseline: Mapping[str, Any] | None
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


class _Unfinished(Exception):
    """Locust ended without leaving figures."""


def _order(args: argparse.Namespace) -> _Order:
    """Raises ConfigError, with a sentence for the user."""
    target, _ = load_target({name: getattr(args, name) for name in _TARGET_OPTIONS}, args.base_url)
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
    return _Order(
        target=target,
        options=options,
        settings=settings,
        checks=gate.parse(settings.slo),
        sweep=search,
        baseline=_read(args.baseline) if args.baseline else None,
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


async def _look(order: _Order) -> tuple[str | None, Exit, str]:
    """(model to use, or None with the exit code and the sentence that say why not)."""
    target = order.target
    asks_chat = any("chat" in SCENARIOS[name].needs for name in members(order.settings.scenario))
    async with Wire(Limits(silence_s=target.timeout_s), target.tls()) as wire:
        diagnosis = await examine(Gateway(wire, target, profile(target.profile)))
    if diagnosis.blocked:
        return None, Exit.UNREACHABLE, diagnosis.blocked
    refusals = [found for found in diagnosis.findings if found.step == "chat" and not found.ok]
    if refusals and asks_chat:
        return None, Exit.NOTHING_JUDGED, f"nothing was measured: {refusals[0].sentence}; {refusals[0].advice}"
    return diagnosis.facts.model if not refusals else "", Exit.CONFORMANT, ""


def _once(order: _Order, model: str, folder: Path) -> dict[str, Any]:
    return _calibrated(order, _measured(order, order.job(model), folder))


def _swept(order: _Order, model: str, folder: Path) -> dict[str, Any]:
    """The load.json of the highest load that held, or of the last one if none did, with all steps below `sweep`."""
    search, kept = order.sweep, None
    assert search is not None
    while (at := search.next) is not None:
        own = folder / f"step-{len(search.steps)}"
        own.mkdir()
        label = f"{search.unit} {at:g}: "
        document = _measured(order, order.job(model, **{search.unit: at}, label=label), own)
        step = sweep.judged(search.unit, at, document)
        search.add(step)
        print(f"{label}{'held' if step.held else step.why}", file=sys.stderr if sys.stderr.isatty() else sys.stdout)
        if kept is None or search.best in (step, None):
            kept = own, document
    assert kept is not None
    for path in kept[0].iterdir():
        os.replace(path, folder / path.name)
    return {**_calibrated(order, kept[1]), "sweep": search.document()}


def _measured(order: _Order, job: Job, folder: Path) -> dict[str, Any]:
    document = locust_run.measure(job, folder)
    if document is None:
        raise _Unfinished
    return {**document, "slo": gate.judge(document, order.checks, order.baseline)}


def _calibrated(order: _Order, document: dict[str, Any]) -> dict[str, Any]:
    """The document with this client's own error at this load, and what that says about its figures."""
    if not order.calibrates:
        return document
    if sys.stderr.isatty():
        print("measuring this client's own error ", end="", file=sys.stderr, flush=True)
    found = calibration.like(document)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    document = {**document, "client": {**document["client"], "calibration": found}}
    return {**document, "client": health.judged(document)}


def sweep_code(document: Mapping[str, Any]) -> Exit:
    """The exit code of a sweep: 0 if a load was found that holds, unless answers were wrong or the client gave out."""
    search = document["sweep"]
    if document["client"]["errors"]:
        return Exit.ERROR
    if not any(step["requests"] for step in search["steps"]):
        return Exit.NOTHING_JUDGED
    if any(step["violations"] for step in search["steps"]):
        return Exit.BROKEN
    if search["stopped"]:
        return Exit.UNTRUSTWORTHY
    return Exit.BROKEN if search["knee"] is None else Exit.CONFORMANT


def _keep(folder: Path, output: Path, document: dict[str, Any], secrets: list[str]) -> None:
    """Moves the files of a run into place, load.json last; locust's own files lose any secret before."""
    (folder / "load.html").write_text(page.page(document), "utf-8")
    names = sorted(path.name for path in folder.glob("locust*") if path.suffix in (".html", ".csv"))
    for name in names:
        text = (folder / name).read_text("utf-8")
        for secret in secrets:
            text = text.replace(secret, MASK)
        (folder / name).write_text(text, "utf-8")
    (folder / FIGURES).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for name in [*names, "load.html", FIGURES]:
        os.replace(folder / name, output / name)


def _complain(code: Exit, sentence: str) -> Exit:
    print(f"gateproof: {sentence}", file=sys.stderr)
    return code


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 up")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a rate above 0")
    return rate


def _duration(text: str) -> int:
    """Whole seconds, from 10, 10s, 2m or 1h30m."""
    found = seconds(text)
    if not found or not 1 <= found <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text} is not a duration from 1 s up, such as 10, 90s or 1h30m")
    return math.ceil(found)
