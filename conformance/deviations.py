"""Deviations: requirements that a dialect is known not to keep, as data of its profile. One that happens as it is
written is known; one that no longer happens makes the profile stale, which is red."""

import re
from dataclasses import dataclass

from conformance.verdict import Broken, Verdict


@dataclass(frozen=True, slots=True)
class Deviation:
    """What is known of one requirement.

    `reason` tells people why it is not kept. `expect` is a regular expression that is found in every sentence of what
    is then seen. With `always` false the deviation may happen, or not.
    """

    reason: str
    expect: str
    always: bool = True


def settled(
    deviation: Deviation | None, verdict: Verdict, seen: str, error: BaseException | None
) -> tuple[Verdict, str]:
    """The verdict and what is said with it, once it is known how the dialect deviates."""
    if deviation is None:
        return verdict, seen
    if verdict is Verdict.PASS and deviation.always:
        return Verdict.STALE, f"it is kept, though the profile says: {deviation.reason}"
    if verdict not in (Verdict.FAIL, Verdict.WARN):
        return verdict, seen
    sentences = error.sentences if isinstance(error, Broken) else (seen,)
    others = [sentence for sentence in sentences if not re.search(deviation.expect, sentence)]
    if others:
        more = f" (and {len(others) - 3} more)" if len(others) > 3 else ""
        return verdict, "; ".join(others[:3]) + more
    return Verdict.KNOWN, f"{deviation.reason}: {seen}"
