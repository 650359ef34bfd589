"""The bundled gateway as real clients meet it: on a port, with keys, over HTTP and HTTPS. Clients that are too
heavy for every developer are in the dependency group `clients`."""

import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from reference_gateway.config import Shapes, default_config, with_settings
from reference_gateway.server import running_gateway
from reference_gateway.tls import self_signed

KEY = "sk-clients.gateproof.0001"
BASES = {
    "openai": "/v1",
    "watsonx": "/ml/gateway/v1",
    "nemo": "/apis/inference-gateway/v2/workspaces/default/openai/-/v1",
}
CHAT_MODELS = {"openai": "gpt-4o-mini", "watsonx": "azure/gpt-4o", "nemo": "default/gpt-4o-mini"}
ANSWERS_AS = {**CHAT_MODELS, "watsonx": "gpt-4o"}

CONFIG = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the internet as it is imported

Needed = Callable[[str], ModuleType]


@pytest.fixture(scope="session")
def needed() -> Needed:
    """Imports a module of the group, or skips and says how to get it."""

    def needed(name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            if os.environ.get("CLIENTS_REQUIRED"):
                raise
            pytest.skip("the dependency group 'clients' is not installed: make test-clients")

    return needed


@pytest.fixture(scope="session")
def gateway_url() -> Iterator[str]:
    with running_gateway(CONFIG, tokens=[KEY]) as url:
        yield url


@pytest.fixture(scope="session", params=Shapes)
def secure(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The URL of a gateway that speaks TLS, in each of the watsonx dialect's shapes, and the file of what to trust."""
    certificate = self_signed()
    authority = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.write_bytes(certificate.authority_pem)
    config = replace(CONFIG, watsonx_shapes=request.param)
    with running_gateway(config, tokens=[KEY, "nodot"], certificate=certificate) as url:
        yield url, authority
