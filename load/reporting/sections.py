"""The sections of load.html that not every run has: the comparison, what the gateway adds, and the sweep."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from load.gate.names import FIGURES
from load.overhead import TITLES, WAYS
from load.reporting.table import TITLES as time_titles
from load.reporting.table import ms

LEAST_MS = 0.01
"""On a logarithmic scale there is no zero; gaps of events that came together are drawn here."""
_OF_WHAT = {
    "ttft_s": "Of all streams.",
    "itl_s": "Of all gaps between two events with text.",
    "e2e_s": "Of all answers.",
}
UNITS = {"rate": "requests/s", "users": "users"}


class Table(NamedTuple):
    """`words`: its cells are sentences more than figures."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    words: bool = False


class Section(NamedTuple):
    """`findings` are sentences; `curves` are what charts.js draws."""

    title: str
    about: str
    findings: Sequence[str]
    tables: Sequence[Table]
    curves: Sequence[Mapping[str, Any]] = ()


def of(document: Mapping[str, Any]) -> list[Section]:
    """Those that this load.json has."""
    found = (
        _distribution(document["distribution"]),
        _comparison(document["slo"]["baseline"]),
        _overhead(document["overhead"]),
        _sweep(document.get("sweep")),
    )
    return [section for section in found if section]


def number(value: float | None) -> str:
    """A count or a rate, as short as it may be; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def knee(found: Mapping[str, Any]) -> str:
    """What a sweep found, in a few words."""
    at = found["knee"]
    return "No load that was tried held" if at is None else f"Held up to {at:g} {UNITS[found['unit']]}"


def _distribution(found: Mapping[str, Sequence[float]]) -> Section | None:
    curves = [
        {
            "title": f"{time_titles[name]}, ms",
            "about": about,
            "x": "ms",
            "y": "%",
            "log": True,
            "lines": [
                {
                    "label": time_titles[name],
                    "points": [
                        (max(value * 1000, LEAST_MS), share * 100)
                        for value, share in zip(found[name], found["share"], strict=True)
                    ],
                }
            ],
        }
        for name, about in _OF_WHAT.items()
        if found[name]
    ]
    about = (
        "How many of all values are at or below each time. A step is a value that many share; a long way to the right"
        " at the top is a tail, which no mean shows."
    )
    return Section("Distribution", about, (), (), curves) if curves else None


def _comparison(found: Mapping[str, Any] | None) -> Section | None:
    if found is None:
        return None
    title = "Beside the earlier run"
    if not found["comparable"]:
        return Section(title, "The two runs are different tests and were not compared.", found["differences"], ())
    rows = []
    for row in found["figures"]:
        told = FIGURES[row["name"]].told
        change = "–" if row["change"] is None else f"{row['change']:+.1%}"
        rows.append((row["name"], told(row["then"]), told(row["now"]), change, "worse" if row["regressed"] else "held"))
    allowed = f"{found['tolerance'] * 100:.3g}%"
    about = f"A figure may be worse by {allowed} of what it was (--tolerance), or by what is noise for it."
    return Section(title, about, (), [Table(("Figure", "Then", "Now", "Change", "Verdict"), rows)])


def _overhead(found: Mapping[str, Any] | None) -> Section | None:
    if found is None:
        return None
    failed = ", ".join(f"{found['failed'][way]} {way}" for way in WAYS)
    about = (
        f"Each of {number(found['pairs'])} requests went both through the gateway (via) and straight to its provider"
        f" (direct). The figures are of the differences of the pairs; the intervals hold the true value with"
        f" {found['confidence']:.0%} confidence. Failed: {failed}."
    )
    added = [
        (
            title,
            number(one["count"]),
            ms(one["p50"]),
            _between(one["p50_interval"]),
            ms(one["mean"]),
            _between(one["mean_interval"]),
            ms(one["p95"]),
        )
        for title, one in ((title, found["added"][name]) for name, title in TITLES.items())
    ]
    head = ("Added, ms", "pairs", "p50", "p50, interval", "mean", "mean, interval", "p95")
    shape = [(way, *(number(value) for value in found["shape"][way].values())) for way in WAYS]
    names = [name.replace("_", " ") for name in found["shape"][WAYS[0]]]
    caption = "bunched: the share of events that came right after the one before."
    return Section(
        "What the gateway adds", about, found["findings"], [Table(head, added), Table(("way", *names), shape, caption)]
    )


def _sweep(found: Mapping[str, Any] | None) -> Section | None:
    if found is None:
        return None
    unit, steps, loads = found["unit"], found["steps"], UNITS[found["unit"]]
    findings = [f"{knee(found)}."]
    findings += [f"{step[unit]:g} {loads} did not hold: {step['why']}." for step in steps if not step["held"]]
    findings += [f"{found['stopped']}."] if found["stopped"] else []
    rows = [
        (
            f"{step[unit]:g}",
            "held" if step["held"] else "missed",
            *(number(step[name]) for name in ("requests_per_s", "tokens_per_s")),
            "–" if step["goodput"] is None else f"{step['goodput']:.2%}",
            *(ms(step[name]) for name in ("ttft_p50_s", "ttft_p95_s", "itl_p99_s")),
            *(number(step[name]) for name in ("failed", "violations")),
        )
        for step in steps
    ]
    head = (
        loads,
        "verdict",
        "answered/s",
        "tokens/s",
        "goodput",
        "TTFT p50, ms",
        "TTFT p95, ms",
        "ITL p99, ms",
        "failed",
        "violations",
    )
    return Section(
        "Sweep",
        "The load was raised until its objectives no longer held, and then narrowed down.",
        findings,
        [Table(head, rows)],
        [
            {
                "title": f"Goodput over {loads}",
                "about": "The share of all requests that neither failed nor broke a rule and held every objective.",
                "x": loads,
                "y": "%",
                "lines": [_line("goodput", steps, unit, "goodput", 100)],
            },
            {
                "title": f"Times over {loads}",
                "about": "The knee of a gateway is where these bend.",
                "x": loads,
                "y": "ms",
                "lines": [
                    _line("TTFT p50", steps, unit, "ttft_p50_s", 1000),
                    _line("TTFT p95", steps, unit, "ttft_p95_s", 1000),
                    _line("ITL p99", steps, unit, "itl_p99_s", 1000),
                ],
            },
        ],
    )


def _line(label: str, steps: Sequence[Mapping[str, Any]], unit: str, name: str, scale: float) -> dict[str, Any]:
    points = [(step[unit], step[name] * scale) for step in steps if step[name] is not None]
    return {"label": label, "points": points}


def _between(interval: Sequence[float] | None) -> str:
    return "too few" if interval is None else f"{ms(interval[0])} to {ms(interval[1])}"
