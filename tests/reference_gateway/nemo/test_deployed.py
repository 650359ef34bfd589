"""What the platform's code was seen to do, where its documentation says something else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from reference_gateway.config import NemoRule, default_config, with_settings
from reference_gateway.server import running_gateway

from .conftest import INFERENCE, SERVICE

CHAT = f"{INFERENCE}/default/openai/-/v1/chat/completions"
BODY: Any = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
RULE = (
    "Name must start with a lowercase letter, be 2-63 characters, and use lowercase letters, digits, hyphens, and dots "
    "(no consecutive hyphens, cannot end with a hyphen)."
)


@pytest.fixture(scope="module")
def deployed() -> Iterator[httpx.Client]:
    config = replace(with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0}), nemo_rule=NemoRule.DEPLOYED)
    with running_gateway(config) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.mark.parametrize(
    "name",
    ["meta/llama-3.3-70b-instruct", "default/meta/llama", "default/Mock-Small", "default/x", "a--b", "ab-", "1ab",
     "a" * 64, "", "system/x", "ab\n\n", "a&adapters/x/yy"],
)  # fmt: skip
def test_an_ill_formed_name(deployed: httpx.Client, name: str) -> None:
    response = deployed.post(CHAT, json={**BODY, "model": name})
    assert (response.status_code, response.json()) == (422, {"detail": f"Invalid model: {RULE}"})


@pytest.mark.parametrize("name", ["a" * 63, "a.b_c@v1+x", "meta-llama-3.3-70b", "ab\n", "ab&adapters/default/xy"])
def test_a_well_formed_name_that_nobody_has(deployed: httpx.Client, name: str) -> None:
    response = deployed.post(CHAT, json={**BODY, "model": name})
    assert response.status_code == 404
    assert response.json()["detail"].startswith(f"No VirtualModel named 'default/{name}' was found. Inference")


@pytest.mark.parametrize("model", [None, 1, [], {}, True])
def test_a_model_that_is_no_string_is_an_accident(deployed: httpx.Client, model: Any) -> None:
    response = deployed.post(CHAT, json={**BODY, "model": model})
    assert (response.status_code, response.json()) == (500, {"detail": "An unexpected error occurred."})


@pytest.mark.parametrize(
    ("content", "status", "detail"),
    [
        (b"{}", 400, "Could not extract model from openai request: 'model'"),
        (
            b"[1, 2]",
            400,
            "Could not extract model from openai request: list indices must be integers or slices, not str",
        ),
        (b"", 400, "Invalid request body: Expecting value: line 1 column 1 (char 0)"),
        (b'{"model": x}', 400, "Invalid request body: Expecting value: line 1 column 11 (char 10)"),
        (
            b'{"model": "ab", "seed": 1%s}' % (b"0" * 5000),
            400,
            "Invalid request body: it holds what can't be worked with.",
        ),
        (b"[" * 100_000, 400, "Invalid request body: it holds what can't be worked with."),
        (
            b'{"model": "ab", "x": %s%s}' % (b"[" * 500, b"]" * 500),
            400,
            "Invalid request body: it is nested too deeply.",
        ),
        (b'{"model": "\xff"}', 500, "An unexpected error occurred."),
    ],
    ids=range(8),
)
def test_a_body_that_is_none(deployed: httpx.Client, content: bytes, status: int, detail: str) -> None:
    response = deployed.post(CHAT, content=content, headers={"content-type": "text/plain"})
    assert (response.status_code, response.json()) == (status, {"detail": detail})


def test_the_providers_error_is_told_as_text(deployed: httpx.Client) -> None:
    response = deployed.post(CHAT, json={"model": "mock-small", "messages": []})
    assert response.status_code == 400
    assert json.loads(response.json()["detail"])["error"]["param"] == "messages"


def test_the_list_is_newest_first_and_has_no_times(deployed: httpx.Client) -> None:
    base = f"{INFERENCE}/default/openai/-/v1/models"
    listed = deployed.get(base).json()["data"]
    assert [each["id"] for each in listed][-1] == "default/meta-llama-3-3-70b-instruct"
    assert list(listed[0].items())[1:] == [("owned_by", "default"), ("object", "model"), ("created", 0)]
    assert deployed.get(f"{INFERENCE}/nowhere/openai/-/v1/models").json() == {"object": "list", "data": []}
    assert deployed.get(f"{base}/mock-small").json()["id"] == "default/mock-small"


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("default/provider/nope/-/v1/models", 404, "Model provider not found for default/nope"),
        ("nowhere/provider/nope/ready", 404, "Model provider not found for nowhere/nope"),
        ("default/provider/No/ready", 422, f"Invalid name: {RULE}"),
        ("a--b/openai/-/v1/models", 422, f"Invalid workspace: {RULE}"),
    ],
)
def test_what_is_not_there(deployed: httpx.Client, path: str, status: int, detail: str) -> None:
    response = deployed.get(f"{INFERENCE}/{path}")
    assert (response.status_code, response.json()) == (status, {"detail": detail})


def test_names_of_the_services_follow_the_rule_too(deployed: httpx.Client) -> None:
    assert deployed.post(f"{SERVICE}/default/models", json={"name": "a.b_c@v1+x"}).status_code == 201
    told = deployed.post(f"{SERVICE}/default/models", json={"name": "a--b"}).json()["detail"][0]
    assert told["msg"] == r"String should match pattern '^[a-z](?!.*--)[a-z0-9\-@.+_]{1,62}(?<!-)$'"
