"""report.html: a report as one page for a person, which needs no network and, but for its filter, no script.

What a gateway said is hostile: the template escapes every value, and the page's policy runs no script but ours.
"""

import shlex
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from conformance.catalogue import Level
from conformance.comparing.clients import Outlook, clients
from conformance.exchange import clip
from conformance.rendering.findings import READING_ORDER, counted, faults, headline, title
from conformance.rendering.markup import STYLE, coded, policy
from conformance.rendering.page.exchanges import seconds
from conformance.rendering.page.requirements import Item, items
from conformance.verdict import Verdict

HERE = Path(__file__).parent
ORDER = (*READING_ORDER, Verdict.NOT_APPLICABLE, Verdict.PASS)
SECTIONS = {
    Verdict.FAIL: ("Broken", "What must hold, and does not."),
    Verdict.ERROR: ("Errors of gateproof's own", "Faults of ours: they say nothing about the gateway."),
    Verdict.STALE: (
        "Kept against expectation",
        "The profile or the baseline says that they are not kept. Take them out of it.",
    ),
    Verdict.UNTESTABLE: ("Could not be judged", "An earlier step broke, so nothing is known. That counts as red."),
    Verdict.WARN: ("Warnings", "A SHOULD is broken, or a MUST is kept in a way that costs clients."),
    Verdict.INCONCLUSIVE: ("Left open", "The situation that they speak of did not come about in this run."),
    Verdict.KNOWN: ("Known", "Not kept, as the profile says of this dialect or the baseline of this gateway."),
    Verdict.NOT_APPLICABLE: ("Not applicable", "An optional feature that is not claimed, and was cleanly refused."),
    Verdict.PASS: ("Kept", ""),
}
FEATURES = (
    "claimed and works",
    "claimed and fails",
    "unclaimed and works",
    "unclaimed and fails",
    "unclaimed and absent",
)
LOOKS = {
    Outlook.WORKS: Verdict.PASS,
    Outlook.PARTLY: Verdict.WARN,
    Outlook.BREAKS: Verdict.FAIL,
    Outlook.UNKNOWN: Verdict.INCONCLUSIVE,
}
CHOSEN = {"given": "as given", "listed": "the first listed one that answers a chat", "none": "none that answers"}


def render(document: dict[str, Any]) -> str:
    """The page of a report document, which must hold no secret: nothing is taken out of it here."""
    found = items(document, ORDER)
    counts = Counter(item.verdict for item in found)
    outlooks = _outlooks(document)
    fates = Counter(outlook for _, _, outlook, _ in outlooks)
    style, script = _assets()
    return _template().render(
        policy=policy(style, script),
        style=Markup(style),
        script=Markup(script),
        url=clip(document["target"]["base_url"], 300),
        tone=_tone(document),
        headline=headline(document),
        counted=counted(document),
        outside=document["summary"]["outside_profile"],
        counts=[(verdict, counts[verdict]) for verdict in ORDER if counts[verdict]],
        total=len(found),
        facts=_facts(document),
        areas=_areas(found),
        columns=[verdict for verdict in (Verdict.PASS, *ORDER[:-1]) if counts[verdict]],
        features=_features(document),
        sections=[(verdict, *SECTIONS[verdict], _listed(found, verdict)) for verdict in ORDER if counts[verdict]],
        levels=[level.value for level in Level],
        outlooks=outlooks,
        fates=[(outlook.value, fates[outlook.value]) for outlook in Outlook if fates[outlook.value]],
        clients=_clients(document),
        again=shlex.join(_again(document)),
        version=document["gateproof"]["version"],
    )


def _again(document: dict[str, Any]) -> list[str]:
    target = document["target"]
    behind = ["--upstream", target["upstream"]] if target.get("upstream") else []
    return ["gateproof", "check", target["base_url"], "--profile", document["profile"], *behind]


def _tone(document: dict[str, Any]) -> str:
    """How the verdict looks: good, bad, or doubt where it is conformant and something is left to say."""
    if not document["conformant"]:
        return "bad"
    return "doubt" if document["summary"][Verdict.WARN] else "good"


def _facts(document: dict[str, Any]) -> list[tuple[str, str]]:
    """What was judged, with what, when, and at what cost."""
    target, cost = document["target"], document["cost"]
    chosen = CHOSEN.get(target["model_chosen"], "")
    found = [
        ("URL", target["base_url"]),
        ("Found", target.get("found", "")),
        ("Profile", document["profile"]),
        ("Model", f"{target['model'] or 'none'} ({chosen})"),
        ("Provider", f"scripted, {target['upstream']}" if target.get("upstream") else ""),
        ("Sent with", ", ".join(target.get("headers", []))),
        ("Declared to be without", ", ".join(target.get("without", []))),
        *((name, str(said)) for name, said in target.get("observed", {}).items()),
        (
            "Judged",
            f"{document['started_at'].replace('T', ' ').replace('+00:00', ' UTC')}, {document['duration_s']:.1f} s",
        ),
        (
            "Cost",
            f"{cost['requests']:,} request{'s' * (cost['requests'] != 1)}, {cost['prompt_tokens']:,} prompt and "
            f"{cost['completion_tokens']:,} completion tokens",
        ),
        ("Throttled", _throttled(document.get("busy", {}))),
        ("Not kept or not told", faults(document)),
        ("MUSTs judged", _judged(document["summary"].get("judged"))),
        ("Baseline", _baseline(document.get("baseline"))),
        ("By", f"gateproof {document['gateproof']['version']}, catalogue {document['gateproof']['catalogue_hash']}"),
    ]
    return [(name, clip(said, 1000)) for name, said in found if said]


def _throttled(busy: dict[str, int]) -> str:
    obeyed, given_up = busy.get("obeyed", 0), busy.get("given_up", 0)
    if not obeyed and not given_up:
        return ""
    return f"{obeyed} answers of 429 or 503 were obeyed, {given_up} requests given up"


def _judged(judged: dict[str, Any] | None) -> str:
    """The share of the profile's MUSTs that could be judged, and whether that is enough."""
    if not judged:
        return ""
    said = f"{judged['musts']} of the profile's {judged['of']} ({judged['share']:.1%})"
    return said if judged["enough"] else f"{said}: fewer than {judged['least']:.1%} ({judged['source']})"


def _baseline(baseline: dict[str, Any] | None) -> str:
    """What the baseline of the run came to."""
    if not baseline or not baseline["entries"]:
        return ""
    names = ("known", "flaky", "stale", "expired", "not_run")
    counts = [f"{baseline[name]} {name.replace('_', ' ')}" for name in names if baseline[name]]
    return f"{baseline['file']}: {', '.join(counts) or 'nothing covered'}"


def _areas(found: list[Item]) -> list[tuple[str, str, dict[str, int]]]:
    """(name, title, count by verdict) of each area."""
    counts: dict[str, Counter[str]] = {}
    for item in sorted(found, key=lambda item: item.place):
        counts.setdefault(item.area, Counter())[item.verdict] += 1
    return [(name, title(name), dict(count)) for name, count in counts.items()]


def _features(document: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Which optional features were claimed, and which were found; what was not judged is left out."""
    found: dict[str, list[str]] = {column: [] for column in FEATURES}
    for name, row in document.get("features", {}).items():
        claim = "claimed" if row["claimed"] == "claimed" else "unclaimed"
        if (column := f"{claim} and {row.get('state')}") in found:
            found[column].append(name)
    shown = list(found.items())
    return shown if any(names for _, names in shown) else []


def _listed(found: list[Item], verdict: Verdict) -> list[tuple[str, list[Item]]]:
    """The requirements of one verdict, in areas where they are many and kept; else in one list, MUST first."""
    chosen = [item for item in found if item.verdict == verdict]
    if verdict is not Verdict.PASS:
        return [("", chosen)]
    groups: dict[str, list[Item]] = {}
    for item in chosen:
        groups.setdefault(item.area, []).append(item)
    return list(groups.items())


def _outlooks(document: dict[str, Any]) -> list[tuple[str, str, str, list[tuple[str, tuple[str, ...], str]]]]:
    """(client, look, outlook, (use, ids, why) of what it lacks) of each well-known client."""
    return [
        (
            f"{client.title} {client.version}",
            LOOKS[client.outlook],
            client.outlook.value,
            [(found.need.use, found.ids, found.need.why) for found in client.lacks]
            or ([(client.summary, (), "")] if client.summary else []),
        )
        for client in clients(document)
    ]


def _clients(document: dict[str, Any]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(name, counts, what does not hold) of each client beside the main one."""
    return [
        (
            f"{client['name']} {client['version']}",
            ", ".join(f"{count} {verdict}" for verdict, count in client["summary"].items() if count),
            [row for row in client["requirements"] if row["verdict"] not in (Verdict.PASS, Verdict.NOT_APPLICABLE)],
        )
        for client in document.get("clients", [])
    ]


@cache
def _template() -> Template:
    found = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters |= {"title": title, "seconds": seconds, "coded": coded}
    return found.get_template("page.html")


@cache
def _assets() -> tuple[str, str]:
    """(style, script) of the page."""
    styles = (STYLE, HERE / "page.css")
    return "\n".join(path.read_text("utf-8") for path in styles), (HERE / "page.js").read_text("utf-8")
