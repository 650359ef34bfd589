"""What a report says of the baseline that a run was judged by."""

from collections.abc import Mapping
from typing import Any

from conformance.baseline.entries import Baseline, Entry
from conformance.verdict import Verdict, worst


def section(baseline: Baseline, judged: Mapping[str, Mapping[str, Verdict]]) -> dict[str, Any]:
    """`baseline` of a report: each entry with its verdict, "" where the run did not ask for it, and how many there are
    of each kind. `judged` holds the verdicts of each requirement's tests, by node id."""
    entries = [told(entry, baseline) | {"verdict": _verdict(entry, baseline, judged)} for entry in baseline.entries]
    current = [entry for entry in entries if not entry["expired"]]
    return {
        "file": baseline.file,
        "known": sum(entry["kind"] == "known" and entry["verdict"] == Verdict.KNOWN for entry in current),
        "stale": sum(entry["verdict"] == Verdict.STALE for entry in current),
        "flaky": sum(entry["kind"] == "flaky" and entry["verdict"] != "" for entry in current),
        "flaky_failed": sum(entry["kind"] == "flaky" and entry["verdict"] == Verdict.KNOWN for entry in current),
        "expired": len(entries) - len(current),
        "not_run": sum(entry["verdict"] == "" for entry in entries),
        "entries": entries,
    }


def told(entry: Entry, baseline: Baseline) -> dict[str, Any]:
    """An entry as it stands in the file, and whether it has expired."""
    return {
        "kind": entry.kind,
        "id": entry.requirement,
        "test": entry.test,
        "reason": entry.reason,
        "owner": entry.owner,
        "link": entry.link,
        "expires": entry.expires.isoformat(),
        "expired": entry.has_expired(baseline.today),
    }


def _verdict(entry: Entry, baseline: Baseline, judged: Mapping[str, Mapping[str, Verdict]]) -> str:
    tests = judged.get(entry.requirement, {})
    mine = [verdict for test, verdict in tests.items() if baseline.entry(entry.requirement, test) == entry]
    return worst(mine).value if mine else ""
