"""What a run says of a second client: the requirements of the SDK, judged once more on what that client made of the
same answers. It stands apart in the report, and counts only where a run is strict."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from conformance.baseline.entries import Baseline
from conformance.profiles import Profile
from conformance.sdk.playing import Played
from conformance.sending.recording import Recording, Result
from conformance.target import Target
from conformance.verdict import Verdict

AREA = "SDK"


def judged(
    recording: Recording, target: Target, profile: Profile, ids: Iterable[str], baseline: Baseline | None = None
) -> list[dict[str, Any]]:
    """A row for each client beside the main one, of which there is at most one, with its verdicts on those of these
    requirements that speak of clients."""
    from conformance import catalogue
    from conformance.judging.in_process import judge_recording

    others = [played["other"] for result in recording.results.values() for played in _plays(result.value)]
    wanted = [id for id in ids if id.startswith(f"{AREA}-")]
    if not wanted or not any(others):
        return []
    told = next((other for other in others if other and other["outcome"] != "lost"), {"client": "a client"})
    name, _, version = told["client"].partition(" ")
    results = {name: _of_other(result) for name, result in recording.results.items()}
    theirs = judge_recording(replace(recording, results=results), target, *wanted, baseline=baseline)
    rows = [
        {
            "id": id,
            "level": profile.level(catalogue.requirement(id)).value,
            "verdict": found.verdict.value,
            "statement": catalogue.requirement(id).statement,
            "message": found.message,
        }
        for id, found in theirs.items()
    ]
    summary = {verdict.value: sum(row["verdict"] == verdict for row in rows) for verdict in Verdict}
    return [{"name": name, "version": version, "summary": summary, "requirements": rows}]


def verdicts(clients: list[dict[str, Any]]) -> list[Verdict]:
    return [Verdict(row["verdict"]) for client in clients for row in client["requirements"]]


def _plays(value: Any) -> Iterator[Played]:
    """Every call of the SDK in a probe's result."""
    if _is_played(value):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _plays(item)


def _is_played(value: Any) -> bool:
    return isinstance(value, dict) and {"client", "outcome", "other"} <= value.keys()


def _of_other(result: Result) -> Result:
    """A probe's result as the other client's calls make it up; an error where one of them was lost."""
    lost = [play["other"] for play in _plays(result.value) if not play["other"] or play["other"]["outcome"] == "lost"]
    if lost:
        return Result(error=lost[0]["message"] if lost[0] else "the other client was not asked")
    return replace(result, value=_others(result.value))


def _others(value: Any) -> Any:
    if _is_played(value):
        return value["other"]
    if isinstance(value, dict):
        return {key: _others(item) for key, item in value.items()}
    return [_others(item) for item in value] if isinstance(value, list) else value
