"""Calls of models, embeddings and completions: each function makes one and tells what it got. It asserts nothing."""

from __future__ import annotations

from typing import Any

from . import Say
from .answers import class_of, floats, items, seen, texts


def models(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("models.list()")
    page = client.models.list()
    say("the iteration over models.list()")
    return {
        "type": class_of(page),
        "request_id": seen(page, "_request_id"),
        "ids": [seen(model, "id") for model in page],
    }


async def models_async(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("the iteration over models.list() of the async client")
    return {"ids": [seen(model, "id") async for model in client.models.list()]}


def retrieve(client: Any, body: dict[str, Any], say: Say) -> Any:
    say(f"models.retrieve({body['model']!r})")
    model = client.models.retrieve(body["model"])
    return {"type": class_of(model), "id": seen(model, "id"), "request_id": seen(model, "_request_id")}


def embed(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("embeddings.create()")
    answer = client.embeddings.create(**body)
    vectors = [getattr(item, "embedding", None) for item in items(answer, "data")]
    return {
        "type": class_of(answer),
        "vectors": [floats(vector) for vector in vectors],
        "request_id": seen(answer, "_request_id"),
    }


def complete(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("completions.create()")
    return texts([client.completions.create(**body)])


def complete_streamed(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("completions.create(stream=True)")
    stream = client.completions.create(**body)
    say("the iteration over completions.create(stream=True)")
    return texts(list(stream))
