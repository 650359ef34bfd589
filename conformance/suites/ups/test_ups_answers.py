"""UPS: whether what a provider answers comes to the client as it was answered."""

from collections.abc import Iterator, Mapping
from math import isclose
from typing import Any

from conformance.exchange import Exchange
from conformance.probes import upstream as scripts
from conformance.probes.ups import answers as given
from conformance.reading.traffic import in_streams, reply_of, wants_usage
from conformance.reading.upstream import as_scripted, chat_of, other_texts, received, taken, text_of, unlike
from conformance.rules import usage
from conformance.rules.streams import chunks, fragments
from conformance.sending.upstream import Told
from conformance.shape import choices, dig, show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, hold, tolerate

TEXT = "".join(scripts.PIECES)
TOKENS = "".join(token for token, _ in given.TOKENS)
LONG = {
    "plain": given.BLOCK * given.BLOCKS[1],
    "many pieces, streamed": "".join(given.NUMBERED),
    **{f"a piece of {16 * times} letters, streamed": given.BLOCK * times for times in given.BLOCKS},
}
"""The texts of the long answers."""
DETAILS = (("prompt_tokens_details", "cached_tokens"), ("completion_tokens_details", "reasoning_tokens"))


@requirement("UPS-025")
def test_usage_is_the_providers(scripted_reply: Told, scripted_stream: Told) -> None:
    as_scripted(scripted_reply, TEXT)
    asked, stream = chat_of(scripted_reply), chat_of(scripted_stream)
    hold(_other_usage(asked, usage.usage_of(asked.document)))
    if stream.ok and wants_usage(stream.sent):
        hold(_other_usage(stream, usage.usage_of(usage.of_stream(stream.chunks))))
        hold(in_streams([stream], chunks.UsageOnce))


@requirement("UPS-026")
def test_tool_calls_come_as_they_were_made(scripted_reply: Told, scripted_calls: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    asked = {case: chat_of(told) for case, told in taken(scripted_calls).items()}
    served = {case: x for case, x in asked.items() if x.status not in (400, 422)}
    if not served:
        raise Inconclusive("no chat with a tool is served", blame=None)
    hold(Violation(x, f"{case}: {seen}") for case, x in served.items() for seen in _other_calls(x))
    streams = [x for case, x in served.items() if case.endswith("streamed")]
    for rule in (fragments.IndexesCountUp, fragments.LaterFragmentsAddNothing) if streams else ():
        hold(in_streams(streams, rule))
    ids = [call["id"] for call in given.CALLS]
    found = {case: [call["id"] for call in _calls(x)] for case, x in served.items()}
    tolerate(
        Violation(served[case], f"{case}: the ids {show(ids)} come as {show(others)}")
        for case, others in found.items()
        if others != ids
    )


@requirement("UPS-027")
def test_text_comes_to_the_letter(
    scripted_reply: Told, scripted_stream: Told, scripted_letters: dict[str, Told], scripted_lengths: dict[str, Told]
) -> None:
    simplest = {"plain": scripted_reply, "streamed": scripted_stream}
    for told in simplest.values():
        if not chat_of(told).ok:
            as_scripted(told, TEXT)
    hold(other_texts(simplest, TEXT))
    hold(other_texts(taken(scripted_letters), "".join(given.LETTERS)))
    hold(found for case, text in LONG.items() for found in other_texts({case: scripted_lengths[case]}, text))


@requirement("UPS-032")
def test_the_finish_reason_is_the_providers(
    scripted_reply: Told, scripted_reasons: dict[str, Told], scripted_calls: dict[str, Told]
) -> None:
    as_scripted(scripted_reply, TEXT)
    asked = {case: (case.split(",")[0], chat_of(told)) for case, told in scripted_reasons.items()}
    calls = [chat_of(told) for told in scripted_calls.values() if received(told["kept"])]
    reasons = [*asked.values(), *(("tool_calls", x) for x in calls)]
    hold(
        Violation(x, f"the finish_reason {show(reason)} comes as {show(found)}")
        for reason, x in reasons
        if x.ok and (found := dig(choices(reply_of(x))[0], "finish_reason", default=None)) != reason
    )


@requirement("UPS-033")
def test_all_that_an_answer_says_comes(scripted_reply: Told, scripted_members: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    asked = {case: chat_of(told) for case, told in taken(scripted_members).items()}
    served = {case: x for case, x in asked.items() if x.status not in (400, 422)}
    judges = {"refusal": _other_refusal, "logprobs": _other_logprobs, "choices": _other_choices}
    hold(
        Violation(x, f"{case}: {seen}" if x.ok else f"{case}: {x.seen}")
        for case, x in served.items()
        for seen in (judges[case.split(",")[0]](x) if x.ok else [x.seen])
    )


@requirement("UPS-035")
def test_each_answer_goes_to_who_asked_for_it(scripted_reply: Told, scripted_many: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    texts = {case: text_of(told["asked"]) for case, told in scripted_many.items() if told["asked"].ok}
    hold(
        Violation(scripted_many[case]["asked"], f"number {case} was asked for, and {show(text)} comes")
        for case, text in texts.items()
        if isinstance(text, str) and not set(text.split()) <= {case[:3]}
    )


def _calls(exchange: Exchange) -> list[Any]:
    found = dig(choices(reply_of(exchange))[0], "message", "tool_calls", default=None)
    return [call for call in found if isinstance(call, dict)] if isinstance(found, list) else []


def _other_calls(exchange: Exchange) -> Iterator[str]:
    if not exchange.ok:
        yield exchange.seen
        return
    found = _calls(exchange)
    if len(found) != len(given.CALLS):
        yield f"{len(given.CALLS)} calls come as {len(found)}"
        return
    for call, other in zip(given.CALLS, found, strict=True):
        for name in ("name", "arguments"):
            here, there = dig(call, "function", name), dig(other, "function", name, default=None)
            if here != there:
                yield f"{name}: {unlike(here, there)}"
    ids = [call.get("id") for call in found]
    if not all(isinstance(id, str) and id for id in ids) or len(set(ids)) < len(ids):
        yield f"the calls have the ids {show(ids)}"
    if text_of(exchange) != given.BESIDE:
        yield f"beside the calls {unlike(given.BESIDE, text_of(exchange))}"


def _other_refusal(exchange: Exchange) -> Iterator[str]:
    found = dig(choices(reply_of(exchange))[0], "message", "refusal", default=None)
    if found != given.REFUSAL:
        yield unlike(given.REFUSAL, found)


def _other_choices(exchange: Exchange) -> Iterator[str]:
    found = [dig(choice, "message", "content", default=None) for choice in choices(reply_of(exchange))]
    if found != list(given.CHOICES):
        yield f"{show(given.CHOICES)} come as {show(found)}"


def _other_logprobs(exchange: Exchange) -> Iterator[str]:
    choice = choices(reply_of(exchange))[0]
    kept = choice.get("logprobs")
    found = kept.get("content") if isinstance(kept, dict) else None
    tokens = [(row.get("token"), row.get("logprob")) for row in found or () if isinstance(row, dict)]
    if [token for token, _ in tokens] != [token for token, _ in given.TOKENS]:
        yield f"the tokens come as {show([token for token, _ in tokens])}"
    for (token, value), (_, other) in zip(given.TOKENS, tokens, strict=False):
        if not isinstance(other, int | float) or not isclose(value, other, rel_tol=1e-6):
            yield f"the log probability {value} of {show(token)} comes as {show(other)}"
    text, told = "", ""
    for _, chunk in exchange.parsed_events if exchange.sent.get("stream") else ():
        for one in chunks.choices_of(chunk or {}):
            text += dig(one, "delta", default={}).get("content") or ""
            told += "".join(row["token"] for row in (one.get("logprobs") or {}).get("content") or ())
            if len(told) < len(text):
                yield f"{show(text)} comes before the log probabilities of it"
                return


def _other_usage(exchange: Exchange, found: Mapping[str, Any] | None) -> Iterator[Violation]:
    if found is None:
        yield Violation(exchange, "the provider's usage is lost")
        return
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        if found.get(name) != scripts.USAGE[name]:
            yield Violation(exchange, f"{name} is {show(found.get(name))}, and {scripts.USAGE[name]} for the provider")
    for details, name in DETAILS:
        part = found.get(details)
        count = part.get(name) if isinstance(part, dict) else None
        if count is not None and count != dig(scripts.USAGE, details, name):
            yield Violation(exchange, f"{name} is {show(count)}, and {dig(scripts.USAGE, details, name)} there")
