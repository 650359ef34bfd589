"""The scripted provider over real sockets: it answers as the prompt says, and keeps what it was sent."""

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.gateway import Gateway
from reference_gateway.scripted import scripted
from reference_gateway.scripted.elsewhere import another_name
from reference_gateway.server import running
from schemas import violations

KEY = "sk-provider-0123456789"


@pytest.fixture(scope="module")
def provider() -> Iterator[httpx.Client]:
    config = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
    with running(scripted(create_app(Gateway.open(config, tokens=[KEY], seed=1)), KEY)) as url:
        auth = {"Authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=url, headers=auth, timeout=10) as client:
            yield client


def body(id: str, *answers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    script = json.dumps({"id": id, "answers": list(answers)} if answers else {"id": id}, ensure_ascii=False)
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Hi [[gateproof:{script}]]"}]} | fields


def ask(provider: httpx.Client, id: str, *answers: dict[str, Any], **fields: Any) -> httpx.Response:
    return provider.post("/v1/chat/completions", json=body(id, *answers, **fields))


def kept(provider: httpx.Client, id: str, wait_s: float = 2) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = provider.get(f"/gateproof/scripts/{id}", params={"wait_s": wait_s}).json()["received"]
    return found


def data(response: httpx.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]


def test_each_request_gets_the_next_answer_and_the_last_is_repeated(provider: httpx.Client) -> None:
    answers = [{"status": 429, "headers": {"Retry-After": "7"}, "body": '{"error": "x"}'}, {"pieces": ["Grüße", "!"]}]
    first, second, third = (ask(provider, "in-turn", *answers) for _ in range(3))
    assert (first.status_code, first.headers["retry-after"], first.text) == (429, "7", '{"error": "x"}')
    assert [x.json()["choices"][0]["message"]["content"] for x in (second, third)] == ["Grüße!"] * 2


def test_of_two_providers_the_one_that_is_asked_first_gets_the_answers(provider: httpx.Client) -> None:
    """Whichever that is; the other one has its own."""
    script = {"answers": [{"status": 500, "body": "{}"}, {"pieces": ["again"]}], "other": [{"pieces": ["other"]}]}
    first, second = "/v1/chat/completions", "/second/v1/chat/completions"
    for id, (one, other) in {"one": (first, second), "two": (second, first)}.items():
        text = json.dumps({"id": id, **script})
        asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Hi [[gateproof:{text}]]"}]}
        answers = [provider.post(path, json=asked) for path in (one, other, one, other)]
        assert [x.status_code for x in answers] == [500, 200, 200, 200]
        told = [x.json()["choices"][0]["message"]["content"] for x in answers[1:]]
        assert told == ["other", "again", "other"]
        assert [received["path"] for received in kept(provider, id)] == [one, other, one, other]


def test_the_second_provider_is_one_without_a_script_too(provider: httpx.Client) -> None:
    assert provider.get("/second/v1/models").json() == provider.get("/v1/models").json()
    assert provider.post("/second/v1/chat/completions", json=body("not-two")).status_code == 200
    assert provider.get("/secondary/v1/models").status_code == 404


def test_a_status_that_is_an_error_needs_no_body(provider: httpx.Client) -> None:
    answer = {"status": 429, "headers": {"Retry-After": "2"}}
    for fields in ({}, {"stream": True}):
        found = ask(provider, "bare", answer, **fields)
        assert (found.status_code, found.headers["retry-after"]) == (429, "2")
        assert found.json()["error"]["message"]


def test_one_answer_has_a_form_for_each_who_asks(provider: httpx.Client) -> None:
    answer = {"body": '{"a": 1}', "chunks": [{"choices": []}, '{"no JSON']}
    assert ask(provider, "plainly", answer).json() == {"a": 1}
    events = data(ask(provider, "streamed", answer, stream=True))
    assert (json.loads(events[0])["choices"], events[1:]) == ([], ['{"no JSON', "[DONE]"])


def test_long_pieces_are_told_in_short(provider: httpx.Client) -> None:
    answer = {"pieces": ["a", {"text": "bc", "times": 5_000}]}
    assert ask(provider, "long", answer).json()["choices"][0]["message"]["content"] == "a" + "bc" * 5_000


def test_pauses_are_made_between_the_events_that_they_are_told_for(provider: httpx.Client) -> None:
    _ = ask(provider, "pauses", {"pieces": ["a", "b"], "gaps_s": [0.0, 0.3]}, stream=True)
    [received] = kept(provider, "pauses")
    at_s = [at_s for at_s, _ in received["writes"]]
    gaps = [after - before for before, after in itertools.pairwise(at_s)]
    assert gaps.index(max(gaps)) == 1


def test_what_was_sent_is_kept_to_the_byte(provider: httpx.Client) -> None:
    sent = body("bytes", {"pieces": ["a"]}, seed=2**53 + 1)
    provider.post("/v1/chat/completions", json=sent, headers={"X-Trace": "7"})
    [received] = kept(provider, "bytes")
    assert json.loads(base64.b64decode(received["body"])) == sent
    assert ["x-trace", "7"] in received["headers"]
    assert (received["method"], received["path"], received["ended"]) == ("POST", "/v1/chat/completions", "sent")


def test_a_script_may_leave_the_answer_to_the_simulator(provider: httpx.Client) -> None:
    assert ask(provider, "simulated").json()["usage"]["completion_tokens"] > 0
    assert [each["ended"] for each in kept(provider, "simulated")] == ["sent"]


def test_records_need_the_key_and_an_unknown_id_has_none(provider: httpx.Client) -> None:
    assert provider.get("/gateproof/scripts/x", headers={"Authorization": "Bearer other"}).status_code == 401
    assert provider.get("/gateproof/scripts/x", params={"wait_s": "soon"}).status_code == 400
    assert kept(provider, "never-sent", wait_s=0) == []


@pytest.mark.parametrize("script", ['{"id": "a", "answers": [{"stauts": 1}]}', '{"id": 7}', "{", '{"id": "a b"}'])
def test_a_script_that_is_none_is_refused_with_its_fault(provider: httpx.Client, script: str) -> None:
    messages = [{"role": "user", "content": f"[[gateproof:{script}]]"}]
    refused = provider.post("/v1/chat/completions", json={"model": "gpt-4o-mini", "messages": messages})
    assert refused.status_code == 400 and "can't be played" in refused.json()["error"]["message"]


def test_without_a_script_the_simulator_answers(provider: httpx.Client) -> None:
    plain = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
    assert provider.post("/v1/chat/completions", json=plain).status_code == 200
    wrong_key = provider.post("/v1/chat/completions", json=plain, headers={"Authorization": "Bearer x"})
    assert wrong_key.status_code == 401


def test_a_stream_has_its_pieces_its_usage_and_its_end(provider: httpx.Client) -> None:
    answer = {"pieces": ["a", "b"], "finish_reason": "length", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    streamed = ask(provider, "stream", answer, stream=True, stream_options={"include_usage": True})
    *chunks, done = data(streamed)
    found = [json.loads(chunk) for chunk in chunks]
    deltas = [chunk["choices"][0]["delta"] for chunk in found[:-1]]
    assert deltas == [{"role": "assistant", "content": ""}, {"content": "a"}, {"content": "b"}, {}]
    assert found[-2]["choices"][0]["finish_reason"] == "length" and found[-1]["usage"] == answer["usage"]
    assert done == "[DONE]"


def test_a_response_is_answered_in_its_own_words(provider: httpx.Client) -> None:
    script = '[[gateproof:{"id": "response", "answers": [{"pieces": ["a", "b"]}, {"pieces": ["c"]}]}]]'
    asked = {"model": "gpt-4o-mini", "input": f"Hi {script}"}
    streamed = [json.loads(line) for line in data(provider.post("/v1/responses", json=asked | {"stream": True}))]
    assert [event["delta"] for event in streamed if event["type"] == "response.output_text.delta"] == ["a", "b"]
    assert (streamed[0]["type"], streamed[-1]["type"]) == ("response.created", "response.completed")
    plain = provider.post("/v1/responses", json=asked).json()
    assert (plain["object"], plain["output"][0]["content"][0]["text"]) == ("response", "c")
    assert list(violations("response.strict", plain)) == []


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"newline": "\r\n"}, b"\r\n\r\n"),
        ({"newline": "\r"}, b"\r\r"),
        ({"space": False}, b"data:{"),
        ({"comments": True}, b": a comment\ndata: {"),
        ({"fields": True}, b"event: message\nid: 7\nretry: 3000\ndata: {"),
        ({"multiline": True}, b'data: {\ndata:  "id"'),
    ],
    ids=lambda value: str(value),
)
def test_a_stream_is_written_in_the_form_that_is_asked_for(
    provider: httpx.Client, form: dict[str, Any], expected: bytes
) -> None:
    streamed = ask(provider, "form", form | {"pieces": ["a"]}, stream=True)
    assert expected in streamed.content and b"[DONE]" in streamed.content


def test_what_is_left_out_is_left_out(provider: httpx.Client) -> None:
    streamed = ask(provider, "no-done", {"pieces": ["a"], "done": False}, stream=True)
    assert "[DONE]" not in streamed.text and '"finish_reason": "stop"' in streamed.text


def test_bytes_are_written_one_by_one(provider: httpx.Client) -> None:
    streamed = ask(provider, "split", {"pieces": ["日本"], "split": 1}, stream=True)
    [received] = kept(provider, "split")
    assert "日本" in streamed.text and {size for _, size in received["writes"]} == {1}


def test_events_keep_their_gap_and_its_times_are_kept(provider: httpx.Client) -> None:
    ask(provider, "gaps", {"pieces": ["a", "b"], "gap_s": 0.05}, stream=True)
    [received] = kept(provider, "gaps")
    times = [at_s for at_s, _ in received["writes"]]
    assert len(times) == 5 and all(b - a >= 0.049 for a, b in itertools.pairwise(times))


def test_compressed_is_compressed(provider: httpx.Client) -> None:
    found = ask(provider, "gzip", {"pieces": ["日本"], "gzip": True})
    assert found.headers["content-encoding"] == "gzip" and "日本" in found.text


def test_an_answer_is_cut_before_its_head_and_a_stream_in_its_middle(provider: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        ask(provider, "cut", {"then": "cut"})
    broken = body("cut-later", {"pieces": ["a", "b"], "events": 2, "then": "cut"}, stream=True)
    with provider.stream("POST", "/v1/chat/completions", json=broken) as streamed, pytest.raises(httpx.TransportError):
        streamed.read()
    assert [each["ended"] for id in ("cut", "cut-later") for each in kept(provider, id)] == ["cut", "cut"]


def test_who_leaves_is_seen_to_leave(provider: httpx.Client) -> None:
    endless = body("left", {"pieces": ["a"] * 100, "gap_s": 0.1}, stream=True)
    with provider.stream("POST", "/v1/chat/completions", json=endless) as streamed:
        next(streamed.iter_bytes())
    [received] = kept(provider, "left", wait_s=8)  # the stream would last ten seconds
    assert received["ended"] == "left"
    with pytest.raises(httpx.ReadTimeout):
        provider.post("/v1/chat/completions", json=body("silent", {"then": "hang"}), timeout=0.3)
    assert [each["ended"] for each in kept(provider, "silent")] == ["left"]


def test_what_follows_a_redirect_is_kept_where_it_points(provider: httpx.Client) -> None:
    given = ask(provider, "away", {"status": 307, "headers": {"Location": "{elsewhere}"}, "body": ""})
    where = httpx.URL(given.headers["location"])
    assert (given.status_code, where.path) == (307, "/gateproof/elsewhere/away")
    assert (where.host, where.port) == ("localhost", provider.base_url.port)
    assert provider.get(where.path, headers={"Host": "elsewhere.example"}).json() == {}
    asked, followed = kept(provider, "away")
    assert (asked["path"], followed["method"], followed["ended"]) == ("/v1/chat/completions", "GET", "sent")
    assert ["host", "elsewhere.example"] in followed["headers"]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("127.0.0.1:9000", "localhost:9000"),
        ("localhost", "127.0.0.1"),
        ("[::1]:9000", "localhost:9000"),
        ("192.0.2.7:9000", "[::ffff:192.0.2.7]:9000"),
        ("provider.example:9000", "provider.example.:9000"),
    ],
)
def test_every_host_has_another_name(name: str, other: str) -> None:
    assert another_name(name) == other
