"""What an embeddings answer holds, and how vectors compare.

Vectors are read leniently: what is wrong with a number or with its coding is one requirement's business, and must not
keep the others from being judged.
"""

import base64
import binascii
import math
import struct
from contextlib import suppress
from itertools import chain
from operator import mul
from typing import Any

from conformance.decoding import PastBound, parsed
from conformance.exchange import Exchange, Unusable
from conformance.shape import dig, objects, show

Vector = list[float]

ALIKE = 0.999
"""The cosine of two vectors of one text, from a backend that computes it anew in another batch."""
FLOAT_BYTES = 4


def document_of(exchange: Exchange) -> dict[str, Any]:
    """The JSON object of a successful answer, in which NaN and Infinity may stand. Raises Unusable for all else."""
    if exchange.ok and not exchange.is_json:
        with suppress(ValueError, PastBound):
            found = parsed(exchange.text, strict=False)
            if isinstance(found, dict):
                return found
    return exchange.document


def is_readable(exchange: Exchange) -> bool:
    """Whether it is a successful answer that holds a JSON object."""
    try:
        return bool(document_of(exchange))
    except Unusable:
        return False


def embeddings_in(exchange: Exchange) -> list[Any]:
    """The member `embedding` of each item, whatever it is, as they stand. Raises Unusable where one is missing."""
    return [dig(item, "embedding") for item in objects(document_of(exchange), "data")]


def vectors_in(exchange: Exchange) -> list[Vector]:
    """The vectors of an answer as they stand. Raises Unusable where one can't be read at all."""
    return [read(embedding) for embedding in embeddings_in(exchange)]


def only_vector(exchange: Exchange) -> Vector:
    """The vector of a single text. Raises Unusable where there is none."""
    found = vectors_in(exchange)
    if not found:
        raise Unusable("data is empty")
    return found[0]


def read(embedding: Any) -> Vector:
    """An array of numbers, or base64 of little-endian 32-bit floats; what is no finite number in it is NaN."""
    if isinstance(embedding, str):
        return floats(decoded(embedding))
    if isinstance(embedding, list):
        return [_number(item) for item in chain.from_iterable(x if isinstance(x, list) else (x,) for x in embedding)]
    raise Unusable(f"an embedding is {show(embedding)}")


def unpacked(text: str) -> bytes:
    """The bytes of padded base64 in its standard alphabet. Raises ValueError for anything else."""
    return base64.b64decode(text, validate=True)


def decoded(text: str) -> bytes:
    """The bytes of base64 in either alphabet, padded or not. Raises Unusable for anything else."""
    try:
        return base64.b64decode(text.translate({ord("-"): "+", ord("_"): "/"}) + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise Unusable(f"an embedding is {show(text)}, no base64") from None


def floats(data: bytes, order: str = "<") -> Vector:
    """Whole 32-bit floats in this byte order; what is not finite is NaN."""
    count = len(data) // FLOAT_BYTES
    return [_number(x) for x in struct.unpack(f"{order}{count}f", data[: count * FLOAT_BYTES])]


def is_finite(data: bytes) -> bool:
    count = len(data) // FLOAT_BYTES
    return all(map(math.isfinite, struct.unpack(f"<{count}f", data[: count * FLOAT_BYTES])))


def norm(vector: Vector) -> float:
    return math.sqrt(sum(map(mul, vector, vector)))


def cosine(one: Vector, other: Vector) -> float:
    """The cosine of the angle between them, as far as the shorter goes: 1 for equal ones, 0 where one is zero."""
    one, other = _comparable(one, other)
    if one == other:
        return 1.0
    size = norm(one) * norm(other)
    return sum(map(mul, one, other)) / size if size else 0.0


def alike(one: Vector, other: Vector) -> bool:
    """Whether they point the same way, as two vectors of one text do."""
    return cosine(one, other) >= ALIKE


def equal(one: Vector, other: Vector, least: float = ALIKE) -> bool:
    """Whether they are the same numbers, but for what rounding and another batch change: no cosine below `least`."""
    if len(one) != len(other):
        return False
    one, other = _comparable(one, other)
    if all(abs(x - y) <= 1e-5 for x, y in zip(one, other, strict=True)):
        return True
    return cosine(one, other) >= least and math.isclose(norm(one), norm(other), rel_tol=max(0.01, 1 - least))


def is_steady(each: list[Exchange], again: Exchange, batch: Exchange) -> bool:
    """Whether the backend embeds the texts of `each` alike a second time, the first of them, and in a batch. If so,
    another vector of one text is the gateway's doing."""
    singles = [only_vector(x) for x in each]
    in_batch = vectors_in(batch) if batch.ok else []
    same = all(any(alike(found, single) for single in singles) for found in in_batch)
    return same and alike(singles[0], only_vector(again))


def _comparable(one: Vector, other: Vector) -> tuple[Vector, Vector]:
    """Both where both have a number."""
    length = min(len(one), len(other))
    one, other = one[:length], other[:length]
    if not any(map(math.isnan, one)) and not any(map(math.isnan, other)):
        return one, other
    kept = [(x, y) for x, y in zip(one, other, strict=True) if not (math.isnan(x) or math.isnan(y))]
    return [x for x, _ in kept], [y for _, y in kept]


def _number(value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan
