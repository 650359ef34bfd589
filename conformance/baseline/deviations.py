"""Deviations: requirements that are known not to be kept, by a dialect (data of its profile) or by one gateway (its
baseline). One that happens as it is written is known; one that no longer happens makes what says so stale, which is
red."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from conformance.verdict import Broken, Verdict


@dataclass(frozen=True, slots=True)
class Deviation:
    """What is known of one requirement.

    `reason` tells people why it is not kept. `expect` is a regular expression that is found in every sentence of what
    is then seen. With `always` false the deviation may happen, or not. `of_one_test`: it speaks of one test of the
    requirement, and not of all. `source` says where it is written. One that has expired, on the day `expired`, covers
    nothing, and is red until it is renewed or taken out.
    """

    reason: str
    expect: str = ""
    always: bool = True
    of_one_test: bool = False
    source: str = "the profile"
    expired: date | None = None


def settled(
    deviations: Iterable[Deviation],
    verdict: Verdict,
    seen: str,
    error: BaseException | None,
    is_kept: Callable[[], bool] = lambda: True,
) -> tuple[Verdict, str]:
    """The verdict of a test and what is said with it, once it is known how the gateway deviates. `is_kept` tells of a
    test that passed whether the requirement is kept by all its tests.

    Only what was seen to be broken can be known: what could not be judged stays as it is.
    """
    for deviation in deviations:
        verdict, seen = _settled(deviation, verdict, seen, error, is_kept)
    return verdict, seen


def _settled(
    deviation: Deviation, verdict: Verdict, seen: str, error: BaseException | None, is_kept: Callable[[], bool]
) -> tuple[Verdict, str]:
    until = f"{deviation.source} covered this until {deviation.expired}, and has expired ({deviation.reason})"
    is_due = deviation.always or deviation.expired
    if verdict is Verdict.PASS and is_due and (deviation.of_one_test or is_kept()):
        said = f"it is kept, though {deviation.source} says: {deviation.reason}"
        return Verdict.STALE, f"{until}; it is kept, so take it out" if deviation.expired else said
    if verdict not in (Verdict.FAIL, Verdict.WARN):
        return verdict, seen
    if deviation.expired:
        return (Verdict.FAIL if verdict is Verdict.FAIL else Verdict.STALE), f"{until}: {seen}"
    sentences = error.sentences if isinstance(error, Broken) else (seen,)
    others = [sentence for sentence in sentences if not re.search(deviation.expect, sentence)]
    if others:
        more = f" (and {len(others) - 3} more)" if len(others) > 3 else ""
        return verdict, "; ".join(others[:3]) + more
    return Verdict.KNOWN, f"{deviation.reason}: {seen}"
