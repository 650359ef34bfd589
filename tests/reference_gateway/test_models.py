import httpx
import pytest
from openai import NotFoundError, OpenAI


def test_the_list_has_chat_models_first_and_no_id_twice(client: httpx.Client) -> None:
    body = client.get("/v1/models").json()
    ids = [model["id"] for model in body["data"]]
    assert body["object"] == "list"
    assert ids[0] == "gpt-4o-mini"
    assert len(ids) == len(set(ids))
    assert {"gpt-4o", "meta/llama-3.3-70b-instruct", "gpt-3.5-turbo-instruct", "text-embedding-3-small"} < set(ids)


def test_unknown_query_parameters_and_a_content_type_are_ignored(client: httpx.Client) -> None:
    response = client.get("/v1/models?limit=abc", headers={"content-type": "application/json"})
    assert response.json() == client.get("/v1/models").json()


@pytest.mark.parametrize("written", ["meta%2Fllama-3.3-70b-instruct", "meta/llama-3.3-70b-instruct"])
def test_an_id_with_a_slash_is_found_encoded_and_raw(client: httpx.Client, written: str) -> None:
    listed = client.get("/v1/models").json()["data"]
    assert client.get(f"/v1/models/{written}").json() in listed


@pytest.mark.parametrize(
    "written",
    [
        "nope",
        "Gpt-4o",
        "gpt-4o%0A",
        "gpt-4o%20",
        "%20gpt-4o",
        "gpt-4o/",
        "%00",
        "%0a",
        "%25",
        "%F0%9F%98%80",
        "a" * 5000,
        "..%2F..%2Fetc%2Fpasswd",
        "%EF%BD%87pt-4o",
        "gpt%E2%80%914o",
    ],
)
def test_ids_are_compared_exactly(client: httpx.Client, written: str) -> None:
    response = client.get(f"/v1/models/{written}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
    assert len(response.content) < 2000


def test_sdk_lists_and_retrieves(sdk: OpenAI) -> None:
    ids = [model.id for model in sdk.models.list()]
    assert [sdk.models.retrieve(each).id for each in ids] == ids
    with pytest.raises(NotFoundError) as raised:
        sdk.models.retrieve("no/such")
    assert raised.value.code == "model_not_found"
