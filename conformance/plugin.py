"""The pytest plugin's thin outside: options, and whether this run judges a gateway at all.

Installed with the distribution, so every pytest run of the environment loads this module: it imports nothing heavy,
and a run that is not aimed at the conformance suites is left alone. What judges is in `judging`.
"""

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.configuration.sources import sources, warnings
from conformance.target import OPTIONS, ConfigError, Settings, Target, made

PACKAGE = Path(__file__).parent.resolve()
GIVEN = pytest.StashKey[tuple[Target, Settings]]()
"""Set by the command, which has read the options itself."""


class Hooks:
    """Hooks of ours that renderers implement."""

    @pytest.hookspec
    def pytest_gateproof_report(self, report: dict[str, object], config: pytest.Config) -> list[str] | None:
        """The run's report document is complete. Who renders it returns a sentence for each fault of its own."""

    @pytest.hookspec
    def pytest_gateproof_word(self, line: str) -> None:
        """A line for the person who runs it, behind the report."""

    @pytest.hookspec
    def pytest_gateproof_plan(self, plan: object, requirements: int) -> None:
        """It is known what a run would cost, and nothing will be sent."""

    @pytest.hookspec
    def pytest_gateproof_progress(self, sent: int, judged: int, total: int, failed: int) -> None:
        """A request was answered or a requirement judged."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gateproof", "gateproof: judge an OpenAI-compatible gateway (with --base-url)")
    for option in OPTIONS:
        name = "--gateproof-" + option.name.replace("_", "-")
        dest = f"gateproof_{option.name}"
        if option.kind is bool:
            group.addoption(name, dest=dest, action="store_true", default=None, help=option.help)
        elif option.kind is list:
            group.addoption(name, dest=dest, action="append", metavar=option.metavar, help=option.help)
        else:
            group.addoption(name, dest=dest, type=option.kind, metavar=option.metavar, help=option.help)


@pytest.hookimpl(trylast=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> None:
    """Adds --base-url unless another plugin or a conftest owns it (pytest-base-url, pytest-playwright); then theirs
    is read."""
    with suppress(ValueError):
        parser.getgroup("gateproof").addoption("--base-url", metavar="URL", help="base URL of the gateway to judge")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(id): the requirement of the catalogue that this test judges")
    if not _aimed_at_us(config):
        return
    from conformance.judging.run import Judging

    try:
        if GIVEN in config.stash:
            target, settings = config.stash[GIVEN]
        else:
            flags = {option.name: config.getoption(f"gateproof_{option.name}") for option in OPTIONS}
            found = sources(flags, config.getoption("base_url", None))
            target, settings = made(found)
            if not hasattr(config, "workerinput"):
                print(*warnings(found), sep="\n", end="\n" * bool(found.ignored), file=sys.stderr)
            target = _located(target, settings, config)
            _subscribe(settings, config)
        config.pluginmanager.register(Judging(config, target, settings), "gateproof-judging")
    except ConfigError as error:
        raise pytest.UsageError(f"gateproof: {error}") from None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The suites are collected only when a run is aimed at them."""
    if collection_path.is_relative_to(PACKAGE) and not config.pluginmanager.has_plugin("gateproof-judging"):
        return True
    return None


def _subscribe(settings: Settings, config: pytest.Config) -> None:
    """Tells GitHub Actions of the report, where that is what runs pytest."""
    from conformance.reporting import github

    if settings.annotations and github.is_here():
        config.pluginmanager.register(github.Subscriber(), "gateproof-github")


def _located(target: Target, settings: Settings, config: pytest.Config) -> Target:
    """The target with the dialect that was found, where only a host is named; workers of xdist are told of it."""
    from conformance.sending.dialects import aimed

    worker = getattr(config, "workerinput", None)
    if worker is not None and not settings.replay:
        return replace(target, **worker["gateproof_place"])
    return target if config.option.collectonly else aimed(target, settings)


def _aimed_at_us(config: pytest.Config) -> bool:
    """Whether an argument names the conformance package, its folder, or something in it."""
    for argument in config.args:
        name = str(argument).split("::")[0]
        if config.getoption("pyargs", False) and name.split(".")[0] == PACKAGE.name:
            return True
        try:
            if (config.invocation_params.dir / name).resolve().is_relative_to(PACKAGE):
                return True
        except OSError:
            continue
    return False
