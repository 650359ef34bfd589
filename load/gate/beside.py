"""Two load.json beside each other, for `gateproof compare`: the figures that a baseline is held against, as every
comparison is shown."""

from collections.abc import Callable, Mapping
from typing import Any

from conformance.comparing.comparison import Comparison, Difference, Fact, Section, Tone
from conformance.verdict import Exit
from load.gate import comparison
from load.gate.names import FIGURES


def recognises(document: Any) -> bool:
    """Whether a document means to be a load.json."""
    return isinstance(document, dict) and "ttft_s" in document and "arrivals" in document


def compared(before: Any, now: Any, *, strict: bool = False) -> Comparison:
    """The comparison of two load.json. Runs of different loads are not compared, with `strict` or without. Raises
    ValueError where one of them is not whole."""
    try:
        found = comparison.compared(now, before)
        facts = _facts(before, now)
        rows = [(row, _difference(row)) for row in found["figures"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"one of them is no load.json of this version ({error})") from None
    worse = [shown for row, shown in rows if row["regressed"]]
    others = [shown for row, shown in rows if not row["regressed"]]
    trusted = bool(now["client"]["trustworthy"])
    share = f"{found['tolerance']:.0%}"
    sections = [
        Section("Worse", Tone.BAD, f"By more than {share}, and more than chance.", worse),
        Section("Within the tolerance, or better", Tone.PLAIN, f"At most {share} worse.", others),
    ]
    code, verdict = _verdict(found, len(worse), trusted)
    remarks = [] if trusted else ["the later run is not to be trusted: its client gave out"]
    return Comparison(code, verdict, facts, [section for section in sections if section.rows], remarks)


def _verdict(found: Mapping[str, Any], worse: int, trusted: bool) -> tuple[Exit, str]:
    if not found["comparable"]:
        return Exit.NOTHING_JUDGED, f"nothing can be compared: {'; '.join(found['differences'])}"
    if not trusted:
        return Exit.UNTRUSTWORTHY, "the later run's client was the bottleneck: its figures can't be trusted"
    if worse:
        return Exit.BROKEN, f"{worse} of {len(found['figures'])} figures worse"
    return Exit.CONFORMANT, f"no regression in {len(found['figures'])} figures"


def _difference(row: Mapping[str, Any]) -> Difference:
    figure = FIGURES[row["name"]]
    change = "" if row["change"] is None else f"{row['change']:+.1%}"
    return Difference(row["name"], figure.told(row["then"]), figure.told(row["now"]), about=change)


def _facts(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Fact]:
    told: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "gateway": lambda run: run["base_url"],
        "model": lambda run: run["model"] or "none",
        "profile": lambda run: run["profile"],
        "load": _load,
        "scenarios": lambda run: ", ".join(run["scenarios"]),
        "requests": lambda run: f"{run['requests']}, {run['failed']} failed",
        "client": lambda run: "kept up" if run["client"]["trustworthy"] else "the bottleneck",
        "gateproof": lambda run: run["tool"]["version"],
    }
    return [Fact(name, value(before), value(now)) for name, value in told.items()]


def _load(run: Mapping[str, Any]) -> str:
    arrivals = run["arrivals"]
    pace = f"{arrivals['rate']:g} requests/s" if arrivals["rate"] else f"{run['users']} users"
    return f"{arrivals['kind']}, {pace}, {run['duration_s']:.0f} s"
