"""The catalogue as data: every row is well-formed, and every name in it exists."""

import re
import tomllib
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest

from conformance import catalogue
from conformance.catalogue import Level, Requirement, UnknownRequirement
from conformance.features import FEATURES

FILES: dict[str, dict[str, Any]] = {
    file.name: tomllib.loads(file.read_text("utf-8"))
    for file in (files("conformance") / "catalogue").iterdir()
    if file.name.endswith(".toml")
}
KEYS = {"level", "endpoint", "statement", "test", "source", "breaks", "features", "implies", "not_judged"}
ENDPOINT = re.compile(r"any( POST)?|(GET|POST|DELETE|HEAD) /\S+( \(stream\))?|OPTIONS")

each_file = pytest.mark.parametrize("name", sorted(FILES))
each_requirement = pytest.mark.parametrize(
    "found", [pytest.param(found, id=found.id) for found in catalogue.requirements().values()]
)


# Files


@each_file
def test_a_file_is_named_after_its_area(name: str) -> None:
    assert FILES[name]["area"].lower() + ".toml" == name


def test_areas_come_in_an_order_of_their_own() -> None:
    orders = [content["order"] for content in FILES.values()]
    assert len(set(orders)) == len(orders)
    by_order = sorted(FILES.values(), key=lambda content: content["order"])
    assert list(catalogue.areas()) == [content["area"] for content in by_order]


@each_file
def test_ids_ascend_and_belong_to_the_area(name: str) -> None:
    area, ids = FILES[name]["area"], list(FILES[name]["requirement"])
    assert all(re.fullmatch(rf"{area}-\d{{3}}", id) for id in ids), ids
    assert all(one < next for one, next in pairwise(ids)), ids


@each_file
def test_rows_have_no_unknown_keys(name: str) -> None:
    assert {key for row in FILES[name]["requirement"].values() for key in row} <= KEYS


def test_no_row_is_lost_on_the_way() -> None:
    assert len(catalogue.requirements()) == sum(len(content["requirement"]) for content in FILES.values())


# Rows


@each_requirement
def test_a_statement_is_one_short_sentence(found: Requirement) -> None:
    assert found.statement.endswith(".")
    assert len(found.statement) <= 300


@each_requirement
def test_the_test_and_the_sufferers_are_told_in_sentences(found: Requirement) -> None:
    assert found.test.endswith(".")
    assert found.breaks.endswith(".")
    assert found.source.strip()


@each_requirement
def test_prose_is_trimmed_and_does_not_shout(found: Requirement) -> None:
    for text in (found.statement, found.test, found.source, found.breaks):
        assert text == " ".join(text.split())
        assert not re.search(r"\b(MUST|SHOULD|MAY|NOT|NEVER|ALWAYS)\b", text), text


@each_requirement
def test_an_endpoint_has_a_method_and_a_path(found: Requirement) -> None:
    assert ENDPOINT.fullmatch(found.endpoint), found.endpoint


@each_requirement
def test_features_exist(found: Requirement) -> None:
    assert set(found.features) <= set(FEATURES)


@each_requirement
def test_implied_requirements_exist_and_apply_wherever_this_one_does(found: Requirement) -> None:
    assert found.id not in found.implies
    assert len(set(found.implies)) == len(found.implies)
    for id in found.implies:
        assert set(catalogue.requirement(id).features) <= set(found.features)


@each_requirement
def test_what_is_implied_does_not_imply_it_back(found: Requirement) -> None:
    assert not any(found.id in catalogue.requirement(id).implies for id in found.implies)


# Looking up


def test_an_id_is_found_in_either_case() -> None:
    assert catalogue.requirement("list-001") is catalogue.requirement("LIST-001")
    assert catalogue.requirement("LIST-001").level is Level.MUST


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(UnknownRequirement, match=r"no requirement 'CHAT-01'.*nearest are CHAT-\d{3}"):
        catalogue.requirement("CHAT-01")


def test_an_id_near_to_nothing_is_refused_without_a_hint() -> None:
    with pytest.raises(UnknownRequirement, match=r"^there is no requirement '\?\?' \(areas: LIST, "):
        catalogue.requirement("??")


def test_select_takes_ids_and_areas_together() -> None:
    chosen = catalogue.select(("model", "LIST-001"))
    assert chosen == {"LIST-001"} | {id for id in catalogue.requirements() if id.startswith("MODEL-")}


def test_select_of_nothing_is_nothing() -> None:
    assert catalogue.select(()) == set()


def test_select_refuses_an_unknown_word() -> None:
    with pytest.raises(UnknownRequirement, match="STREAMS"):
        catalogue.select(("LIST", "STREAMS"))


def test_the_fingerprint_is_stable_and_short() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", catalogue.fingerprint())
    assert catalogue.fingerprint() == catalogue.fingerprint()


@pytest.mark.parametrize("id", ["CHAT-18", "chat18", "CHAT-0018"])
def test_an_id_with_other_digits_is_recognised_first(id: str) -> None:
    with pytest.raises(catalogue.UnknownRequirement, match="the nearest are CHAT-018"):
        catalogue.requirement(id)
