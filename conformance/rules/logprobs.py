"""Rules of log-probabilities, in an answer whether plain or put together from a stream, and in chunks."""

import re
from collections.abc import Iterator
from typing import Any

from conformance.rules import BodyRule, Json, StreamRule
from conformance.rules.streams.chunks import choices_of
from conformance.shape import choices, messages, show
from schemas import violations

ROUNDING = 1e-6
REPLACED = "\N{REPLACEMENT CHARACTER}"
THOUGHTS = ("reasoning_content", "reasoning")
_SPECIAL = re.compile(r"(\s|<[^<>\s]*>|\[[A-Z_/]+\])*")
"""White space and tokens such as <|eot_id|>, </s> and [/INST]: part of what was generated, not of what is said."""


def entries_of(choice: Json) -> list[Json]:
    """The token entries of a choice; what is no entry is left out."""
    logprobs = choice.get("logprobs")
    found = logprobs.get("content") if isinstance(logprobs, dict) else None
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def alternatives_of(entry: Json) -> list[Json]:
    found = entry.get("top_logprobs")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def spoken(document: Json) -> list[tuple[str, Json]]:
    """(where it stands, choice) of every choice with text, of whose tokens something can be told."""
    pairs = zip(choices(document), messages(document), strict=True)
    return [
        (where.removesuffix(".message"), choice)
        for choice, (where, message) in pairs
        if isinstance(message.get("content"), str) and message["content"]
    ]


def tokens_are_entered(document: Json) -> Iterator[str]:
    """A choice with text has entries, each of the right shape."""
    for where, choice in spoken(document):
        if not entries_of(choice):
            yield f"{where}.logprobs is {show(choice.get('logprobs'))}"
        else:
            yield from (f"{where}.logprobs.{seen}" for seen in violations("logprobs.lenient", choice["logprobs"]))


def entries_are_whole(document: Json) -> Iterator[str]:
    """Each entry has the keys `bytes` and `top_logprobs`, which may be null."""
    for where, choice in spoken(document):
        lacking = {key for entry in entries_of(choice) for key in ("bytes", "top_logprobs") if key not in entry}
        yield from (f"an entry of {where}.logprobs has no {key}, not even null" for key in sorted(lacking))


def none_is_likelier_than_sure(document: Json) -> Iterator[str]:
    for choice in choices(document):
        for entry in entries_of(choice):
            for each in (entry, *alternatives_of(entry)):
                logprob: Any = each.get("logprob")
                if isinstance(logprob, int | float) and logprob > ROUNDING:
                    yield f"the token {show(each.get('token'))} has the logprob {show(logprob)}"


def tokens_make_the_text(document: Json) -> Iterator[str]:
    """The bytes of the tokens, or else their texts, joined are the content. Special tokens and white space may stand
    around it, and thoughts before it."""
    for where, choice in spoken(document):
        message, entries = choice["message"], entries_of(choice)
        content = message["content"].replace(REPLACED, "")
        texts = [_from_bytes(entries), "".join(t for e in entries if isinstance(t := e.get("token"), str))]
        thinks = any(message.get(key) for key in THOUGHTS)
        if entries and not any(_is_said(content, text, thinks) for text in texts if text is not None):
            yield f"{where}: the tokens make {show(texts[1])}, the content is {show(message['content'])}"


def bytes_are_those_of_the_text(document: Json) -> Iterator[str]:
    """Where all entries have bytes that do not make the text, no token that stands in it has other bytes than its
    own in UTF-8. Parts of characters and tokens as vocabularies write them do not stand in the text."""
    for where, choice in spoken(document):
        content, entries = choice["message"]["content"], entries_of(choice)
        made = _from_bytes(entries)
        if not entries or made is None or _is_said(content.replace(REPLACED, ""), made, thinks=True):
            continue
        for entry in entries:
            token, given = entry.get("token"), bytes(entry["bytes"])
            if not isinstance(token, str) or token.isascii() or REPLACED in token or token not in content:
                continue
            if given != token.encode("utf-8", "replace"):
                yield f"{where}: the token {show(token)} has the bytes {show(entry['bytes'])}"
                break


def at_most(k: int) -> BodyRule:
    """No position has more than k alternatives, not counting the sampled token where it comes after k likelier ones."""

    def rule(document: Json) -> Iterator[str]:
        for entry in (entry for choice in choices(document) for entry in entries_of(choice)):
            count = len(alternatives_of(entry))
            if count > k + _is_added(entry, k):
                yield f"the token {show(entry.get('token'))} has {count} alternatives, {k} were asked for"

    return rule


def exactly_as_asked(k: int) -> BodyRule:
    """No position has more than k alternatives, and not all have none."""

    def rule(document: Json) -> Iterator[str]:
        counts = [len(alternatives_of(entry)) for choice in choices(document) for entry in entries_of(choice)]
        if counts and max(counts) > k:
            yield f"{max(counts)} alternatives, {k} were asked for: the token that was drawn is added to them"
        if counts and k and not any(counts):
            yield f"no token has alternatives, though {k} were asked for"

    return rule


class EntriesAreShaped(StreamRule):
    """Whatever log-probabilities a chunk has are lists of entries."""

    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            if choice.get("logprobs") is not None:
                yield from (f"logprobs.{seen}" for seen in violations("logprobs.lenient", choice["logprobs"]))


class LogprobsAreAbsent(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            if choice.get("logprobs") is not None:
                yield f"a choice has the logprobs {show(choice['logprobs'])}, though none were asked for"


def _is_added(entry: Json, k: int) -> bool:
    """Whether the sampled token stands beside k likelier ones, as some engines add it to them."""
    logprob: Any = entry.get("logprob")
    others = [each for each in alternatives_of(entry) if each.get("token") != entry.get("token")]
    likelier = [each for each in others if _number(each.get("logprob")) >= _number(logprob)]
    return len(others) == len(likelier) == k


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else float("nan")


def _from_bytes(entries: list[Json]) -> str | None:
    """The text of all bytes, None where an entry has none."""
    joined: list[int] = []
    for entry in entries:
        found = entry.get("bytes")
        if not isinstance(found, list) or not all(isinstance(byte, int) and 0 <= byte < 256 for byte in found):
            return None
        joined += found
    return bytes(joined).decode("utf-8", "replace").replace(REPLACED, "")


def _is_said(content: str, text: str, thinks: bool) -> bool:
    if not content.strip():
        return True
    before, found, after = text.replace(REPLACED, "").partition(content.strip())
    return bool(found) and (thinks or bool(_SPECIAL.fullmatch(before))) and bool(_SPECIAL.fullmatch(after))
