"""A gateway in front of a gateway: the dialects over a proxied provider, whole and streamed, and its refusals."""

from collections.abc import Iterator

import httpx
import pytest

from reference_gateway.config import parse
from reference_gateway.server import running_gateway

from .conftest import KEY

CONFIG = """
[[workspaces]]
name = "default"
entities = [{{ name = "proxied", model = "public/name" }}, {{ name = "missing", model = "missing" }}]

[[providers]]
name = "up"
type = "upstream"
base_url = "{url}/v1"
api_key = "{key}"

[[providers.models]]
id = "public/name"
served_name = "meta/llama-3.3-70b-instruct"

[[providers.models]]
id = "missing"
"""
NEMO = "/apis/inference-gateway/v2/workspaces/default"
ROUTES = [
    ("/v1", "public/name", "public/name"),
    ("/ml/gateway/v1", "public/name", "public/name"),
    (f"{NEMO}/openai/-/v1", "default/proxied", "default/proxied"),
    (f"{NEMO}/model/proxied/-/v1", "whatever", "default/proxied"),
    (f"{NEMO}/provider/up/-/v1", "meta/llama-3.3-70b-instruct", "meta/llama-3.3-70b-instruct"),
]


@pytest.fixture(scope="module")
def proxy(gateway_url: str) -> Iterator[httpx.Client]:
    with (
        running_gateway(parse(CONFIG.format(url=gateway_url, key=KEY))) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield client


@pytest.mark.parametrize(("base", "model", "answered"), ROUTES)
@pytest.mark.parametrize("stream", [False, True])
def test_every_route_passes_answers_on_under_its_own_name(
    proxy: httpx.Client, base: str, model: str, answered: str, stream: bool
) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3, "stream": stream}
    response = proxy.post(f"{base}/chat/completions", json=body)
    assert response.status_code == 200, response.text
    assert f'"model":"{answered}"' in response.text
    assert response.text.endswith("data: [DONE]\n\n") == stream


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_of_the_provider_keeps_status_and_field(proxy: httpx.Client, stream: bool) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    body = {"model": "public/name", "messages": [{"role": "user", "content": [image]}], "stream": stream}
    response = proxy.post("/v1/chat/completions", json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "messages[0].content[0].type")


def test_a_model_that_the_provider_lacks_is_not_the_clients_fault(proxy: httpx.Client) -> None:
    body = {"model": "missing", "messages": [{"role": "user", "content": "hi"}]}
    assert proxy.post("/v1/chat/completions", json=body).status_code == 502
    nemo = proxy.post(f"{NEMO}/openai/-/v1/chat/completions", json=body)
    assert (nemo.status_code, list(nemo.json())) == (502, ["detail"])


def test_no_list_tells_how_the_provider_is_reached(proxy: httpx.Client, gateway_url: str) -> None:
    paths = ("/v1/models", "/ml/gateway/v1/providers", "/ml/gateway/v1/models", f"{NEMO}/provider/up/ready")
    told = "".join(proxy.get(path).text for path in paths)
    assert KEY not in told and gateway_url not in told
