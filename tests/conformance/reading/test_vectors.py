"""Vectors in whatever form they come, and how alike they are."""

import base64
import json
import math
import struct
from typing import Any

import pytest

from conformance.exchange import Exchange, Request, Response, Unusable
from conformance.reading.vectors import (
    alike,
    cosine,
    document_of,
    embeddings_in,
    equal,
    floats,
    is_readable,
    only_vector,
    read,
    unpacked,
)

NUMBERS = [0.5, -0.25, 2.0]
PACKED = base64.b64encode(struct.pack("<3f", *NUMBERS)).decode()
NAN = math.nan


def answer(body: bytes, status: int = 200) -> Exchange:
    response = Response(status, (("Content-Type", "application/json"),), ((0.0, body),))
    return Exchange("x1", "a probe", Request("POST", "http://gw/v1/embeddings"), response)


@pytest.mark.parametrize("form", [NUMBERS, [NUMBERS], [str(x) for x in NUMBERS], PACKED, PACKED.rstrip("=")])
def test_a_vector_is_read_in_any_form(form: Any) -> None:
    assert read(form) == NUMBERS


@pytest.mark.parametrize("odd", [None, True, {}, "x", math.inf, 10**400])
def test_what_is_no_number_is_left_open(odd: Any) -> None:
    found = read([0.5, odd])
    assert found[0] == 0.5
    assert math.isnan(found[1])
    assert cosine(found, [1.0, 7.0]) == pytest.approx(1.0)


@pytest.mark.parametrize("odd", [None, 7, {"0": 1.0}, "A"])
def test_what_is_no_vector_is_unusable(odd: Any) -> None:
    with pytest.raises(Unusable):
        read(odd)


def test_base64_has_a_byte_order() -> None:
    assert floats(unpacked(PACKED)) == NUMBERS
    assert floats(struct.pack(">3f", *NUMBERS), ">") == NUMBERS


@pytest.mark.parametrize("text", [PACKED[:-1], PACKED + "\n", PACKED.replace("A", "_"), "é"])
def test_only_padded_base64_in_its_own_alphabet_is_base64(text: str) -> None:
    with pytest.raises(ValueError, match=r"base64|padding|ASCII|alphabet"):
        unpacked(text)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ([1.0, 0.0], [0.0, 3.0], 0.0),
        ([1.0, 1.0], [2.0, 2.0], 1.0),
        ([1.0], [-1.0], -1.0),
        ([1.0, 0.0], [1.0], 1.0),
        ([0.0, 0.0], [0.0, 0.0], 1.0),
        ([0.0, 0.0], [1.0, 0.0], 0.0),
        ([], [1.0], 1.0),
        ([NAN, 1.0], [5.0, 1.0], 1.0),
    ],
)
def test_the_cosine(one: list[float], other: list[float], found: float) -> None:
    assert cosine(one, other) == pytest.approx(found)


def test_equal_vectors_have_the_same_length_and_norm() -> None:
    assert equal([0.6, 0.8], [0.600001, 0.8])
    assert equal([60.0, 80.0], [60.1, 80.1])
    assert not equal([0.6, 0.8], [1.2, 1.6])
    assert not equal([0.6, 0.8], [0.6, 0.8, 0.0])
    assert alike([0.6, 0.8], [1.2, 1.6])


def test_a_list_with_nan_can_be_read() -> None:
    exchange = answer(b'{"data": [{"embedding": [NaN, 1.0]}]}')
    assert math.isnan(embeddings_in(exchange)[0][0])
    assert is_readable(exchange)


@pytest.mark.parametrize("body", [b"", b"[NaN]", b'{"data": [', b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_unusable(body: bytes) -> None:
    assert not is_readable(answer(body))
    with pytest.raises(Unusable):
        document_of(answer(body))


def test_a_refusal_holds_no_vectors() -> None:
    with pytest.raises(Unusable):
        document_of(answer(b"{}", status=400))


@pytest.mark.parametrize("data", [[], None, [{}], [7], {}])
def test_an_answer_without_a_vector_is_unusable(data: Any) -> None:
    with pytest.raises(Unusable):
        only_vector(answer(json.dumps({"data": data}).encode()))
