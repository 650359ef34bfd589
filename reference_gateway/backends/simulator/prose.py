"""Writes plausible text: sentences drawn from the vocabulary, as long as the prompt asks for."""

import re
from random import Random

from reference_gateway.backends.simulator import vocabulary as words
from reference_gateway.backends.simulator.tokens import count

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


def write(rng: Random, tokens: int) -> str:
    """Whole sentences of at least `tokens` tokens together. Every text holds characters beyond ASCII."""
    text = sentence(rng, plain=False)
    length = count(text)
    sentences = 1
    while length < tokens:
        following = ("\n\n" if sentences % 7 == 6 else " ") + sentence(rng, plain=rng.random() < 0.5)
        text += following
        length += count(following)
        sentences += 1
    return text


def sentence(rng: Random, *, plain: bool) -> str:
    """One sentence of at most 15 tokens; only ASCII if `plain`."""
    if not plain and rng.random() < 0.15:
        return rng.choice(words.FOREIGN_SENTENCES)
    subject = rng.choice(words.SUBJECTS)
    opening = f"{rng.choice(words.OPENERS)} {subject}" if rng.random() < 0.2 else subject.capitalize()
    body = f"{opening} {rng.choice(words.VERBS)} {rng.choice(words.OBJECTS)}"
    if plain:
        return f"{body}." if rng.random() < 0.5 else f"{body} {rng.choice(words.PLAIN_TAILS)}."
    if rng.random() < 0.3:
        return f"{body}. {rng.choice(words.EMOJI)}"
    return f"{body} {rng.choice(words.TAILS)}."
