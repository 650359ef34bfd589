"""STREAM: the text that the deltas make up, and what is said of it: whole, once, in order, counted, by one model."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from conformance.exchange import Exchange, Unusable
from conformance.probes.chat.replies import SMALL_CAP
from conformance.probes.stream.delivery import SEEDED_CAP
from conformance.reading.traffic import (
    answered,
    came_as_asked,
    chat_answers,
    chat_replies,
    chat_streams,
    in_streams,
    n_of,
    repeats_itself,
    reply_of,
    sent,
    wants_usage,
)
from conformance.rules import Json, replies, twins, usage
from conformance.rules.replies import fits
from conformance.rules.streams import content
from conformance.rules.streams.framing import is_utf8
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, expect, hold, tolerate

Compare = Callable[[list[Json], list[Json]], list[str]]


@requirement("STREAM-058")
def test_the_streamed_text_is_the_plain_one(
    chat_reply: Exchange, chat_stream: Exchange, chat_seeded: dict[str, list[Exchange]]
) -> None:
    answered(chat_reply)
    _ = chat_stream.chunks
    plain, streamed = (_answered(group) for group in chat_seeded.values())
    pairs = [(one, other) for one in plain for other in streamed if _fingerprint(one) in (None, _fingerprint(other))]
    if not pairs:
        raise Inconclusive("no plain and streamed answers of one fingerprint to a seed and temperature 0", blame=None)
    one, other = pairs[0]
    alike = any(_text(plain) == _text(streamed) for plain, streamed in pairs)
    expect(alike, other, f"plain {show(_text(one))}, streamed {show(_text(other))}")


@requirement("STREAM-059")
def test_characters_of_many_bytes_arrive_whole(
    exchanges: list[Exchange], chat_stream: Exchange, chat_seeded: dict[str, list[Exchange]]
) -> None:
    streams = [x for x in chat_streams(exchanges, chat_stream) if _is_sound(x)]
    damaged = list(in_streams(streams, content.Replacements))
    if len({violation.exchange.id for violation in damaged}) > 1:  # once may be the model's own doing
        hold(damaged)
    hold(_compared(twins.flattened, *chat_seeded.values()))
    if all(_text(x).isascii() for x in streams if _first_chunk(x)):
        raise Inconclusive("no text has a character beyond ASCII")


@requirement("STREAM-066")
def test_no_delta_holds_half_a_character(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    hold(in_streams(chat_streams(exchanges, chat_stream), content.WholeCharacters))


@requirement("STREAM-067")
def test_a_delta_repeats_nothing(exchanges: list[Exchange], chat_stream: Exchange) -> None:
    streams = chat_streams(exchanges, chat_stream)
    hold(in_streams(streams, partial(content.BringsNewText, _said_plainly(exchanges))))


@requirement("STREAM-068")
def test_a_text_is_streamed_whole_and_once(
    exchanges: list[Exchange],
    chat_reply: Exchange,
    chat_replies_again: list[Exchange],
    chat_stream: Exchange,
    chat_stream_again: Exchange,
    chat_stream_usage: Exchange,
    chat_caps: dict[str, Exchange],
    chat_stream_caps: dict[str, Exchange],
    chat_seeded: dict[str, list[Exchange]],
) -> None:
    answered(chat_reply)
    if any(repeats_itself(x) for x in chat_streams(exchanges, chat_stream)):
        raise Inconclusive("deltas repeat others, which is judged by itself", blame=None)
    small = [chat_stream, chat_stream_again, chat_stream_usage]
    for plain, streamed in (
        (chat_seeded["plain"], chat_seeded["streamed"]),
        ([chat_reply, *chat_replies_again[:2]], small),
        (list(chat_caps.values()), list(chat_stream_caps.values())),
    ):
        for rule in (twins.distorted, twins.silent, twins.doubled):
            hold(_compared(rule, plain, streamed))
    if all(len(_answered(group)) == len(group) for group in chat_seeded.values()):
        hold(_compared(twins.curtailed_in_pairs, *chat_seeded.values()))
    hold(_compared(twins.unspaced, *chat_seeded.values()))
    tolerate(_compared(twins.thinned, *chat_seeded.values()))


@requirement("STREAM-069")
def test_streamed_tokens_are_those_that_came(
    exchanges: list[Exchange],
    chat_reply: Exchange,
    chat_stream_usage: Exchange,
    chat_caps: dict[str, Exchange],
    chat_stream_caps: dict[str, Exchange],
    chat_seeded: dict[str, list[Exchange]],
) -> None:
    answered(chat_reply)
    counted = [x for x in chat_streams(exchanges, chat_stream_usage) if wants_usage(sent(x)) and not repeats_itself(x)]
    hold(in_streams(counted, usage.CountsWhatCame))
    hold(_compared(partial(twins.miscounted, SEEDED_CAP), *chat_seeded.values()))
    hold(_compared(partial(twins.miscounted, SMALL_CAP), chat_caps.values(), chat_stream_caps.values()))


@requirement("STREAM-070")
def test_streams_name_the_model_that_plain_answers_name(
    exchanges: list[Exchange], chat_reply: Exchange, chat_stream: Exchange
) -> None:
    plain = _named(chat_replies(exchanges, chat_reply))
    for asked, found in _named(chat_streams(exchanges, chat_stream)).items():
        names, others = ({name for _, name in each} for each in (found, plain[asked]))
        misnamed = not any(fits(name, asked) for name in others) and any(fits(name, asked) for name in names)
        tells = min(len(found), len(plain[asked])) > 1 and not misnamed  # CHAT-008
        seen = f"for {show(asked)} streams name {show(sorted(names))}, plain answers {show(sorted(others))}"
        expect(not tells or bool(names & others), found[0][0], seen)


def _compared(rule: Compare, plain: Iterable[Exchange], streamed: Iterable[Exchange]) -> Iterator[Violation]:
    """What a rule of plain and streamed answers says of those that were answered."""
    whole, streams = _answered(plain), _answered(streamed)
    found = rule([reply_of(x) for x in whole], [reply_of(x) for x in streams])
    yield from (Violation(x, seen) for x, seen in zip(streams, found, strict=False))


def _answered(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Those that were answered as they were asked for, with as many choices."""
    served = [x for x in exchanges if x.ok and came_as_asked(x) and (x.is_json or _first_chunk(x))]
    found = [(x, reply_of(x).get("choices")) for x in served]
    return [x for x, choices in found if isinstance(choices, list) and len(choices) == n_of(sent(x))]


def _first_chunk(stream: Exchange) -> object:
    return next((chunk for _, chunk in stream.parsed_events if chunk), None)


def _named(answers: Iterable[Exchange]) -> dict[str, list[tuple[Exchange, str]]]:
    """(answer, the model that it names) by the model that was asked for; those that name none are left out."""
    found: dict[str, list[tuple[Exchange, str]]] = defaultdict(list)
    for answer in answers:
        parts = [answer.document] if answer.is_json else [chunk for _, chunk in answer.parsed_events if chunk]
        name = next((name for part in parts if isinstance(name := part.get("model"), str) and name), None)
        if name:
            found[str(sent(answer).get("model"))].append((answer, name))
    return found


def _said_plainly(exchanges: Iterable[Exchange]) -> str:
    """The texts of all plain answers."""
    found = []
    for x in chat_answers(exchanges):
        with suppress(Unusable):
            found.append("" if sent(x).get("stream") else _text(x))
    return "\n".join(found)


def _text(exchange: Exchange) -> str:
    return replies.text(reply_of(exchange))


def _fingerprint(exchange: Exchange) -> object:
    return reply_of(exchange).get("system_fingerprint")


def _is_sound(stream: Exchange) -> bool:
    """Whether a stream is UTF-8, which is judged by itself, and its request holds no damaged character, which a model
    could repeat."""
    body = stream.request.body
    return not list(is_utf8(stream.content)) and b"\\ud8" not in body.lower() and content.REPLACED.encode() not in body
