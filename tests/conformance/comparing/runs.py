"""Real documents for the tests: the bundled gateway, right or with a defect, judged by some requirements."""

import asyncio
import time
from functools import cache
from typing import Any

from conformance import catalogue, profiles
from conformance.catalogue import select
from conformance.judging.in_process import judge_recording, needed
from conformance.reporting.report import Judgement, build
from conformance.sending.recording import record
from conformance.target import Target
from reference_gateway.faults import FAULTS
from tests.conformance.suites.judged import KEY, gateway_app, on_stage

Document = dict[str, Any]


@cache
def document(*areas: str, defect: str = "", profile: str = "openai", without: str = "") -> Document:
    """The report of a run, as the command makes it, of these areas or requirements. `without` is an endpoint that the
    run is told not to judge. Not to be changed: it is made once."""
    dialect = profiles.profile(profile)
    app = FAULTS[defect].wrap(gateway_app()) if defect else gateway_app()
    with on_stage(app) as url:
        path = dialect.base_path.format(workspace="default")
        target = Target(
            url + path, profile=profile, api_key=KEY, timeout_s=5.0, without=frozenset([without] if without else [])
        )
        began = time.monotonic()
        recording = asyncio.run(record(target, dialect, needed(target, *areas)))
        outcomes = judge_recording(recording, target, *areas)
    judgements = [
        Judgement(id, said.verdict, said.message, test=f"suites::{id}", blame=said.blame)
        for id, said in outcomes.items()
    ]
    return build(judgements, recording, target, dialect, duration_s=time.monotonic() - began)


def altered(report: Document, *rows: Document, **changes: Any) -> Document:
    """The report with other members in the rows of these ids, and other members of its own."""
    found = {row["id"]: row for row in rows}
    kept = [row | found.get(row["id"], {}) for row in report["requirements"]]
    return report | {"requirements": kept} | changes


def row(id: str, verdict: str, message: str = "", **more: Any) -> Document:
    """What becomes of one row."""
    level = catalogue.requirement(id).level.value
    return {
        "id": id,
        "level": level,
        "verdict": verdict,
        "message": message,
        "tests": {f"suites::{id}": verdict},
    } | more


def without(report: Document, *words: str) -> Document:
    """The report without the requirements of these areas or ids."""
    gone = select(words)
    return report | {"requirements": [row for row in report["requirements"] if row["id"] not in gone]}
