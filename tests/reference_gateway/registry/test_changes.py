"""What may be registered beside what, and what goes when something goes."""

from dataclasses import replace

import pytest

from reference_gateway.config import parse
from reference_gateway.registry import Model, Provider, RateLimit, Registry, new_uuid
from reference_gateway.registry import changes as change

TOML = """
[[workspaces]]
name = "default"
entities = [{ name = "one", model = "x" }]
[[workspaces]]
name = "other"
[[providers]]
name = "a"
type = "simulator"
[[providers.models]]
id = "x"
alias = "shared"
"""


@pytest.fixture
def registry() -> Registry:
    return parse(TOML).registry


def provider(name: str, *models: Model, workspace: str = "default") -> Provider:
    return Provider(name, new_uuid(), "openai", workspace, models)


def model(id: str, alias: str | None = None) -> Model:
    return Model(id, id, new_uuid(), alias=alias)


def test_the_same_id_or_alias_on_several_providers_means_them_all(registry: Registry) -> None:
    after = change.with_provider(registry, provider("b", model("y", "shared")))
    after = change.with_provider(after, provider("c", model("x")))
    assert [each.provider.name for each in after.find("shared")] == ["a", "b"]
    assert [each.provider.name for each in after.find("x")] == ["a", "c"]
    assert [each.provider.name for each in registry.find("shared")] == ["a"]


@pytest.mark.parametrize("models", [("x", "shared"), ("shared", None), ("z", "shared"), ("z", "x"), ("z", "z")])
def test_within_one_provider_a_name_means_one_model(registry: Registry, models: tuple[str, str | None]) -> None:
    with pytest.raises(change.Conflict, match="Provider 'a' already has a model"):
        change.with_model(registry, registry.providers[0], model(*models))


def test_a_provider_name_is_taken_within_its_workspace_only(registry: Registry) -> None:
    assert change.with_provider(registry, provider("a", workspace="other")).workspace_provider("other", "a")
    with pytest.raises(change.Conflict, match="Model provider with workspace 'default' and name 'a' already exists"):
        change.with_provider(registry, provider("a"))


def test_a_provider_takes_its_models_and_their_limits_with_it(registry: Registry) -> None:
    served = registry.served[0]
    for limit in (
        RateLimit("1", "provider", provider_uuid=served.provider.uuid),
        RateLimit("2", "model", model_uuid=served.model.uuid),
        RateLimit("3", "tenant"),
    ):
        registry = change.with_rate_limit(registry, limit)
    after = change.without_provider(registry, served.provider.uuid)
    assert (after.served, [each.uuid for each in after.rate_limits]) == ((), ["3"])
    assert after.workspaces[0].entity("one") and not after.serving("default", "one")


def test_an_entity_that_is_gone_is_served_by_nobody(registry: Registry) -> None:
    assert registry.serving("default", "one")
    after = change.without_entity(registry, registry.workspaces[0], "one")
    assert after.workspaces[0].entities == () and not after.serving("default", "one")


def test_a_change_keeps_the_order(registry: Registry) -> None:
    after = change.with_provider(registry, provider("b"))
    after = change.with_provider(after, replace(after.providers[0], status="ERROR"))
    assert [(each.name, each.up) for each in after.providers] == [("a", False), ("b", True)]
