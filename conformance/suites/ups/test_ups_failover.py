"""UPS: how many providers are asked, and how often: one, once; and another where the first can't serve."""

from collections.abc import Iterator

from conformance.exchange import Exchange
from conformance.probes.ups.failover import STANDBY
from conformance.probes.upstream import PIECES
from conformance.reading.upstream import as_scripted, chat_of, received, text_of
from conformance.rules import usage
from conformance.rules.streams.chunks import pieces_of
from conformance.sending.upstream import Told
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, expect, hold

FIRST, OTHER = "".join(PIECES), "".join(STANDBY["pieces"])
REFUSALS = ("a refusal", "a refusal, streamed")
FAILURES = ("500", "500, streamed", "503")
CUTS = ("a connection that is cut", "a connection that is cut, streamed")


@requirement("UPS-028")
def test_the_other_provider_answers(scripted_failover: dict[str, Told]) -> None:
    _both_are_there(scripted_failover)
    cases = {case: scripted_failover[case] for case in (*FAILURES, *CUTS)}
    unanswered = {case: x for case in FAILURES if not (x := chat_of(cases[case])).ok}
    hold(Violation(x, f"{case} of one provider, while the other serves: {x.seen}") for case, x in unanswered.items())
    answered = {case: told for case, told in cases.items() if chat_of(told).ok}
    hold(seen for case, told in answered.items() for seen in _unlike_the_other(case, told))


@requirement("UPS-029")
def test_nobody_goes_on_with_what_another_began(scripted_failover: dict[str, Told]) -> None:
    _both_are_there(scripted_failover)
    stream = chat_of(scripted_failover["a cut in the middle"])
    text = "".join(piece for _, chunk in stream.parsed_events if chunk for piece in pieces_of(chunk))
    seen = f"one provider broke off, the other would have said {show(OTHER)}, and the stream reads {show(text)}"
    expect(FIRST.startswith(text) or text == OTHER, stream, seen)


@requirement("UPS-030")
def test_a_refusal_of_the_request_is_the_answer(scripted_failover: dict[str, Told]) -> None:
    _both_are_there(scripted_failover)
    for case in REFUSALS:
        told = scripted_failover[case]
        asked = chat_of(told)
        expect(_count(told, is_first=False) == 0, asked, f"{case} with status 400 is taken to the other provider")
        expect(400 <= asked.status < 500, asked, f"{case} with status 400: {asked.seen}")


@requirement("UPS-031")
def test_a_chat_is_sent_on_once(
    scripted_reply: Told, scripted_stream: Told, scripted_parameters: dict[str, Told]
) -> None:
    as_scripted(scripted_reply, FIRST)
    chats = {"plain": scripted_reply, "streamed": scripted_stream, **scripted_parameters}
    hold(
        Violation(told["asked"], f"{case}: answered by its provider, which was asked {count} times")
        for case, told in chats.items()
        if told["asked"].ok and (count := len(received(told["kept"]))) > 1
    )


def _both_are_there(cases: dict[str, Told]) -> None:
    """Raises Inconclusive unless one provider serves the model, and the other is asked where it fails."""
    serving = chat_of(cases["none"])
    if not serving.ok or text_of(serving) != FIRST:
        raise Inconclusive(f"the model that two providers have is not served by one that can: {serving.seen}")


def _unlike_the_other(case: str, told: Told) -> Iterator[Violation]:
    """Whether an answer is any other than that of the provider that stands in, asked and counted once."""
    asked = chat_of(told)
    if text_of(asked) != OTHER:
        yield Violation(asked, f"{case}: the answer is {show(text_of(asked))}, and {show(OTHER)} of the other provider")
        return
    if (count := _count(told, is_first=False)) != 1:
        yield Violation(asked, f"{case}: the provider that stands in was asked {count} times")
    spent = _usage(asked)
    for name, expected in STANDBY["usage"].items():
        if spent and spent.get(name) != expected:
            yield Violation(asked, f"{case}: {name} is {show(spent.get(name))}, and {expected} for the other provider")


def _usage(asked: Exchange) -> dict[str, object] | None:
    return usage.usage_of(usage.of_stream(asked.chunks) if asked.sent.get("stream") else asked.document)


def _count(told: Told, *, is_first: bool) -> int:
    """How many requests came to the provider that was asked first, or to the other one."""
    came = received(told["kept"])
    return sum((row.path == came[0].path) is is_first for row in came)
