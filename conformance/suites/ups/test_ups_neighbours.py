"""UPS: what one client does that leaves or asks wrongly: its provider is left, and others notice nothing."""

from collections.abc import Iterator

from conformance.exchange import Unusable
from conformance.probes import upstream as scripts
from conformance.probes.ups import neighbours
from conformance.reading.upstream import as_scripted, chat_of, received, sent_on, text_of, unlike
from conformance.sending.upstream import Told
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import Inconclusive, Violation, expect, hold, tolerate

TEXT, STAYING = "".join(scripts.PIECES), "".join(neighbours.STAYING)
EARLY = ("plain", "before its first event")
NEAR_S = 0.25
"""How near to the end of the gateway's own patience its leaving is taken for that."""


@requirement("UPS-011")
def test_a_provider_is_left_when_its_client_is_gone(
    scripted_stream: Told, scripted_leave: dict[str, Told], target: Target
) -> None:
    as_scripted(scripted_stream, TEXT)
    told = scripted_leave["left"]
    asked, sent = told["asked"], sent_on(told)
    if not asked.abandoned:
        raise Unusable(f"the stream was to be left in the middle: {asked.seen}")
    expect(sent.ended == "left", told["kept"], f"{_STILL} the provider still answers")
    tolerate(found for case in EARLY for found in _not_left(case, scripted_leave[case], target.upstream_timeout_s))


@requirement("UPS-038")
def test_others_stay_when_one_leaves(scripted_stream: Told, scripted_leave: dict[str, Told]) -> None:
    as_scripted(scripted_stream, TEXT)
    asked, left = chat_of(scripted_leave["stays"]), chat_of(scripted_leave["left"])
    if not left.abandoned:
        raise Unusable(f"the stream was to be left in the middle: {left.seen}")
    seen = asked.seen if not asked.ok or not asked.complete else unlike(STAYING, text_of(asked))
    is_whole = asked.ok and asked.complete and text_of(asked) == STAYING
    expect(is_whole, asked, f"the stream of another client, while one leaves its own: {seen}")


@requirement("UPS-037")
def test_wrong_chats_keep_nobody_from_the_provider(scripted_reply: Told, scripted_wrong: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    if not scripted_wrong["before"]["asked"].ok:
        raise Inconclusive(f"no chat is served before: {scripted_wrong['before']['asked'].seen}", blame=None)
    hold(
        Violation(told["asked"], f"{case}: {told['asked'].seen}, and the provider is not asked")
        for case, told in scripted_wrong.items()
        if told["asked"].status >= 500 and not received(told["kept"])
    )
    _ = chat_of(scripted_wrong["after"])


_STILL = f"{neighbours.CANCELLED_S:g} s after the client has gone"


def _not_left(case: str, told: Told, patience_s: float | None) -> Iterator[Violation]:
    """That a provider goes on for nobody, or is left only as the gateway would have given it up anyway."""
    for sent in received(told["kept"]):
        if sent.ended != "left":
            yield Violation(told["asked"], f"{case}: {_STILL} the provider still answers")
        elif patience_s and sent.ended_s > max(patience_s - NEAR_S, neighbours.LEAVING_S + NEAR_S):
            seen = f"{case}: the provider is left after {sent.ended_s:.1f} s, which is when it is given up anyway"
            yield Violation(told["asked"], seen)
