"""The NeMo Platform's own SDK and command, unmodified: registering, listing, its URL helpers and its routes. The
package has half a gigabyte, so CI leaves this out; it was made with nemo-platform 0.3.0."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from reference_gateway.server import running_gateway

from .conftest import CONFIG

nemo_platform: Any = pytest.importorskip(
    "nemo_platform", reason="outside CI only: pip install nemo-platform==0.3.0 beside gateproof"
)
HI: Any = [{"role": "user", "content": "hi"}]


@pytest.fixture
def url() -> Iterator[str]:
    with running_gateway(CONFIG) as url:
        yield url


@pytest.fixture
def platform(url: str) -> Any:
    return nemo_platform.NeMoPlatform(base_url=url, workspace="default")


def test_a_vendors_model_is_registered_and_used_on_all_three_routes(platform: Any, url: str) -> None:
    assert platform.models.create(name="our-llama").workspace == "default"
    platform.inference.providers.create(name="mine", host_url="simulator://local/v1")
    served = [{"model_entity_id": "default/our-llama", "served_model_name": "meta/llama-3.3"}]
    platform.inference.providers.update_status("mine", status="READY", served_models=served)
    assert platform.models.wait_for_provider("mine")
    assert platform.models.retrieve("our-llama").model_providers == ["default/mine"]
    helpers = platform.models
    bases = {
        helpers.get_openai_route_base_url(): "default/our-llama",
        helpers.get_model_entity_route_openai_url(helpers.retrieve("our-llama")): "default/our-llama",
        helpers.get_provider_route_openai_url(platform.inference.providers.retrieve("mine")): "meta/llama-3.3",
    }
    for base, model in bases.items():
        with OpenAI(base_url=base, api_key="not-needed", default_headers=helpers.get_client_default_headers()) as sdk:
            assert sdk.chat.completions.create(model=model, messages=HI).model == model
    gateway, body = platform.inference.gateway, {"messages": HI, "model": "default/our-llama"}
    assert gateway.openai.post("v1/chat/completions", body=body)["choices"]
    assert gateway.model.post("v1/chat/completions", name="our-llama", body=body)["choices"]
    body = {"messages": HI, "model": "meta/llama-3.3"}
    assert gateway.provider.post("v1/chat/completions", name="mine", body=body)["choices"]
    platform.inference.providers.delete("mine")
    platform.models.delete("our-llama")


def test_errors_are_the_sdks(platform: Any) -> None:
    with pytest.raises(nemo_platform.UnprocessableEntityError):
        platform.models.create(name="meta/llama-3.3-70b-instruct")
    with pytest.raises(nemo_platform.ConflictError):
        platform.models.create(name="mock-small")
    with pytest.raises(nemo_platform.NotFoundError):
        platform.models.retrieve("nobody")


def test_the_two_lists_differ(platform: Any) -> None:
    configured = {f"default/{model.name}" for model in platform.models.list()}
    servable = {model.id for model in platform.inference.models.list().data}
    assert configured - servable == {"default/planned-model"}


COMMANDS = {
    "models list": "planned-model",
    "inference models list": "default/mock-small",
    "inference providers list": "nvidia-build",
    "inference get-url": "/apis/inference-gateway/v2/workspaces/default/openai/-/v1",
    "inference gateway provider get v1/models --name nvidia-build": "meta/llama-3.3-70b-instruct",
    "chat default/mock-small hello --max-tokens 5": "",
    "chat mock/small hello --provider nvidia-build --max-tokens 5": "",
}


@pytest.mark.parametrize("words", COMMANDS)
def test_the_command(url: str, words: str, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "nemo"), *words.split()]
    env = {"NMP_BASE_URL": url, "HOME": str(tmp_path), "NEMO_TELEMETRY_ENABLED": "false", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() and COMMANDS[words] in done.stdout
