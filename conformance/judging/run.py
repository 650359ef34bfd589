"""Judges a gateway inside pytest: sends the probes that the collected tests need, then gives every requirement one
verdict.

With pytest-xdist one worker sends and the others judge its recording, so that counts, caps and timings stay true.
"""

import itertools
import tempfile
import time
from collections.abc import Generator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from conformance import catalogue
from conformance.baseline.entries import Baseline, read
from conformance.baseline.updating import update
from conformance.catalogue import Requirement, UnknownRequirement
from conformance.exchange import Blame, Unusable, clip, exchanges_in
from conformance.features import check_names, is_in_run
from conformance.judging import budget, traffic
from conformance.judging.fixtures import fixtures
from conformance.judging.in_process import is_kept, requirement_by_test
from conformance.judging.outcome import not_applicable, outcome
from conformance.judging.selection import REQUIREMENT, ask_for_upstream, mode_of, needed_by, unsent
from conformance.limits import MESSAGE_CHARS
from conformance.probe import sent
from conformance.probes import PROBES
from conformance.profiles import profile as profile_of
from conformance.redact import Redactor
from conformance.rehearsing.rehearsal import Plan, plan
from conformance.reporting import report
from conformance.reporting.output import Output, Written
from conformance.reporting.report import Judgement
from conformance.sdk import clients
from conformance.sending.archive import opened
from conformance.sending.recording import Recording, Result
from conformance.target import ConfigError, Settings, Target
from conformance.verdict import RED, Broken, Exit, Verdict, exit_code


class Judging:
    """The plugin object of one run aimed at one target. Raises ConfigError for what can't be judged as asked."""

    def __init__(self, config: pytest.Config, target: Target, settings: Settings) -> None:
        self.config, self.target, self.settings = config, target, settings
        self.profile = profile_of(target.profile)
        check_names(target)
        if settings.plan and config.getoption("numprocesses", None):
            raise ConfigError("a plan sends nothing, so there is nothing to share: leave out -n")
        try:
            self._only = catalogue.select(settings.only) if settings.only else None
        except UnknownRequirement as error:
            raise ConfigError(f"--only: {error}") from None
        self.baseline = _baseline(settings)
        self.least = budget.least(settings, self.profile)
        self.recording = Recording()
        self.judgements: list[Judgement] = []
        self.document: dict[str, Any] | None = None
        self.words: list[str] = []
        self.redactor = Redactor(target.secrets)
        self._began = time.perf_counter()
        self.needed: set[str] = set()
        self._total = self._failed = self._requirements = 0
        self._collected = True
        self.planned: Plan | None = None
        self._worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._shared = tempfile.TemporaryDirectory(prefix="gateproof-")
        self._output = None
        if settings.output and self._worker is None:
            self._output = Output(settings.output, config)
        if self._worker and self._worker["gateproof_allure"]:
            config.option.allure_report_dir = self._worker["gateproof_allure"]
        config.pluginmanager.register(fixtures(self.result, self.of_run), "gateproof-probes")

    # Selection

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        chosen: list[pytest.Item] = []
        left_out: list[pytest.Item] = []
        for item in items:
            marker = item.get_closest_marker("requirement")
            if marker is None:
                continue
            requirement = _cited(item, marker.args[0])
            item.stash[REQUIREMENT] = requirement
            applies = is_in_run(requirement, self.target, self.profile)
            wanted = applies and (self._only is None or requirement.id in self._only)
            (chosen if wanted else left_out).append(item)
            item.user_properties += [
                ("requirement", requirement.id),
                ("level", self.profile.level(requirement).value),
            ]
        others = [item for item in items if REQUIREMENT not in item.stash]
        try:
            if not chosen:
                ask_for_upstream(left_out, frozenset(self._only or ()), self.target)
            if self.settings.replay:
                left_out += (more := unsent(chosen, self.settings.replay, self.target, self.profile))
                chosen = [item for item in chosen if item not in more]
        except ConfigError as error:
            raise pytest.UsageError(f"gateproof: {error}") from None
        items[:] = chosen
        if left_out or others:
            config.hook.pytest_deselected(items=left_out + others)
        self._total = len(chosen)
        self._requirements = len({item.stash[REQUIREMENT].id for item in chosen})
        self.needed = {name for item in chosen for name in needed_by(item, self.target, self.profile)}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._collected = self._collected and not report.failed

    # Sending

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        if self.settings.plan and session.items:
            self.planned = plan(self.target, self.profile, self.needed, concurrency=self.settings.concurrency)
            self.config.hook.pytest_gateproof_plan(plan=self.planned, requirements=self._requirements)
            session.items.clear()
        elif session.items and not self.config.option.collectonly:
            count = itertools.count(1)
            try:
                self.recording = traffic.recorded(
                    self.target,
                    self.profile,
                    self.settings,
                    self.needed,
                    on_exchange=lambda _: self._progress(next(count)),
                    worker=self._worker,
                )
            except ConfigError as error:
                raise pytest.UsageError(f"gateproof: {error}") from None
            if self.recording.blocked and self._worker is None:
                session.items.clear()
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """A worker of xdist can't take its tests back: they are skipped, and the controller ends with its own code."""
        if self.recording.blocked:
            pytest.skip(self.redactor.text(self.recording.blocked))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["gateproof_folder"] = self._shared.name
        place = ("base_url", "profile", "workspace", "found")
        node.workerinput["gateproof_place"] = {name: getattr(self.target, name) for name in place}
        node.workerinput["gateproof_allure"] = self.config.getoption("allure_report_dir", None)

    # Judging

    def of_run(self, name: str) -> Any:
        recording = self.recording
        things = {"exchanges": recording.exchanges, "scripted": recording.scripted, "facts": recording.facts}
        return (things | {"target": self.target, "profile": self.profile})[name]

    def result(self, name: str) -> Any:
        """What a probe returned; a Result in its place if it could not send."""
        result = self.recording.results.get(name) or Result(error=f"the probe {name} was not sent")
        if result.error:
            raise RuntimeError(f"probe {name} failed, a fault of gateproof's own:\n{result.error}")
        return result if result.unusable else result.value

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        requirement = pyfuncitem.stash.get(REQUIREMENT, None)
        if requirement is None:
            return (yield)
        reason = not_applicable(requirement, self.target, self.profile, self.recording)
        if reason:
            self._note(pyfuncitem, Verdict.NOT_APPLICABLE, reason, ())
            pytest.skip(f"not applicable: {reason}")
        given = {name: value for name, value in pyfuncitem.funcargs.items() if name in PROBES}
        asked = [x for name in given for x in self.recording.of(sent(name, mode_of(pyfuncitem)))]
        looked_at = tuple(exchange.id for value in given.values() for exchange in exchanges_in(value))
        error: Exception | None = None
        returned = None
        unsent = next((value for value in given.values() if isinstance(value, Result)), None)
        if unsent:
            error = Unusable(unsent.unusable, blame=unsent.blame)
        else:
            try:
                returned = yield
            except Exception as raised:  # noqa: BLE001 - outcome() says whose fault it is: what is no judgement is ours
                error = raised
        exchanges = self.recording.all
        found = outcome(
            requirement,
            error,
            self.profile,
            mode_of(pyfuncitem),
            asked or exchanges,
            exchanges,
            known=[*self.profile.known(requirement.id), *self.baseline.known(requirement.id, pyfuncitem.nodeid)],
            is_kept=lambda: is_kept(requirement.id, self.recording, self.target),
        )
        verdict, seen = found.verdict, self.redactor.text(found.message)
        shown = tuple(exchange.id for exchange in error.exchanges) if isinstance(error, Broken) else ()
        self._note(pyfuncitem, verdict, seen, shown or (looked_at if error else looked_at[:1]), found.blame)
        match verdict:  # told in pytest's own terms, which its JUnit and allure-pytest repeat
            case Verdict.PASS | Verdict.WARN:
                return returned if error is None else True
            case Verdict.INCONCLUSIVE | Verdict.NOT_APPLICABLE | Verdict.KNOWN:
                raise pytest.skip.Exception(f"{verdict}: {seen}") from None
            case Verdict.FAIL | Verdict.UNTESTABLE | Verdict.STALE:
                raise pytest.fail.Exception(self._words(requirement, verdict, seen), pytrace=False) from None
        assert error is not None
        raise error

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        made = yield
        if made.failed and made.when == "call" and dict(item.user_properties).get("verdict") == Verdict.ERROR:
            made.when = "setup"  # pytest's own word for an error rather than a failure, in JUnit and on screen
        return made

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        said: dict[str, Any] = dict(report.user_properties)
        if "requirement" not in said:
            return
        if "verdict" in said and report.when != "teardown":
            found = Judgement(
                said["requirement"],
                Verdict(said["verdict"]),
                said["seen"],
                tuple(str(said["evidence"]).split()),
                report.nodeid,
                Blame(said["blame"]) if said["blame"] else None,
            )
        elif report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            told = crash.message if crash else str(report.longreprtext).strip().splitlines()[-1]
            last_line = self.redactor.text(clip(told, MESSAGE_CHARS))
            found = Judgement(said["requirement"], Verdict.ERROR, last_line, (), report.nodeid, Blame.SUITE)
        else:
            return
        self.judgements.append(found)
        self._failed += found.verdict in RED
        self._progress(len(self.recording.all))

    def _note(
        self,
        item: pytest.Item,
        verdict: Verdict,
        seen: str,
        evidence: tuple[str, ...],
        blame: Blame | None = None,
    ) -> None:
        item.user_properties += [
            ("verdict", verdict.value),
            ("seen", seen),
            ("evidence", " ".join(evidence[: report.MAX_EVIDENCE])),
            ("blame", blame.value if blame else ""),
        ]
        requirement = item.stash[REQUIREMENT]
        if self.config.getoption("allure_report_dir", None):
            from conformance.reporting.output import tell_allure

            by_id = {exchange.id: exchange for exchange in self.recording.all}
            shown = [by_id[id] for id in evidence[: report.MAX_EVIDENCE] if id in by_id]
            tell_allure(requirement, self.profile, verdict, seen, shown, self.redactor)

    def _words(self, requirement: Requirement, verdict: Verdict, message: str) -> str:
        return f"{requirement.id} {verdict}: {requirement.statement}\n  seen: {message}"

    def _progress(self, sent: int) -> None:
        self.config.hook.pytest_gateproof_progress(
            sent=sent, judged=len(self.judgements), total=self._total, failed=self._failed
        )

    # Reporting

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._worker is not None or self.config.option.collectonly:
            return
        shared = traffic.shared(self._shared.name)
        if self.settings.replay and not self.recording.all:  # as xdist's workers have read it, and this process has not
            self.recording = opened(self.settings.replay)[1]
        elif shared.exists():
            self.recording = Recording.load(shared)
        if self.judgements and not self.recording.blocked and exitstatus != Exit.INTERRUPTED:
            self.document = self._report()
        session.exitstatus = self._exit_code(exitstatus)
        if self.document:
            told = self.config.hook.pytest_gateproof_report(report=self.document, config=self.config)
            written = self._output.write(self.document) if self._output else Written()
            for word in written.words:
                self._say(word)
            for fault in (*(fault for faults in told for fault in faults), *written.faults):
                self._say(f"gateproof: {fault}")
                session.exitstatus = Exit.ERROR
            if self.settings.update_baseline:
                session.exitstatus = self._update_baseline(self.document, session.exitstatus)

    def _report(self) -> dict[str, Any]:
        return report.build(
            self.judgements,
            self.recording,
            self.target,
            self.profile,
            duration_s=time.perf_counter() - self._began,
            baseline=self.baseline,
            least=self.least,
        )

    def _exit_code(self, exitstatus: int) -> int:
        if not self._collected:
            return Exit.ERROR
        if self.planned:
            return Exit.CONFORMANT
        if self.recording.blocked:
            return Exit.UNREACHABLE
        if exitstatus not in (Exit.CONFORMANT, Exit.BROKEN, Exit.NOTHING_JUDGED):
            return exitstatus
        if self.judgements and not self.recording.exchanges:
            return Exit.ERROR
        verdicts = [judgement.verdict for judgement in self.judgements]
        enough = True
        if self.document:
            enough = self.document["summary"]["judged"]["enough"]
            verdicts += clients.verdicts(self.document["clients"]) if self.settings.strict else []
        return exit_code(verdicts, strict=self.settings.strict, enough=enough)

    def _update_baseline(self, document: dict[str, Any], exitstatus: int) -> int:
        """Writes the baseline, and says so behind the report. The verdicts stay as they were."""
        try:
            said = update(document, self.baseline, requirement_by_test, strict=self.settings.strict)
        except ConfigError as error:
            said, exitstatus = f"gateproof: {error}", Exit.USAGE
        self._say(said)
        return exitstatus

    def _say(self, word: str) -> None:
        self.words.append(word)
        self.config.hook.pytest_gateproof_word(line=word)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from conformance.reporting import terminal

        if self.planned:
            for line in terminal.plan_lines(self.planned, self._requirements):
                terminalreporter.write_line(line)
        elif self.recording.blocked:
            terminalreporter.write_line(f"gateproof: {self.redactor.text(self.recording.blocked)}", red=True)
        elif self.document:
            terminalreporter.section("gateproof")
            for line in terminal.lines(self.document):
                terminalreporter.write_line(line)
            for word in self.words:
                terminalreporter.write_line(word, red=word.startswith("gateproof: "))

    def pytest_unconfigure(self) -> None:
        if self._output:
            self._output.close()
        with suppress(OSError):
            self._shared.cleanup()


def _baseline(settings: Settings) -> Baseline:
    """The baseline that is named; an empty one to be filled, if it is to be written and is not there yet."""
    if settings.baseline is None:
        return Baseline()
    if settings.update_baseline and not settings.baseline.exists():
        return Baseline(str(settings.baseline), (), datetime.now(UTC).date())
    return read(settings.baseline, requirement_by_test, draft=settings.update_baseline)


def _cited(item: pytest.Item, id: str) -> Requirement:
    """The requirement that a test names. Raises UsageError for one that there is not."""
    try:
        return catalogue.requirement(id)
    except UnknownRequirement as error:
        raise pytest.UsageError(f"gateproof: {item.nodeid}: {error}") from None
