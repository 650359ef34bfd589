"""What a run looks like on a terminal: a live line while it goes on, then a table by area and every failure in full."""

import os
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO

from conformance import catalogue
from conformance.exchange import clip
from conformance.rehearsing.rehearsal import Plan
from conformance.rendering.findings import faults
from conformance.verdict import RED, Verdict

_COLUMNS = (
    ("pass", (Verdict.PASS,)),
    ("fail", (Verdict.FAIL,)),
    ("untest.", (Verdict.UNTESTABLE,)),
    ("stale", (Verdict.STALE,)),
    ("warn", (Verdict.WARN,)),
    ("error", (Verdict.ERROR,)),
    ("known", (Verdict.KNOWN,)),
    ("inconcl.", (Verdict.INCONCLUSIVE,)),
    ("n/a", (Verdict.NOT_APPLICABLE,)),
)
_IF_ANY = ("untest.", "stale")
"""Columns that are left out where they would be empty."""
_SHOWN = (
    Verdict.KNOWN,
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.UNTESTABLE,
    Verdict.STALE,
    Verdict.WARN,
    Verdict.INCONCLUSIVE,
)
_COLOURS = {Verdict.WARN: "33", Verdict.INCONCLUSIVE: "36", Verdict.KNOWN: "36", Verdict.PASS: "32"}
_WHO = {"model": "the model behind it", "network": "the network", "suite": "gateproof itself"}
_FOLDED = 3
"""So many requirements that can't be judged for one and the same reason are told one by one."""
_CHOSEN = {"given": "as given", "listed": "the first listed one that answers a chat", "none": "none that answers"}


def has_colour(stream: TextIO) -> bool:
    """Whether it is a terminal, and nobody has asked for none (no-color.org)."""
    return stream.isatty() and "NO_COLOR" not in os.environ


def lines(document: dict[str, Any], *, colour: bool = False) -> Iterator[str]:
    """The report as lines of text. Control characters from the gateway are escaped."""
    target = document["target"]
    model = clip(target["model"] or "no model", 100)
    yield f"{target['base_url']}, profile {document['profile']}, model {model} ({_CHOSEN[target['model_chosen']]})"
    if target.get("found"):
        yield f"found: {target['found']}"
    for name, said in target.get("observed", {}).items():
        yield f"{name}: {said}"
    yield ""
    yield from _table(document["requirements"])
    if features := list(_features(document)):
        yield ""
        yield from features
    for verdict in _SHOWN:
        rows = [row for row in document["requirements"] if row["verdict"] == verdict]
        said = Counter(row["message"] for row in rows)
        for row in rows:
            if said[row["message"]] <= _FOLDED or verdict != Verdict.UNTESTABLE:
                yield ""
                yield from _finding(row, verdict, colour=colour)
        for message, count in said.items() if verdict == Verdict.UNTESTABLE else ():
            if count > _FOLDED:
                yield ""
                yield from _folded([row for row in rows if row["message"] == message], verdict, colour=colour)
    yield ""
    for client in document.get("clients", ()):
        yield from _client(client, colour=colour)
    yield from _totals(document, colour=colour)


def plan_lines(plan: Plan, requirements: int) -> Iterator[str]:
    """What a run will cost, as lines of text."""
    yield f"{requirements} requirements need {plan.requests} requests; none was sent"
    yield f"tokens: about {plan.tokens.prompt} of prompts, at most {plan.tokens.completion} of answers"
    yield f"longest chain: {plan.chain_requests} requests one after another, {plan.chain_tokens} tokens of answers"
    for model, seconds in plan.takes_s.items():
        yield f"takes about {seconds:.0f} s with a {model}"


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        area = row["id"].rsplit("-", 1)[0]
        counts.setdefault(area, {})
        counts[area][row["verdict"]] = counts[area].get(row["verdict"], 0) + 1
    found = {row["verdict"] for row in rows}
    columns = [(title, verdicts) for title, verdicts in _COLUMNS if title not in _IF_ANY or found & {*verdicts}]
    yield f"  {'area':<8}" + "".join(f"{title:>9}" for title, _ in columns)
    for area, count in counts.items():
        cells = (sum(count.get(verdict.value, 0) for verdict in verdicts) for _, verdicts in columns)
        known = catalogue.areas().get(area)  # none in a report of another catalogue than ours
        yield f"  {area:<8}" + "".join(f"{cell or '·':>9}" for cell in cells) + f"   {known.title if known else ''}"


def _finding(row: dict[str, Any], verdict: Verdict, *, colour: bool) -> Iterator[str]:
    word = _painted(f"{verdict.upper():<12}", verdict, colour)
    yield f"{word} {row['id']} ({row['level']})  {clip(row['statement'], 400)}"
    yield f"             seen: {clip(row['message'], 600)}{_blamed(row)}"
    for evidence in row["evidence"][: verdict is not Verdict.KNOWN]:
        yield f"             {clip(evidence['curl'], 1200)}"


def _folded(rows: list[dict[str, Any]], verdict: Verdict, *, colour: bool) -> Iterator[str]:
    """What has one and the same reason, said once."""
    yield f"{_painted(f'{verdict.upper():<12}', verdict, colour)} {len(rows)} requirements"
    yield f"             seen: {clip(rows[0]['message'], 600)}{_blamed(rows[0])}"
    ids = ", ".join(row["id"] for row in rows)
    yield textwrap.fill(ids, 118, initial_indent=" " * 13, subsequent_indent=" " * 13)


def _blamed(row: dict[str, Any]) -> str:
    """Who is at fault, where it is not the gateway."""
    return f" [not the gateway: {_WHO[row['blame']]}]" if row.get("blame") in _WHO else ""


def _client(client: dict[str, Any], *, colour: bool) -> Iterator[str]:
    """One line for a client beside the main one, and one for each requirement that does not hold for it."""
    yield f"{client['name']} {client['version']}: {_counted(client['summary'])}"
    for verdict in _SHOWN:
        for row in client["requirements"]:
            if row["verdict"] == verdict and verdict not in (Verdict.KNOWN, Verdict.INCONCLUSIVE):
                word = _painted(f"{verdict.upper():<12}", verdict, colour)
                yield f"  {word} {row['id']} ({row['level']})  seen: {clip(row['message'], 300)}"


def _counted(summary: dict[str, int]) -> str:
    return ", ".join(f"{summary[verdict.value]} {verdict}" for verdict in Verdict if summary[verdict.value])


def _features(document: dict[str, Any]) -> Iterator[str]:
    """Which optional capabilities were claimed and which were found, in columns of their own."""
    found: dict[str, list[str]] = {}
    for name, row in document.get("features", {}).items():
        claim = "claimed" if row["claimed"] == "claimed" else "unclaimed"
        found.setdefault(f"{claim} and {row['state']}", []).append(name)
    columns = ("claimed and works", "claimed and fails", "unclaimed and works", "unclaimed and fails")
    for column in (*columns, "unclaimed and absent"):
        if column in found:
            text = f"  {column:<21}" + ", ".join(found[column])
            yield from textwrap.wrap(text, 118, subsequent_indent=" " * 23)


def _totals(document: dict[str, Any], *, colour: bool) -> Iterator[str]:
    summary, cost = document["summary"], document["cost"]
    total = len(document["requirements"])
    seconds = f"{document['duration_s']:.1f} s"
    yield f"{total} requirement{'' if total == 1 else 's'} in {seconds}: {_counted(summary)}"
    yield (
        f"cost: {cost['requests']} requests, {cost['prompt_tokens']} prompt and "
        f"{cost['completion_tokens']} completion tokens"
    )
    if whose := faults(document):
        yield f"not kept, or not told: {whose}"
    yield from _throttling(document.get("busy", {}))
    yield from _gate(document, colour=colour)
    red = sum(summary[verdict.value] for verdict in RED)
    if document["conformant"]:
        yield _painted("conformant", Verdict.PASS, colour)
    elif red:
        yield _painted(
            f"NOT conformant: {red} of {total} requirements are broken or can't be judged", Verdict.FAIL, colour
        )


def _gate(document: dict[str, Any], *, colour: bool) -> Iterator[str]:
    """How much was judged, and what the baseline covered."""
    if judged := document["summary"].get("judged"):
        said = f"judged: {judged['musts']} of the profile's {judged['of']} MUSTs ({judged['share']:.1%})"
        if not judged["enough"]:
            fewer = f"fewer than {judged['least']:.1%} ({judged['source']})"
            said = _painted(f"NOT enough {said}, {fewer}", Verdict.FAIL, colour)
        yield said
    baseline = document.get("baseline")
    if baseline and baseline["entries"]:
        counts = {"known": baseline["known"], "flaky": baseline["flaky"], "stale": baseline["stale"]}
        counts |= {"expired": baseline["expired"], "not run": baseline["not_run"]}
        said = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing covered"
        failed = f" (of the flaky, {baseline['flaky_failed']} failed)" if baseline["flaky"] else ""
        yield f"baseline {baseline['file']}: {said}{failed}"


def _throttling(busy: dict[str, int]) -> Iterator[str]:
    """What there was of 429 and 503, and how there is less of it."""
    obeyed, given_up = busy.get("obeyed", 0), busy.get("given_up", 0)
    if obeyed or given_up:
        more = f", {given_up} request{'' if given_up == 1 else 's'} given up" if given_up else ""
        were = "answer was" if obeyed == 1 else "answers were"
        yield f"throttled: {obeyed} {were} 429 or 503, obeyed and asked again{more}; a lower --concurrency meets fewer"


def _painted(text: str, verdict: Verdict, colour: bool) -> str:
    return f"\x1b[{_COLOURS.get(verdict, '31')}m{text}\x1b[0m" if colour else text


class Progress:
    """One line on a terminal that says how far the run is; nothing at all where there is no terminal."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._on = self._stream.isatty()

    def show(self, *, sent: int, judged: int, total: int, failed: int) -> None:
        if self._on:
            step = f"judged {judged} of {total}" if judged else f"asking the gateway, {total} requirements to judge"
            text = f"{step} · {sent} requests sent · {failed} failed"
            width = shutil.get_terminal_size().columns - 1
            self._stream.write("\r\x1b[K" + text[:width])
            self._stream.flush()

    def clear(self) -> None:
        if self._on:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
