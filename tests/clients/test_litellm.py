"""LiteLLM as a client of the NeMo dialect, with the headers that the platform's SDK gives to clients."""

from typing import Any

import pytest

from .conftest import BASES, KEY, Needed

HI: Any = [{"role": "user", "content": "hi"}]
PLATFORM_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": "NeMoPlatform/Python 0.6.0",
    "X-Stainless-Lang": "python",
    "X-Stainless-Package-Version": "0.6.0",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "CPython",
    "X-Stainless-Runtime-Version": "3.11.7",
    "X-Stainless-Async": "false",
}


@pytest.fixture
def litellm(needed: Needed) -> Any:
    module: Any = needed("litellm")
    module.suppress_debug_info = True
    return module


@pytest.fixture
def words(gateway_url: str) -> dict[str, Any]:
    base = gateway_url + BASES["nemo"]
    return {"api_base": base, "api_key": KEY, "extra_headers": PLATFORM_HEADERS, "num_retries": 0, "timeout": 20}


def test_a_chat_whole_and_streamed(litellm: Any, words: dict[str, Any]) -> None:
    whole = litellm.completion(model="openai/default/mock-small", messages=HI, **words)
    assert whole.choices[0].message.content and whole.usage.total_tokens > 0
    chunks = list(litellm.completion(model="openai/default/mock-small", messages=HI, stream=True, **words))
    assert "".join(each.choices[0].delta.content or "" for each in chunks)


def test_embeddings(litellm: Any, words: dict[str, Any]) -> None:
    embedded = litellm.embedding(model="openai/default/text-embedding-3-small", input=["a"], **words)
    assert len(embedded.data[0]["embedding"]) == 1536


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "status"), [("meta/llama-3.3-70b-instruct", 422), ("default/zz-none", 404)])
def test_names_are_judged(litellm: Any, words: dict[str, Any], model: str, status: int, stream: bool) -> None:
    import openai

    with pytest.raises(openai.APIStatusError) as refused:
        litellm.completion(model=f"openai/{model}", messages=HI, stream=stream, **words)
    assert refused.value.status_code == status


def test_the_key_of_the_documentation_is_refused_where_keys_are_needed(litellm: Any, words: dict[str, Any]) -> None:
    with pytest.raises(litellm.exceptions.AuthenticationError):
        litellm.completion(model="openai/default/mock-small", messages=HI, **{**words, "api_key": "not-needed"})
