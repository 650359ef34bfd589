"""The verdict lattice and the exit codes it amounts to."""

import pytest

from conformance.catalogue import Level
from conformance.exchange import Exchange, Request, Unusable
from conformance.verdict import (
    Broken,
    Exit,
    Fatal,
    Inconclusive,
    NotApplicable,
    Tolerated,
    Verdict,
    Violation,
    exit_code,
    hold,
    verdict_of,
    worst,
)

V = Verdict
EXCHANGE = Exchange("x1", "p", Request("GET", "u"))


@pytest.mark.parametrize(
    ("error", "must", "should"),
    [
        (None, V.PASS, V.PASS),
        (AssertionError(), V.FAIL, V.WARN),
        (Broken("seen"), V.FAIL, V.WARN),
        (Tolerated("seen"), V.WARN, V.WARN),
        (Fatal("seen"), V.FAIL, V.FAIL),
        (Inconclusive(), V.INCONCLUSIVE, V.INCONCLUSIVE),
        (NotApplicable(), V.NOT_APPLICABLE, V.NOT_APPLICABLE),
        (Unusable(), V.UNTESTABLE, V.UNTESTABLE),
        (KeyError("x"), V.ERROR, V.ERROR),
        (RecursionError(), V.ERROR, V.ERROR),
    ],
)
def test_an_outcome_has_one_verdict_at_each_level(error: Exception | None, must: Verdict, should: Verdict) -> None:
    assert (verdict_of(error, Level.MUST), verdict_of(error, Level.SHOULD)) == (must, should)


@pytest.mark.parametrize(
    ("verdicts", "code", "strict"),
    [
        ([V.PASS], Exit.CONFORMANT, Exit.CONFORMANT),
        ([V.PASS, V.WARN], Exit.CONFORMANT, Exit.BROKEN),
        ([V.PASS, V.INCONCLUSIVE], Exit.CONFORMANT, Exit.BROKEN),
        ([V.PASS, V.KNOWN], Exit.CONFORMANT, Exit.CONFORMANT),
        ([V.PASS, V.NOT_APPLICABLE], Exit.CONFORMANT, Exit.CONFORMANT),
        ([V.PASS, V.FAIL], Exit.BROKEN, Exit.BROKEN),
        ([V.PASS, V.UNTESTABLE], Exit.BROKEN, Exit.BROKEN),
        ([V.PASS, V.STALE], Exit.BROKEN, Exit.BROKEN),
        ([V.FAIL, V.ERROR], Exit.ERROR, Exit.ERROR),
        ([], Exit.NOTHING_JUDGED, Exit.NOTHING_JUDGED),
        ([V.NOT_APPLICABLE], Exit.NOTHING_JUDGED, Exit.NOTHING_JUDGED),
        ([V.INCONCLUSIVE], Exit.NOTHING_JUDGED, Exit.BROKEN),
    ],
)
def test_exit_codes(verdicts: list[Verdict], code: Exit, strict: Exit) -> None:
    assert (exit_code(verdicts), exit_code(verdicts, strict=True)) == (code, strict)


def test_the_worst_verdict_wins() -> None:
    assert worst([V.PASS, V.WARN, V.FAIL]) is V.FAIL
    assert worst([V.FAIL, V.ERROR]) is V.ERROR
    assert worst([V.NOT_APPLICABLE, V.PASS]) is V.PASS


def test_hold_tells_all_violations_once_and_keeps_their_exchanges() -> None:
    with pytest.raises(Broken) as caught:
        hold(
            [Violation(EXCHANGE, "one"), Violation(EXCHANGE, "one"), *(Violation(EXCHANGE, f"n{n}") for n in range(4))]
        )
    assert str(caught.value) == "one; n0; n1 (and 2 more)"
    assert caught.value.exchanges == (EXCHANGE,)


def test_a_violation_found_outweighs_an_answer_that_cant_be_read() -> None:
    def violations(found: bool) -> object:
        if found:
            yield Violation(EXCHANGE, "wrong")
        raise Unusable("no answer")

    with pytest.raises(Broken):
        hold(violations(True))
    with pytest.raises(Unusable):
        hold(violations(False))
