"""Judges what is served at a URL with the real probes and the real tests of the suites, without a pytest run: what each
requirement says of it. For the proofs that the verdicts are right, which judge hundreds of gateways.
"""

import asyncio
import inspect
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from conformance import catalogue, suites
from conformance import profiles as dialects
from conformance.baseline.deviations import Deviation
from conformance.baseline.entries import Baseline
from conformance.exchange import Exchange, Unusable
from conformance.features import FEATURES, is_claimed, is_in_run
from conformance.judging.outcome import Outcome, not_applicable, outcome
from conformance.probe import MODES, sent
from conformance.probes import PROBES
from conformance.sending.recording import Recording, Result, record
from conformance.target import Target
from conformance.verdict import NotApplicable, Verdict, worst

GREEN = (Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.INCONCLUSIVE, Verdict.KNOWN)

Test = Callable[..., None]


class Blocked(Exception):
    """Nothing could be judged: the target can't be reached, or refuses the key."""


def judge_url(base_url: str, *areas: str, profile: str = "openai", **options: Any) -> dict[str, Outcome]:
    """Judges what is served there by the requirements of these areas (or by single ones, by id). `options` are
    Target's. Raises Blocked."""
    settings: dict[str, Any] = {"profile": profile, "timeout_s": 5.0} | options
    target = Target(base_url, **settings)
    recording = asyncio.run(record(target, dialects.profile(profile), needed(target, *areas)))
    if recording.blocked:
        raise Blocked(recording.blocked)
    return judge_recording(recording, target, *areas)


def needed(target: Target, *areas: str) -> set[str]:
    """The names of the probes that must be sent to judge a target by these areas."""
    dialect = dialects.profile(target.profile)
    tests = _tests_for(areas, target, dialect)
    probes = {sent(name, mode) for _, test, mode in tests for name in inspect.signature(test).parameters}
    probes &= PROBES.keys()
    for id, _, _ in tests:
        for feature in catalogue.requirement(id).features:
            if not is_claimed(feature, target, dialect):
                probes |= set(FEATURES[feature].probes)
    return probes


def judge_recording(
    recording: Recording, target: Target, *areas: str, baseline: Baseline | None = None
) -> dict[str, Outcome]:
    """Judges what was recorded, once more or for the first time; all probes that these areas need must be in it. What
    a baseline holds may be broken, and need not."""
    dialect = dialects.profile(target.profile)
    found: dict[str, Outcome] = {}
    for id, test, mode in _tests_for(areas, target, dialect):
        known = [*dialect.known(id), *(baseline.tolerated(id, _name(test, mode)) if baseline else ())]
        said = _judged(id, test, mode, target, dialect, recording, known)
        if id not in found or worst((said.verdict, found[id].verdict)) is said.verdict:
            found[id] = said
    return found


def is_kept(id: str, recording: Recording, target: Target) -> bool:
    """Whether every test of a requirement finds it kept, whatever is known of it."""
    dialect = dialects.profile(target.profile)
    found = (_judged(*each, target, dialect, recording, ()) for each in _tests_for((id,), target, dialect))
    return all(said.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE) for said in found)


def requirement_by_test() -> dict[str, str]:
    """The requirement of each test, by the test's file and function, as a baseline names it."""
    return {_name(test, mode): id for id, test, mode in _tests(set(catalogue.areas()))}


def red(judged: dict[str, Outcome]) -> dict[str, Outcome]:
    """Those that are neither passed nor left open."""
    return {id: said for id, said in judged.items() if said.verdict not in GREEN}


@cache
def _tests_of(area: str) -> list[tuple[str, Test, str]]:
    found = (module.name for module in walk_packages(suites.__path__, f"{suites.__name__}."))
    modules = [import_module(name) for name in found if _is_of(name.rsplit(".", 1)[1], area.lower())]
    tests = [test for module in modules for name, test in vars(module).items() if name.startswith("test_")]
    marks = [(test, {mark.name: mark for mark in getattr(test, "pytestmark", ())}) for test in tests]
    return [
        (found["requirement"].args[0], test, mode)
        for test, found in marks
        if "requirement" in found
        for mode in (MODES if "parametrize" in found else MODES[:1])
    ]


def _is_of(stem: str, area: str) -> bool:
    """Whether a file of tests is one of this area: test_err and test_err_limits are of err, test_error is not."""
    return stem == f"test_{area}" or stem.startswith(f"test_{area}_")


def _name(test: Test, mode: str) -> str:
    """The end of a test's node id, from its file on."""
    asked_in_both = any(mark.name == "parametrize" for mark in getattr(test, "pytestmark", ()))
    return f"{test.__module__.rsplit('.', 1)[1]}.py::{test.__name__}" + f"[{mode}]" * asked_in_both


def _tests(areas: set[str]) -> list[tuple[str, Test, str]]:
    return [found for area in sorted(areas) for found in _tests_of(area)]


def _tests_for(areas: tuple[str, ...], target: Target, dialect: dialects.Profile) -> list[tuple[str, Test, str]]:
    wanted = {id for id in catalogue.select(areas) if is_in_run(catalogue.requirement(id), target, dialect)}
    return [found for found in _tests({id.split("-")[0] for id in wanted}) if found[0] in wanted]


def _judged(
    id: str,
    test: Test,
    mode: str,
    target: Target,
    dialect: dialects.Profile,
    recording: Recording,
    known: Iterable[Deviation],
) -> Outcome:
    """One test on the recording, as the plugin judges it."""
    requirement = catalogue.requirement(id)
    given: dict[str, Any] = {"exchanges": recording.exchanges, "facts": recording.facts, "target": target}
    given |= {"profile": dialect, "mode": mode, "scripted": recording.scripted}
    error: Exception | None = None
    looked_at: list[Exchange] = []
    try:
        reason = not_applicable(requirement, target, dialect, recording)
        if reason:
            raise NotApplicable(reason)
        for name in inspect.signature(test).parameters:
            asked = sent(name, mode)
            given.setdefault(name, _value(recording.results[asked]) if asked in recording.results else None)
        test(**{name: given[name] for name in inspect.signature(test).parameters})
    except Exception as raised:  # noqa: BLE001 - outcome() says whose fault it is: what is no judgement is ours
        error = raised
        probes = [sent(name, mode) for name in inspect.signature(test).parameters if name in PROBES]
        looked_at = [x for name in probes for x in recording.of(name)]
    return outcome(
        requirement,
        error,
        dialect,
        mode,
        looked_at or recording.all,
        recording.all,
        known=known,
        is_kept=lambda: is_kept(id, recording, target),
    )


def _value(result: Result) -> Any:
    if result.error:
        raise RuntimeError(result.error)
    if result.unusable:
        raise Unusable(result.unusable, blame=result.blame)
    return result.value
