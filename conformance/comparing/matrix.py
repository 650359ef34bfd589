"""The published reports of a folder, one folder each: what every gateway keeps of every area, best first.

Ordered by the share of MUSTs that are kept among those judged, then of all requirements: what a profile knows to be
broken is broken here, and so is what can't be tested as the gateway broke before. A run of a part comes last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from conformance import catalogue, profiles
from conformance.comparing.clients import ClientRow, clients
from conformance.comparing.documents import Run, Share, loaded, run_of
from conformance.target import ConfigError

REPORT, LOAD, PAGE, README = "report.json", "load.json", "report.html", "README.md"


@dataclass(frozen=True, slots=True)
class Speed:
    """What a load.json says first. Times are in seconds, None where nothing was measured."""

    COLUMNS: ClassVar[tuple[str, ...]] = (
        *("load", "requests", "failed", "TTFT p50", "TTFT p99", "ITL p99", "events/s", "client"),
    )

    load: str
    requests: int
    failed: int
    ttft_p50_s: float | None
    ttft_p99_s: float | None
    itl_p99_s: float | None
    events_per_s: float | None
    is_trustworthy: bool

    @classmethod
    def of(cls, document: Any) -> "Speed | None":
        """None where it is no load.json. Raises ValueError where it is a broken one."""
        if not isinstance(document, dict) or "ttft_s" not in document or "arrivals" not in document:
            return None
        try:
            arrivals = document["arrivals"]
            rate = f"{arrivals['rate']:g} requests/s" if arrivals["rate"] else f"{int(document['users'])} users"
            return cls(
                load=f"{arrivals['kind']}, {rate}",
                requests=int(document["requests"]),
                failed=int(document["failed"]),
                ttft_p50_s=_number(document["ttft_s"]["p50"]),
                ttft_p99_s=_number(document["ttft_s"]["p99"]),
                itl_p99_s=_number(document["itl_s"]["p99"]),
                events_per_s=_number(document["events_per_s"]),
                is_trustworthy=document["client"]["trustworthy"] is True,
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ValueError("its members are not those of a load.json") from None

    def cells(self) -> list[str]:
        """As text, in the order of COLUMNS."""
        times = (self.ttft_p50_s, self.ttft_p99_s, self.itl_p99_s)
        events = "–" if self.events_per_s is None else f"{self.events_per_s:.4g}"
        trust = "kept up" if self.is_trustworthy else "bottleneck: not to be trusted"
        return [self.load, str(self.requests), str(self.failed), *map(_milliseconds, times), events, trust]


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a README: a paragraph, or code."""

    text: str
    is_code: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One published gateway: what was found in its folder. `folder` is the folder's name."""

    folder: str
    title: str
    run: Run | None
    clients: Sequence[ClientRow]
    speed: Speed | None
    reproduce: Sequence[Block]
    has_page: bool
    is_outdated: bool
    """Judged by another catalogue than this version's."""
    is_partial: bool
    """Judged by this catalogue, and not by all that its profile asks for."""

    @property
    def anchor(self) -> str:
        return quote(self.folder, safe="")

    @property
    def order(self) -> tuple[Any, ...]:
        """Sorts the best first."""
        musts = self.run.musts if self.run else Share(0, 0)
        rows = Share.of(self.run.rows.values()) if self.run else Share(0, 0)
        return self.run is None, self.is_partial, -musts.value, -rows.value, -rows.judged, self.title


def published(folder: Path) -> tuple[list[Entry], list[str]]:
    """The gateways whose reports are in the folders of this one, best first, and a sentence for each report that can't
    be read. Folders without a report are none. Raises ConfigError where there is no such folder."""
    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise ConfigError(f"{folder}: it can't be read ({error.strerror})") from None
    found, complaints = [], []
    for path in folders:
        try:
            if entry := _entry(path):
                found.append(entry)
        except ConfigError as error:
            complaints.append(str(error))
    return sorted(found, key=lambda entry: entry.order), complaints


def area_names(entries: Iterable[Entry]) -> list[str]:
    """The areas that at least one of them was judged by, in the order of the catalogue."""
    seen = dict.fromkeys(area for entry in entries if entry.run for area in entry.run.areas)
    known = [area for area in catalogue.areas() if area in seen]
    return [*known, *(area for area in seen if area not in known)]


def _entry(path: Path) -> Entry | None:
    report, load = path / REPORT, path / LOAD
    if not report.exists() and not load.exists():
        return None
    document = loaded(report) if report.exists() else None
    run = run_of(report, document) if report.exists() else None
    speed = None
    if load.exists():
        try:
            speed = Speed.of(loaded(load))
        except ValueError as error:
            raise ConfigError(f"{load}: {error}") from None
    if run is None and speed is None:
        return None
    readme = _text(path / README)
    return Entry(
        folder=path.name,
        title=_title(readme) or path.name,
        run=run,
        clients=clients(document) if run else (),
        speed=speed,
        reproduce=_reproduce(readme),
        has_page=(path / PAGE).exists(),
        is_outdated=run is not None and run.catalogue != catalogue.fingerprint(),
        is_partial=run is not None and _lacks(run),
    )


def _lacks(run: Run) -> bool:
    """Whether a run by this catalogue left out what its profile asks for. What needs a provider of ours behind the
    gateway is no part of a run without one."""
    if run.catalogue != catalogue.fingerprint() or run.profile not in profiles.names():
        return False
    asked = profiles.profile(run.profile)
    wanted = (found for found in catalogue.requirements().values() if asked.applies(found) and not found.not_judged)
    return any(found.id not in run.rows for found in wanted if "scripted_upstream" not in found.features)


def _title(readme: str) -> str:
    """The first heading, without what a profile adds to it."""
    line = next((line for line in readme.splitlines() if line.startswith("# ")), "# ")
    return line[2:].partition(", profile")[0].strip()


def _reproduce(readme: str) -> list[Block]:
    """The section of that name, as paragraphs and blocks of code."""
    found: list[Block] = []
    lines: list[str] = []
    is_inside = is_code = False

    def close() -> None:
        if text := "\n".join(lines).strip("\n"):
            found.append(Block(text, is_code))
        lines.clear()

    for line in readme.splitlines():
        if line.startswith("## ") and not is_code:
            close()
            is_inside = line[3:].strip().lower() == "reproduce"
        elif is_inside and line.startswith("```"):
            close()
            is_code = not is_code
        elif is_inside and (is_code or line.strip()):
            lines.append(line)
        elif is_inside:
            close()
    close()
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.4g} ms"
