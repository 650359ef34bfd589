"""The report document: one JSON object that everything else (terminal, files, comparisons) is rendered from."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from conformance import catalogue
from conformance.baseline.entries import Baseline
from conformance.baseline.section import section, told
from conformance.catalogue import Requirement
from conformance.exchange import Blame, Exchange, Headers, Response, Unusable, clip, escaped
from conformance.features import FEATURES, Observed, is_claimed, is_in_run, observe
from conformance.judging import budget
from conformance.judging.budget import Least
from conformance.profiles import Profile
from conformance.redact import Redactor
from conformance.reporting import reproduction
from conformance.reporting.observations import observed
from conformance.sdk import clients
from conformance.sending.recording import Recording
from conformance.target import Target
from conformance.verdict import RED, Exit, Verdict, exit_code, worst

MAX_EVIDENCE = 3
MAX_BODY = 4000
MAX_HEADER = 1000
MAX_HEADERS = 60
MAX_EVENTS = (12, 8)
"""Of a stream: so many from its beginning, and from its end."""
MAX_EVENT = 600
WORKING = frozenset({Verdict.PASS, Verdict.WARN, Verdict.KNOWN})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one test said of one requirement: verdict, the sentence of what was seen, the exchanges that show it.

    `test` is the node id of the test, as pytest writes it.
    """

    requirement: str
    verdict: Verdict
    message: str = ""
    evidence: tuple[str, ...] = ()
    test: str = ""
    blame: Blame | None = None


def tool_version() -> str:
    try:
        return version("gateproof")
    except PackageNotFoundError:
        return "0+source"


def build(
    judgements: list[Judgement],
    recording: Recording,
    target: Target,
    profile: Profile,
    *,
    duration_s: float,
    baseline: Baseline | None = None,
    least: Least | None = None,
) -> dict[str, Any]:
    """The report of a run, redacted. Several judgements of one requirement become its worst verdict. `least` is the
    share of MUSTs that must be judged."""
    baseline = baseline or Baseline()
    redactor = Redactor(target.secrets)
    by_id = {exchange.id: exchange for exchange in recording.all}
    grouped: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        grouped.setdefault(judgement.requirement, []).append(judgement)
    rows = [
        _row(requirement, profile, grouped[id], by_id, target, baseline)
        for id, requirement in catalogue.requirements().items()
        if id in grouped
    ]
    verdicts = {row["id"]: Verdict(row["verdict"]) for row in rows}
    counted = Counter(verdicts.values())
    summary: dict[str, Any] = {verdict.value: counted[verdict] for verdict in Verdict}
    summary["judged"] = budget.judged(verdicts, profile, least)
    summary["outside_profile"] = sum(not is_in_run(r, target, profile) for r in catalogue.requirements().values())
    document = {
        "gateproof": {"version": tool_version(), "catalogue_hash": catalogue.fingerprint()},
        "started_at": datetime.fromtimestamp(recording.started_at, UTC).isoformat(timespec="seconds"),
        "duration_s": round(duration_s, 3),
        "target": {
            "base_url": target.base_url,
            "profile": profile.name,
            "model": recording.facts.model,
            "model_chosen": recording.facts.model_chosen,
            "token_key": recording.facts.token_key,
            "listed_models": len(recording.facts.listed),
            "headers": [name for name, _ in target.headers],
            "without": sorted(target.without),
            "found": target.found,
            "observed": observed(recording, profile.tells),
            **({"upstream": target.upstream} if target.upstream else {}),
        },
        "profile": profile.name,
        "conformant": exit_code(verdicts.values(), enough=summary["judged"]["enough"]) is Exit.CONFORMANT,
        "summary": summary,
        "baseline": section(baseline, {id: {j.test: j.verdict for j in group} for id, group in grouped.items()}),
        "cost": recording.cost,
        "busy": recording.busy,
        "requirements": rows,
        "clients": clients.judged(recording, target, profile, grouped, baseline),
        "features": {name: _feature(name, rows, recording, target, profile) for name in FEATURES},
    }
    redacted: dict[str, Any] = _harmless(redactor.tree(document))
    return redacted


def text(document: dict[str, Any]) -> str:
    """What stands in report.json. It does no harm to a page that it is put into."""
    return json.dumps(document, indent=1, ensure_ascii=False).replace("<", "\\u003c") + "\n"


def transcript(exchange: Exchange, redactor: Redactor) -> str:
    """Request and response as a person reads them, redacted and bounded."""
    request = exchange.request
    lines = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in _headers(request.headers)), ""]
    lines += [_bounded(request.body), "", f"→ {exchange.seen if not exchange.response else ''}"]
    if exchange.response:
        lines[-1] = f"→ {exchange.response.http_version} {exchange.status} after {exchange.response.headers_s:.3f} s"
        lines += [f"{name}: {value}" for name, value in _headers(exchange.headers)]
        lines += ["", _bounded(exchange.response.body)]
        if exchange.failure:
            lines.append(f"[{exchange.failure.message}]")
    return escaped(redactor.text("\n".join(lines)))


def _feature(
    name: str, rows: list[dict[str, Any]], recording: Recording, target: Target, profile: Profile
) -> dict[str, str]:
    """Whether a feature is claimed, what was seen of it, and what came of it: the judgement of its requirements."""
    claimed = is_claimed(name, target, profile)
    seen = observe(name, recording)
    verdicts = {Verdict(row["verdict"]) for row in rows if name in catalogue.requirement(row["id"]).features}
    if verdicts & RED:
        state = "fails"
    elif verdicts & WORKING:
        state = "works"
    elif not claimed and (seen is Observed.ABSENT or verdicts == {Verdict.NOT_APPLICABLE}):
        state = "absent"
    else:
        state = "not judged"
    claim = "claimed" if claimed else "off" if name in target.declined else "auto"
    return {"claimed": claim, "observed": seen.value, "state": state}


def _row(
    requirement: Requirement,
    profile: Profile,
    judgements: list[Judgement],
    by_id: dict[str, Exchange],
    target: Target,
    baseline: Baseline,
) -> dict[str, Any]:
    verdict = worst(judgement.verdict for judgement in judgements)
    telling = [judgement for judgement in judgements if judgement.verdict is verdict]
    ids = list(dict.fromkeys(id for judgement in telling for id in judgement.evidence))
    blamed = {judgement.blame for judgement in telling if judgement.blame}
    blame = {"blame": blamed.pop() if len(blamed) == 1 else Blame.GATEWAY} if blamed else {}
    entries = {e.name: e for e in (baseline.entry(requirement.id, j.test) for j in judgements) if e}
    whole = verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    return {
        "id": requirement.id,
        "level": profile.level(requirement).value,
        "verdict": verdict.value,
        **blame,
        "statement": requirement.statement,
        "source": requirement.source,
        "breaks": requirement.breaks,
        "message": "; ".join(dict.fromkeys(judgement.message for judgement in telling if judgement.message)),
        "tests": {judgement.test: judgement.verdict.value for judgement in judgements if judgement.test},
        **({"baseline": [told(entry, baseline) for entry in entries.values()]} if entries else {}),
        "evidence": [_evidence(by_id[id], target, whole=whole) for id in ids[:MAX_EVIDENCE] if id in by_id],
    }


def _evidence(exchange: Exchange, target: Target, *, whole: bool) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    return {
        "exchange": exchange.id,
        "probe": exchange.label,
        "method": request.method,
        "url": request.url,
        "status": exchange.status or None,
        "curl": reproduction.curl(exchange, target),
        **({"python": reproduction.python(exchange, target)} if whole else {}),
        "request": {"headers": _headers(request.headers), "body": _bounded(request.body)} if whole else None,
        "response": _response(exchange, response) if whole and response else None,
        "note": exchange.failure.message if exchange.failure else "",
    }


def _response(exchange: Exchange, response: Response) -> dict[str, Any]:
    """What came back and when: times are seconds after the request was sent."""
    return {
        "headers": _headers(response.headers),
        "body": _bounded(response.body),
        "http_version": response.http_version,
        "headers_s": round(response.headers_s, 6),
        "ended_s": round(exchange.duration_s, 6),
        **_events(exchange),
    }


def _events(exchange: Exchange) -> dict[str, Any]:
    """The first and the last events of a stream, each with its number and its arrival; nothing of any other answer."""
    if exchange.media_type != "text/event-stream":
        return {}
    try:
        found = list(enumerate(exchange.events, 1))
    except Unusable:
        return {}
    first, last = MAX_EVENTS
    shown = found if len(found) <= first + last else found[:first] + found[-last:]
    events = [
        {"n": n, "at_s": round(event.t_s, 6), "text": _bounded(b"\n".join(event.lines), MAX_EVENT)}
        | ({} if event.complete else {"complete": False})
        for n, event in shown
    ]
    return {"events": events, "events_left_out": len(found) - len(shown)}


def _harmless(value: Any) -> Any:
    """The same with every string in it escaped: what a gateway says must not command the terminal that it is shown
    on."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, dict):
        return {escaped(key): _harmless(item) for key, item in value.items()}
    return [_harmless(item) for item in value] if isinstance(value, list) else value


def _headers(headers: Headers) -> list[list[str]]:
    """Names and values, bounded as bodies are."""
    return [[name[:MAX_HEADER], clip(value, MAX_HEADER)] for name, value in headers[:MAX_HEADERS]]


def _bounded(body: bytes, limit: int = MAX_BODY) -> str:
    text = body[:limit].decode("utf-8", "backslashreplace")
    return text if len(body) <= limit else f"{text}… ({len(body)} bytes)"


def sentence(row: dict[str, Any]) -> str:
    """A requirement's line for a person."""
    return clip(row["statement"], 400)
