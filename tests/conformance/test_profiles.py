"""The profiles name areas, requirements, features and schemas that exist."""

import pytest

import schemas
from conformance import catalogue
from conformance.features import FEATURES
from conformance.profiles import names, profile
from conformance.target import ConfigError


@pytest.mark.parametrize("name", names())
def test_a_profile_speaks_of_what_exists(name: str) -> None:
    found = profile(name)
    assert set(found.areas) <= set(catalogue.areas())
    assert found.excluded.keys() | found.levels.keys() <= catalogue.requirements().keys()
    assert all(catalogue.requirement(id).area in found.areas for id in found.excluded)
    assert found.claimed <= FEATURES.keys()
    assert found.expect.error_schema in schemas.names()


@pytest.mark.parametrize("name", names())
def test_every_reason_for_leaving_a_requirement_out_is_a_sentence(name: str) -> None:
    assert all(len(reason.split()) > 3 for reason in profile(name).excluded.values())


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'watsonx'"):
        profile("watson")
