"""The command's arguments, its steps in order, and the files and sentences that it leaves."""

import argparse
import asyncio
import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.profiles import profile
from conformance.redact import MASK, Redactor
from conformance.sending.dialects import located
from conformance.sending.doctor import examine
from conformance.sending.gateway import Gateway
from conformance.sending.wire import Limits, Wire
from conformance.target import BY_NAME
from conformance.verdict import Exit
from load import gate
from load.command import locust_run, sweep
from load.command.locust_run import DRAIN_S, FIGURES
from load.command.measuring import Unfinished, once, swept
from load.command.order import DURATION_S, LONGEST_S, TARGET_OPTIONS, USERS, Order, order_of
from load.options import OPTIONS, SEARCH_TIMES
from load.reporting import files, page, table
from load.scenarios import SCENARIOS, members
from load.spans import seconds

EXAMPLES = (
    "gateproof load http://127.0.0.1:8000/v1 --users 20 --duration 30 --output out",
    "gateproof load http://127.0.0.1:8000/v1 --rate 50 --slo 'ttft_p95 < 300ms' --slo 'error_rate < 0.1%'",
    "gateproof load http://127.0.0.1:8000/v1 --sweep 5:200 --slo 'ttft_p95 < 300ms'",
)


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
    add(
        "--tolerance",
        type=_share,
        metavar="SHARE",
        help=f"how much worse than in the baseline a figure may be (default: {gate.TOLERANCE:.0%})".replace("%", "%%"),
    )
    add("--no-calibration", action="store_true", help="do not measure this client's own error after the run")
    for name in TARGET_OPTIONS:
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
    order = order_of(args)
    order = replace(order, target=asyncio.run(located(order.target)))
    with locust_run.staging(args.output) as folder:
        redactor = Redactor(order.target.secrets)
        model, code, complaint = asyncio.run(_look(order))
        if model is None:
            return _complain(code, redactor.text(complaint))
        try:
            document = swept(order, model, Path(folder)) if order.sweep else once(order, model, Path(folder))
        except Unfinished:
            said = redactor.text(locust_run.last_words(Path(folder)))
            return _complain(Exit.ERROR, f"locust did not finish its run: {said}")
        document = redactor.tree(document)
        for line in table.lines(document):
            print(line)
        code = gate.exit_code(document)
        crash = redactor.text(locust_run.crash(Path(folder)))
        if crash or code == Exit.ERROR:
            return _complain(Exit.ERROR, f"a fault of gateproof's own, please report it: {crash or 'a user broke'}")
        if code == Exit.NOTHING_JUDGED:
            spans = f"within {document['duration_s'] or order.duration_s:g} s and {DRAIN_S} s more"
            why = f"no answer ended {spans}" if document["unfinished"] else "no request came to be sent"
            return _complain(code, f"nothing was measured: {why}")
        if args.output:
            _keep(Path(folder), args.output, document, order.target.secrets)
            print(f"written: {args.output / FIGURES}, load.html, load_*.csv, and locust's own")
        return code


async def _look(order: Order) -> tuple[str | None, Exit, str]:
    """(model to use, or None with the exit code and the sentence that say why not)."""
    target = order.target
    asks_chat = any("chat" in SCENARIOS[name].needs for name in members(order.settings.scenario))
    limits = Limits(silence_s=target.timeout_s, total_s=SEARCH_TIMES * target.timeout_s)
    async with Wire(limits, target.tls()) as wire:
        diagnosis = await examine(Gateway(wire, target, profile(target.profile)))
    if diagnosis.blocked:
        return None, Exit.UNREACHABLE, diagnosis.blocked
    refusals = [found for found in diagnosis.findings if found.step == "chat" and not found.ok]
    if refusals and asks_chat:
        return None, Exit.NOTHING_JUDGED, f"nothing was measured: {refusals[0].sentence}; {refusals[0].advice}"
    return diagnosis.facts.model if not refusals else "", Exit.CONFORMANT, ""


def _keep(folder: Path, output: Path, document: dict[str, Any], secrets: list[str]) -> None:
    """Moves the files of a run into place, load.json last; locust's own files lose any secret before."""
    for path in folder.glob("locust*"):
        if path.suffix in (".html", ".csv"):
            text = path.read_text("utf-8")
            for secret in secrets:
                text = text.replace(secret, MASK)
            path.write_text(text, "utf-8")
    ours = {"load.html": page.page(document), **files.csvs(document), FIGURES: files.json_text(document)}
    for name, text in ours.items():
        (folder / name).write_text(text, "utf-8")
    names = sorted(path.name for path in folder.iterdir() if path.suffix in (".html", ".csv"))
    for name in [*names, FIGURES]:
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


def _share(text: str) -> float:
    """A share of 1, from 15% or 0.15."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 10:
        raise argparse.ArgumentTypeError(f"{text} is not a share from 0 up, such as 15% or 0.15")
    return share


def _duration(text: str) -> int:
    """Whole seconds, from 10, 10s, 2m or 1h30m."""
    found = seconds(text)
    if not found or not 1 <= found <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text} is not a duration from 1 s up, such as 10, 90s or 1h30m")
    return math.ceil(found)
