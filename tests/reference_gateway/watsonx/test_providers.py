"""Providers and models that come, change and go, with the statuses that the vendor's client insists on."""

from typing import Any

import httpx
import pytest

from ..conftest import KEY

BODY: Any = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}


def test_a_provider_comes_changes_and_goes(gateway: httpx.Client) -> None:
    created = gateway.post(
        "/providers/openai?version=2025-01-01", json={"name": "my (one) [x]", "data": {"apikey": "k"}}
    )
    body = created.json()
    assert created.status_code == 201
    assert list(body.items())[1:] == [("name", "my (one) [x]"), ("type", "openai")]
    path = f"/providers/{body['uuid']}"
    assert gateway.get(path).json() == {**body, "data": {}, "models": []}
    changed = gateway.put(f"{path}/nim", json={"name": "other"})
    assert (changed.status_code, changed.json()) == (200, {"uuid": body["uuid"], "name": "other", "type": "nim"})
    assert body["uuid"] in [each["uuid"] for each in gateway.get("/providers").json()["data"]]
    deleted = gateway.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    again = gateway.delete(path)
    assert (again.status_code, again.json()["error"]["code"]) == (404, "provider_not_found")


BAD: list[Any] = [
    ("nosuch", {"name": "a"}),
    ("openai", {}),
    ("openai", {"name": ""}),
    ("openai", {"name": " a"}),
    ("openai", {"name": "a  b"}),
    ("openai", {"name": "a/b"}),
    ("openai", {"name": 1}),
    ("openai", {"name": "a", "data": {}}),
    ("openai", {"name": "a", "data": {"apikey": "é"}}),
    ("openai", {"name": "a", "data": {"apikey": "k", "base_url": "ftp://x"}}),
    ("openai", {"name": "a", "data": []}),
    ("openai", {"name": "a", "data": {"apikey": "k"}, "data_reference": {"resource": "crn"}}),
    ("bedrock", {"name": "a", "data": {"region": "x"}}),
    ("ollama", {"name": "a", "data": {"host": "localhost"}}),
]


@pytest.mark.parametrize(("type", "body"), BAD)
def test_a_bad_provider_is_a_bad_request(gateway: httpx.Client, type: str, body: Any) -> None:
    before = gateway.get("/providers").json()
    response = gateway.post(f"/providers/{type}", json=body)
    assert response.status_code == 400
    assert isinstance(response.json()["error"]["code"], str)
    assert gateway.get("/providers").json() == before


def test_a_second_of_a_name_is_a_conflict(gateway: httpx.Client, provider: str) -> None:
    assert gateway.post("/providers/nim", json={"name": "a test"}).status_code == 409
    assert gateway.put(f"/providers/{provider}/nim", json={"name": "openai"}).status_code == 409
    assert gateway.put(f"/providers/{provider}/nosuch", json={"name": "x"}).status_code == 404


def test_a_reference_is_shown_and_a_secret_never(gateway: httpx.Client, provider: str) -> None:
    reference = {"resource": "crn:v1:secret"}
    created = gateway.post("/providers/anthropic", json={"name": "by reference", "data_reference": reference})
    path = f"/providers/{created.json()['uuid']}"
    assert gateway.get(path).json()["data_reference"] == reference
    gateway.delete(path)
    told = "".join(gateway.get(each).text for each in ("/providers", f"/providers/{provider}", "/models"))
    assert "sk-canary" not in told


def test_a_model_comes_and_goes(gateway: httpx.Client, provider: str) -> None:
    path = f"/providers/{provider}/models"
    sent = {"id": "vendor/model", "alias": "team/model", "metadata": {"functions": ["chat"]}, "unknown": 1}
    created = gateway.post(path, json=sent)
    model = created.json()
    assert created.status_code == 201
    assert {**model, "uuid": "", "created": 0} == {
        "uuid": "", "id": "vendor/model", "object": "model", "created": 0, "owned_by": "openai:a test",
        "alias": "team/model", "metadata": {"functions": ["chat"]},
    }  # fmt: skip
    assert gateway.get(path).json()["data"] == [model]
    for name in (model["uuid"], "vendor/model", "team/model", "team%2Fmodel"):
        assert gateway.get(f"/models/{name}").json() == model
    for name in ("vendor/model", "team/model"):
        assert gateway.post("/chat/completions", json={**BODY, "model": name}).json()["model"] == "vendor/model"
    assert gateway.delete("/models/team/model").status_code == 404
    assert gateway.delete(f"/models/{model['uuid']}").status_code == 204
    assert gateway.get(f"/models/{model['uuid']}").status_code == 404
    assert gateway.post("/chat/completions", json={**BODY, "model": "vendor/model"}).status_code == 404


def test_what_is_unset_is_left_out(gateway: httpx.Client, provider: str) -> None:
    created = gateway.post(f"/providers/{provider}/models", json={"id": "m", "alias": None, "metadata": None})
    assert set(created.json()) == {"uuid", "id", "object", "created", "owned_by"}


@pytest.mark.parametrize(
    "body",
    [{}, {"id": ""}, {"id": " "}, {"id": "a\nb"}, {"id": 1}, {"id": "a", "alias": 1}, {"id": "a", "metadata": 1}],
)
def test_a_bad_model_is_a_bad_request(gateway: httpx.Client, provider: str, body: Any) -> None:
    assert gateway.post(f"/providers/{provider}/models", json=body).status_code == 400


def test_within_one_provider_a_name_means_one_model(gateway: httpx.Client, provider: str) -> None:
    path = f"/providers/{provider}/models"
    statuses = [
        gateway.post(path, json=body).status_code
        for body in ({"id": "a", "alias": "b"}, {"id": "a"}, {"id": "b"}, {"id": "c", "alias": "b"}, {"id": "c"})
    ]
    assert statuses == [201, 409, 409, 409, 201]


def test_an_unknown_provider_has_no_models_to_add_to(gateway: httpx.Client) -> None:
    assert gateway.post("/providers/nope/models", json={"id": "a"}).status_code == 404
    assert gateway.get("/providers/nope/models/available").status_code == 404


def test_one_alias_on_several_providers_shares_the_load(gateway: httpx.Client, provider: str) -> None:
    other = gateway.post("/providers/nim", json={"name": "another"}).json()["uuid"]
    for uuid, id in ((provider, "first"), (other, "second")):
        created = gateway.post(f"/providers/{uuid}/models", json={"id": id, "alias": "shared"})
        assert created.status_code == 201
    body = {**BODY, "model": "shared", "max_tokens": 1}
    answered = "".join(gateway.post("/chat/completions", json=body).json()["model"][0] for _ in range(60))
    assert 10 < answered.count("f") < 50 and "ff" in answered and "ss" in answered
    gateway.delete(f"/providers/{other}")
    assert {gateway.post("/chat/completions", json=body).json()["model"] for _ in range(10)} == {"first"}


def test_a_provider_with_a_url_is_proxied(gateway: httpx.Client, gateway_url: str) -> None:
    data = {"apikey": KEY, "base_url": f"{gateway_url}/v1/"}
    uuid = gateway.post("/providers/openai", json={"name": "far", "data": data}).json()["uuid"]
    available = gateway.get(f"/providers/{uuid}/models/available").json()["data"]
    assert "gpt-4o" in [each["id"] for each in available]
    assert {each["owned_by"] for each in available} == {"openai:far"}
    gateway.post(f"/providers/{uuid}/models", json={"id": "gpt-4o-mini", "alias": "far-mini"})
    assert gateway.post("/chat/completions", json={**BODY, "model": "far-mini"}).json()["model"] == "gpt-4o-mini"
    told = gateway.get("/providers").text
    assert KEY not in told and gateway_url not in told
    gateway.delete(f"/providers/{uuid}")


def test_a_provider_that_can_not_list_has_null(gateway: httpx.Client, provider: str) -> None:
    response = gateway.get(f"/providers/{provider}/models/available")
    assert response.json() == {"object": "list", "data": None}


def test_policies_come_and_go(gateway: httpx.Client) -> None:
    body = {"action": "read", "resource": "model:x", "subject": "AccessGroupId-1"}
    created = gateway.post("/policies", json=body)
    assert (created.status_code, created.json()) == (201, {"uuid": created.json()["uuid"], **body, "effect": "allow"})
    assert gateway.get("/policies").json() == {"object": "list", "data": [created.json()]}
    path = f"/policies/{created.json()['uuid']}"
    assert [gateway.delete(path).status_code for _ in range(2)] == [204, 404]
    assert gateway.post("/policies", json={**body, "action": "own"}).status_code == 400
    assert gateway.post("/policies", json={"action": "read"}).status_code == 400
