"""`gateproof load URL`: looks at the gateway, runs locust headless in its own process, prints and keeps the figures.

Locust changes the whole process that imports it, so nothing here does.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from conformance.profiles import profile
from conformance.redact import MASK, Redactor
from conformance.sending.doctor import examine
from conformance.sending.gateway import Gateway
from conformance.sending.wire import Limits, Wire
from conformance.target import BY_NAME, ConfigError, Target
from conformance.target import load as load_target
from conformance.verdict import Exit
from load import table

HELP = "measure how fast a gateway streams"
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
DRAIN_S = 10
"""How long streams that are open when the time is up may go on; what is still open then is not counted."""
GRACE_S = 30
_TARGET_OPTIONS = ("model", "api_key", "api_key_env", "api_key_command", "header", "ca_file", "insecure", "timeout")


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("base_url", metavar="URL", nargs="?", help="base URL of the gateway, such as https://host/v1")
    add("--users", type=_count, default=10, metavar="N", help="users asking at the same time (default: %(default)s)")
    add("--duration", type=_duration, default=10, metavar="S", help="seconds, or 2m, 1h30m (default: %(default)s)")
    add("--spawn-rate", type=_rate, metavar="R", help="users started per second (default: all, at most 100)")
    add("--max-tokens", type=_count, default=64, metavar="N", help="length of the answers (default: %(default)s)")
    for name in _TARGET_OPTIONS:
        option = BY_NAME[name]
        if option.kind is bool:
            add(option.flag, action="store_true", default=None, help=option.help)
        elif option.kind is list:
            add(option.flag, action="append", metavar=option.metavar, help=option.help)
        else:
            add(option.flag, type=option.kind, metavar=option.metavar, help=option.help)
    add("--output", type=Path, metavar="DIR", help="folder for load.json, locust.html and locust's CSV files")


def run(args: argparse.Namespace) -> int:
    """Exit codes: 0, 1 a request failed, 3 a fault of ours, 4 usage, 5 nothing was measured, 6 can't be reached."""
    target, _ = load_target({name: getattr(args, name) for name in _TARGET_OPTIONS}, args.base_url)
    redactor = Redactor(target.secrets)
    with _staging(args.output) as staging:
        model, code, complaint = asyncio.run(_look(target))
        if model is None:
            return _complain(code, redactor.text(complaint))
        document = _measure(args, target, model, Path(staging))
        if document is None:
            return _complain(Exit.ERROR, f"locust did not finish its run: {redactor.text(_last_words(Path(staging)))}")
        document = redactor.tree(document)
        for line in table.lines(document):
            print(line)
        code = exit_code(document)
        if code == Exit.NOTHING_JUDGED:
            return _complain(
                code, f"nothing was measured: no answer ended within {args.duration} s and {DRAIN_S} s more"
            )
        if code == Exit.ERROR:
            return _complain(code, "this is a fault of gateproof's own; please report it")
        if args.output:
            _keep(Path(staging), args.output, document, target.secrets)
            print(f"written: {args.output / 'load.json'}, locust.html, locust_*.csv")
        return code


def exit_code(document: dict[str, Any]) -> Exit:
    """The exit code that a load.json amounts to. A run without a single good answer never ends with 0."""
    if document["client"]["errors"]:
        return Exit.ERROR
    if not document["requests"]:
        return Exit.NOTHING_JUDGED
    return Exit.BROKEN if document["failed"] else Exit.CONFORMANT


async def _look(target: Target) -> tuple[str | None, Exit, str]:
    """(model to use, or None with the exit code and the sentence that say why not)."""
    async with Wire(Limits(silence_s=target.timeout_s), target.tls()) as wire:
        diagnosis = await examine(Gateway(wire, target, profile(target.profile)))
    if diagnosis.blocked:
        return None, Exit.UNREACHABLE, diagnosis.blocked
    refusals = [found for found in diagnosis.findings if found.step == "chat" and not found.ok]
    if refusals:
        return None, Exit.NOTHING_JUDGED, f"nothing was measured: {refusals[0].sentence}; {refusals[0].advice}"
    return diagnosis.facts.model, Exit.CONFORMANT, ""


def _measure(args: argparse.Namespace, target: Target, model: str, folder: Path) -> dict[str, Any] | None:
    """Runs locust and returns its load.json; None if it wrote none. Secrets go by the environment, not by arguments."""
    spawn_rate = args.spawn_rate or min(args.users, 100)
    figures = folder / "load.json"
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
    command += ["-u", str(args.users), "-r", f"{spawn_rate:g}", "-t", f"{args.duration}s", "-s", f"{DRAIN_S}s"]
    command += [
        "--csv",
        str(folder / "locust"),
        "--html",
        str(folder / "locust.html"),
        "--gateproof-json",
        str(figures),
    ]
    command += ["--gateproof-model", model, "--gateproof-max-tokens", str(args.max_tokens)]
    command += ["--gateproof-timeout", f"{target.timeout_s:g}"]
    command += ["--gateproof-ca-file", os.path.abspath(target.ca_file)] if target.ca_file else []
    command += ["--gateproof-insecure"] if target.insecure else []
    log = (folder / "locust.log").open("wb")
    # An empty folder to work in: no locust.conf, gateproof.toml or folder named load of the user's has a say.
    with log, tempfile.TemporaryDirectory() as cwd:
        process = subprocess.Popen(
            command, cwd=cwd, env=_environment(target), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _wait(process, args.duration)
        finally:
            _end(process)
    try:
        found: dict[str, Any] = json.loads(figures.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _environment(target: Target) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "GATEPROOF_"))}
    kept["LOCUST_HOST"] = target.base_url
    if target.api_key:
        kept["GATEPROOF_API_KEY"] = target.api_key
    if target.headers:
        kept["GATEPROOF_HEADER"] = "\n".join(f"{name}: {value}" for name, value in target.headers)
    return kept


def _wait(process: "subprocess.Popen[bytes]", duration_s: int) -> None:
    """Waits for locust to end by itself, within its time and a margin, and shows the time on a terminal."""
    began_s, shown = time.monotonic(), sys.stderr.isatty()
    while process.poll() is None and (passed_s := time.monotonic() - began_s) < duration_s + DRAIN_S + GRACE_S:
        if shown:
            print(
                f"\rmeasuring: {min(passed_s, duration_s):.0f} of {duration_s} s ", end="", file=sys.stderr, flush=True
            )
        time.sleep(0.1)
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _end(process: "subprocess.Popen[bytes]") -> None:
    for stop in (process.terminate, process.kill):
        if process.poll() is None:
            stop()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                continue


def _staging(output: Path | None) -> Any:
    """A folder for what is not finished: beside the final files, so that it can be moved into place."""
    if output is None:
        return tempfile.TemporaryDirectory()
    try:
        output.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=".partial-", dir=output)
    except OSError as error:
        raise ConfigError(f"--output {output}: it can't be written ({error.strerror})") from None


def _keep(staging: Path, output: Path, document: dict[str, Any], secrets: list[str]) -> None:
    """Moves the files of a run into place, load.json last; locust's own files lose any secret before."""
    (staging / "load.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    names = sorted(path.name for path in staging.glob("locust*") if path.suffix in (".html", ".csv"))
    for name in names:
        text = (staging / name).read_text("utf-8")
        for secret in secrets:
            text = text.replace(secret, MASK)
        (staging / name).write_text(text, "utf-8")
    for name in [*names, "load.json"]:
        os.replace(staging / name, output / name)


def _last_words(folder: Path) -> str:
    try:
        lines = (folder / "locust.log").read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else "it said nothing"


def _complain(code: Exit, sentence: str) -> Exit:
    print(f"gateproof: {sentence}", file=sys.stderr)
    return code


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
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
    """Seconds, from 10, 10s, 2m or 1h30m."""
    rest, total = text, 0
    for unit, seconds in (("h", 3600), ("m", 60), ("s", 1)):
        head, found, tail = rest.partition(unit)
        if found and head.isdecimal():
            rest, total = tail, total + int(head) * seconds
    if rest.isdecimal():
        rest, total = "", total + int(rest)
    if rest or not 1 <= total <= 7 * 86400:
        raise argparse.ArgumentTypeError(f"{text} is not a duration such as 10, 90s or 1h30m")
    return total
