"""The share of a profile's MUSTs that a run judged, and the least that is asked for: what is skipped is not proved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from conformance import catalogue
from conformance.catalogue import Level
from conformance.profiles import Profile
from conformance.target import ConfigError, Settings
from conformance.verdict import Verdict

_JUDGED = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.KNOWN, Verdict.STALE})


@dataclass(frozen=True, slots=True)
class Least:
    """The share of the MUSTs that must be judged at the least, and who asks for it."""

    share: Fraction
    source: str


def least(settings: Settings, profile: Profile) -> Least | None:
    """The higher of what is asked for and what the last report had. Raises ConfigError for a report that can't be
    compared with."""
    asked = []
    if settings.min_judged is not None:
        asked.append(Least(settings.min_judged, "--min-judged"))
    if settings.last_report:
        asked.append(Least(_last(settings, profile), f"the last report, {settings.last_report}"))
    return max(asked, key=lambda found: found.share, default=None)


def judged(verdicts: Mapping[str, Verdict], profile: Profile, least: Least | None) -> dict[str, Any]:
    """`judged` of a report's summary: how many of the profile's MUSTs have a verdict that says whether they are kept,
    of how many, their share, and whether that is enough.

    Not judged are those that the run did not ask for, and what is inconclusive, not applicable, untestable or a fault
    of ours.
    """
    musts = {id for id, found in catalogue.requirements().items() if _counts(found, profile)}
    count = sum(verdict in _JUDGED for id, verdict in verdicts.items() if id in musts)
    share = Fraction(count, len(musts) or 1)
    asked = {"least": round(float(least.share), 4), "source": least.source} if least else {}
    enough = least is None or share >= least.share
    return {"musts": count, "of": len(musts), "share": round(float(share), 4), "enough": enough} | asked


def _counts(requirement: catalogue.Requirement, profile: Profile) -> bool:
    is_must = profile.level(requirement) is Level.MUST
    return is_must and profile.applies(requirement) and not requirement.not_judged


def _last(settings: Settings, profile: Profile) -> Fraction:
    path = settings.last_report
    assert path is not None
    try:
        report = json.loads(path.read_text("utf-8"))
        found, name = report["summary"]["judged"], report["profile"]
        share = Fraction(int(found["musts"]), int(found["of"]) or 1)
    except OSError as error:
        raise ConfigError(f"--last-report {path}: it can't be read ({error.strerror})") from None
    except (ValueError, LookupError, TypeError):
        raise ConfigError(f"--last-report {path}: it is no report.json that tells how many MUSTs were judged") from None
    if name != profile.name:
        raise ConfigError(f"--last-report {path}: it is of the profile {name!r}, and this run of {profile.name!r}")
    return share
