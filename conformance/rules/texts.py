"""Rules of the text of an answer: that it is there, once, and whole. None looks at what it says."""

import re
from collections.abc import Iterator
from typing import Any

from conformance.rules import Json
from conformance.rules.replies import finishes, stopping_leaves_content
from conformance.rules.usage import completion_tokens, usage_of
from conformance.shape import choices, is_int, messages, show

HIDDEN_BEFORE_A_CUT = 3
HIDDEN_BEFORE_AN_END = 7
"""Tokens of a choice that need not show: those that open and close what a model says, or an empty thought."""
LONG_TEXT = 40
FEW_WORDS = 5
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_DAMAGE = re.compile("[\ufffd\x80-\x9f]")
"""What stands for bytes that were no UTF-8, and what UTF-8 turns into that is read as Latin-1."""


def shown(message: Json) -> Iterator[str]:
    """Every text in a message, whatever member holds it: content, thoughts by any name, a refusal."""
    return _texts({key: value for key, value in message.items() if key != "role"})


def tokens_are_shown(document: Json) -> Iterator[str]:
    """A token has at least one byte: there are no more of them than bytes of text, thoughts that are declared left out.
    Of calls and sounds nobody can tell what they cost; null at a normal end is the business of
    stopping_leaves_content."""
    counted, speakers = completion_tokens(document), [message for _, message in messages(document)]
    if any(each.get(key) for each in speakers for key in ("tool_calls", "function_call", "audio")):
        return
    if counted is None or not speakers or any(stopping_leaves_content(document)):
        return
    size = sum(len(text.encode("utf-8", "replace")) for each in speakers for text in shown(each))
    was_cut = all(finish == "length" for finish in finishes(document))
    hidden = len(speakers) * (HIDDEN_BEFORE_A_CUT if was_cut else HIDDEN_BEFORE_AN_END)
    if counted - _thoughts(document) > size + hidden:
        yield f"usage.completion_tokens is {counted}, and the answer shows {size or 'not one'} byte{'s' * (size > 1)}"


def says_all_twice(document: Json) -> Iterator[str]:
    """A long text that is the same text twice over, and was cut: one that ends by itself may well repeat a sentence."""
    for choice, (where, message) in zip(choices(document), messages(document), strict=True):
        text, was_cut = message.get("content"), choice.get("finish_reason") == "length"
        if was_cut and isinstance(text, str) and len(text) >= LONG_TEXT and (half := _half(text)):
            yield f"{where}.content is twice {show(half)}"


def left_empty(document: Json) -> set[int]:
    """The places of choices that ran into their cap and show nothing, while others show something. Of answers with
    thoughts, declared or shown, nothing can be told."""
    pairs = list(zip(choices(document), (message for _, message in messages(document)), strict=True))
    shows = [any(map(str.strip, shown(message))) for _, message in pairs]
    if _thoughts(document) or any(
        message.get(key) for _, message in pairs for key in ("reasoning_content", "reasoning")
    ):
        return set()
    empty = {place for place, (choice, _) in enumerate(pairs) if choice.get("finish_reason") == "length"}
    return {place for place in empty if not shows[place]} if any(shows) else set()


def surrogates_come_in_pairs(document: Json) -> Iterator[str]:
    for where, message in messages(document):
        for text in shown(message):
            if _LONE_SURROGATE.search(text):
                escaped = text.encode("utf-8", "backslashreplace").decode()
                yield f"{where} holds half of a surrogate pair: {show(escaped)}"


def characters_are_whole(document: Json) -> Iterator[str]:
    """No text holds U+FFFD or a control character of Latin-1; the last character of one that was cut may be damaged."""
    for choice, (where, message) in zip(choices(document), messages(document), strict=True):
        for text in shown(message):
            kept = text.rstrip("\ufffd") if choice.get("finish_reason") == "length" else text
            if found := _DAMAGE.search(kept):
                around = kept[max(found.start() - 10, 0) : found.start() + 10]
                yield f"{where} holds U+{ord(found[0]):04X}: {show(around)}"


def is_ascii(document: Json) -> bool:
    """Whether no text of the answer has a character beyond ASCII, so that nothing could be damaged."""
    return all(text.isascii() for _, message in messages(document) for text in shown(message))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _thoughts(document: Json) -> int:
    details = (usage_of(document) or {}).get("completion_tokens_details")
    count = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return count if is_int(count) else 0


def _half(text: str) -> str:
    """The half that makes up the text, with at most a blank between; "" if none does or if it is but few words, as of
    a model that goes round in circles."""
    middle = len(text) // 2
    first, second = text[:middle], text[-middle:]
    between = text[middle:-middle]
    same = first == second and not between.strip()
    return first if same and len(set(first.split())) >= FEW_WORDS else ""
