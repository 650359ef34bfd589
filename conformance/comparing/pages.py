"""Comparisons and the matrix as pages that need no network and, to be read, no script.

What a gateway said is hostile: the templates escape every value, and the pages' policy runs no script but ours.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from conformance import catalogue
from conformance.catalogue import Level
from conformance.comparing.clients import ClientRow, Outlook
from conformance.comparing.comparison import Comparison
from conformance.comparing.documents import Row, Share
from conformance.comparing.matrix import Entry, Speed, area_names
from conformance.rendering.markup import STYLE, coded, policy
from conformance.reporting.report import tool_version
from conformance.verdict import Verdict

_OUTLOOKS = {Outlook.WORKS: "good", Outlook.PARTLY: "doubt", Outlook.BREAKS: "bad", Outlook.UNKNOWN: ""}
_TOLD = {
    Outlook.WORKS: "work",
    Outlook.PARTLY: "work in part",
    Outlook.BREAKS: "break",
    Outlook.UNKNOWN: "can't be told",
}
_ALMOST = 0.9
"""From this share on an area is shown as nearly kept."""
_FIRST = (Verdict.FAIL, Verdict.KNOWN, Verdict.UNTESTABLE, Verdict.WARN)


def comparison_page(found: Comparison, before: str, now: str) -> str:
    """The page of a comparison of the documents of these names."""
    verdicts = {verdict.value for verdict in Verdict}
    return _page("comparison.html", "", found=found, before=before, now=now, verdicts=verdicts)


def matrix_page(entries: Sequence[Entry], link: str) -> str:
    """The page of published reports. `link` leads from the page to their folders, "" where it stands beside them."""
    judged = [entry for entry in entries if entry.run]
    areas = area_names(entries)
    known = catalogue.areas()
    return _page(
        "matrix.html",
        _static("matrix.js"),
        entries=entries,
        judged=judged,
        loads=[entry for entry in entries if entry.speed],
        areas=areas,
        titles={area: known[area].title if area in known else "" for area in areas},
        profiles=sorted({entry.run.profile for entry in entries if entry.run}),
        speed_columns=Speed.COLUMNS,
        outlooks=_OUTLOOKS,
        tone=_tone,
        told=_told,
        by_area=_by_area,
        link=link,
        catalogue=catalogue.fingerprint(),
        version=tool_version(),
    )


def _tone(share: Share) -> str:
    if not share.judged:
        return ""
    if share.kept == share.judged:
        return "good"
    return "doubt" if share.value >= _ALMOST else "bad"


def _told(rows: Sequence[ClientRow]) -> str:
    """How many clients fare how."""
    counts = {outlook: sum(row.outlook is outlook for row in rows) for outlook in Outlook}
    return ", ".join(f"{count} {_TOLD[outlook]}" for outlook, count in counts.items() if count)


def _by_area(entry: Entry) -> list[tuple[str, list[Row]]]:
    """The areas of a run with their requirements, those that are not kept first."""
    assert entry.run is not None
    rows = sorted(entry.run.rows.values(), key=_urgency)
    return [(area, [row for row in rows if row.area == area]) for area in entry.run.areas]


def _urgency(row: Row) -> tuple[int, bool]:
    place = _FIRST.index(row.verdict) if row.verdict in _FIRST else len(_FIRST)
    return place, row.level is not Level.MUST


def _page(name: str, script: str, **values: Any) -> str:
    style = _style()
    shown = {"policy": policy(style, script), "style": Markup(style), "script": Markup(script)}
    return _templates().get_template(name).render(**shown, **values)


@cache
def _templates() -> Environment:
    loader = PackageLoader("conformance.comparing", "static")
    found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found.filters["coded"] = coded
    return found


@cache
def _style() -> str:
    return STYLE.read_text("utf-8") + _static("pages.css")


@cache
def _static(name: str) -> str:
    return (files("conformance.comparing") / "static" / name).read_text("utf-8")
