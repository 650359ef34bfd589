"""Writes plausible text: sentences drawn from the vocabulary, as long as the prompt asks for."""

import re
from functools import cache
from random import Random

from reference_gateway.backends.simulator import vocabulary as words
from reference_gateway.backends.simulator.tokens import tokenise

_LONGEST = 8192
"""Tokens that an answer never exceeds, whatever the prompt asks for."""
_ASKED_LENGTH = re.compile(r"\b(\d{1,6})[\s-]{0,3}(?:words?|tokens?)\b", re.IGNORECASE)
_ASKED_LONG = re.compile(
    r"\b(?:story|stories|essays?|poem|articles?|novel|chapters?|a (?:very )?long|at length|in detail)\b", re.IGNORECASE
)


def asked_tokens(prompt: str, rng: Random) -> int:
    """The least number of tokens that an answer to `prompt` should have.

    20 to 41 (the last sentence is finished, so up to 60); about 300 for a story or an essay; N words when N are named.
    """
    drawn = rng.random()
    if asked := _ASKED_LENGTH.search(prompt):
        return min(int(int(asked[1]) * 1.25) + 1, _LONGEST)
    if _ASKED_LONG.search(prompt):
        return 260 + int(drawn * 120)
    return 20 + int(drawn * 22)


def write(rng: Random, tokens: int) -> list[str]:
    """Whole sentences, as tokens: at least so many. Every text holds characters beyond ASCII."""
    text = _sentence(rng, "", plain=False)
    sentences = 1
    while len(text) < tokens:
        text += _sentence(rng, "\n\n" if sentences % 7 == 6 else " ", plain=rng.random() < 0.5)
        sentences += 1
    return text


def _sentence(rng: Random, space: str, *, plain: bool) -> list[str]:
    """One sentence of at most 15 tokens after this white space; only ASCII if `plain`."""
    if not plain and rng.random() < 0.15:
        return [*_phrase(space + rng.choice(words.FOREIGN_SENTENCES))]
    subject = rng.choice(words.SUBJECTS)
    opening = f"{rng.choice(words.OPENERS)} {subject}" if rng.random() < 0.2 else subject.capitalize()
    said = [*_phrase(space + opening), *_after(rng.choice(words.VERBS)), *_after(rng.choice(words.OBJECTS))]
    if plain:
        return [*said, "."] if rng.random() < 0.5 else [*said, *_after(rng.choice(words.PLAIN_TAILS)), "."]
    if rng.random() < 0.3:
        return [*said, ".", *_after(rng.choice(words.EMOJI))]
    return [*said, *_after(rng.choice(words.TAILS)), "."]


def _after(phrase: str) -> tuple[str, ...]:
    """The tokens of a phrase that others stand before."""
    return _phrase(f" {phrase}")


@cache
def _phrase(text: str) -> tuple[str, ...]:
    """The tokens of what begins with white space or stands first, and ends as no token does that goes on with white
    space or a full stop: put together they are those of the whole. There are as many as the vocabulary makes."""
    return tuple(tokenise(text))
