"""CHAT: log-probabilities; plain, and put together from a stream where STREAM has no requirement of its own."""

from conformance.exchange import Exchange
from conformance.features import CLEAN_REFUSALS
from conformance.probes.chat.logprobs import ALTERNATIVES
from conformance.reading.traffic import answered, came_as_asked, in_replies, reply_of
from conformance.rules import Json, logprobs
from conformance.shape import choices
from conformance.suites import requirement
from conformance.verdict import Inconclusive, accept, expect, hold, refuse, tolerate


@requirement("CHAT-036")
def test_each_token_is_entered(chat_reply: Exchange, chat_logprobs: Exchange) -> None:
    answered(chat_reply)
    expect(chat_logprobs.status == 200, chat_logprobs)
    _has_text(chat_logprobs.document)
    hold(in_replies([chat_logprobs], logprobs.tokens_are_entered))
    tolerate(in_replies([chat_logprobs], logprobs.entries_are_whole))


@requirement("CHAT-036")
def test_each_token_of_each_choice_is_entered(
    chat_n2: Exchange, chat_logprobs: Exchange, chat_logprobs_alone: Exchange, chat_logprobs_n2: Exchange
) -> None:
    """That 0 alternatives may be asked for is the business of CHAT-099."""
    if not (chat_n2.ok and _has_entries_of(chat_logprobs) and _has_entries_of(chat_logprobs_alone)):
        raise Inconclusive("n=2, or a choice with log-probabilities, is not served", blame=None)
    if chat_logprobs_n2.status in CLEAN_REFUSALS:
        raise Inconclusive("two choices with log-probabilities are cleanly refused", blame=None)
    hold(in_replies([chat_logprobs_n2], logprobs.tokens_are_entered))


@requirement("CHAT-037", both_modes=True)
def test_the_bytes_are_those_of_the_text(
    chat_reply: Exchange, chat_logprobs: Exchange, chat_logprobs_n2: Exchange
) -> None:
    _has_entries(chat_reply, chat_logprobs)
    served = [x for x in (chat_logprobs, chat_logprobs_n2) if came_as_asked(x)]
    hold(in_replies(served, logprobs.bytes_are_those_of_the_text))


@requirement("CHAT-037", both_modes=True)
def test_the_tokens_make_the_text(chat_reply: Exchange, chat_logprobs: Exchange) -> None:
    _has_entries(chat_reply, chat_logprobs)
    hold(in_replies([chat_logprobs], logprobs.none_is_likelier_than_sure))
    hold(in_replies([chat_logprobs], logprobs.tokens_make_the_text))


@requirement("CHAT-038", both_modes=True)
def test_there_are_at_most_k_alternatives(chat_reply: Exchange, chat_logprobs: Exchange) -> None:
    _has_entries(chat_reply, chat_logprobs)
    hold(in_replies([chat_logprobs], logprobs.at_most(ALTERNATIVES)))
    tolerate(in_replies([chat_logprobs], logprobs.exactly_as_asked(ALTERNATIVES)))


@requirement("CHAT-039")
def test_bad_combinations_are_refused(chat_reply: Exchange, chat_bad_logprobs: dict[str, Exchange]) -> None:
    answered(chat_reply)
    refuse(chat_bad_logprobs)


@requirement("CHAT-099")
def test_no_alternatives_leave_the_entries(chat_reply: Exchange, chat_logprobs_alone: Exchange) -> None:
    answered(chat_reply)
    accept({"top_logprobs 0": chat_logprobs_alone})
    _has_text(chat_logprobs_alone.document)
    hold(in_replies([chat_logprobs_alone], logprobs.tokens_are_entered))
    hold(in_replies([chat_logprobs_alone], logprobs.at_most(0)))
    tolerate(in_replies([chat_logprobs_alone], logprobs.exactly_as_asked(0)))


def _has_text(answer: Json) -> None:
    if not logprobs.spoken(answer):
        raise Inconclusive("the answer holds no text")


def _has_entries_of(exchange: Exchange) -> bool:
    return exchange.ok and any(map(logprobs.entries_of, choices(exchange.document)))


def _has_entries(chat_reply: Exchange, exchange: Exchange) -> None:
    """Raises Inconclusive unless there are entries, which is judged by itself."""
    answered(chat_reply)
    if not came_as_asked(exchange) or not any(map(logprobs.entries_of, choices(reply_of(exchange)))):
        raise Inconclusive("there are no log-probabilities, of which CHAT-036 and STREAM-060 tell", blame=None)
