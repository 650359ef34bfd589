"""Rules of the text that a stream's deltas make up: whole characters, nothing lost, nothing twice, all in order.

None of them looks at what a model says, only at how pieces of it relate to each other or to the same text sent plain.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby, pairwise

from conformance.rules import Json, StreamRule
from conformance.rules.streams.chunks import SPOKEN, deltas_of
from conformance.rules.streams.fragments import fragments_of
from conformance.shape import show

UNKNOWN = "?"
REPLACED = "\ufffd"
"""What a decoder puts in the place of bytes that are no character."""
GROWING = 4
"""Deltas in a row, each of which begins with the whole one before it, that no model's words are."""
DOUBLED = 4
"""Different words, each said twice in a row, that no model's words are."""
LONG_ENOUGH = 16
"""Characters of a text that can be compared with another."""
PART = 4
"""Characters of a part, by which it is told whether a text comes back to what it said."""
CUT = 4
"""Characters at the end of a capped text that plain and streamed answers may treat differently: half an emoji."""
LOST_BLANKS = 4
"""Blanks that a model does not leave out of words that it says again."""
KEPT = 4
"""One of so many characters must be left of a text to be sure that it is this one."""


class WholeCharacters(StreamRule):
    """No delta holds half of a surrogate pair: JSON can escape one, and no text can hold it."""

    def chunk(self, chunk: Json) -> Iterator[str]:
        texts = [delta[key] for _, delta in deltas_of(chunk) for key in SPOKEN if isinstance(delta.get(key), str)]
        for _, fragment in fragments_of(chunk):
            function = fragment.get("function") if isinstance(fragment, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                texts.append(function["arguments"])
        for text in texts:
            if any("\ud800" <= character <= "\udfff" for character in text):
                yield f"a delta holds half of a character: {json.dumps(text)[:80]}"


class BringsNewText(StreamRule):
    """Each delta adds to those before it: none repeats them. What is `said` elsewhere in just these words, as in plain
    answers, is the model's own doing where each piece begins with the one before it: 1 11 111 1111."""

    def __init__(self, said: str = "") -> None:
        self._said = said
        self._pieces: dict[tuple[int, str], list[str]] = {}

    def chunk(self, chunk: Json) -> Iterator[str]:
        for index, delta in deltas_of(chunk):
            for key in SPOKEN:
                if isinstance(delta.get(key), str) and delta[key]:
                    self._pieces.setdefault((index, key), []).append(delta[key])
        return iter(())

    def end(self) -> Iterator[str]:
        for pieces in self._pieces.values():
            if seen := _repetition(pieces, self._said):
                yield seen


class Replacements(StreamRule):
    """No text holds U+FFFD, but at its very end, where a token cap may cut a character."""

    def __init__(self) -> None:
        self._texts: dict[tuple[int, str], str] = {}

    def chunk(self, chunk: Json) -> Iterator[str]:
        for index, delta in deltas_of(chunk):
            for key in SPOKEN:
                if isinstance(delta.get(key), str):
                    self._texts[index, key] = self._texts.get((index, key), "") + delta[key]
        return iter(())

    def end(self) -> Iterator[str]:
        for text in self._texts.values():
            at = text.rstrip(REPLACED).find(REPLACED)
            if at >= 0:
                yield f"the text holds U+FFFD, a character that was lost: {show(text[max(at - 20, 0) : at + 20])}"


def is_said_twice(text: str) -> bool:
    """Whether a text is some other text twice, one that does not go round in circles itself."""
    half = len(text) // 2
    return text[:half] == text[half:] and _is_varied(text[:half])


def distortion(plain: str, streamed: str) -> str:
    """What was done to a plain text to make it this streamed one, if it can be told: a model that says something else
    does none of this. "" where both are equal, or differ in another way, as by a damaged character."""
    text, other = (_solid(each) for each in (plain, streamed))
    if _is_varied(text) and (seen := _run_together(plain, streamed) or _damaged(plain, streamed)):
        return seen
    if not _is_varied(text) or REPLACED in other or (text.startswith(other) and len(text) - len(other) <= CUT):
        return ""
    if not other:
        return "nothing of the plain text is streamed"
    if misread := _misread(plain.strip(), streamed.strip()):
        return misread
    if other == text * 2:
        return "the plain text is streamed twice"
    if sorted(text) == sorted(other):
        return "the plain text is streamed in another order"
    if len(other) * KEPT >= len(text) and _is_within(other, text):
        return f"of the plain text's {len(text)} characters {len(text) - len(other)} are not streamed"
    if not other.startswith(text) and _is_within(text, other):
        return f"the plain text is streamed with {len(other) - len(text)} characters more"
    return ""


def _repetition(pieces: list[str], elsewhere: str) -> str:
    growing = 1
    for at, (before, after) in enumerate(pairwise(pieces), start=2):
        growing = growing + 1 if len(after) > len(before) and after.startswith(before) else 1
        if growing >= GROWING and "".join(pieces[at - growing : at]).strip() not in elsewhere:
            return f"each of {growing} deltas repeats the whole one before it, the last is {show(after)}"
    said = "".join(pieces[:-1])
    if len(set(pieces)) >= GROWING and len(said) >= LONG_ENOUGH and pieces[-1].strip() == said.strip():
        return f"the last delta repeats all the text before it: {show(said)}"
    runs = [(piece, sum(1 for _ in group)) for piece, group in groupby(pieces)]
    inner = runs[1:-1] if len(runs) > 2 else []
    if len({piece for piece, _ in inner}) >= DOUBLED and all(times > 1 for _, times in inner):
        return f"every delta comes twice: {show([piece for piece, _ in inner])}"
    return ""


def _run_together(plain: str, streamed: str) -> str:
    """Whether a text is that one, up to an end cut by a cap, without the blanks between many of its words."""
    text, other = (_solid(each) for each in (plain, streamed))
    if not text.startswith(other):
        return ""
    due, found = ({at for at in _gaps(each) if at < len(other)} for each in (plain, streamed))
    if len(due - found) < LOST_BLANKS:
        return ""
    return f"{len(due - found)} of the plain text's {len(due)} blanks are not streamed: {show(streamed.strip())}"


def _damaged(plain: str, streamed: str) -> str:
    """Whether a text is that one, up to an end cut by a cap, with U+FFFD for characters beyond ASCII."""
    text, whole, other = _solid(plain), "".join(streamed.split()), _solid(streamed)
    at_the_end = REPLACED not in other and len(text) - len(other) <= CUT
    if REPLACED in text or REPLACED not in whole or at_the_end:
        return ""
    kept = [re.escape(each) for each in re.split(f"{REPLACED}+", whole)]
    found = re.match(r"[^\x00-\x7f]+".join(kept), text)
    if not found or len(text) - found.end() > CUT:
        return ""
    return f"characters beyond ASCII of the plain text are streamed as U+FFFD, {whole.count(REPLACED)} times"


def _gaps(text: str) -> set[int]:
    """How many characters other than white space there are before each white space within a text."""
    found, at = set(), 0
    for word in text.split()[:-1]:
        at += len(word)
        found.add(at)
    return found


def _misread(plain: str, streamed: str) -> str:
    """Whether a text is that one with its characters beyond ASCII replaced, or read in the wrong encoding."""
    kept = "".join(filter(str.isascii, plain))
    asked = kept != plain and streamed.count(UNKNOWN) > kept.count(UNKNOWN)
    if asked and streamed.replace(UNKNOWN, "") == kept.replace(UNKNOWN, ""):
        return f"{len(plain) - len(kept)} characters beyond ASCII of the plain text are streamed as question marks"
    for encoding in ("latin-1", "cp1252"):
        with suppress(UnicodeError):
            if streamed != plain and streamed.encode(encoding).decode() == plain:
                return f"the UTF-8 of the plain text is streamed as if it were {encoding}: {show(streamed)}"
    return ""


def _solid(text: str) -> str:
    """Without white space, and without what a cap may have made of half a character."""
    return "".join(text.split()).rstrip(REPLACED)


def _is_varied(text: str) -> bool:
    """Whether a text does not go round in circles, so that parts of it can be told from the whole."""
    parts = {text[at : at + PART] for at in range(len(text) - PART + 1)}
    return len(text) >= LONG_ENOUGH and len(parts) * 2 > len(text) - PART


def _is_within(short: str, long: str) -> bool:
    """Whether all characters of one text come in the other in this order, perhaps with others between them."""
    rest = iter(long)
    return all(character in rest for character in short)
