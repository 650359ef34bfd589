from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reference_gateway.app import create_app
from reference_gateway.config import parse
from reference_gateway.gateway import Gateway
from reference_gateway.server import running

from .conftest import KEY

GOOD = f"Bearer {KEY}"


@pytest.mark.parametrize("header", [GOOD, f"bearer {KEY}", f"BEARER   {KEY}", "Bearer second.key"])
def test_a_good_key_is_let_in(anonymous: httpx.Client, header: str) -> None:
    assert anonymous.get("/v1/models", headers={"authorization": header}).status_code == 200


MALFORMED: list[Any] = [
    "Basic c2stdGVzdC5rZXktMQ==",
    f"Token {KEY}",
    "Bearer",
    f"Bearer {KEY} b",
    f"Bearer\t{KEY}",
    KEY,
    "",
    "Bearer " + "a" * 16_000,
    b"Bearer \xff\xfe\x80",
    f"Bearer {KEY}x",
    f"Bearer {KEY[:-1]}",
]


@pytest.mark.parametrize("header", MALFORMED)
def test_any_other_credential_is_refused_with_a_challenge(anonymous: httpx.Client, header: Any) -> None:
    response = anonymous.get("/v1/models", headers={"authorization": header})
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"
    assert response.headers["www-authenticate"] == 'Bearer realm="gateproof", error="invalid_token"'


def test_no_credential_is_refused_without_an_error_code(anonymous: httpx.Client) -> None:
    response = anonymous.get("/v1/models")
    assert response.status_code == 401
    assert response.json()["error"]["code"] is None
    assert response.headers["www-authenticate"] == 'Bearer realm="gateproof"'


@pytest.mark.parametrize("keys", [("no", KEY), (KEY, "no"), (KEY, KEY)])
def test_two_authorization_headers_are_refused(anonymous: httpx.Client, keys: tuple[str, str]) -> None:
    headers = [("authorization", f"Bearer {key}") for key in keys]
    assert anonymous.get("/v1/models", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/models/nope"),
        ("GET", "/v1/no-such-path"),
        ("PUT", "/v1/models"),
        ("OPTIONS", "/v1/models"),
        ("GET", "/"),
        ("GET", f"/v1/models?api_key={KEY}&access_token={KEY}"),
        ("GET", "/ml/gateway/v1/providers"),
        ("GET", "/apis/inference-gateway/v2/workspaces/A_b/openai/-/v1/models"),
    ],
)
def test_the_key_is_asked_for_before_anything_else(anonymous: httpx.Client, method: str, path: str) -> None:
    response = anonymous.request(method, path, content=b"{")
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/json"


def test_a_key_is_never_echoed(anonymous: httpx.Client) -> None:
    canary = "sk-canary-0123456789abcdef0123456789abcdef"
    response = anonymous.get("/v1/models", headers={"authorization": f"Bearer {canary}"})
    assert canary not in response.text + str(response.headers)


def test_the_version_of_the_platform_is_open(anonymous: httpx.Client) -> None:
    response = anonymous.get("/ml/wml_services/v2/version")
    assert (response.status_code, response.json()) == (200, {"version": "5.2.0"})


PERMITTED: list[Any] = [
    ("reader.key", "GET", "/v1/models", 200),
    ("reader.key", "GET", "/ml/gateway/v1/providers", 200),
    ("reader.key", "POST", "/v1/chat/completions", 403),
    ("reader.key", "POST", "/apis/inference-gateway/v2/workspaces/default/openai/-/v1/embeddings", 403),
    ("reader.key", "DELETE", "/ml/gateway/v1/models/nope", 403),
    ("caller.key", "POST", "/v1/chat/completions", 400),
    ("caller.key", "GET", "/v1/models", 403),
]


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    config = parse('[[keys]]\ntoken = "caller.key"\npermissions = ["infer"]')
    gateway = Gateway.open(config, tokens=[KEY], readonly_tokens=["reader.key"])
    with running(create_app(gateway)) as url:
        yield url


@pytest.mark.parametrize(("key", "method", "path", "status"), PERMITTED)
def test_a_key_without_the_permission_is_forbidden(guarded: str, key: str, method: str, path: str, status: int) -> None:
    response = httpx.request(method, guarded + path, headers={"authorization": f"Bearer {key}"})
    assert response.status_code == status
    assert status != 403 or "www-authenticate" not in response.headers


def test_one_client_may_send_its_key_as_basic() -> None:
    gateway = Gateway.open(parse(""), tokens=["nodot", "with.dot"])
    with running(create_app(gateway)) as url:
        for agent, path, key, status in (
            ("ibm-watsonx-ai/1.8.1 (lang=python)", "/ml/gateway/v1/models", "nodot", 200),
            ("ibm-watsonx-ai/1.8.1 (lang=python)", "/ml/gateway/v1/models", "wrong", 401),
            ("ibm-watsonx-ai/1.8.1 (lang=python)", "/ml/gateway/v1/models", "with.dot", 401),
            ("ibm-watsonx-ai/1.8.1 (lang=python)", "/v1/models", "nodot", 401),
            ("curl/8", "/ml/gateway/v1/models", "nodot", 401),
        ):
            headers = {"user-agent": agent, "authorization": f"Basic {key}"}
            assert httpx.get(url + path, headers=headers).status_code == status
