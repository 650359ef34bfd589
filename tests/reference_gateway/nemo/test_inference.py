"""The dialect under /apis/inference-gateway: three routes, and the 422 for names that are none."""

import string
from typing import Any

import httpx
import pytest
from openai import OpenAI, UnprocessableEntityError

from ..conftest import KEY

WORKSPACES = "/apis/inference-gateway/v2/workspaces"
BASE = f"{WORKSPACES}/default/openai/-/v1"
CHAT = f"{BASE}/chat/completions"
BODY: Any = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
BODIES: Any = {"chat/completions": BODY, "completions": {"prompt": "a"}, "embeddings": {"input": "a"}}

ILL_FORMED = [
    "",
    "a",
    "a" * 64,
    "a" * 65,
    "a" * 10_000,
    "Abc",
    "aBc",
    "abC",
    *(f"a{mark}b" for mark in string.punctuation if mark not in "-"),
    *(f"{space}ab" for space in " \t\r\n\x00\xa0\u3000"),
    *(f"ab{space}" for space in " \t\r\n\x00\xa0\u3000"),
    "a b",
    "ab/",
    "/ab",
    "a//b",
    "-ab",
    "ab-",
    "--",
    "\u0430b",
    "\uff41b",
    "ab\u0663",
    "ab\xb2",
    "a\u2010b",
    "a\u2011b",
    "a\u200db",
    "ab\xe9",
    "abe\u0301",
    "a\U0001f600b",
    "a%2Db",
    "meta/llama-3.3-70b-instruct",
    "Qwen/Qwen2.5-7B",
    "system/nemotron-nano",
]
WELL_FORMED = ["aa", "a1", "a" * 62, "a" * 63, "a-b", "a--b", "7b", "42", "zz-none"]


@pytest.mark.parametrize("name", ILL_FORMED, ids=range(len(ILL_FORMED)))
@pytest.mark.parametrize("prefix", ["", "default/"])
def test_an_ill_formed_entity_is_unprocessable(client: httpx.Client, name: str, prefix: str) -> None:
    response = client.post(CHAT, json={**BODY, "model": prefix + name})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["detail"] and response.json()["detail"].startswith("Invalid model: Name must")


@pytest.mark.parametrize("name", WELL_FORMED)
@pytest.mark.parametrize("prefix", ["", "default/"])
def test_a_well_formed_entity_that_nobody_has_is_not_found(client: httpx.Client, name: str, prefix: str) -> None:
    response = client.post(CHAT, json={**BODY, "model": prefix + name})
    assert (response.status_code, list(response.json())) == (404, ["detail"])


@pytest.mark.parametrize("endpoint", BODIES)
@pytest.mark.parametrize("stream", [False, True])
def test_the_rule_holds_on_every_endpoint_and_for_streams(client: httpx.Client, endpoint: str, stream: bool) -> None:
    body = {**BODIES[endpoint], "model": "meta/llama-3.3-70b-instruct", "stream": stream}
    assert client.post(f"{BASE}/{endpoint}", json=body).status_code == 422
    vendor = f"{WORKSPACES}/default/model/meta/llama-3.3-70b-instruct/-/v1/{endpoint}"
    assert client.post(vendor, json=body).status_code == 422


@pytest.mark.parametrize("model", [None, 1, True, [], {}])
def test_a_model_of_another_type_is_unprocessable(client: httpx.Client, model: Any) -> None:
    assert client.post(CHAT, json={**BODY, "model": model}).status_code == 422


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"model":"mock-small"}'])
def test_a_bad_body_is_a_bad_request(client: httpx.Client, content: bytes) -> None:
    response = client.post(CHAT, content=content)
    assert response.status_code == 400
    assert isinstance(response.json()["detail"], str)


def test_the_list_is_that_of_the_workspace(client: httpx.Client) -> None:
    listed = {
        each: [model["id"] for model in client.get(f"{WORKSPACES}/{each}/openai/-/v1/models").json()["data"]]
        for each in ("default", "system", "empty")
    }
    assert "default/meta-llama-3-3-70b-instruct" in listed["default"]
    assert listed["default"][-1] == "default/text-embedding-3-small"
    assert listed["system"] == ["system/nemotron-nano", "system/text-embedding-3-large"]
    assert listed["empty"] == []


@pytest.mark.parametrize("written", ["mock-small", "default/mock-small", "default%2Fmock-small"])
def test_one_model(client: httpx.Client, written: str) -> None:
    assert client.get(f"{BASE}/models/{written}").json()["id"] == "default/mock-small"


@pytest.mark.parametrize(
    ("written", "status"),
    [("nope", 404), ("default/nope", 404), ("No", 422), ("system/nemotron-nano", 422), ("a%0A", 422)],
)
def test_one_model_that_is_not_there(client: httpx.Client, written: str, status: int) -> None:
    assert client.get(f"{BASE}/models/{written}").status_code == status


@pytest.mark.parametrize(
    ("workspace", "status"),
    [
        ("a", 422),
        ("UPPER", 422),
        ("a_b", 422),
        ("-", 422),
        ("default%0A", 422),
        ("zz-none", 404),
        ("a%2Fb", 404),
        ("", 404),
    ],
)
def test_a_workspace_that_is_not_there(client: httpx.Client, workspace: str, status: int) -> None:
    path = f"{WORKSPACES}/{workspace}/openai/-/v1"
    assert client.get(f"{path}/models").status_code == status
    assert client.post(f"{path}/chat/completions", json={**BODY, "model": "mock-small"}).status_code == status


@pytest.mark.parametrize(
    "path",
    [
        f"{WORKSPACES}/default/openai/v1/models",
        f"{WORKSPACES}/default/openai/-/v2/models",
        "/apis/inference-gateway/v1/workspaces/default/openai/-/v1/models",
        f"{WORKSPACES}/default//openai/-/v1/models",
        f"{WORKSPACES}/default/provider/openai",
    ],
)
def test_another_structure_of_the_path_is_not_found(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, list(response.json())) == (404, ["detail"])


ROUTES = [
    (BASE, "default/mock-small", "default/mock-small"),
    (BASE, "mock-small", "default/mock-small"),
    (f"{WORKSPACES}/default/model/mock-small/-/v1", "mock/small", "default/mock-small"),
    (f"{WORKSPACES}/default/model/mock-small/-/v1", None, "default/mock-small"),
    (f"{WORKSPACES}/default/provider/nvidia-build/-/v1", "mock/small", "mock/small"),
    (f"{WORKSPACES}/default/model/mock-small/-", None, "default/mock-small"),
    (f"{WORKSPACES}/default/provider/nvidia-build/-", "mock/small", "mock/small"),
    (f"{WORKSPACES}/%64efault/openai/-/v1", "default/mock-small", "default/mock-small"),
]


@pytest.mark.parametrize(("base", "model", "answered"), ROUTES)
@pytest.mark.parametrize("endpoint", BODIES)
def test_the_three_routes_serve_the_same_model(
    client: httpx.Client, base: str, model: str | None, answered: str, endpoint: str
) -> None:
    body = BODIES[endpoint] if model is None else {**BODIES[endpoint], "model": model}
    for tail in (endpoint, endpoint.replace("/", "%2F")):
        response = client.post(f"{base}/{tail}", json=body)
        assert response.status_code == 200, response.text
        assert response.json()["model"] == answered


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("model/zz-none", 404),
        ("model/A_b", 422),
        ("model/ab%0A", 422),
        ("model/a%2Fb", 422),
        ("provider/zz-none", 404),
        ("provider/A_b", 422),
        ("provider/openai", 404),
    ],
)
def test_route_names_that_are_not_there(client: httpx.Client, path: str, status: int) -> None:
    response = client.post(f"{WORKSPACES}/system/{path}/-/v1/chat/completions", json={**BODY, "model": "gpt-4o"})
    assert response.status_code == status


@pytest.mark.parametrize("model", ["nope", "default/mock-small"])
def test_a_provider_serves_its_own_models_only(client: httpx.Client, model: str) -> None:
    path = f"{WORKSPACES}/default/provider/nvidia-build/-/v1/chat/completions"
    assert client.post(path, json={**BODY, "model": model}).status_code == 404


def test_readiness_and_lists_of_the_other_routes(client: httpx.Client) -> None:
    provider = f"{WORKSPACES}/default/provider/nvidia-build"
    assert client.get(f"{provider}/ready").json() == {"ready": True, "provider": "default/nvidia-build"}
    assert [model["id"] for model in client.get(f"{provider}/-/v1/models").json()["data"]][-1] == "mock/small"
    entity = client.get(f"{WORKSPACES}/default/model/mock-small/-/v1/models").json()
    assert [model["id"] for model in entity["data"]] == ["default/mock-small"]


def test_errors_have_a_detail_only(client: httpx.Client, anonymous: httpx.Client) -> None:
    responses = [anonymous.get(f"{BASE}/models"), client.put(CHAT), client.get(f"{BASE}/nope")]
    assert [response.status_code for response in responses] == [401, 405, 404]
    assert all(list(response.json()) == ["detail"] for response in responses)


def test_the_sdk_works_with_this_base(gateway_url: str) -> None:
    with OpenAI(base_url=f"{gateway_url}{BASE}", api_key=KEY, max_retries=0) as sdk:
        first = sdk.models.list().data[0].id
        assert sdk.models.retrieve(first).id == first
        with sdk.chat.completions.stream(model=first, messages=BODY["messages"]) as stream:
            assert stream.get_final_completion().model == first
        with pytest.raises(UnprocessableEntityError):
            sdk.chat.completions.create(model="meta/llama-3.3-70b-instruct", messages=BODY["messages"], stream=True)
