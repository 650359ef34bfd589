"""`gateproof check URL`: judges a gateway, requirement by requirement."""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from conformance import plugin
from conformance.command.options import JUDGING, add_options, load_target
from conformance.rehearsing.rehearsal import Plan
from conformance.reporting import github, terminal
from conformance.target import Settings, Target
from conformance.verdict import Exit

EXAMPLES = (
    "gateproof check http://127.0.0.1:8000/v1 --api-key-env GATEWAY_KEY",
    "gateproof check http://127.0.0.1:8000/v1 --only CHAT,STREAM-031 --output report",
    "gateproof check http://127.0.0.1:8000/v1 --update-baseline      # writes gateproof.baseline.toml, for review",
    "gateproof check http://127.0.0.1:8000/v1 --last-report last/report.json",
)
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


def configure(parser: argparse.ArgumentParser) -> None:
    add_options(parser, JUDGING)


def run(options: argparse.Namespace) -> int:
    """Runs pytest on the suites, with its own output held back: one engine, two ways to start it."""
    target, settings = load_target(options)
    return check(target, settings)


def check(target: Target, settings: Settings) -> int:
    """Judges a target, prints the report to standard output, and returns the exit code."""

    class Screen:
        @pytest.hookimpl(tryfirst=True)
        def pytest_cmdline_main(self, config: pytest.Config) -> None:
            config.stash[plugin.GIVEN] = (target, settings)

        def pytest_gateproof_progress(self, sent: int, judged: int, total: int, failed: int) -> None:
            progress.show(sent=sent, judged=judged, total=total, failed=failed)

        def pytest_gateproof_plan(self, plan: Plan, requirements: int) -> None:
            for line in terminal.plan_lines(plan, requirements):
                say(line)

        def pytest_gateproof_report(self, report: dict[str, Any]) -> list[str]:
            progress.clear()
            reported.append(report)
            with github.muted(say):
                for line in terminal.lines(report, colour=colour):
                    say(line)
            return github.tell(report, say) if settings.annotations and github.is_here() else []

        def pytest_gateproof_word(self, line: str) -> None:
            print(line, file=complaints if line.startswith("gateproof: ") else screen)

    def say(line: str) -> None:
        print(line, file=screen, flush=github.is_here())

    screen, complaints, progress = sys.stdout, sys.stderr, terminal.Progress()
    reported: list[dict[str, Any]] = []
    colour = terminal.has_colour(screen)
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
def _quiet_environment() -> Iterator[None]:
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
