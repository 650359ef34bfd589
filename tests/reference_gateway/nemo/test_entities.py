"""The Models service's entities: pages, changes, and the words of its errors."""

from typing import Any

import httpx
import pytest

from .conftest import INFERENCE, SERVICE, Start

MODELS = f"{SERVICE}/default/models"
FIRST = ["meta-llama-3-3-70b-instruct", "mock-small", "gpt-4o-mini"]


def names(response: httpx.Response) -> list[str]:
    return [each["name"] for each in response.json()["data"]]


def test_a_list_is_a_page(gateway: httpx.Client) -> None:
    body = gateway.get(MODELS).json()
    assert list(body) == ["data", "pagination", "sort"]
    assert body["sort"] == "created_at"
    assert body["pagination"] == {
        "page": 1, "page_size": 100, "current_page_size": 6, "total_pages": 1, "total_results": 6
    }  # fmt: skip
    first = body["data"][0]
    assert first["id"].startswith("model-") and first["workspace"] == "default"
    assert (first["name"], first["model_providers"]) == (FIRST[0], ["default/nvidia-build"])
    assert "description" not in first and first["created_at"] == "2025-01-01T00:00:00"


def test_what_is_unset_is_null_in_a_single_answer(gateway: httpx.Client) -> None:
    single = gateway.get(f"{MODELS}/mock-small").json()
    assert single["description"] is None and single["api_endpoint"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("page_size=2", FIRST[:2]),
        ("page_size=2&page=2", [FIRST[2], "gpt-3-5-turbo-instruct"]),
        ("page_size=4&page=2", ["text-embedding-3-small", "planned-model"]),
        ("page=9", []),
        ("sort=name&page_size=1", ["gpt-3-5-turbo-instruct"]),
        ("sort=-name&page_size=1", ["text-embedding-3-small"]),
    ],
)
def test_pages_and_orders(gateway: httpx.Client, query: str, expected: list[str]) -> None:
    assert names(gateway.get(f"{MODELS}?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "type", "field"),
    [
        ("page=0", "greater_than_equal", "page"),
        ("page=abc", "int_parsing", "page"),
        ("page=٣", "int_parsing", "page"),
        ("page_size=-1", "greater_than_equal", "page_size"),
        ("page_size=9999", "less_than_equal", "page_size"),
        ("sort=zz", "enum", "sort"),
        ("sort=--name", "enum", "sort"),
    ],
)
@pytest.mark.parametrize("what", ["models", "providers"])
def test_a_bad_query_is_unprocessable(gateway: httpx.Client, what: str, query: str, type: str, field: str) -> None:
    response = gateway.get(f"{SERVICE}/default/{what}?{query}")
    assert response.status_code == 422
    assert [(each["type"], each["loc"]) for each in response.json()["detail"]] == [(type, ["query", field])]


def test_all_workspaces_can_be_listed_at_once(gateway: httpx.Client) -> None:
    both = gateway.get(f"{SERVICE}/-/models").json()["data"]
    assert {each["workspace"] for each in both} == {"default", "system"}


def test_what_is_configured_and_what_is_servable_are_two_lists(gateway: httpx.Client) -> None:
    configured = set(names(gateway.get(MODELS)))
    listed = gateway.get(f"{INFERENCE}/default/openai/-/v1/models").json()["data"]
    servable = {each["id"].removeprefix("default/") for each in listed}
    assert configured - servable == {"planned-model"}
    body = {"model": "planned-model", "messages": [{"role": "user", "content": "hi"}]}
    assert gateway.post(f"{INFERENCE}/default/openai/-/v1/chat/completions", json=body).status_code == 404


def test_an_entity_comes_changes_and_goes(start: Start) -> None:
    client = start()
    sent = {"name": "new-model", "description": "d", "custom_fields": {"a": 1}, "unknown": 1}
    created = client.post(MODELS, json=sent)
    body = created.json()
    assert (created.status_code, body["name"], body["model_providers"]) == (201, "new-model", [])
    assert "unknown" not in body
    assert client.get(f"{MODELS}/new-model").json() == body
    changed = client.patch(f"{MODELS}/new-model", json={"description": None, "trust_remote_code": True})
    assert changed.status_code == 200
    told = changed.json()
    assert (told["description"], told["trust_remote_code"], told["custom_fields"]) == (None, True, {"a": 1})
    assert told["id"] == body["id"] and told["created_at"] == body["created_at"] < told["updated_at"]
    deleted = client.delete(f"{MODELS}/new-model")
    assert (deleted.status_code, deleted.content) == (204, b"")
    for response in (client.get(f"{MODELS}/new-model"), client.delete(f"{MODELS}/new-model")):
        assert response.status_code == 404
        assert response.json() == {"detail": "Model with workspace 'default' and name 'new-model' not found"}


def test_an_entity_that_is_gone_is_not_served(start: Start) -> None:
    client = start()
    path = f"{INFERENCE}/default/openai/-/v1/models/mock-small"
    assert client.get(path).status_code == 200
    client.delete(f"{MODELS}/mock-small")
    assert client.get(path).status_code == 404


BAD: list[Any] = [
    ({}, [("missing", ["body", "name"])]),
    ({"name": 1}, [("string_type", ["body", "name"])]),
    ({"name": "meta/llama-3.3-70b-instruct"}, [("string_pattern_mismatch", ["body", "name"])]),
    ({"name": "Ab", "description": 1}, [("string_pattern_mismatch", ["body", "name"]),
                                        ("string_type", ["body", "description"])]),
    ({"name": "ab", "backend_format": "x"}, [("enum", ["body", "backend_format"])]),
    ({"name": "ab", "trust_remote_code": 1}, [("bool_type", ["body", "trust_remote_code"])]),
    ({"name": "ab", "custom_fields": []}, [("dict_type", ["body", "custom_fields"])]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "mistakes"), BAD)
def test_every_mistake_of_a_body_is_listed(gateway: httpx.Client, body: Any, mistakes: Any) -> None:
    response = gateway.post(MODELS, json=body)
    assert response.status_code == 422
    assert [(each["type"], each["loc"]) for each in response.json()["detail"]] == mistakes


def test_a_name_that_is_none_is_told_with_the_pattern(gateway: httpx.Client) -> None:
    pattern = "^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$"
    assert gateway.post(MODELS, json={"name": "a/b"}).json()["detail"] == [
        {"type": "string_pattern_mismatch", "loc": ["body", "name"], "msg": f"String should match pattern '{pattern}'",
         "input": "a/b", "ctx": {"pattern": pattern}}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "type", "loc"),
    [
        (b'{"a": x}', "json_invalid", ["body", 6]),
        (b"", "json_invalid", ["body", 0]),
        (b"\xff", "json_invalid", ["body", 0]),
        (b"[]", "model_attributes_type", ["body"]),
        (b'{"name": NaN}', "json_invalid", ["body", 0]),
    ],
)
def test_a_body_that_is_no_object(gateway: httpx.Client, content: bytes, type: str, loc: Any) -> None:
    response = gateway.post(MODELS, content=content)
    assert response.status_code == 422
    assert [(each["type"], each["loc"]) for each in response.json()["detail"]] == [(type, loc)]


def test_a_second_of_a_name_is_a_conflict(gateway: httpx.Client) -> None:
    response = gateway.post(MODELS, json={"name": "mock-small"})
    assert (response.status_code, response.headers["x-should-retry"]) == (409, "false")
    assert response.json() == {"detail": "Model with workspace 'default' and name 'mock-small' already exists"}


@pytest.mark.parametrize("what", ["models", "providers"])
def test_a_workspace_that_is_not_there(gateway: httpx.Client, what: str) -> None:
    response = gateway.post(f"{SERVICE}/nowhere/{what}", json={"name": "ab", "host_url": "http://up.example"})
    told = "Workspace 'nowhere' does not exist. Please create the workspace first."
    assert (response.status_code, response.json()) == (422, {"detail": told})
    assert gateway.get(f"{SERVICE}/nowhere/{what}").status_code == 404
    assert gateway.get(f"{SERVICE}/A_b/{what}").status_code == 422


def test_a_provider_of_the_platform_is_there_from_the_start(gateway: httpx.Client) -> None:
    body = gateway.get(f"{SERVICE}/system/providers").json()
    assert [(each["name"], each["status"]) for each in body["data"]] == [("nvidia-build", "READY")]
    assert gateway.get(f"{INFERENCE}/system/provider/nvidia-build/ready").json()["ready"] is True


def test_a_workspace_can_be_made_and_used(start: Start) -> None:
    client, path = start(), "/apis/entities/v2/workspaces"
    assert names(client.get(path)) == ["default", "empty", "system"]
    assert client.post(f"{SERVICE}/new-space/models", json={"name": "ab"}).status_code == 422
    created = client.post(path, json={"name": "new-space"})
    assert (created.status_code, created.json()) == (201, {"name": "new-space"})
    assert client.post(path, json={"name": "new-space"}).status_code == 409
    assert client.post(path, json={"name": "New_Space"}).status_code == 422
    assert client.get(f"{path}/new-space").json() == {"name": "new-space"}
    assert client.get(f"{path}/nowhere").status_code == 404
    assert client.post(f"{SERVICE}/new-space/models", json={"name": "ab"}).status_code == 201
    assert client.get(f"{INFERENCE}/new-space/openai/-/v1/models").json()["data"] == []
