"""A load.json as lines of text for a terminal. Times are shown in milliseconds."""

from typing import Any

from load.metrics import PERCENTILES, TIMES

TITLES = {"lateness_s": "lateness", "ttft_s": "TTFT", "itl_s": "ITL", "tpot_s": "TPOT", "e2e_s": "end to end"}
"""What a reader knows these figures by."""
COLUMNS = ("mean", *PERCENTILES, "max")


def lines(document: dict[str, Any]) -> list[str]:
    """The run in one line, then the table of times, then the errors by kind."""
    seconds = document["duration_s"]
    counts = "  ".join(f"{name} {document[name]}" for name in ("requests", "failed", "unfinished"))
    rates = "  ".join(f"{name} {_rate(document, f'{name}_per_s')}" for name in ("requests", "events", "tokens"))
    found = [
        f"{document['base_url']}  model {document['model']}  {document['users']} users  {seconds:.1f} s",
        counts,
        rates,
        "",
        f"{'ms':<12}{'count':>9}" + "".join(f"{column:>10}" for column in COLUMNS),
    ]
    for name in TIMES:
        figures = document[name]
        if name == "lateness_s" and not figures["count"]:
            continue
        found.append(
            f"{TITLES[name]:<12}{figures['count']:>9}" + "".join(f"{ms(figures[column]):>10}" for column in COLUMNS)
        )
    if document["errors"]:
        found += ["", "errors"]
    for kind, number in sorted(document["errors"].items(), key=lambda item: -item[1]):
        found.append(f"{number:>8}  {kind}: {document['error_examples'].get(kind, '')}".rstrip(": "))
    return found


def ms(value_s: float | None) -> str:
    """A time in seconds as milliseconds with two decimals; a dash where there is none."""
    return "-" if value_s is None else f"{value_s * 1000:.2f}"


def _rate(document: dict[str, Any], name: str) -> str:
    value = document[name]
    return "-" if value is None else f"{value:.1f}/s"
