"""A load.json as lines of text for a terminal. Times are shown in milliseconds."""

from collections.abc import Iterator, Mapping
from typing import Any

from load.metrics import PERCENTILES, TIMES

TITLES = {"lateness_s": "lateness", "ttft_s": "TTFT", "itl_s": "ITL", "tpot_s": "TPOT", "e2e_s": "end to end"}
"""What a reader knows these figures by."""
COLUMNS = ("mean", *PERCENTILES, "max")
COUNTS = ("failed", "unfinished", "dropped", "left", "stalls", "cut_short", "malformed")
"""What is told only when there is any, but the first two."""
QUOTED = 160
"""Characters of what a gateway said."""
HELPS = "what helps: no other work on this machine, then more --processes, then more machines"


def lines(document: Mapping[str, Any]) -> list[str]:
    """What was sent where, the table of times, what went wrong, the verdicts, and whether all that can be believed.
    No line holds a control character, whatever the gateway said."""
    found = [
        *_head(document),
        *_times(document),
        *_wrong(document),
        *_section("what the gateway adds", (document["overhead"] or {}).get("findings", ())),
        *_sweep(document.get("sweep")),
        *_verdicts(document["slo"]),
        *_client(document["client"]),
    ]
    return ["".join(letter if letter.isprintable() else " " for letter in line) for line in found]


def ms(value_s: float | None) -> str:
    """A time in seconds as milliseconds with two decimals; a dash where there is none."""
    return "-" if value_s is None else f"{value_s * 1000:.2f}"


def _head(document: Mapping[str, Any]) -> Iterator[str]:
    arrivals = document["arrivals"]
    if arrivals["rate"] is None:
        load = f"{document['users']} user{'' if document['users'] == 1 else 's'}"
    else:  # as it was written: the rate is only the highest of a spike or of steps
        load = arrivals.get("text") or f"{arrivals['kind']} {arrivals['rate']:g}/s"
    scenarios = ", ".join(document["scenarios"])
    yield f"{document['base_url']}  model {document['model']}  {scenarios}  {load}  {document['duration_s']:.1f} s"
    told = [name for name in COUNTS if document[name] or name in COUNTS[:2]]
    yield "  ".join(f"{name.replace('_', ' ')} {document[name]}" for name in ("requests", *told))
    rates = [f"{name} {_rate(document[f'{name}_per_s'])}" for name in ("requests", "events", "tokens")]
    per_event, retries = document["tokens_per_event"], document["retry_after"]
    rates += [f"tokens/event {per_event:.3g}"] if per_event is not None else []
    rates += [f"Retry-After {retries['seen']} seen, {retries['obeyed']} obeyed"] if retries["seen"] else []
    yield "  ".join(rates)


def _times(document: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"{'ms':<12}{'count':>9}" + "".join(f"{column:>10}" for column in COLUMNS)
    for name in TIMES:
        figures = document[name]
        if figures["count"] or name != "lateness_s":
            cells = "".join(f"{ms(figures[column]):>10}" for column in COLUMNS)
            yield f"{TITLES[name]:<12}{figures['count']:>9}{cells}"


def _wrong(document: Mapping[str, Any]) -> Iterator[str]:
    errors = sorted(document["errors"].items(), key=lambda item: -item[1])
    examples = document["error_examples"]
    yield from _section("errors", [_counted(number, kind, examples.get(kind, "")) for kind, number in errors])
    broken = document["violations"]
    yield from _section("violations", [_counted(row["count"], row["rule"], row["example"]) for row in broken])


def _sweep(sweep: Mapping[str, Any] | None) -> list[str]:
    if sweep is None:
        return []
    unit = {"rate": "requests/s", "users": "users"}[sweep["unit"]]
    knee = f"{sweep['knee']:g} {unit}" if sweep["knee"] is not None else "none that was tried"
    steps = [f"{step[sweep['unit']]:g} {unit}: {'held' if step['held'] else step['why']}" for step in sweep["steps"]]
    stopped = [sweep["stopped"]] if sweep["stopped"] else []
    open_end = ", and none higher was tried" if steps and all(step["held"] for step in sweep["steps"]) else ""
    return _section("sweep", [*steps, *stopped, f"the highest load that held: {knee}{open_end}"])


def _verdicts(slo: Mapping[str, Any]) -> Iterator[str]:
    rows = [f"{'held  ' if row['held'] else 'MISSED'}  {row['sentence']}" for row in slo["checks"]]
    if rows and slo["goodput"] is not None:
        rows.append(f"goodput {slo['goodput']:.2%}")
    yield from _section("SLO", rows)
    if (baseline := slo["baseline"]) is None:
        return
    worse = [row["sentence"] for row in baseline["figures"] if row["regressed"]]
    same = ["nothing is worse"] if baseline["held"] else []
    apart = [f"not compared: {text}" for text in baseline["differences"]]
    title = f"beside the earlier run (worse: by more than {baseline['tolerance'] * 100:.3g}% and than what is noise)"
    yield from _section(title, [*apart, *(f"WORSE   {text}" for text in worse), *same])


def _client(client: Mapping[str, Any]) -> list[str]:
    lag_s = client["loop_lag_s"]["p99"]
    parts = [] if client["cpu"] is None else [f"CPU {client['cpu']:.0%} of a core"]
    parts += [] if lag_s is None else [f"loop lag p99 {ms(lag_s)} ms"]
    parts += [] if client["events_per_read"] is None else [f"{client['events_per_read']:.3g} events a read"]
    rows = [", ".join(parts)] if parts else []
    rows += [_error(client["calibration"])] if client["calibration"] else []
    told = _section("this client", rows)
    if not client["trustworthy"]:
        told += _section("NOT TO BE TRUSTED: the client was the bottleneck", [*client["reasons"], HELPS])
    return told


def _error(calibration: Mapping[str, Any]) -> str:
    ttft, itl = calibration["ttft_error_s"], calibration["itl_error_s"]
    if ttft["p50"] is None:
        return f"not calibrated ({calibration['note']})"
    where = f"{calibration['processes']} x {calibration['streams']} streams"
    return (
        f"error at this load ({where}), p50 and p99: TTFT {ms(ttft['p50'])} and {ms(ttft['p99'])} ms,"
        f" ITL {ms(itl['p50'])} and {ms(itl['p99'])} ms" + (f" ({calibration['note']})" if calibration["note"] else "")
    )


def _section(title: str, rows: Any) -> list[str]:
    return ["", title, *(f"  {row}" for row in rows)] if rows else []


def _counted(number: int, what: str, example: str) -> str:
    """A count, what was counted, and the first one seen."""
    return f"{number:>6}  {what}: {example[:QUOTED]}".rstrip(": ")


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}/s"
