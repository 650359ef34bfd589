"""Files of a run: report.json, what is rendered from it, junit.xml and allure-results/; put in place together when the
run is over, or not at all."""

import html
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance import rendering
from conformance.catalogue import Level, Requirement, areas
from conformance.exchange import Exchange, clip
from conformance.profiles import Profile
from conformance.redact import Redactor
from conformance.reporting import report
from conformance.target import ConfigError
from conformance.verdict import Verdict

PARTIAL = ".partial"
"""The folder in the output folder where everything is first."""


@dataclass(frozen=True, slots=True)
class Written:
    """The files that are in place, and a sentence for each fault of ours on the way to them."""

    paths: tuple[Path, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """What is said of it to the user."""
        first, others = self.paths[:1], self.paths[1:]
        names = [*map(str, first), *(path.name + "/" * path.is_dir() for path in others)]
        page = [f"to read it in a browser: {path}" for path in self.paths if path.name == rendering.RENDERERS["page"]]
        return (f"written: {', '.join(names)}", *page) if names else ()


class Output:
    """The output folder of a run. Raises ConfigError if it can't be written."""

    def __init__(self, folder: Path, config: pytest.Config) -> None:
        self.folder = folder
        self._staging = folder / PARTIAL
        try:
            shutil.rmtree(self._staging, ignore_errors=True)
            self._staging.mkdir(parents=True)
        except OSError as error:
            raise ConfigError(f"--output {folder}: it can't be written ({error.strerror})") from None
        if not config.option.xmlpath:
            config.option.xmlpath = str(self._staging / "junit.xml")
        if getattr(config.option, "allure_report_dir", "") is None:
            config.option.allure_report_dir = str(self._staging / "allure-results")

    def write(self, document: dict[str, Any]) -> Written:
        """Renders the document, and puts everything into place when that is done. A renderer's fault leaves out its
        file, that of an earlier run too; where the disk fails, the folder stays as it was."""
        names = rendering.written()
        said, faults = rendering.rendered(document, names)
        try:
            for path in self._staging.glob("allure-results/*.json"):  # whose reader shows some of it as HTML
                path.write_text(path.read_text("utf-8").replace("<", "\\u003c"), "utf-8")
            texts = {names[name]: text for name, text in said.items()}
            paths = placed({"report.json": report.text(document), **texts}, self.folder)
            for name in names.keys() - said.keys():
                (self.folder / names[name]).unlink(missing_ok=True)
        except OSError as error:
            return Written(faults=(*faults, f"--output {self.folder}: it can't be written ({error.strerror})"))
        return Written(tuple(paths), tuple(faults))

    def close(self) -> None:
        """Takes away what is not in place, as of a run that was interrupted."""
        shutil.rmtree(self._staging, ignore_errors=True)


def placed(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Writes the texts into the folder beside what is staged there already, and only then puts all of it into place.
    Returns the paths, report.json first. Raises OSError."""
    staging = folder / PARTIAL
    staging.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (staging / name).write_text(text, "utf-8", "replace")
    found = sorted(staging.iterdir(), key=lambda path: (path.name != "report.json", path.name))
    for path in found:
        final = folder / path.name
        if final.is_dir():
            shutil.rmtree(final)
        os.replace(path, final)
    staging.rmdir()
    return [folder / path.name for path in found]


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
