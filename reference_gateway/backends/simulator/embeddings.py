"""Makes embeddings up: a vector of unit length, given by the text alone, far from the vectors of other texts."""

import asyncio
import base64
import hashlib
import math
import sys
from array import array

from reference_gateway.backends.simulator.pace import Pace
from reference_gateway.backends.simulator.tokens import count_prompt
from reference_gateway.call import BackendError, Call, Json

_DIMENSIONS = 1536
_AT_ONCE = 32
"""Vectors made before others on the event loop get a turn."""

Input = str | list[int]


async def answer(call: Call) -> Json:
    """The list of embeddings, in the order of the input. BackendError if more dimensions are wanted than there are."""
    pace = Pace(call.settings)
    body = call.body
    native = int(call.settings.get("dimensions", _DIMENSIONS))
    wanted = body.get("dimensions") or native
    if wanted > native:
        raise BackendError(
            400, f"This model has embeddings of at most {native} dimensions.", type="invalid_request_error",
            param="dimensions", code="invalid_value",
        )  # fmt: skip
    as_base64 = body.get("encoding_format") == "base64"
    inputs = _inputs(body["input"])
    data: list[Json] = []
    for index, text in enumerate(inputs):
        numbers = vector(text, call.served_model, wanted)
        embedding = _base64(numbers) if as_base64 else numbers.tolist()
        data.append({"object": "embedding", "index": index, "embedding": embedding})
        if index % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
    await pace.first()
    tokens = sum(count_prompt(text) for text in inputs)
    return {
        "object": "list",
        "data": data,
        "model": body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def vector(text: Input, model: str, dimensions: int) -> "array[float]":
    """The first `dimensions` of the model's vector for `text`, as 32-bit floats of unit length together."""
    said = text if isinstance(text, str) else " ".join(map(str, ["tokens", *text]))
    digest = hashlib.shake_128(f"{model}\n{said}".encode("utf-8", "surrogatepass"))
    drawn = array("h", digest.digest(2 * dimensions))
    if sys.byteorder == "big":
        drawn.byteswap()
    norm = math.sqrt(sum(map(int.__mul__, drawn, drawn))) or 1.0
    return array("f", [number / norm for number in drawn])


def _base64(numbers: "array[float]") -> str:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()


def _inputs(given: str | list[str] | list[int] | list[list[int]]) -> list[Input]:
    if isinstance(given, str):
        return [given]
    if given and isinstance(given[0], int):
        return [[token for token in given if isinstance(token, int)]]
    return [one for one in given if not isinstance(one, int)]
