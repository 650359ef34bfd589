"""Rate limits as they are registered, and as they are felt."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reference_gateway.errors import ApiError
from reference_gateway.rate_limits import RateLimits
from reference_gateway.registry import Model, Provider, Rate, RateLimit, Served

BODY: Any = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2, "model": "gpt-4o"}
RATE: Any = {"amount": 1, "capacity": 2, "duration": "1h"}


@pytest.fixture(autouse=True)
def unlimited(gateway: httpx.Client) -> Iterator[None]:
    """No limit outlives its test."""
    yield
    for limit in gateway.get("/rate-limits").json()["data"]:
        gateway.delete(f"/rate-limits/{limit['uuid']}")


def test_a_limit_comes_changes_and_goes(gateway: httpx.Client) -> None:
    created = gateway.post("/rate-limits", json={"type": "tenant", "request": RATE})
    limit = created.json()
    assert (created.status_code, limit) == (201, {"uuid": limit["uuid"], "type": "tenant", "request": RATE})
    path = f"/rate-limits/{limit['uuid']}"
    assert gateway.get(path).json() == limit
    assert gateway.get("/rate-limits").json() == {"object": "list", "data": [limit]}
    changed = gateway.put(path, json={"type": "tenant", "token": RATE})
    assert (changed.status_code, changed.json()) == (200, {"uuid": limit["uuid"], "type": "tenant", "token": RATE})
    assert [gateway.delete(path).status_code for _ in range(2)] == [204, 404]
    assert gateway.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"type": "user", "request": RATE}, 400),
        ({"type": "tenant"}, 400),
        ({"type": "tenant", "request": {**RATE, "amount": 0}}, 400),
        ({"type": "tenant", "request": {**RATE, "duration": "soon"}}, 400),
        ({"type": "tenant", "request": {**RATE, "duration": ""}}, 400),
        ({"type": "tenant", "request": {"amount": 1}}, 400),
        ({"type": "tenant", "request": RATE, "model_uuid": "x"}, 400),
        ({"type": "provider", "request": RATE}, 400),
        ({"type": "model", "request": RATE, "model_uuid": "x"}, 404),
    ],
)
def test_a_bad_limit_is_refused(gateway: httpx.Client, body: Any, status: int) -> None:
    assert gateway.post("/rate-limits", json=body).status_code == status


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_is_told_to_wait(gateway: httpx.Client, stream: bool) -> None:
    gateway.post("/rate-limits", json={"type": "tenant", "request": RATE})
    answers = [gateway.post("/chat/completions", json={**BODY, "stream": stream}) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.headers["x-ratelimit-remaining-requests"] for each in answers] == ["1", "0", "0"]
    refused = answers[-1]
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert refused.headers["x-ratelimit-limit-requests"] == "2"
    assert refused.json()["error"]["type"] == "rate_limit_error"


def test_a_limit_of_one_model_is_not_felt_by_another(gateway: httpx.Client) -> None:
    uuid = gateway.get("/models/gpt-4o").json()["uuid"]
    gateway.post("/rate-limits", json={"type": "model", "model_uuid": uuid, "request": {**RATE, "capacity": 1}})
    statuses = [gateway.post("/chat/completions", json=BODY).status_code for _ in range(2)]
    other = gateway.post("/chat/completions", json={**BODY, "model": "gpt-4o-mini"})
    assert (statuses, other.status_code) == ([200, 429], 200)
    assert "x-ratelimit-limit-requests" not in other.headers


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_are_charged_when_they_are_known(gateway: httpx.Client, stream: bool) -> None:
    uuid = next(each["uuid"] for each in gateway.get("/providers").json()["data"] if each["name"] == "openai")
    rate = {"amount": 1, "capacity": 3, "duration": "1h"}
    gateway.post("/rate-limits", json={"type": "provider", "provider_uuid": uuid, "token": rate})
    answers = [gateway.post("/chat/completions", json={**BODY, "stream": stream}) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]
    assert answers[1].headers["x-ratelimit-remaining-tokens"] == "0"


def test_a_bucket_is_filled_by_time() -> None:
    now = [0.0]
    limits = RateLimits(lambda: now[0])
    model = Model("m", "m", "u1")
    served = Served(Provider("p", "u2", "openai", models=(model,)), model)
    registered = [RateLimit("l", "tenant", request=Rate(1, 2, "1m"))]
    for now[0] in (0, 1, 60, 500, 501):
        limits.take(registered, served)
    for now[0], wait in ((502, "58"), (559, "1")):
        with pytest.raises(ApiError) as refused:
            limits.take(registered, served)
        assert refused.value.headers["retry-after"] == wait
    now[0] = 560
    limits.take(registered, served)
