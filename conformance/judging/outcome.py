"""What the outcome of one test says of the requirement that it judges."""

from dataclasses import dataclass

from conformance.catalogue import Requirement
from conformance.deviations import settled
from conformance.exchange import Unusable
from conformance.features import why_not
from conformance.profiles import Profile
from conformance.sending.recording import Recording
from conformance.target import Target
from conformance.verdict import Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of one requirement, and why."""

    verdict: Verdict
    message: str = ""

    def __repr__(self) -> str:
        return f"{self.verdict}: {self.message}" if self.message else str(self.verdict)


def not_applicable(requirement: Requirement, target: Target, profile: Profile, recording: Recording) -> str | None:
    """The reason why a requirement is not judged of this target; None if it is."""
    for endpoint in target.without:
        if requirement.endpoint.removeprefix("GET /").removeprefix("POST /").startswith(endpoint):
            return f"the gateway was declared to have no {endpoint} (--without {endpoint})"
    return why_not(requirement.features, target, profile, recording)


def outcome(requirement: Requirement, error: Exception | None, profile: Profile, mode: str) -> Outcome:
    """The verdict of a test that raised `error`, or nothing, in this mode."""
    seen = _sentence(error) if error else ""
    if seen and mode == "streamed":
        seen = f"streamed: {seen}"
    verdict = verdict_of(error, profile.level(requirement))
    return Outcome(*settled(profile.deviations.get(requirement.id), verdict, seen, error))


def _sentence(error: Exception) -> str:
    if isinstance(error, AssertionError | Unusable) or type(error).__module__ == "conformance.verdict":
        text = str(error).split("\nassert ")[0].strip()
        return text or "the assertion does not hold"
    return f"{type(error).__name__}: {error}"
