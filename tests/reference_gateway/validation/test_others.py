"""POST /v1/completions and /v1/embeddings: what is refused, and which field the error names; what is accepted."""

from typing import Any

import httpx
import pytest

PROMPT: Any = {"model": "gpt-3.5-turbo-instruct", "prompt": "hi", "max_tokens": 2}
INPUT: Any = {"model": "text-embedding-3-small", "input": "hi"}

BAD_TEXTS: list[Any] = [
    None,
    {},
    True,
    1,
    [],
    [[]],
    ["a", 1],
    [1, "a"],
    [1.5],
    [True],
    [[1], []],
    [["a"]],
    [-1],
    [None],
]


@pytest.mark.parametrize("texts", BAD_TEXTS)
@pytest.mark.parametrize(("path", "body", "field"), [("completions", PROMPT, "prompt"), ("embeddings", INPUT, "input")])
def test_bad_texts_are_refused(client: httpx.Client, path: str, body: Any, field: str, texts: Any) -> None:
    response = client.post(f"/v1/{path}", json={**body, field: texts})
    assert (response.status_code, response.json()["error"]["param"].partition("[")[0]) == (400, field)


@pytest.mark.parametrize(("path", "body", "field"), [("completions", PROMPT, "prompt"), ("embeddings", INPUT, "input")])
def test_missing_texts_are_refused(client: httpx.Client, path: str, body: Any, field: str) -> None:
    response = client.post(f"/v1/{path}", json={name: value for name, value in body.items() if name != field})
    assert (response.status_code, response.json()["error"]["param"]) == (400, field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("logprobs", 6),
        ("logprobs", -1),
        ("logprobs", True),
        ("best_of", 21),
        ("best_of", 0),
        ("echo", 1),
        ("suffix", 1),
        ("n", 0),
        ("max_tokens", -1),
        ("temperature", 3),
        ("stream_options", {}),
    ],
)
def test_a_bad_completion_field_is_refused_and_named(client: httpx.Client, field: str, value: Any) -> None:
    response = client.post("/v1/completions", json={**PROMPT, field: value})
    assert (response.status_code, response.json()["error"]["param"]) == (400, field)


@pytest.mark.parametrize("fields", [{"best_of": 1, "n": 2}, {"best_of": 2, "stream": True}])
def test_best_of_must_fit_the_rest(client: httpx.Client, fields: Any) -> None:
    response = client.post("/v1/completions", json={**PROMPT, **fields})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "best_of")


@pytest.mark.parametrize(
    ("fields", "choices"),
    [
        ({"prompt": ""}, 1),
        ({"prompt": ["a", "b", "c"], "n": 2}, 6),
        ({"prompt": [100, 200, 300]}, 1),
        ({"prompt": [[100], [200]]}, 2),
        ({"best_of": 2}, 1),
        ({"echo": True, "logprobs": 2, "suffix": None}, 1),
    ],
)
def test_completions_are_accepted(client: httpx.Client, fields: Any, choices: int) -> None:
    response = client.post("/v1/completions", json={**PROMPT, **fields})
    assert response.status_code == 200, response.text
    assert [choice["index"] for choice in response.json()["choices"]] == list(range(choices))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input", ""),
        ("input", [""]),
        ("input", ["a", ""]),
        ("input", ["a"] * 2049),
        ("dimensions", 0),
        ("dimensions", -1),
        ("dimensions", "8"),
        ("dimensions", 1537),
        ("dimensions", True),
        ("encoding_format", "int4"),
        ("encoding_format", 1),
        ("user", 1),
    ],
)
def test_a_bad_embeddings_field_is_refused_and_named(client: httpx.Client, field: str, value: Any) -> None:
    response = client.post("/v1/embeddings", json={**INPUT, field: value})
    assert (response.status_code, response.json()["error"]["param"]) == (400, field)


@pytest.mark.parametrize(
    ("fields", "vectors"),
    [
        ({"input": "x" * 200_000}, 1),
        ({"input": ["a", "b"]}, 2),
        ({"input": [100, 200]}, 1),
        ({"input": [[100], [200]]}, 2),
        ({"dimensions": 1536}, 1),
        ({"encoding_format": None, "dimensions": None}, 1),
        ({"stream": True}, 1),
    ],
)
def test_embeddings_are_accepted(client: httpx.Client, fields: Any, vectors: int) -> None:
    response = client.post("/v1/embeddings", json={**INPUT, **fields})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert len(response.json()["data"]) == vectors
