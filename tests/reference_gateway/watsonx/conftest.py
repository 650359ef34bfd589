"""A gateway without keys whose registrations tests may change."""

from collections.abc import Iterator

import httpx
import pytest

from reference_gateway.config import default_config, with_settings
from reference_gateway.server import running_gateway

BASE = "/ml/gateway/v1"


@pytest.fixture(scope="module")
def gateway() -> Iterator[httpx.Client]:
    config = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
    with running_gateway(config) as url, httpx.Client(base_url=f"{url}{BASE}", timeout=10) as client:
        yield client


@pytest.fixture
def provider(gateway: httpx.Client) -> Iterator[str]:
    """The uuid of a provider that is gone with the test."""
    created = gateway.post("/providers/openai", json={"name": "a test", "data": {"apikey": "sk-canary"}})
    uuid: str = created.json()["uuid"]
    yield uuid
    gateway.delete(f"/providers/{uuid}")
