"""What the outcome of one test says of the requirement that it judges."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from conformance.baseline.deviations import Deviation, settled
from conformance.catalogue import Requirement
from conformance.exchange import Blame, Exchange, Unusable, clip
from conformance.features import why_not
from conformance.judging.throttled import excused
from conformance.limits import MESSAGE_CHARS
from conformance.profiles import Profile
from conformance.sending.recording import Recording
from conformance.target import Target
from conformance.verdict import Broken, Inconclusive, Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of one requirement, why, and who is to blame where it is not kept."""

    verdict: Verdict
    message: str = ""
    blame: Blame | None = None

    def __repr__(self) -> str:
        return f"{self.verdict}: {self.message}" if self.message else str(self.verdict)


def not_applicable(requirement: Requirement, target: Target, profile: Profile, recording: Recording) -> str | None:
    """The reason why a requirement is not judged of this target; None if it is."""
    for endpoint in target.without:
        if requirement.endpoint.removeprefix("GET /").removeprefix("POST /").startswith(endpoint):
            return f"the gateway was declared to have no {endpoint} (--without {endpoint})"
    return why_not(requirement.features, target, profile, recording)


def outcome(
    requirement: Requirement,
    error: Exception | None,
    profile: Profile,
    mode: str,
    looked_at: Collection[Exchange] = (),
    run: Collection[Exchange] = (),
    *,
    known: Iterable[Deviation] = (),
    is_kept: Callable[[], bool] = lambda: True,
) -> Outcome:
    """The verdict of a test that raised `error`, or nothing, in this mode, having looked at these exchanges of a
    run, settled with what is `known` of the requirement (see deviations)."""
    if error:
        error = excused(error, looked_at, run)
    seen = _sentence(error) if error else ""
    if seen and mode == "streamed":
        seen = f"streamed: {seen}"
    verdict = verdict_of(error, profile.level(requirement))
    verdict, seen = settled(known, verdict, seen, error, is_kept)
    return Outcome(verdict, seen, blamed(verdict, error, looked_at))


def blamed(verdict: Verdict, error: Exception | None, looked_at: Collection[Exchange] = ()) -> Blame | None:
    """Who is at fault, as far as it can be known: the gateway, unless all that shows it ended by somebody else."""
    match verdict:
        case Verdict.PASS | Verdict.NOT_APPLICABLE:
            return None
        case Verdict.ERROR:
            return Blame.SUITE
        case Verdict.INCONCLUSIVE:
            return _hindered(looked_at) or (error.blame if isinstance(error, Inconclusive) else Blame.MODEL)
    if isinstance(error, Unusable):
        return error.blame
    found = {exchange.blame for exchange in error.exchanges} if isinstance(error, Broken) else set()
    return found.pop() if len(found) == 1 else Blame.GATEWAY


def _brought_nothing(x: Exchange) -> bool:
    """Whether an answer was cut, given up, redirected or a server error."""
    return not (x.complete or x.abandoned) or x.status >= 500 or 300 <= x.status < 400 or x.given_up


def _hindered(looked_at: Collection[Exchange]) -> Blame | None:
    """Who kept the model from bringing a situation about: None where it was asked, and most answers came."""
    failed = [x.blame for x in looked_at if _brought_nothing(x)]
    return failed[0] if 2 * len(failed) >= len(looked_at) > 0 else None


def _sentence(error: Exception) -> str:
    if isinstance(error, AssertionError | Unusable) or type(error).__module__ == "conformance.verdict":
        text = str(error).split("\nassert ")[0].strip()
        return clip(text, MESSAGE_CHARS) or "the assertion does not hold"
    return clip(f"{type(error).__name__}: {error}", MESSAGE_CHARS)
