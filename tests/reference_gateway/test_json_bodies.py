import json

import httpx
import pytest

CHAT = "/v1/chat/completions"
VALID = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}


def with_field(field: str) -> bytes:
    return json.dumps(VALID)[:-1].encode() + b", " + field.encode() + b"}"


@pytest.mark.parametrize("endpoint", ["chat/completions", "completions", "embeddings"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n ",
        b'{"model":',
        b"{'a':1}",
        b'{"a":1,}',
        b"{} x",
        b"// c\n{}",
        b"[]",
        b'"x"',
        b"1",
        b"null",
        b"true",
        b'{"a":"\xff"}',
        b'{"a":"\xc0\xaf"}',
        '{"a":1}'.encode("utf-16"),
        b'\xef\xbb\xbf{"a":1}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}",
        b'{"a":"\\ud83d"}',
        b'{"a":"\n"}',
    ],
    ids=range(21),
)
def test_what_is_not_a_sound_json_object_is_refused(client: httpx.Client, endpoint: str, body: bytes) -> None:
    response = client.post(f"/v1/{endpoint}", content=body)
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "field",
    [
        '"temperature": NaN',
        '"x": Infinity',
        '"x": -Infinity',
        '"x": 1e999',
        '"x": 1E400',
        '"max_tokens": -0',
        '"max_tokens": 1' + "0" * 400,
        '"x": 1' + "0" * 5000,
        '"seed": 1180591620717411303424',
    ],
    ids=range(9),
)
def test_numbers_that_can_not_be_are_refused(client: httpx.Client, field: str) -> None:
    assert client.post(CHAT, content=with_field(field)).status_code == 400


@pytest.mark.parametrize(
    "field",
    [
        '"seed": 9007199254740993',
        '"seed": -0',
        '"x_conformance": {"a": [1, null]}',
        '"x": ' + "[" * 100 + "]" * 100,
        '"temperature": 2E0',
        '"user": "\\ud83d\\ude00 \\u0000"',
        '"tool_choice_option": "auto"',
        '"x": [' + "{}," * 500 + "{}]",
    ],
    ids=range(8),
)
def test_odd_but_sound_bodies_are_accepted(client: httpx.Client, field: str) -> None:
    assert client.post(CHAT, content=with_field(field)).status_code == 200


def test_of_duplicate_keys_the_last_wins(client: httpx.Client) -> None:
    assert client.post(CHAT, content=with_field('"model": "nope"')).status_code == 404


@pytest.mark.parametrize("model", [None, 1, True, [], {}])
def test_a_model_of_another_type_is_refused(client: httpx.Client, model: object) -> None:
    response = client.post(CHAT, json={**VALID, "model": model})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "model")


def test_a_missing_model_is_refused(client: httpx.Client) -> None:
    response = client.post(CHAT, json={"messages": VALID["messages"]})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "model")


@pytest.mark.parametrize(
    "model",
    [
        "",
        "nope",
        "gpt-4o ",
        " gpt-4o",
        "gpt-4o\n",
        "GPT-4o",
        "\uff47pt-4o",
        "gpt\u20114o",
        "x" * 10_000,
        "a\x00",
        "../",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model_is_not_found(client: httpx.Client, model: str, stream: bool) -> None:
    response = client.post(CHAT, json={**VALID, "model": model, "stream": stream})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert len(response.content) < 1500


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("chat/completions", {**VALID, "model": "text-embedding-3-small"}),
        ("chat/completions", {**VALID, "model": "gpt-3.5-turbo-instruct"}),
        ("embeddings", {"model": "gpt-4o", "input": "a"}),
        ("completions", {"model": "text-embedding-3-small", "prompt": "a"}),
    ],
)
def test_a_model_refuses_endpoints_that_it_does_not_serve(client: httpx.Client, endpoint: str, body: object) -> None:
    response = client.post(f"/v1/{endpoint}", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "unsupported_endpoint")
