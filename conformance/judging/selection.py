"""What a collected test needs that is sent for it, and which tests a run can't judge for want of that."""

from pathlib import Path

import pytest

from conformance.catalogue import Requirement
from conformance.features import FEATURES, SCRIPTED, is_claimed
from conformance.probe import MODES, sent
from conformance.probes import PROBES
from conformance.profiles import Profile
from conformance.sending.archive import opened
from conformance.target import ConfigError, Target

REQUIREMENT = pytest.StashKey[Requirement]()


def mode_of(item: pytest.Item) -> str:
    """The mode that a test is run in: "plain" for one that knows of none."""
    call = getattr(item, "callspec", None)
    return str(call.params.get("mode", MODES[0])) if call else MODES[0]


def needed_by(item: pytest.Item, target: Target, profile: Profile) -> set[str]:
    """The probes that are sent for a test, those among them that tell whether its requirement applies."""
    asked = {name for name in getattr(item, "fixturenames", ()) if name in PROBES}
    needed = {sent(name, mode_of(item)) for name in asked}
    for feature in item.stash[REQUIREMENT].features:
        if not is_claimed(feature, target, profile):
            needed |= set(FEATURES[feature].probes)
    return needed


def unsent(chosen: list[pytest.Item], path: Path, target: Target, profile: Profile) -> list[pytest.Item]:
    """Those of which nothing was sent in the run of this file, as it judged less. Raises ConfigError if none is left,
    or if there is no such file."""
    there = opened(path)[1].results.keys()
    found = [item for item in chosen if not needed_by(item, target, profile) <= there] if there else []
    if chosen and len(found) == len(chosen):
        raise ConfigError(f"--replay {path}: that run sent nothing of what --only names")
    return found


def ask_for_upstream(left_out: list[pytest.Item], only: frozenset[str], target: Target) -> None:
    """Raises ConfigError where nothing of what is asked for is judged, for want of a provider of ours."""
    asked = [item.stash[REQUIREMENT] for item in left_out if item.stash[REQUIREMENT].id in only]
    if not target.upstream and any(SCRIPTED in requirement.features for requirement in asked):
        advice = "start one with gateproof upstream, and name it with --upstream URL"
        raise ConfigError(f"--only: what it names needs a provider of ours behind the gateway; {advice}")
