"""load.html: a load.json as one page that needs no network and, but for its charts, no script.

What a gateway said is hostile: the template escapes every value, and the page's policy runs no script but ours.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from conformance.rendering.markup import STYLE, policy
from conformance.verdict import Exit
from load import gate
from load.gate.names import FIGURES
from load.metrics import RATES, TIMES
from load.reporting import charts, sections
from load.reporting.sections import number
from load.reporting.table import COLUMNS, TITLES, ms

STATIC = Path(__file__).parent.with_name("static")
GLOSSARY = (
    (
        "TTFT",
        "Time to first token: from when the request was due by its schedule (or sent, where users set the pace) to the"
        " first event with generated text. Neither the headers nor the empty event that names the role count.",
    ),
    ("ITL", "Every single gap between two events with text of one stream. Nothing is averaged before the percentiles."),
    ("TPOT", "(last event with text − first) ÷ (tokens − 1), once a stream; the tokens are those of the usage."),
    ("End to end", "From when the request was due (or sent) to [DONE], or the last byte of an answer without one."),
    ("Goodput", "The share of all requests that neither failed nor broke a rule and held every per-request objective."),
    ("Lateness", "How long after its scheduled time a request was really sent. TTFT and end to end include it."),
    ("Stall", "A gap between two events of one stream that is longer than the limit."),
    ("Event", "One event of the stream. A gateway may put several tokens into one, so events are not tokens."),
    ("Loop lag", "How much later than asked the client's own event loop ran: what the client may add to any time."),
)


class Banner(NamedTuple):
    """`tone` is good, bad or doubt."""

    tone: str
    word: str
    reasons: list[str]


def page(document: Mapping[str, Any]) -> str:
    """The page of a load.json, which must hold no secret: nothing is taken out of it here."""
    columns, step = charts.thinned(document.get("series") or [])
    scenarios = _scenarios(document["scenarios"]) if len(document["scenarios"]) > 1 else []
    found = sections.of(document)
    style, script = _assets()
    return _template().render(
        run=document,
        policy=policy(style, script),
        style=Markup(style),
        script=Markup(script),
        summary=_summary(document),
        verdict=_verdict(document),
        trust=_trust(document["client"]),
        checks=_checks(document["slo"]),
        tiles=_tiles(document),
        columns=list(COLUMNS),
        times=[_row(TITLES[name], document[name], ms) for name in TIMES if document[name]["count"]],
        rates=[
            _row(name.removesuffix("_per_s"), document["per_stream"][name], number)
            for name in RATES
            if document["per_stream"][name]["count"]
        ],
        violations=[(found["rule"], found["count"], found["example"]) for found in document["violations"]],
        errors=[
            (kind, count, document["error_examples"].get(kind, ""))
            for kind, count in sorted(document["errors"].items(), key=lambda item: -item[1])
        ],
        charts=bool(columns["t_s"]),
        step=step,
        scenarios=scenarios,
        scenario_columns=SCENARIO_COLUMNS,
        sections=found,
        client=_client(document["client"]),
        glossary=GLOSSARY,
        data={
            "specification": charts.specification(),
            "columns": columns,
            "curves": [section.curves for section in found if section.curves],
        },
    )


VERDICTS = {
    Exit.CONFORMANT: ("good", "Passed"),
    Exit.BROKEN: ("bad", "Failed"),
    Exit.ERROR: ("bad", "A fault of gateproof's own"),
    Exit.NOTHING_JUDGED: ("bad", "Nothing was measured"),
    Exit.UNTRUSTWORTHY: ("doubt", "Not to be trusted"),
}
SCENARIO_COLUMNS = ("Scenario", "Requests", "Failed", "TTFT p50", "TTFT p95", "ITL p50", "ITL p99", "End to end p95")


def _summary(document: Mapping[str, Any]) -> list[str]:
    arrivals = document["arrivals"]
    rate = f", {arrivals['rate']:g} requests/s" if arrivals["rate"] else f", {document['users']} users"
    return [
        f"model {document['model'] or 'unknown'}",
        ", ".join(document["scenarios"]) or "no scenario",
        f"{arrivals['kind']} arrivals{rate}",
        f"{document['duration_s']:.1f} s",
    ]


def _verdict(document: Mapping[str, Any]) -> Banner:
    tone, word = VERDICTS[gate.exit_code(document)]
    if search := document.get("sweep"):
        which = "that load" if search["knee"] is not None else "the last one"
        reasons = [f"The figures below are of {which}"]
        reasons += [search["stopped"]] if search["stopped"] else []
        if broken := sum(step["violations"] for step in search["steps"]):
            reasons.append(f"{broken} violations in all of its steps")
        return Banner(tone, f"{word}: {sections.knee(search)}", reasons)
    reasons = []
    slo, baseline = document["slo"], document["slo"]["baseline"]
    if missed := sum(not check["held"] for check in slo["checks"]):
        reasons.append(f"{missed} of {len(slo['checks'])} objectives missed")
    if baseline and not baseline["comparable"]:
        reasons.append("it can't be compared with the earlier run")
    elif baseline and not baseline["held"]:
        reasons.append(f"{sum(row['regressed'] for row in baseline['figures'])} figures worse than in the earlier run")
    if broken := sum(found["count"] for found in document["violations"]):
        reasons.append(f"{broken} violations, of {', '.join(found['rule'] for found in document['violations'])}")
    if document["failed"]:
        reasons.append(f"{document['failed']} of {document['requests']} requests failed")
    if tone == "good" and not reasons:
        objectives = f"{len(slo['checks'])} objectives held" if slo["checks"] else "no objective was set"
        word += f": nothing failed, no rule was broken, {objectives}"
    return Banner(tone, word, reasons)


def _trust(client: Mapping[str, Any]) -> Banner:
    if client["trustworthy"]:
        return Banner("good", "The client kept up: these times are the gateway's.", [])
    return Banner("doubt", "The client was the bottleneck: these times can't be trusted.", list(client["reasons"]))


def _checks(slo: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (check["slo"], FIGURES[check["name"]].told(check["value"]), "held" if check["held"] else "missed")
        for check in slo["checks"]
    ]


def _tiles(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    requests, retries = document["requests"], document["retry_after"]
    found = [
        (
            "Requests",
            number(requests),
            f"{number(document['requests_per_s'])}/s, {document['unfinished']} unfinished",
        ),
        ("Failed", number(document["failed"]), f"{document['failed'] / requests:.2%}" if requests else ""),
        ("Events/s", number(document["events_per_s"]), f"{number(document['events'])} in all"),
        ("Tokens/s", number(document["tokens_per_s"]), "as the usage tells" if document["tokens"] else "no usage"),
        ("Tokens per event", number(document["tokens_per_event"]), "1 is a token an event"),
        ("Stalls", number(document["stalls"]), f"in {number(document['streams'])} streams"),
        ("Goodput", "–" if document["goodput"] is None else f"{document['goodput']:.2%}", "good among all requests"),
        ("Cut short", number(document["cut_short"]), f"{document['malformed']} malformed"),
    ]
    if retries["seen"]:
        found.append(("Retry-After", number(retries["seen"]), f"{retries['obeyed']} obeyed"))
    if document["dropped"]:
        found.append(("Not sent", number(document["dropped"]), "due while too many were open"))
    return found


def _scenarios(found: Mapping[str, Any]) -> list[list[str]]:
    wanted = (("ttft_s", "p50"), ("ttft_s", "p95"), ("itl_s", "p50"), ("itl_s", "p99"), ("e2e_s", "p95"))
    return [
        [
            name,
            number(figures["requests"]),
            number(figures["failed"]),
            *(ms(figures[time][at]) for time, at in wanted),
        ]
        for name, figures in found.items()
    ]


def _client(client: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    lag = client["loop_lag_s"]
    found = [
        (
            "Loop lag",
            f"p50 {ms(lag['p50'])} ms, p99 {ms(lag['p99'])} ms, max {ms(lag['max'])} ms",
            "How late the client's own event loop ran: it may have added as much to any time above.",
        ),
        (
            "CPU",
            "–" if client["cpu"] is None else f"{client['cpu']:.0%} of a core",
            "Of the busiest process. Near 100 % a load generator measures itself.",
        ),
        (
            "Events per read",
            number(client["events_per_read"]),
            "Well above 1, events came in batches, or were read so: gaps inside a batch are zero.",
        ),
    ]
    if calibration := client["calibration"]:
        for name, title in (("ttft", "TTFT"), ("itl", "ITL")):
            errors = calibration[f"{name}_error_s"]
            found.append(
                (
                    f"{title} error",
                    f"p50 {ms(errors['p50'])} ms, p99 {ms(errors['p99'])} ms",
                    "What this client reported beyond the truth of a server whose send times are known, at this load"
                    f" (processes: {calibration['processes']}, streams in each: {calibration['streams']})."
                    + (f" {calibration['note']}" if calibration["note"] else ""),
                )
            )
    return found


def _row(title: str, figures: Mapping[str, Any], shown: Any) -> list[str]:
    return [title, number(figures["count"]), *(shown(figures[column]) for column in COLUMNS)]


@cache
def _template() -> Template:
    found = Environment(loader=FileSystemLoader(STATIC), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return found.get_template("report.html")


@cache
def _assets() -> tuple[str, str]:
    """(style, script) of the page."""
    style, script = ("\n".join(path.read_text("utf-8") for path in paths) for paths in (_STYLES, _SCRIPTS))
    return style, script


_STYLES = (STATIC / "uplot.min.css", STYLE, STATIC / "page.css")
_SCRIPTS = tuple(STATIC / name for name in ("uplot.min.js", "charts.js", "report.js"))
