"""The names that are tried: what the rule's readings say of them, and that a seed makes them again."""

import random

import pytest

from conformance import names
from conformance.names import Case, Standing, standing

WORD = "a1b2c3d4e5"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aa", Standing.VALID),
        ("a-b", Standing.VALID),
        ("meta-llama-3-3-70b-instruct", Standing.VALID),
        ("a" * 63, Standing.VALID),
        ("a", Standing.INVALID),
        ("-", Standing.INVALID),
        ("a" * 64, Standing.INVALID),
        ("ab\n", Standing.INVALID),
        ("a.b", Standing.INVALID),
        ("é" * 3, Standing.INVALID),
        ("7b", Standing.AMBIGUOUS),
        ("a--b", Standing.AMBIGUOUS),
        ("a-", Standing.AMBIGUOUS),
        ("-a", Standing.AMBIGUOUS),
    ],
)
def test_a_name_stands_as_the_readings_agree(name: str, expected: Standing) -> None:
    assert standing(name) is expected


@pytest.mark.parametrize("case", [case for cases in names.ILL_FORMED.values() for case in cases], ids=lambda c: c.label)
def test_no_reading_takes_a_name_that_is_tried_as_ill_formed(case: Case) -> None:
    assert standing(case.name(WORD)) is Standing.INVALID


@pytest.mark.parametrize("kind", ["upper", "underscore", "dot", "whitespace", "lookalike", "percent"])
def test_no_reading_takes_another_spelling_of_a_served_entity(kind: str) -> None:
    [(_, id)] = names.folded(kind, "default", "mock-small")
    assert standing(id.removeprefix("default/")) is Standing.INVALID


def test_lengths_are_tried_on_both_sides_of_each_limit() -> None:
    drawn = {length: standing(names.word(random.Random(0), length)) for length in names.LENGTHS}
    assert {length for length, found in drawn.items() if found is Standing.VALID} == {2, 3, 62, 63}
    assert {1, 64} <= drawn.keys()


@pytest.mark.parametrize("seed", range(50))
def test_every_reading_takes_the_names_that_are_tried_as_well_formed(seed: int) -> None:
    drawn = names.well_formed(random.Random(seed))
    assert len(set(drawn)) == len(drawn) == 30
    assert [name for name in drawn if standing(name) is not Standing.VALID] == []
    assert set(names.LETTERS_AND_DIGITS) <= set("".join(drawn))


def test_a_seed_draws_the_same_names_again() -> None:
    assert names.well_formed(random.Random("0186ea77")) == names.well_formed(random.Random("0186ea77"))
