"""What the vendor's clients call at start, and the tokens that they get."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reference_gateway.access import minting
from reference_gateway.server import running_gateway


@pytest.fixture(scope="module")
def anonymous() -> Iterator[httpx.Client]:
    with running_gateway(tokens=["my key"]) as url, httpx.Client(base_url=url) as client:
        yield client


def claims(token: str) -> Any:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def tokens(client: httpx.Client, key: str) -> list[httpx.Response]:
    return [
        client.post("/icp4d-api/v1/authorize", json={"username": "me", "api_key": key}),
        client.post("/icp4d-api/v1/authorize", json={"username": "me", "password": key}),
        client.post("/idprovider/v1/auth/identitytoken", data={"username": "me", "password": key}),
        client.post("/identity/token", data={"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": key}),
    ]


def test_a_key_is_exchanged_for_a_token_that_is_accepted(anonymous: httpx.Client) -> None:
    for response in tokens(anonymous, "my key"):
        assert response.status_code == 200
        body = response.json()
        token = body.get("token") or body["access_token"]
        assert time.time() < claims(token)["exp"] <= time.time() + 3600
        accepted = anonymous.get("/ml/gateway/v1/models", headers={"authorization": f"Bearer {token}"})
        assert accepted.status_code == 200
        own = anonymous.get("/v1/preauth/validateAuth", headers={"username": "me", "iam-token": token})
        assert (own.status_code, own.json()["accessToken"]) == (200, token)
        head, claimed, signature = token.split(".")
        forged = f"{head}.{claimed[:-2]}AA.{signature}"
        for wrong in (forged, f"{head}.{claimed}.", token[:-1]):
            refused = anonymous.get("/ml/gateway/v1/models", headers={"authorization": f"Bearer {wrong}"})
            assert refused.status_code == 401


def test_another_key_gets_none(anonymous: httpx.Client) -> None:
    assert [each.status_code for each in tokens(anonymous, "another")] == [401] * 4
    own = anonymous.get("/v1/preauth/validateAuth", headers={"username": "me", "iam-token": "a.b.c"})
    assert own.status_code == 401


def test_a_token_ends(anonymous: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minting, "LIFETIME_S", -1)
    token = tokens(anonymous, "my key")[0].json()["token"]
    refused = anonymous.get("/ml/gateway/v1/models", headers={"authorization": f"Bearer {token}"})
    assert refused.status_code == 401


@pytest.mark.parametrize("content", [b"\xff", b"&".join(b"a%d=1" % number for number in range(99))])
def test_what_is_no_form_is_a_bad_request(anonymous: httpx.Client, content: bytes) -> None:
    response = anonymous.post("/identity/token", content=content)
    assert (response.status_code, list(response.json())) == (400, ["error"])


def test_a_project_and_a_space_are_there_for_those_with_a_key(anonymous: httpx.Client) -> None:
    token = tokens(anonymous, "my key")[0].json()["token"]
    for path in ("/v2/projects/p", "/v2/spaces/s"):
        assert anonymous.get(path).status_code == 401
        body = anonymous.get(path, headers={"authorization": f"Bearer {token}"}).json()
        assert body["entity"] and (path == "/v2/spaces/s" or body["entity"]["storage"]["type"])


def test_without_keys_everybody_gets_a_token(gateway: httpx.Client) -> None:
    origin = str(gateway.base_url.copy_with(path="/"))
    with httpx.Client(base_url=origin) as client:
        assert [each.status_code for each in tokens(client, "anything")] == [200] * 4
