"""The simulator's embeddings: unit length, given by the text, in both encodings."""

import base64
import math
import struct
from typing import Any

import pytest

import schemas
from reference_gateway.call import BackendError, Endpoint

TEXTS = ["a cat on a mat", "the price of steel", "東京は今日も雨です。👩‍🚀"]


def embed(simulator: Any, given: Any, settings: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = simulator.answer({"input": given, **body}, Endpoint.EMBEDDINGS, **(settings or {}))
    return answer


def vectors(answer: dict[str, Any]) -> list[list[float]]:
    return [item["embedding"] for item in answer["data"]]


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


def test_the_answer_is_the_object_that_the_api_describes(simulator: Any) -> None:
    assert schemas.violations("embeddings.strict", embed(simulator, TEXTS)) == []


def test_vectors_have_unit_length_and_the_models_dimensions(simulator: Any) -> None:
    for settings, dimensions in (({}, 1536), ({"dimensions": 384}, 384)):
        (vector,) = vectors(embed(simulator, TEXTS[0], settings))
        assert len(vector) == dimensions
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)


def test_equal_texts_have_equal_vectors_and_others_are_far_away(simulator: Any) -> None:
    batch = vectors(embed(simulator, [*TEXTS, TEXTS[0]]))
    assert batch[0] == batch[3] == vectors(embed(simulator, TEXTS[0]))[0]
    assert all(abs(cosine(batch[i], batch[j])) < 0.2 for i in range(3) for j in range(i))


def test_a_batch_keeps_its_order(simulator: Any) -> None:
    answer = embed(simulator, TEXTS)
    assert [item["index"] for item in answer["data"]] == [0, 1, 2]
    assert vectors(answer) == [vectors(embed(simulator, text))[0] for text in TEXTS]


def test_base64_holds_the_same_numbers_as_little_endian_floats(simulator: Any) -> None:
    (encoded,) = vectors(embed(simulator, TEXTS[2], encoding_format="base64"))
    raw = base64.b64decode(str(encoded), validate=True)
    assert list(struct.unpack(f"<{len(raw) // 4}f", raw)) == vectors(embed(simulator, TEXTS[2]))[0]


def test_fewer_dimensions_are_the_first_ones_made_unit_length_again(simulator: Any) -> None:
    (whole,) = vectors(embed(simulator, TEXTS[0]))
    (part,) = vectors(embed(simulator, TEXTS[0], dimensions=768))
    assert len(part) == 768
    assert math.hypot(*part) == pytest.approx(1, abs=1e-5)
    assert cosine(whole[:768], part) == pytest.approx(1)


def test_more_dimensions_than_there_are_is_the_clients_error(simulator: Any) -> None:
    with pytest.raises(BackendError) as caught:
        embed(simulator, "x", dimensions=1_000_000)
    assert (caught.value.status, caught.value.param) == (400, "dimensions")


@pytest.mark.parametrize(
    ("given", "items", "tokens"), [("two words", 1, 2), ([1, 2, 3], 1, 3), ([[1], [2, 3]], 2, 3), (["a", "b c"], 2, 3)]
)
def test_every_form_of_input_is_counted(simulator: Any, given: Any, items: int, tokens: int) -> None:
    answer = embed(simulator, given)
    assert len(answer["data"]) == items
    assert answer["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}


def test_streaming_is_refused(simulator: Any) -> None:
    with pytest.raises(BackendError) as caught:
        simulator.chunks({"input": "x"}, Endpoint.EMBEDDINGS)
    assert caught.value.status == 400
