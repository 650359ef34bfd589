"""The gateproof command: parses, calls, prints. Each subcommand is a few lines over the module that does the work."""

import argparse
import asyncio
import contextlib
import io
import os
import sys
import textwrap
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NoReturn

from conformance import catalogue
from conformance.target import HOW_TO_RUN, OPTIONS, ConfigError, Settings, Target, load
from conformance.verdict import Exit

_LAST_WORDS = {
    Exit.INTERRUPTED: "interrupted, nothing was written",
    Exit.ERROR: "there was an error of gateproof's own; please report it",
    Exit.NOTHING_JUDGED: "nothing was judged: no requirement of this profile is both selected and applicable",
}
_NOT_NEEDED = (
    *("cacheprovider", "debugging", "doctest", "faulthandler", "logging", "pastebin", "stepwise", "subtests"),
    *("threadexception", "unraisableexception", "warnings"),
)
"""Plugins of pytest's own that cost time on every test and have nothing to do here."""
_JUDGING = [option.name for option in OPTIONS]
_REACHING = [name for name in _JUDGING if name not in HOW_TO_RUN | {"feature", "sdk_python"}]


def main(argv: list[str] | None = None) -> int:
    """Runs one subcommand and returns its exit code (see Exit)."""
    arguments = sys.argv[1:] if argv is None else argv
    parser = _parser(arguments)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except ConfigError as error:
        print(f"gateproof: {error}", file=sys.stderr)
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.INTERRUPTED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"gateproof: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(Exit.USAGE)


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    from conformance.reporting.report import tool_version

    parser = _Parser(
        prog="gateproof",
        description="Proves that an OpenAI-compatible AI gateway does what its clients rely on.",
        epilog="Exit codes: 0 conformant, 1 broken, 2 interrupted, 3 an error of gateproof's own, 4 usage, "
        "5 nothing was judged, 6 the gateway can't be reached or refuses the key, 7 load figures not trustworthy.",
    )
    parser.add_argument("--version", action="version", version=f"gateproof {tool_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    check = commands.add_parser("check", help="judge a gateway, requirement by requirement")
    _add_options(check, _JUDGING)
    check.set_defaults(run=_check)

    doctor = commands.add_parser("doctor", help="find out why a gateway can't be reached or used")
    _add_options(doctor, _REACHING)
    doctor.set_defaults(run=_doctor)

    names = commands.add_parser("names", help="show which reading of the entity naming rule a gateway follows")
    _add_options(names, _REACHING)
    names.set_defaults(run=_names)

    explain = commands.add_parser("explain", help="say what a requirement means and who breaks without it")
    explain.add_argument("id", metavar="ID", nargs="+", help="requirement id, such as CHAT-018, or an area")
    explain.set_defaults(run=_explain)

    trace = commands.add_parser("trace", help="show which tests judged each requirement, and what they said")
    trace.add_argument(
        "report", metavar="REPORT", nargs="+", help="report.json of a run; several may cover the profiles"
    )
    trace.set_defaults(run=_trace)

    for point in entry_points(group="gateproof.commands"):
        _add_command(commands, point, wanted=point.name in arguments[:1])
    return parser


def _add_command(commands: Any, point: EntryPoint, *, wanted: bool) -> None:
    """A command of another package: its module is only imported when it is asked for."""
    summaries = {"serve": "run the bundled reference gateway", "load": "measure how fast a gateway streams"}
    command = commands.add_parser(point.name, help=summaries.get(point.name, f"from {point.value}"))
    if wanted:
        module = point.load()
        module.configure(command)
        command.set_defaults(run=module.run)


def _add_options(parser: argparse.ArgumentParser, names: list[str]) -> None:
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


def _load(options: argparse.Namespace) -> tuple[Target, Settings]:
    """What is asked for; where only a host is named, with the dialect that is found there."""
    from conformance.sending.dialects import aimed

    flags = {option.name: getattr(options, option.name, None) for option in OPTIONS}
    target, settings = load(flags, options.base_url)
    return aimed(target, settings), settings


def _check(options: argparse.Namespace) -> int:
    """Runs pytest on the suites, with its own output held back: one engine, two ways to start it."""
    target, settings = _load(options)
    return check(target, settings)


def check(target: Target, settings: Settings) -> int:
    """Judges a target, prints the report to standard output, and returns the exit code."""
    import pytest

    from conformance import plugin
    from conformance.reporting import terminal
    from conformance.sending.rehearsal import Plan

    class Screen:
        @pytest.hookimpl(tryfirst=True)
        def pytest_cmdline_main(self, config: pytest.Config) -> None:
            config.stash[plugin.GIVEN] = (target, settings)

        def pytest_gateproof_progress(self, sent: int, judged: int, total: int, failed: int) -> None:
            progress.show(sent=sent, judged=judged, total=total, failed=failed)

        def pytest_gateproof_plan(self, plan: Plan, requirements: int) -> None:
            for line in terminal.plan_lines(plan, requirements):
                print(line, file=screen)

        def pytest_gateproof_report(self, report: dict[str, Any]) -> None:
            progress.clear()
            reported.append(report)
            for line in terminal.lines(report, colour=colour):
                print(line, file=screen)

    screen, progress = sys.stdout, terminal.Progress()
    reported: list[dict[str, Any]] = []
    colour = screen.isatty() and "NO_COLOR" not in os.environ
    arguments = ["-c", os.devnull, "--rootdir", str(plugin.PACKAGE), "--confcutdir", str(plugin.PACKAGE)]
    arguments += ["-p", "conformance.plugin", "--import-mode=importlib", "--assert=plain", "--capture=no", "-q"]
    arguments += [word for name in _NOT_NEEDED for word in ("-p", f"no:{name}")]
    if settings.output:
        arguments += ["-p", "allure_pytest.plugin"]
    said, complained = io.StringIO(), io.StringIO()
    with _quiet_environment(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        code = pytest.main([*arguments, str(plugin.PACKAGE / "suites")], plugins=[Screen()])
    progress.clear()
    if code not in (Exit.CONFORMANT, Exit.BROKEN) and not reported:
        _complain(int(code), said.getvalue(), complained.getvalue())
    elif code in _LAST_WORDS:
        print(f"gateproof: {_LAST_WORDS[Exit(code)]}", file=sys.stderr)
    if settings.output and reported:
        print(f"written: {settings.output / 'report.json'}, junit.xml, allure-results/", file=screen)
    return int(code)


def _complain(code: int, said: str, complained: str) -> None:
    """One line for what the user can mend; the whole text where the fault is ours."""
    lines = [line.removeprefix("ERROR: ") for line in (said + complained).splitlines()]
    ours = [line for line in lines if line.startswith("gateproof: ")]
    if not ours:
        told = () if code in (Exit.NOTHING_JUDGED, Exit.INTERRUPTED) else lines[-30:]
        ours = [*told, f"gateproof: {_LAST_WORDS.get(Exit(code), _LAST_WORDS[Exit.ERROR])}"]
    print("\n".join(ours), file=sys.stderr)


@contextlib.contextmanager
def _quiet_environment() -> Any:
    """No plugins and no options but ours: the run must not depend on what else is installed or set."""
    kept = {name: os.environ.get(name) for name in ("PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")}
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _doctor(options: argparse.Namespace) -> int:
    from conformance.profiles import profile
    from conformance.redact import Redactor
    from conformance.sending.doctor import Finding, examine, reach
    from conformance.sending.gateway import Gateway
    from conformance.sending.wire import Limits, Wire

    target, _ = _load(options)
    dialect = profile(target.profile)
    redactor = Redactor(target.secrets)

    async def run() -> int:
        findings = await reach(target)
        if target.found:
            findings.append(Finding("dialect", True, target.found))
        blocked = not findings[-1].ok
        if not blocked:
            async with Wire(Limits(silence_s=target.timeout_s), target.tls()) as wire:
                diagnosis = await examine(Gateway(wire, target, dialect))
            findings += diagnosis.findings
            blocked = diagnosis.blocked is not None
        for finding in findings:
            print(redactor.text(f"{'ok ' if finding.ok else 'NO '} {finding.step:<8} {finding.sentence}"))
            if finding.advice and not finding.ok:
                print(redactor.text(f"             → {finding.advice}"))
        return Exit.UNREACHABLE if blocked or not all(f.ok for f in findings if f.step == "chat") else Exit.CONFORMANT

    return asyncio.run(run())


def _names(options: argparse.Namespace) -> int:
    from conformance.profiles import profile
    from conformance.redact import Redactor
    from conformance.reporting import nametable

    target, _ = _load(options)
    dialect = profile(target.profile)
    recording = asyncio.run(nametable.asked(target, dialect))
    if recording.blocked:
        print(f"gateproof: {Redactor(target.secrets).text(recording.blocked)}", file=sys.stderr)
        return Exit.UNREACHABLE
    rows = nametable.rows(recording)
    for line in nametable.lines(rows):
        print(line)
    pattern = target.entity_name_pattern or dialect.expect.entity_name_pattern
    return Exit.CONFORMANT if nametable.is_kept(rows, pattern) else Exit.BROKEN


def _trace(options: argparse.Namespace) -> int:
    import json
    from pathlib import Path

    from conformance.reporting import trace

    reports = []
    for name in options.report:
        try:
            report = json.loads(Path(name).read_text("utf-8"))
            report["requirements"][0]["tests"]
        except OSError as error:
            raise ConfigError(f"{name}: it can't be read ({error.strerror})") from None
        except (ValueError, LookupError, TypeError):
            raise ConfigError(f"{name}: it is no report.json of a check by this version") from None
        reports.append(report)
    traces, unknown = trace.traced(reports)
    for line in trace.lines(traces, unknown):
        print(line)
    return Exit.BROKEN if unknown or any(found.is_missing for found in traces) else Exit.CONFORMANT


def _explain(options: argparse.Namespace) -> int:
    try:
        chosen = catalogue.select(tuple(options.id))
    except catalogue.UnknownRequirement as error:
        raise ConfigError(str(error)) from None
    for id, found in catalogue.requirements().items():
        if id in chosen:
            print(f"{id}  {found.level}  {found.area}: {catalogue.areas()[found.area].title}")
            for title, text in (
                ("must hold", found.statement),
                ("where", found.endpoint),
                ("needs", ", ".join(found.features)),
                ("judged by", found.test),
                ("source", found.source),
                ("who breaks", found.breaks),
                ("implies", ", ".join(found.implies)),
                ("not judged", found.not_judged),
            ):
                if text:
                    print(textwrap.fill(text, 110, initial_indent=f"  {title:<11}", subsequent_indent=" " * 13))
            print()
    return Exit.CONFORMANT


if __name__ == "__main__":
    raise SystemExit(main())
