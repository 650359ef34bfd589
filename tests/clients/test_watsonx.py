"""`ibm-watsonx-ai`, unmodified, over TLS: its logins, and all that its Gateway can do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from .conftest import KEY, Needed

HI: Any = [{"role": "user", "content": "hi"}]
Secure = tuple[str, Path]


@pytest.fixture(scope="module")
def connect(needed: Needed, secure: Secure) -> Any:
    """Makes a Gateway with these credentials."""
    sdk = needed("ibm_watsonx_ai")
    gateway = needed("ibm_watsonx_ai.gateway")
    url, authority = secure

    def connect(**words: Any) -> Any:
        credentials = sdk.Credentials(url=url, **{"verify": str(authority)} | words)
        return gateway.Gateway(credentials=credentials, verify=words.get("verify", str(authority)), max_retries=0)

    return connect


@pytest.fixture(scope="module")
def client(connect: Any) -> Any:
    return connect(token=KEY)


LOGINS: dict[str, Any] = {
    "a token": {"token": KEY},
    "a token without a dot": {"token": "nodot"},
    "an API key": {"username": "me", "api_key": KEY, "version": "5.2", "instance_id": "openshift"},
    "a password": {"username": "me", "password": KEY, "bedrock_url": "URL", "version": "5.2",
                   "instance_id": "openshift"},
    "a token, in the cloud": {"token": KEY, "platform_url": "URL"},
    "an API key, in the cloud": {"api_key": KEY, "platform_url": "URL", "auth_url": "URL/identity/token"},
    "no certificate": {"token": KEY, "verify": False},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("login", LOGINS)
def test_every_login_leads_to_the_providers(connect: Any, secure: Secure, login: str) -> None:
    words = {
        name: value.replace("URL", secure[0]) if isinstance(value, str) else value
        for name, value in LOGINS[login].items()
    }
    assert "openai" in set(connect(**words).providers.list()["NAME"])


def test_a_wrong_key_is_refused(connect: Any, needed: Needed) -> None:
    errors = needed("ibm_watsonx_ai.wml_client_error")
    with pytest.raises(errors.WMLClientError, match="credentials"):
        connect(username="me", api_key="wrong", version="5.2", instance_id="openshift")


@pytest.mark.parametrize("scope", ["project_id", "space_id"])
def test_a_project_or_a_space_can_be_set(needed: Needed, secure: Secure, scope: str) -> None:
    sdk, gateway = needed("ibm_watsonx_ai"), needed("ibm_watsonx_ai.gateway")
    credentials = sdk.Credentials(url=secure[0], token=KEY, verify=str(secure[1]))
    client = gateway.Gateway(api_client=sdk.APIClient(credentials, **{scope: "one"}))
    assert client.chat.completions.create(model="gpt-4o", messages=HI)["choices"]


def test_providers_and_models_come_and_go(client: Any) -> None:
    provider = client.providers.create(provider="openai", name="of the client", data={"apikey": "sk-canary"})
    uuid = client.providers.get_id(provider)
    assert client.providers.get_details(uuid)["name"] == "of the client"
    assert uuid in set(client.providers.list()["ID"])
    assert "sk-canary" not in str(client.providers.get_details())
    model = client.models.create(uuid, model="vendor/model", alias="client/model", metadata={"functions": ["chat"]})
    model_uuid = client.models.get_id(model)
    assert client.models.get_details(model_id=model_uuid) == model
    assert list(client.models.list(uuid)["ID"]) == [model_uuid]
    assert model_uuid in set(client.models.list()["ID"])
    answer = client.chat.completions.create(model="client/model", messages=HI)
    assert answer["model"] == "vendor/model"
    assert client.models.delete(model_uuid) == "SUCCESS"
    assert client.providers.delete(uuid) == "SUCCESS"
    assert uuid not in set(client.providers.list()["ID"])


def test_chat_stream_completions_and_embeddings(client: Any) -> None:
    whole = client.chat.completions.create(model="azure/gpt-4o", messages=HI)
    assert whole["choices"][0]["message"]["content"]
    chunks = list(client.chat.completions.create(model="azure/gpt-4o", messages=HI, stream=True))
    assert "".join(each["choices"][0]["delta"].get("content") or "" for each in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    completion = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="a", max_tokens=3)
    assert completion["choices"][0]["text"]
    pieces = list(client.completions.create(model="gpt-3.5-turbo-instruct", prompt="a", max_tokens=3, stream=True))
    assert pieces[-1]["choices"][0]["finish_reason"]
    embedded = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert [len(each["embedding"]) for each in embedded["data"]] == [1536, 1536]


def test_async(client: Any) -> None:
    async def main() -> Any:
        return await asyncio.gather(*(client.chat.completions.acreate(model="gpt-4o", messages=HI) for _ in range(5)))

    assert all(each["choices"][0]["message"]["content"] for each in asyncio.run(main()))


def test_policies_and_rate_limits(client: Any) -> None:
    policy = client.policies.create(action="read", resource="model:one", subject="AccessGroupId-1")
    assert policy["uuid"] in set(client.policies.list()["ID"])
    assert client.policies.delete(policy["uuid"]) == "SUCCESS"
    rate = {"amount": 1000, "capacity": 1000, "duration": "1m"}
    limit = client.rate_limits.create_for_tenant(request=rate)
    uuid = client.rate_limits.get_id(limit)
    assert client.rate_limits.update_for_tenant(uuid, token=rate)["token"] == rate
    assert client.rate_limits.get_details(rate_limit_id=uuid)["type"] == "tenant"
    assert uuid in set(client.rate_limits.list()["ID"])
    assert client.rate_limits.delete(uuid) == "SUCCESS"


def test_an_unknown_model_is_the_clients_own_error(client: Any, needed: Needed) -> None:
    errors = needed("ibm_watsonx_ai.wml_client_error")
    with pytest.raises(errors.ApiRequestFailure, match="model_not_found") as refused:
        client.chat.completions.create(model="nope", messages=HI)
    assert refused.value.response.status_code == 404
