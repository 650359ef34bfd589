"""ERR: limits, and requests that ask before they send their body or that spell their path in another way."""

from conformance.exchange import Exchange
from conformance.features import is_claimed
from conformance.probes.paths import PLAIN
from conformance.profiles import Profile
from conformance.reading.traffic import unlike
from conformance.rules import errors as rules
from conformance.rules import headers
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import Inconclusive, NotApplicable, Violation, accept, expect, hold, prefer, survive

QUOTA = {"insufficient_quota", "billing_hard_limit_reached"}


@requirement("ERR-017")
def test_a_body_above_the_limit_is_413(body_above_limit: list[Exchange]) -> None:
    too_large, after = body_above_limit[0], body_above_limit[-1]
    survive({"a body above the limit": too_large})
    accept({"a chat after it": after})
    prefer(too_large.status != 400, too_large)
    expect(too_large.status == 413, too_large)


@requirement("ERR-029")
def test_throttling_is_429_with_the_envelope(
    burst: list[Exchange], exchanges: list[Exchange], target: Target, profile: Profile
) -> None:
    throttled = _throttled(exchanges, target, profile)
    statuses = sorted({x.status for x in burst})
    seen = f"{len(burst)} chats in a burst, and none was answered with 429 (but with {statuses})"
    expect(bool(throttled), burst[-1] if burst else exchanges[-1], seen)
    hold(
        Violation(x, seen)
        for x in throttled
        for seen in (rules.shape(x.json, profile.expect.error_schema) if x.is_json else [f"no JSON, but {x.seen}"])
    )
    hold(Violation(x, x.seen) for x in throttled if x.media_type != "application/json")


@requirement("ERR-030")
def test_429_says_when_to_come_back(
    burst: list[Exchange], exchanges: list[Exchange], target: Target, profile: Profile
) -> None:
    throttled = [x for x in _throttled(exchanges, target, profile) if not _is_quota(x)]
    if not throttled:
        raise Inconclusive("no answer was 429", blame=None)
    hold(Violation(x, seen) for x in throttled for seen in headers.retry_soon(x.header_values("retry-after")))


@requirement("ERR-033")
def test_path_tricks_neither_crash_nor_bypass(
    path_tricks: dict[str, Exchange],
    path_tricks_without_key: dict[str, Exchange],
    unknown_model: dict[str, Exchange],
    chat_reply: Exchange,
) -> None:
    survive(unlike(path_tricks, next(iter(unknown_model.values()))))
    survive({f"{case}, no key": x for case, x in path_tricks_without_key.items()})
    if not any(case == PLAIN and x.ok for case, x in path_tricks_without_key.items()):
        hold(Violation(x, f"{case}, no key: {x.seen}") for case, x in path_tricks_without_key.items() if x.ok)


@requirement("ERR-034")
def test_expect_continue_is_honoured(expect_continue: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    first, last = expect_continue[0], expect_continue[-1]
    asked = next(iter(unknown_model.values()))
    survive(unlike({"a head with Expect: 100-continue": last}, asked))
    expect(first.complete, first, "no 100 Continue, and no other answer, before the body was sent")
    read = first.status != 100 or last.status in (asked.status, 417)
    expect(read, last, f"after 100 Continue {last.status}, without it {asked.status}")


def _throttled(exchanges: list[Exchange], target: Target, profile: Profile) -> list[Exchange]:
    """All answers of the run with 429. Raises NotApplicable where there are none, unless there are to be some."""
    found = [x for x in exchanges if x.status == 429 and x.complete]
    if not found and not is_claimed("rate_limit", target, profile):
        raise NotApplicable("the feature rate_limit is not claimed, and no answer was 429")
    return found


def _is_quota(exchange: Exchange) -> bool:
    """Nothing is left to be used, so that waiting does not help."""
    error = rules.envelope(exchange.json) if exchange.is_json else None
    return error is not None and bool({error.get("type"), error.get("code")} & QUOTA)
