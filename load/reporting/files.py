"""A load.json as files: as JSON, and as CSV, for spreadsheets. Times are in seconds in both."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula; a gateway's words may begin with it."""
TOTAL = "total"


def json_text(document: Mapping[str, Any]) -> str:
    """The text of load.json, which may be put into a page: no "<" begins an element there."""
    return json.dumps(document, indent=2, ensure_ascii=False).replace("<", "\\u003c") + "\n"


def csvs(document: Mapping[str, Any]) -> dict[str, str]:
    """Each file's text by its name: the figures of the run and of each scenario, the curves of its times,
    the seconds, and what went wrong."""
    return {
        "load_figures.csv": _table(_figures(document)),
        "load_distribution.csv": _table(_distribution(document["distribution"])),
        "load_series.csv": _table(document["series"]),
        "load_problems.csv": _table(list(_problems(document))),
    }


def _figures(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for the whole run and one for each scenario, with every figure in a column of its own."""
    scenarios = document["scenarios"]
    names = next(iter(scenarios.values()), document).keys() - {"errors", "error_examples", "violations"}
    kept = [name for name in document if name in names and name != "scenarios"]
    rows = [(TOTAL, document), *scenarios.items()]
    return [
        {"scenario": scenario} | {key: value for name in kept for key, value in _flat(name, figures[name])}
        for scenario, figures in rows
    ]


def _distribution(found: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    curves = {name: curve for name, curve in found.items() if curve}
    return [dict(zip(curves, row, strict=True)) for row in zip(*curves.values(), strict=True)]


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for inner, part in value.items():
            yield from _flat(f"{name}.{inner}", part)
    elif not isinstance(value, list):
        yield name, value


def _problems(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for scenario, figures in document["scenarios"].items():
        for kind, count in figures["errors"].items():
            example = figures["error_examples"].get(kind, "")
            yield {"scenario": scenario, "what": "error", "kind": kind, "count": count, "example": example}
        for row in figures["violations"]:
            found = {"kind": row["rule"], "count": row["count"], "example": row["example"]}
            yield {"scenario": scenario, "what": "violation", **found}


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows with a line of names above; nothing at all without rows."""
    text = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
