"""Rules of an embeddings answer: its shape, its numbers, its indexes, what it says that it cost."""

import math
from collections.abc import Iterator
from typing import Any

from conformance.reading.vectors import FLOAT_BYTES, norm, read, unpacked
from conformance.rules import BodyRule, Json
from conformance.rules.replies import fits
from conformance.rules.usage import miscounts, prompt_tokens, usage_of
from conformance.shape import is_int, objects, show
from schemas import violations

JUDGED_ALONE = ["model", "usage", "data[].index", "data[].embedding"]
"""Members that have a requirement of their own, so that one defect is one failure."""
COUNTERS = ("prompt_tokens", "total_tokens")
UNIT_WITHIN = 1e-2


def shape(document: Any) -> list[str]:
    return violations("embeddings.lenient", document, leaving=JUDGED_ALONE)


def is_one(document: Json) -> Iterator[str]:
    """A single text has one embedding. None at all is the business of the shape."""
    if (count := len(objects(document, "data"))) > 1:
        yield f"one text has {count} embeddings"


def model_is(asked: str) -> BodyRule:
    """The model is the requested one, or what that may stand for. What is no text is another rule's business."""

    def rule(document: Json) -> Iterator[str]:
        model = document.get("model")
        if isinstance(model, str) and not fits(model, asked):
            yield f"model is {show(model)}, {show(asked)} was asked for"

    return rule


def indexes_are_places(document: Json) -> Iterator[str]:
    found = [item.get("index") for item in objects(document, "data")]
    if any(not is_int(index) or index != place for place, index in enumerate(found)):
        yield f"the embeddings have the indexes {show(found)}"


def are_numbers(document: Json) -> Iterator[str]:
    """Every embedding is an array of finite numbers. Of each, the first number that is none is told."""
    for where, embedding in _embeddings(document):
        if not isinstance(embedding, list):
            yield f"{where} is {show(embedding, 40)}"
        elif not embedding:
            yield f"{where} is empty"
        elif wrong := next(((n, x) for n, x in enumerate(embedding) if not _is_number(x)), None):
            yield f"{where}[{wrong[0]}] is {show(wrong[1], 40)}"


def are_base64(document: Json) -> Iterator[str]:
    """Every embedding is padded base64 of whole 32-bit floats."""
    for where, embedding in _embeddings(document):
        if not isinstance(embedding, str):
            yield f"{where} is {show(embedding, 40)}, no base64"
            continue
        try:
            data = unpacked(embedding)
        except ValueError as error:
            yield f"{where} is {show(embedding, 40)}, no base64 ({error})"
            continue
        if not data or len(data) % FLOAT_BYTES:
            yield f"{where} has {len(data)} bytes, no whole number of 32-bit floats"


def usage_counts(document: Json) -> Iterator[str]:
    """Usage is there is another matter; where it is, it counts what was sent, and all of it."""
    usage, wrong = usage_of(document), miscounts(document, COUNTERS)
    yield from wrong
    if prompt_tokens(document) == 0:
        yield "usage.prompt_tokens is 0 for a text that is not empty"
    if usage is not None and not wrong and usage["total_tokens"] < usage["prompt_tokens"]:
        yield f"usage.total_tokens is {usage['total_tokens']}, prompt_tokens is {usage['prompt_tokens']}"


def usage_is_the_prompt(document: Json) -> Iterator[str]:
    """Usage is there, and an embedding costs nothing beside the prompt."""
    usage = usage_of(document)
    if usage is None:
        yield "there is no usage"
    elif usage.get("total_tokens") != usage.get("prompt_tokens"):
        prompt, total = (show(usage.get(key)) for key in COUNTERS)
        yield f"usage.total_tokens is {total}, prompt_tokens is {prompt}"


def have_unit_length(document: Json) -> Iterator[str]:
    """A vector of nothing but zeros is the business of what compares vectors."""
    for where, embedding in _embeddings(document):
        length = norm(read(embedding))
        if length and abs(length - 1) > UNIT_WITHIN:
            yield f"{where} has the length {length:.4g}"


def _embeddings(document: Json) -> Iterator[tuple[str, Any]]:
    """(where it stands, embedding) of every item."""
    for place, item in enumerate(objects(document, "data")):
        yield f"data[{place}].embedding", item.get("embedding")


def _is_number(value: Any) -> bool:
    if is_int(value):
        return True
    return isinstance(value, float) and math.isfinite(value)
