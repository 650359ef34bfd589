"""Files of a run: report.json, junit.xml and allure-results/, put in place together when the run is over, or not at
all."""

import html
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from conformance.catalogue import Level, Requirement, areas
from conformance.exchange import Exchange, clip
from conformance.profiles import Profile
from conformance.redact import Redactor
from conformance.reporting import report
from conformance.target import ConfigError
from conformance.verdict import Verdict


class Output:
    """The output folder of a run. Raises ConfigError if it can't be written."""

    def __init__(self, folder: Path, config: pytest.Config) -> None:
        self.folder = folder
        self.report: dict[str, Any] | None = None
        self._staging = folder / ".partial"
        try:
            shutil.rmtree(self._staging, ignore_errors=True)
            self._staging.mkdir(parents=True)
        except OSError as error:
            raise ConfigError(f"--output {folder}: it can't be written ({error.strerror})") from None
        if not config.option.xmlpath:
            config.option.xmlpath = str(self._staging / "junit.xml")
        if getattr(config.option, "allure_report_dir", "") is None:
            config.option.allure_report_dir = str(self._staging / "allure-results")

    def finish(self) -> None:
        """Moves what was written into place; leaves the folder as it was if there is no report."""
        if self.report:
            for path in self._staging.glob("allure-results/*.json"):  # whose reader shows some of it as HTML
                path.write_text(path.read_text("utf-8").replace("<", "\\u003c"), "utf-8")
            for path in self._staging.iterdir():
                final = self.folder / path.name
                if final.is_dir():
                    shutil.rmtree(final)
                os.replace(path, final)
            report.write(self.report, self.folder)
        shutil.rmtree(self._staging, ignore_errors=True)


def tell_allure(
    requirement: Requirement,
    profile: Profile,
    verdict: Verdict,
    seen: str,
    exchanges: list[Exchange],
    redactor: Redactor,
) -> None:
    """Labels the running test for Allure and attaches the exchanges it rests on."""
    import allure

    says: Any = allure.dynamic
    severity = {Level.MUST: allure.severity_level.CRITICAL, Level.SHOULD: allure.severity_level.NORMAL}
    says.epic(profile.name)
    says.feature(f"{requirement.area}: {areas()[requirement.area].title}")
    says.severity(severity.get(profile.level(requirement), allure.severity_level.MINOR))
    says.title(f"{requirement.id} {requirement.statement}")
    said = html.escape(seen, quote=False)
    says.description(f"Verdict: {verdict}. {said}\n\nSource: {requirement.source}\n\n{requirement.test}")
    says.tag(verdict.value)
    for exchange in exchanges:
        name = clip(f"{exchange.id} {exchange.label}", 200)
        allure.attach(report.transcript(exchange, redactor), name, allure.attachment_type.TEXT)
