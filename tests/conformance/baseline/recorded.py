"""Runs of the bundled gateway kept in files, to be judged by one baseline after another."""

import asyncio
from pathlib import Path

from starlette.types import ASGIApp

from conformance.judging.in_process import needed
from conformance.profiles import profile
from conformance.sending.archive import keep
from conformance.sending.recording import record
from conformance.target import Target
from reference_gateway.faults import FAULTS
from tests.conformance.suites.judged import KEY, gateway_app, on_stage

BROKEN = "CHAT-023"
"""A MUST of three tests, of which the defect breaks one."""
TEST = "test_chat.py::test_n_gives_as_many_choices"
ITS_OTHER_TEST = "test_chat.py::test_each_choice_has_the_whole_cap[plain]"
WARNED = "CHAT-022"
"""A SHOULD that the defect breaks in plain answers."""
ONLY = f"{BROKEN},{WARNED},CHAT-001"
DAY = "2099-12-31"


def broken_app() -> ASGIApp:
    return FAULTS["chat-usage-constant"].wrap(FAULTS["chat-one-choice-for-two"].wrap(gateway_app()))


def recorded(app: ASGIApp, path: Path, model: str | None = None) -> Path:
    with on_stage(app) as url:
        target = Target(url + "/v1", api_key=KEY, model=model)
        probes = needed(target, *ONLY.split(","))
        keep(path, asyncio.run(record(target, profile(target.profile), probes)), target)
    return path


def entry(kind: str = "known", **fields: str) -> str:
    """An entry of a baseline; a field that is "" is left out."""
    given = {"id": BROKEN, "reason": "the provider ignores n", "owner": "ann", "expires": DAY} | fields
    lines = [f'{key} = "{value}"' if key != "expires" else f"{key} = {value}" for key, value in given.items() if value]
    return f"[[{kind}]]\n" + "\n".join(lines) + "\n"
