"""The bodies of requests. A streamed one asks for usage, so that tokens can be counted without a tokenizer."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False).encode


def chat(
    model: str, messages: Iterable[Mapping[str, Any]], max_tokens: int, *, stream: bool, token_key: str = "max_tokens"
) -> bytes:
    """`token_key` is the name that this model wants for max_tokens."""
    return _encoded({"model": model, "messages": list(messages), token_key: max_tokens}, stream=stream)


def completion(model: str, prompt: str, max_tokens: int, *, stream: bool) -> bytes:
    return _encoded({"model": model, "prompt": prompt, "max_tokens": max_tokens}, stream=stream)


def embeddings(model: str, texts: list[str]) -> bytes:
    return _encoded({"model": model, "input": texts}, stream=False)


def _encoded(body: dict[str, Any], *, stream: bool) -> bytes:
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return _encode(body).encode("utf-8", "surrogatepass")
