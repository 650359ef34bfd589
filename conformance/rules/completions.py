"""Rules of legacy completions (`text_completion`), plain and streamed: texts, how they end, log-probabilities."""

import json
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from conformance.rules import BodyRule, Json, StreamRule
from conformance.rules.replies import EARLIEST, LATEST
from conformance.rules.streams.chunks import choices_of, is_prelude, pieces_of
from conformance.shape import choices, is_int, show
from schemas import violations

FINISH_REASONS = ("stop", "length", "content_filter")
CONSTANT = ("id", "created", "model", "system_fingerprint")
ARRAYS = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
SIZES: tuple[Callable[[str], int], ...] = (
    len,
    lambda text: len(text.encode("utf-8", "surrogatepass")),
    lambda text: len(_utf16(text)) // 2,
)
"""How long a text is: in characters, in bytes, or in the units of Java and JavaScript."""
JUDGED_ALONE = ["id", "usage", *(f"choices[].{key}" for key in ("index", "text", "finish_reason", "logprobs"))]
JUDGED_ALONE_IN_CHUNKS = ["id", "object", "created", "usage", "choices[].index", "choices[].finish_reason"]
"""Members that have a requirement of their own, so that one defect is one failure."""


# Requests


def prompts_in(asked: Json) -> int:
    """How many prompts a request has: an array of token ids is one."""
    prompt = asked.get("prompt")
    return len(prompt) if isinstance(prompt, list) and not all(map(is_int, prompt)) else 1


def choices_asked(asked: Json) -> int:
    """How many choices a request asks for, of all its prompts together."""
    n = asked.get("n")
    return prompts_in(asked) * (n if is_int(n) and n > 0 else 1)


def tokens_allowed(asked: Json) -> int | None:
    """How many tokens a request allows for all choices together; None without a cap."""
    cap = asked.get("max_tokens")
    times = [count for key in ("n", "best_of") if is_int(count := asked.get(key)) and count > 0]
    return cap * prompts_in(asked) * max(times, default=1) if is_int(cap) and cap > 0 else None


# Plain answers


def shape(document: Any) -> Iterator[str]:
    """What an answer lacks of a `text_completion`, apart from what is judged alone."""
    yield from violations("completion.lenient", document, leaving=JUDGED_ALONE)
    created = document.get("created") if isinstance(document, dict) else None
    if is_int(created) and created >= 0 and not EARLIEST <= created <= LATEST:
        yield f"created is {show(created)}"


def texts_end_well(document: Json) -> Iterator[str]:
    """Every choice has a text and a known reason for its end."""
    for number, choice in enumerate(choices(document)):
        if not isinstance(choice.get("text"), str):
            yield f"choices[{number}].text is {show(choice.get('text'))}"
        if choice.get("finish_reason") not in FINISH_REASONS:
            yield f"choices[{number}].finish_reason is {show(choice.get('finish_reason'))}"


def id_is_prefixed(document: Json) -> Iterator[str]:
    id = document.get("id")
    if isinstance(id, str) and id and not id.startswith("cmpl-"):
        yield f"id is {show(id)}"


def has_choices(count: int) -> BodyRule:
    """As many choices, with the indexes from 0 on."""

    def rule(document: Json) -> Iterator[str]:
        found = [choice.get("index") for choice in choices(document)]
        if len(found) != count:
            yield f"{len(found)} choices instead of {count}"
        elif sorted(index for index in found if is_int(index)) != list(range(count)):
            yield f"the choices have the indexes {show(found)}"

    return rule


def texts(document: Json) -> dict[int, str]:
    """The text of every choice by its index; what is no text is empty."""
    found = {choice["index"]: choice.get("text") for choice in choices(document) if is_int(choice.get("index"))}
    return {index: text if isinstance(text, str) else "" for index, text in found.items()}


def text(document: Json) -> str:
    """The texts of all choices, joined."""
    return "".join(texts(document).values())


def as_chat(document: Json) -> Json:
    """The answer as if it were that of a chat, for the rules that compare texts."""
    told = [choice | {"message": {"content": choice.get("text")}} for choice in choices(document)]
    return document | {"choices": told}


def cut_texts(document: Json) -> int:
    """How many texts ran into their cap."""
    return sum(1 for choice in choices(document) if choice.get("text") and choice.get("finish_reason") == "length")


def loosely(text: str) -> str:
    """A text without what tokenisers may change in it: forms of letters, and how white space is written."""
    return " ".join(unicodedata.normalize("NFKC", text.replace("\u2581", " ").replace("\u0120", " ")).split())


# Log-probabilities


def logprobs_of(document: Json) -> Iterator[tuple[str, str, Any]]:
    """(where it stands, text, logprobs) of every choice."""
    for number, choice in enumerate(choices(document)):
        said = choice.get("text")
        yield f"choices[{number}]", said if isinstance(said, str) else "", choice.get("logprobs")


def arrays_align(most: int) -> BodyRule:
    """Four arrays of one length, with at most so many alternatives (and the chosen token) to each token. Where none
    are asked for, the array of alternatives may be missing or null. A choice without text may have no arrays."""

    def rule(document: Json) -> Iterator[str]:
        for where, said, logprobs in logprobs_of(document):
            if not isinstance(logprobs, dict):
                if said or logprobs is not None:
                    yield f"{where}.logprobs is {show(logprobs)}"
                continue
            needed = [key for key in ARRAYS if most or key != "top_logprobs" or logprobs.get(key) is not None]
            missing = [key for key in needed if not isinstance(logprobs.get(key), list)]
            yield from (f"{where}.logprobs.{key} is {show(logprobs.get(key))}" for key in missing)
            lengths = {key: len(logprobs[key]) for key in needed if key not in missing}
            if len(set(lengths.values())) > 1 or (said and not missing and 0 in lengths.values()):
                yield f"{where}.logprobs has arrays of the lengths {show(lengths)}"
            if not missing:
                yield from (f"{where}.logprobs.{seen}" for seen in _wrong_entries(logprobs, most))

    return rule


def _wrong_entries(logprobs: Json, most: int) -> Iterator[str]:
    """The first entry of each array that is of a wrong type, and the first place with too many alternatives."""
    kinds: dict[str, tuple[type, ...]] = {
        "tokens": (str,),
        "token_logprobs": (int, float, type(None)),
        "top_logprobs": (dict, type(None)),
        "text_offset": (int,),
    }
    for key, kind in kinds.items():
        for entry in logprobs.get(key) or ():
            if not isinstance(entry, kind) or isinstance(entry, bool):
                yield f"{key} holds {show(entry)}"
                break
    for entry in logprobs.get("top_logprobs") or ():
        if isinstance(entry, dict) and len(entry) > most + 1:
            yield f"top_logprobs has {len(entry)} alternatives, {most} were asked for"
            break


def logprobs_make_sense(document: Json) -> Iterator[str]:
    """No log-probability is above 0, the tokens joined are the text (special ones may follow), and where they are the
    very text, each begins as far behind the one before as that is long."""
    for where, said, logprobs in logprobs_of(document):
        values, tokens = (_array(logprobs, key) for key in ("token_logprobs", "tokens"))
        numbers = [value for value in values if isinstance(value, int | float)]
        if above := [value for value in numbers if value > 1e-6]:
            yield f"{where}.logprobs.token_logprobs holds {show(above[0])}"
        whole = "".join(token for token in tokens if isinstance(token, str))
        in_bytes = "\ufffd" in whole or "bytes:" in whole or "<0x" in whole
        if tokens and not in_bytes and not loosely(whole).startswith(loosely(said)):
            yield f"{where}.logprobs.tokens are {show(whole)} together, the text is {show(said)}"
        elif whole == said:
            yield from _misplaced(where, [str(token) for token in tokens], _array(logprobs, "text_offset"))


def offsets_are_in_characters(document: Json) -> Iterator[str]:
    """Where the tokens joined are the very text, each begins as many characters behind the one before as that has, and
    not as many bytes. What is no place at all is judged with the other arrays."""
    for where, said, logprobs in logprobs_of(document):
        tokens, offsets = [str(token) for token in _array(logprobs, "tokens")], _array(logprobs, "text_offset")
        if "".join(tokens) != said or any(_misplaced(where, tokens, offsets)):
            continue
        for token, (before, after) in zip(tokens, pairwise(offsets), strict=False):
            if is_int(before) and is_int(after) and after - before != len(token):
                yield f"{where}.logprobs.text_offset counts {after - before} for {show(token)}: those are no characters"
                break


def _misplaced(where: str, tokens: list[str], offsets: list[Any]) -> Iterator[str]:
    """The first token that begins elsewhere than its predecessor ends, wherever the first of them is said to begin,
    if characters are counted in no way that there is."""
    steps = [after - before if is_int(before) and is_int(after) else None for before, after in pairwise(offsets)]
    told = list(zip(steps, tokens, strict=False))
    wrong = [[place for place, (step, token) in enumerate(told) if step != size(token)] for size in SIZES]
    whole = len(offsets) == len(tokens) and None not in steps  # other lengths and types: arrays_align
    if whole and all(wrong):
        place = wrong[0][0]
        seen = f"text_offset {offsets[place]} and {offsets[place + 1]} are those of {show(tokens[place])}"
        yield f"{where}.logprobs.{seen} and of what follows"


def echo_is_covered(prompt: str, prompt_tokens: int | None) -> BodyRule:
    """The arrays begin with the prompt's tokens, and the very first has no log-probability."""

    def rule(document: Json) -> Iterator[str]:
        for where, _, logprobs in logprobs_of(document):
            tokens, values = (_array(logprobs, key) for key in ("tokens", "token_logprobs"))
            whole = loosely("".join(token for token in tokens if isinstance(token, str)))
            known = len(tokens) if prompt_tokens is None else prompt_tokens - 1
            if loosely(prompt) not in whole and len(tokens) <= known:
                yield f"{where}.logprobs.tokens are {show(whole)}, the prompt was {show(prompt)}"
            elif values and values[0] is not None:
                yield f"{where}.logprobs.token_logprobs begins with {show(values[0])}, before which nothing stands"

    return rule


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _array(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


# Streams


def joined(chunks: list[Json]) -> Json:
    """The `text_completion` of these chunks, read as leniently as can be: other rules speak of what is wrong with
    them. A choice without an index is left out."""
    document: Json = {"object": "text_completion"}
    document |= {key: next((c[key] for c in chunks if c.get(key) is not None), None) for key in CONSTANT}
    found: dict[int, Json] = {}
    for choice in (choice for chunk in chunks for choice in choices_of(chunk)):
        if is_int(index := choice.get("index")):
            empty = {"index": index, "text": "", "finish_reason": None, "logprobs": None}
            _add(found.setdefault(index, empty), choice)
    document["choices"] = [choice for _, choice in sorted(found.items())]
    document["usage"] = next((c["usage"] for c in reversed(chunks) if c.get("usage") is not None), None)
    return document


def _add(whole: Json, choice: Json) -> None:
    if isinstance(choice.get("text"), str):
        whole["text"] += choice["text"]
    if choice.get("finish_reason") is not None:
        whole["finish_reason"] = choice["finish_reason"]
    given = choice.get("logprobs")
    if isinstance(given, dict):
        kept = whole["logprobs"] = whole["logprobs"] or {}
        for key, value in given.items():
            kept[key] = kept[key] + value if isinstance(value, list) and isinstance(kept.get(key), list) else value


class TextChunksAreKnown(StreamRule):
    """Every chunk is a `text_completion`. Of those that differ in their text alone, one is looked at."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def chunk(self, chunk: Json) -> Iterator[str]:
        if is_prelude(chunk):
            return
        if chunk.get("object") != "text_completion":
            yield f"object is {show(chunk.get('object'))}"
        blank = [c | {"text": ""} if isinstance(c.get("text"), str) else c for c in choices_of(chunk)]
        outline = json.dumps({**chunk, "choices": blank or chunk.get("choices")})
        if outline not in self._seen:
            self._seen.add(outline)
            ends = chunk.get("usage") is not None and not any(pieces_of(chunk))
            # What a chunk with usage may hold besides is the business of UsageComesLast.
            alone = [*JUDGED_ALONE_IN_CHUNKS, *(["choices", "choices[]"] if ends else [])]
            yield from violations("completion_chunk.lenient", chunk, leaving=alone)


class TextFinishIsKnown(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            if choice.get("finish_reason") not in (None, *FINISH_REASONS):
                yield f"a finish_reason is {show(choice['finish_reason'])}"


class NoTextAfterFinish(StreamRule):
    def __init__(self) -> None:
        self._finished: set[int] = set()

    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice in choices_of(chunk):
            if not is_int(index := choice.get("index")):
                continue
            if index in self._finished and choice.get("text"):
                yield f"choice {index} goes on after its finish_reason: {show(choice['text'])}"
            if choice.get("finish_reason"):
                self._finished.add(index)
