"""Providers that come, change and go: a vendor's model under a name of ours, on all three routes."""

from typing import Any

import httpx
import pytest

from reference_gateway.config import parse
from reference_gateway.dialects.nemo.discovery import entity_name

from ..conftest import KEY
from .conftest import INFERENCE, SECRETS, SERVICE, Start
from .waiting import eventually, ready

PROVIDERS = f"{SERVICE}/default/providers"
VENDOR = "meta/llama-3.3-70b-instruct"
ENTITY = "our-llama"
BODY: Any = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
EMPTY = '[[workspaces]]\nname = "default"\n[[workspaces]]\nname = "other"\n'


@pytest.fixture
def client(start: Start) -> httpx.Client:
    return start(parse("retry_interval_s = 0.02\n" + EMPTY))


def chat(client: httpx.Client, route: str, model: str, **more: Any) -> httpx.Response:
    return client.post(f"{INFERENCE}/default/{route}/-/v1/chat/completions", json={**BODY, "model": model, **more})


@pytest.mark.parametrize("stream", [False, True])
def test_a_vendor_id_becomes_an_entity_and_is_used_on_all_three_routes(client: httpx.Client, stream: bool) -> None:
    refused = client.post(f"{SERVICE}/default/models", json={"name": VENDOR})
    assert refused.status_code == 422
    assert client.post(f"{SERVICE}/default/models", json={"name": ENTITY}).status_code == 201
    created = client.post(PROVIDERS, json={"name": "up", "host_url": "simulator://local"})
    assert (created.status_code, created.json()["status"]) == (201, "CREATED")
    ready(client, "up")
    served = [{"model_entity_id": f"default/{ENTITY}", "served_model_name": VENDOR}]
    changed = client.put(f"{PROVIDERS}/up/status", json={"status": "READY", "served_models": served})
    assert (changed.status_code, changed.json()["served_models"]) == (200, served)
    assert client.get(f"{SERVICE}/default/models/{ENTITY}").json()["model_providers"] == ["default/up"]
    listed = client.get(f"{INFERENCE}/default/openai/-/v1/models").json()["data"]
    assert [each["id"] for each in listed] == [f"default/{ENTITY}"]
    for route, model, answered in (
        ("openai", f"default/{ENTITY}", f"default/{ENTITY}"),
        (f"model/{ENTITY}", VENDOR, f"default/{ENTITY}"),
        ("provider/up", VENDOR, VENDOR),
    ):
        response = chat(client, route, model, stream=stream)
        assert response.status_code == 200, response.text
        assert f'"model":"{answered}"' in response.text
    assert chat(client, "openai", VENDOR, stream=stream).status_code == 422
    assert client.delete(f"{PROVIDERS}/up").status_code == 204
    assert chat(client, "openai", ENTITY, stream=stream).status_code == 404
    assert client.get(f"{SERVICE}/default/models/{ENTITY}").json()["model_providers"] == []


@pytest.mark.parametrize("tail", ["v1/chat/completions", "v1%2Fchat%2Fcompletions", "v1%2fchat/completions"])
def test_an_encoded_tail_is_the_same(gateway: httpx.Client, tail: str) -> None:
    for route, model in (("openai", "mock-small"), ("model/mock-small", "x"), ("provider/nvidia-build", "mock/small")):
        response = gateway.post(f"{INFERENCE}/default/{route}/-/{tail}", json={**BODY, "model": model})
        assert response.status_code == 200, response.text


def test_the_models_of_a_proxied_provider_are_found(client: httpx.Client, gateway_url: str) -> None:
    secret = client.post(f"{SECRETS}/default/secrets", json={"name": "up-key", "value": KEY})
    assert secret.status_code == 201 and KEY not in secret.text
    body = {"name": "up", "host_url": gateway_url, "api_key_secret_name": "up-key"}
    assert client.post(PROVIDERS, json=body).status_code == 201
    ready(client, "up")
    listed = client.get(f"{INFERENCE}/default/openai/-/v1/models").json()["data"]
    assert "default/meta-llama-3-3-70b-instruct" in [each["id"] for each in listed]
    assert (
        chat(client, "openai", "meta-llama-3-3-70b-instruct").json()["model"] == "default/meta-llama-3-3-70b-instruct"
    )
    told = "".join(client.get(path).text for path in (PROVIDERS, f"{PROVIDERS}/up", f"{SECRETS}/default/secrets"))
    assert KEY not in told and "up-key" in told


def test_only_enabled_models_are_taken_and_bodies_are_laid_over(client: httpx.Client, gateway_url: str) -> None:
    client.post(f"{SECRETS}/default/secrets", json={"name": "up-key", "value": KEY})
    body = {
        "name": "up",
        "host_url": f"{gateway_url}/v1/",
        "api_key_secret_name": "up-key",
        "auth_header_format": "Authorization: Bearer {{ auth_secret }}",
        "enabled_models": ["gpt-4o-mini"],
        "required_extra_body": {"max_tokens": 1},
        "default_extra_body": {"n": 2},
        "default_extra_headers": {"x-a": "secret-b"},
    }
    created = client.post(PROVIDERS, json=body)
    assert created.status_code == 201 and "secret-b" not in created.text
    ready(client, "up")
    assert client.get(f"{INFERENCE}/default/openai/-/v1/models").json()["data"][0]["id"] == "default/gpt-4o-mini"
    answer = chat(client, "openai", "gpt-4o-mini", max_tokens=9).json()
    assert (len(answer["choices"]), answer["usage"]["completion_tokens"]) == (2, 2)
    assert len(chat(client, "openai", "gpt-4o-mini", n=1).json()["choices"]) == 1


def test_a_simulated_provider_serves_what_is_enabled(client: httpx.Client) -> None:
    body = {"name": "sim", "host_url": "simulator://local", "enabled_models": [VENDOR]}
    created = client.put(f"{PROVIDERS}/sim", json=body)
    assert created.status_code == 200
    ready(client, "sim")
    assert chat(client, "openai", "default/meta-llama-3-3-70b-instruct").status_code == 200


def test_a_provider_that_is_never_reached_gets_the_status_error(client: httpx.Client, closed_port: int) -> None:
    client.post(PROVIDERS, json={"name": "gone", "host_url": f"http://127.0.0.1:{closed_port}/v1"})
    assert client.get(f"{INFERENCE}/default/provider/gone/ready").status_code == 404
    eventually(lambda: client.get(f"{PROVIDERS}/gone").json()["status"] == "ERROR")
    told = client.get(f"{INFERENCE}/default/provider/gone/ready")
    assert (told.status_code, told.json()) == (404, {"detail": "Provider not ready for default/gone"})


def test_a_changed_provider_is_the_same_one(client: httpx.Client) -> None:
    first = client.post(PROVIDERS, json={"name": "up", "host_url": "simulator://local"}).json()
    ready(client, "up")
    body = {"host_url": "simulator://local", "description": "d", "enabled_models": ["a/b"]}
    second = client.put(f"{PROVIDERS}/up", json=body).json()
    assert (second["id"], second["description"], second["created_at"]) == (first["id"], "d", first["created_at"])
    ready(client, "up")
    third = client.put(f"{PROVIDERS}/up", json={"host_url": "simulator://local"}).json()
    assert third["description"] is None
    assert third["served_models"] == [{"model_entity_id": "default/a-b", "served_model_name": "a/b"}]


def test_names_are_those_of_a_workspace(client: httpx.Client) -> None:
    body = {"name": "up", "host_url": "simulator://local"}
    assert client.post(PROVIDERS, json=body).status_code == 201
    assert client.post(f"{SERVICE}/other/providers", json=body).status_code == 201
    again = client.post(PROVIDERS, json=body)
    assert (again.status_code, again.headers["x-should-retry"]) == (409, "false")
    told = "Model provider with workspace 'default' and name 'up' already exists"
    assert again.json() == {"detail": told}
    assert client.delete(f"{SERVICE}/other/providers/up").status_code == 204
    assert client.get(f"{PROVIDERS}/up").status_code == 200


@pytest.mark.parametrize(
    ("body", "type", "field"),
    [
        ({"name": "ab"}, "missing", "host_url"),
        ({"host_url": "http://x"}, "missing", "name"),
        ({"name": "a/b", "host_url": "http://x"}, "string_pattern_mismatch", "name"),
        ({"name": "ab", "host_url": "not a url"}, "url_parsing", "host_url"),
        ({"name": "ab", "host_url": "ftp://x"}, "url_parsing", "host_url"),
        ({"name": "ab", "host_url": "http://user:pass@x"}, "url_parsing", "host_url"),
        ({"name": "ab", "host_url": "http://x", "enabled_models": 1}, "list_type", "enabled_models"),
        ({"name": "ab", "host_url": "http://x", "default_extra_headers": {"a": 1}}, "value_error",
         "default_extra_headers"),
        ({"name": "ab", "host_url": "http://x", "required_extra_headers": {"a b": "1"}}, "value_error",
         "required_extra_headers"),
        ({"name": "ab", "host_url": "http://x", "auth_header_format": "A B: {{ auth_secret }}"}, "value_error",
         "auth_header_format"),
        ({"name": "ab", "host_url": "http://x", "auth_header_format": "X"}, "value_error", "auth_header_format"),
    ],
)  # fmt: skip
def test_a_bad_provider_is_unprocessable(client: httpx.Client, body: Any, type: str, field: str) -> None:
    response = client.post(PROVIDERS, json=body)
    assert response.status_code == 422
    assert (type, ["body", field]) in [(each["type"], each["loc"]) for each in response.json()["detail"]]


def test_a_secret_that_is_not_there_is_told(client: httpx.Client) -> None:
    body = {"name": "ab", "host_url": "http://x", "api_key_secret_name": "nope"}
    response = client.post(PROVIDERS, json=body)
    assert (response.status_code, response.json()) == (
        400,
        {"detail": "Secret 'nope' not found in workspace 'default'"},
    )


@pytest.mark.parametrize("body", [{"value": "sk-canary"}, {"name": "A", "value": "sk-canary"}, {"name": "ab"}])
def test_a_bad_secret_is_not_repeated(client: httpx.Client, body: Any) -> None:
    response = client.post(f"{SECRETS}/default/secrets", json=body)
    assert response.status_code == 422 and "sk-canary" not in response.text


def test_secrets_come_and_go(client: httpx.Client) -> None:
    path = f"{SECRETS}/default/secrets"
    assert client.post(path, json={"name": "ab", "value": "v"}).status_code == 201
    assert client.post(path, json={"name": "ab", "value": "v"}).status_code == 409
    assert [each["name"] for each in client.get(path).json()["data"]] == ["ab"]
    assert [client.delete(f"{path}/ab").status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "WELL"}, 422),
        ({"served_models": [{"model_entity_id": "default/ab"}]}, 422),
        ({"served_models": ["x"]}, 422),
        ({"served_models": [{"model_entity_id": "default/A_b", "served_model_name": "x"}]}, 422),
        ({"served_models": [{"model_entity_id": "nowhere/ab", "served_model_name": "x"}]}, 422),
        ({}, 200),
    ],
)
def test_a_status_is_checked(client: httpx.Client, body: Any, status: int) -> None:
    client.post(PROVIDERS, json={"name": "up", "host_url": "simulator://local"})
    assert client.put(f"{PROVIDERS}/up/status", json=body).status_code == status
    assert client.put(f"{PROVIDERS}/nope/status", json=body).status_code in (404, 422)


@pytest.mark.parametrize(
    ("id", "name"),
    [
        (VENDOR, "meta-llama-3-3-70b-instruct"),
        ("Mixed_Case.Model@v1", "mixed-case-model-v1"),
        ("Bad Name!", "bad-name"),
        ("x", "x"),
        ("a" * 62 + "/b", "a" * 62),
    ],
)
def test_vendor_ids_are_spelt_as_names(id: str, name: str) -> None:
    assert entity_name(id) == name
