"""The dialect at /ml/gateway/v1."""

import re
import uuid
from typing import Any

import httpx
import pytest
from openai import NotFoundError, OpenAI

from ..conftest import KEY

BASE = "/ml/gateway/v1"
BODY: Any = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}


@pytest.fixture(scope="module")
def providers(client: httpx.Client) -> list[Any]:
    listed: list[Any] = client.get(f"{BASE}/providers").json()["data"]
    return listed


def test_providers_have_a_uuid_a_name_and_a_type(client: httpx.Client, providers: list[Any]) -> None:
    assert client.get(f"{BASE}/providers").json()["object"] == "list"
    assert [str(uuid.UUID(each["uuid"])) for each in providers] == [each["uuid"] for each in providers]
    assert {(each["name"], each["type"]) for each in providers} >= {
        ("openai", "simulator"),
        ("nvidia-build", "simulator"),
    }


def test_all_models_are_those_of_all_providers(client: httpx.Client, providers: list[Any]) -> None:
    by_provider = {
        model["uuid"]: model
        for each in providers
        for model in client.get(f"{BASE}/providers/{each['uuid']}/models").json()["data"]
    }
    assert by_provider == {model["uuid"]: model for model in client.get(f"{BASE}/models").json()["data"]}
    assert by_provider == {model["uuid"]: model for each in providers for model in each["models"]}


def test_a_provider_without_models_has_an_empty_list(client: httpx.Client, providers: list[Any]) -> None:
    (empty,) = [each["uuid"] for each in providers if not each["models"]]
    assert client.get(f"{BASE}/providers/{empty}/models").json() == {"object": "list", "data": []}


def test_one_provider(client: httpx.Client, providers: list[Any]) -> None:
    assert [client.get(f"{BASE}/providers/{each['uuid']}").json() for each in providers] == providers


@pytest.mark.parametrize(
    "wanted", ["00000000-0000-4000-8000-000000000000", "not-a-uuid", "0", "..%2f", "a" * 300, "%00"]
)
@pytest.mark.parametrize("tail", ["", "/models"])
def test_an_unknown_provider_is_not_found(client: httpx.Client, wanted: str, tail: str) -> None:
    assert client.get(f"{BASE}/providers/{wanted}{tail}").status_code == 404


def test_a_model_says_whose_it_is_and_leaves_out_what_is_unset(client: httpx.Client) -> None:
    models = {model["id"]: model for model in client.get(f"{BASE}/models?version=2025-01-01").json()["data"]}
    assert models["gpt-4o"]["owned_by"] == "simulator:openai"
    assert models["gpt-4o"]["alias"] == "azure/gpt-4o"
    assert set(models["gpt-4o-mini"]) == {"uuid", "id", "object", "created", "owned_by"}


@pytest.mark.parametrize("field", ["uuid", "alias", "id"])
def test_a_model_is_found_by_each_of_its_names(client: httpx.Client, field: str) -> None:
    model = next(each for each in client.get(f"{BASE}/models").json()["data"] if each["id"] == "gpt-4o")
    assert client.get(f"{BASE}/models/{model[field]}").json() == model
    assert client.get(f"{BASE}/models/{model[field].replace('/', '%2F')}").json() == model


@pytest.mark.parametrize("model", ["gpt-4o", "azure/gpt-4o"])
def test_the_answer_names_the_real_model(client: httpx.Client, model: str) -> None:
    response = client.post(
        f"{BASE}/chat/completions?version=2025-01-01",
        json={**BODY, "model": model, "router": {}, "cache": {"enabled": True}, "stop_sequences": ["x"]},
        headers={"x-ibm-project-id": "p"},
    )
    assert (response.status_code, response.json()["model"]) == (200, "gpt-4o")


@pytest.mark.parametrize("model", ["nosuch/gpt-4o", "azure/nope", "Azure/gpt-4o"])
def test_an_unknown_model_is_not_found(client: httpx.Client, model: str) -> None:
    response = client.post(f"{BASE}/chat/completions", json={**BODY, "model": model})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (404, "model_not_found")
    assert error["request_id"] == response.headers["x-request-id"]
    assert set(error) == {"code", "message", "request_id", "type", "param"}


@pytest.mark.parametrize("path", ["nope", "providers/", "models/", "providers/x/nope"])
def test_unknown_paths_are_not_found_in_the_dialects_words(client: httpx.Client, path: str) -> None:
    response = client.get(f"{BASE}/{path}")
    assert response.status_code == 404
    assert re.fullmatch("req_[0-9a-f]{32}", response.json()["error"]["request_id"])


def test_a_missing_key_is_refused_in_the_dialects_words(anonymous: httpx.Client) -> None:
    response = anonymous.get(f"{BASE}/providers")
    assert response.status_code == 401
    assert isinstance(response.json()["error"]["code"], str)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_sdk_works_with_this_base(gateway_url: str, slash: str) -> None:
    with OpenAI(base_url=f"{gateway_url}{BASE}{slash}", api_key=KEY, max_retries=0) as sdk:
        assert "gpt-4o" in [model.id for model in sdk.models.list()]
        stream = sdk.chat.completions.create(model="azure/gpt-4o", messages=BODY["messages"], stream=True)
        assert {chunk.model for chunk in stream} == {"gpt-4o"}
        assert sdk.completions.create(model="gpt-3.5-turbo-instruct", prompt="a", max_tokens=2).choices
        assert sdk.embeddings.create(model="text-embedding-3-small", input="a").data
        with pytest.raises(NotFoundError) as missing:
            sdk.chat.completions.create(model="nope", messages=BODY["messages"])
        assert missing.value.code == "model_not_found"
