"""What prompts cost, as the gateway counts them. The cost of one word is measured first, so a part of a prompt that
never came to the model shows as words that nobody counted."""

from conformance.exchange import Exchange
from conformance.reading.traffic import reply_of, sent
from conformance.rules import usage
from conformance.verdict import Inconclusive, NotApplicable

LONGER_BY = 200
"""Words that the longer of the two measured prompts has more than the shorter."""
LEAST_PER_WORD = 0.5
"""Tokens that the plainest of words costs in any tokeniser."""


def prompt_cost(exchange: Exchange) -> int:
    """The prompt_tokens of an answer, plain or streamed. Raises Inconclusive if it does not say, NotApplicable for a
    stream."""
    count = usage.prompt_tokens(reply_of(exchange))
    if count is not None:
        return count
    if sent(exchange).get("stream") is True:
        raise NotApplicable("the streams carry no usage")
    raise Inconclusive("the answers carry no usage", blame=None)


def tokens_per_word(short: Exchange, long: Exchange, words: int = LONGER_BY) -> float:
    """What each of the words costs that one prompt has more than the other. Raises Inconclusive where prompts are not
    counted by their length, of which CHAT-022 tells."""
    if long.status in (400, 413, 422):
        raise Inconclusive(f"the model takes no prompt of {words} words")
    each = (prompt_cost(long) - prompt_cost(short)) / words
    if each < LEAST_PER_WORD:
        seen = f"{words} more words cost {each * words:.0f} more prompt tokens, so nothing can be told"
        raise Inconclusive(seen, blame=None)
    return each


def lost_words(short: Exchange, long: Exchange, words: int, each: float) -> int:
    """How many of the words, which one prompt has more than the other, were not counted."""
    return round(words - (prompt_cost(long) - prompt_cost(short)) / each)
