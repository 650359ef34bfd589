"""Gateways whose registrations tests may change, and the paths of the platform's services."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from reference_gateway.config import Config, default_config, with_settings
from reference_gateway.server import running_gateway

INFERENCE = "/apis/inference-gateway/v2/workspaces"
SERVICE = "/apis/models/v2/workspaces"
SECRETS = "/apis/secrets/v2/workspaces"

Start = Callable[..., httpx.Client]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a gateway without keys; the client is gone with the test."""
    with ExitStack() as stack:

        def start(config: Config | None = None) -> httpx.Client:
            config = with_settings(config or default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
            url = stack.enter_context(running_gateway(config))
            return stack.enter_context(httpx.Client(base_url=url, timeout=10))

        yield start


@pytest.fixture(scope="module")
def gateway() -> Iterator[httpx.Client]:
    config = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
    with running_gateway(config) as url, httpx.Client(base_url=url, timeout=10) as client:
        yield client
