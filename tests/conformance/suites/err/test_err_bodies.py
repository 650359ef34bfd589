"""Each requirement of ERR about what errors say is seen to be broken where it is, and nothing else is."""

from dataclasses import replace

import pytest

from conformance.verdict import Verdict

from ..defects import Answer, changed, with_request_id
from ..judged import gateway_app, judge
from ..refusals import (
    FAIL,
    POSTS,
    WARN,
    Defect,
    answering,
    echoing,
    having,
    lacking,
    messages_of,
    saying,
    verdicts,
    with_answers,
    with_errors,
)

HTML = Answer(400, ((b"content-type", b"text/html"),), b"<html><h1>Bad Request</h1></html>")
DEFECTS: dict[str, tuple[Defect, dict[str, Verdict]]] = {
    "FastAPI's detail": (
        with_errors(lambda answer: answer.with_json({"detail": answer.json["error"]["message"]})),
        {"ERR-001": FAIL},
    ),
    "a flat error": (with_errors(lambda answer: answer.with_json(answer.json["error"])), {"ERR-001": FAIL}),
    "error as a string": (with_errors(lambda answer: answer.with_json({"error": "no"})), {"ERR-001": FAIL}),
    "no type": (with_errors(lacking("type")), {"ERR-001": FAIL}),
    "message is no string": (with_errors(having(message=["no"]), path="/v1/embeddings"), {"ERR-001": FAIL}),
    "detail on unknown paths": (
        with_errors(lambda answer: answer.with_json({"detail": "Not Found"}), status=404, path="/v1/gateproof"),
        {"ERR-001": WARN},
    ),
    "text on unknown paths": (
        answering(
            lambda asked: "no-such-endpoint" in asked.path,
            Answer(404, ((b"content-type", b"text/plain"),), b"404 page not found"),
        ),
        {"ERR-001": WARN},
    ),
    "declared as JSON, but none": (with_errors(lambda answer: replace(answer, body=b"no")), {"ERR-001": FAIL}),
    "no param": (with_errors(lacking("param")), {"ERR-002": WARN}),
    "no code": (with_errors(lacking("code"), path="/v1/completions"), {"ERR-002": WARN}),
    "integer code": (with_errors(having(code=400)), {"ERR-002": WARN}),
    "param is an object": (with_errors(having(param={"a": 1})), {"ERR-001": FAIL, "ERR-002": WARN}),
    "HTML errors": (
        with_errors(lambda answer: with_request_id(HTML), path=POSTS[0]),
        {"ERR-003": FAIL},
    ),
    "JSON declared as text": (
        with_errors(lambda answer: answer.with_header("content-type", "text/plain")),
        {"ERR-003": FAIL},
    ),
    "errors declared as a stream": (
        with_errors(lambda answer: answer.with_header("content-type", "text/event-stream"), path="/v1/chat"),
        {"ERR-003": FAIL},
    ),
    "an empty error": (
        with_errors(lambda answer: replace(answer, body=b"").with_header("content-type", None), path="/v1/embeddings"),
        {"ERR-003": FAIL},
    ),
    "405 without a body": (
        with_errors(lambda answer: replace(answer, body=b"").with_header("content-type", None), status=405),
        {"ERR-003": WARN},
    ),
    "a Python trace": (
        saying('Traceback (most recent call last):\n  File "/srv/gw/app.py", line 7, in chat\nKeyError'),
        {"ERR-023": FAIL},
    ),
    "a Java trace": (saying("java.lang.X\n\tat com.acme.Gateway.route(Gateway.java:42)"), {"ERR-023": FAIL}),
    "a Go panic": (saying("goroutine 17 [running]:"), {"ERR-023": FAIL}),
    "a Node trace": (saying("TypeError\n    at handle (/srv/gw/dist/x.js:10:5)"), {"ERR-023": FAIL}),
    "SQL": (saying("SELECT key FROM tokens WHERE id = 1"), {"ERR-023": FAIL}),
    "a private address": (saying("connect ECONNREFUSED 10.1.2.3:8000"), {"ERR-023": FAIL}),
    "a path of the server": (saying("cannot open /opt/gateway/models.yaml"), {"ERR-023": FAIL}),
    "an upstream address in a header": (
        with_errors(lambda answer: answer.with_header("x-upstream", "http://192.168.1.9:8080/v1"), status=404),
        {"ERR-023": FAIL},
    ),
    "an error beside a list": (
        lambda app: changed(
            app,
            lambda asked, answer: (
                answer.with_json(answer.json | {"error": {"message": "partial"}})
                if asked.path == "/v1/models" and answer.status == 200 and asked.method == "GET"
                else None
            ),
        ),
        {"ERR-024": FAIL},
    ),
    "an error as the first chunk": (
        lambda app: changed(
            app,
            lambda asked, answer: (
                replace(answer, body=b'data: {"error": {"message": "no"}}\n\n')
                if answer.is_stream and answer.header("content-encoding") is None
                else None
            ),
        ),
        {"ERR-024": FAIL},
    ),
    "a code of another status": (with_errors(having(code="500")), {"ERR-025": WARN}),
    "errors marked retryable": (
        with_errors(lambda answer: answer.with_header("x-should-retry", "true")),
        {"ERR-028": WARN},
    ),
    "a blank message": (with_errors(having(message=" \n")), {"ERR-036": FAIL}),
    "no message in 404": (with_errors(having(message=""), status=404, path="/v1/chat"), {"ERR-036": FAIL}),
    "invisible words": (with_errors(having(message="\u200b"), status=401), {"ERR-036": FAIL}),
    "a class name as the type": (with_errors(having(type="BadRequestError")), {"ERR-027": WARN}),
    "a type in capitals on 401": (with_errors(having(type="AUTH_ERROR"), status=401), {"ERR-027": WARN}),
    "param is another field": (
        with_errors(lambda answer: having(param="n")(answer) if answer.json["error"]["param"] else answer),
        {"ERR-026": WARN},
    ),
    "param is never told": (with_errors(having(param=None)), {"ERR-026": WARN}),
    "a message of 70 kB": (with_errors(having(message="pear " * 14_000), path="/v1/embeddings"), {"ERR-032": WARN}),
    "each mistake at length": (
        echoing(
            lambda asked: (
                str(asked.json) * 20
                if len(str(messages_of(asked))) > 5_000 and messages_of(asked)[0].get("role")
                else ""
            )
        ),
        {"ERR-032": WARN},
    ),
    "the prompt in the error": (
        echoing(lambda asked: str(messages_of(asked))),
        {"ERR-032": WARN},
    ),
    "the prompt in errors of streams": (
        echoing(lambda asked: str(messages_of(asked)) if asked.streams else ""),
        {"ERR-032": WARN},
    ),
    "the input in errors of embeddings": (echoing(lambda asked: str(asked.object.get("input", ""))), {"ERR-032": WARN}),
    "malformed bodies in the error": (
        echoing(lambda asked: "" if asked.object else asked.body.decode("utf-8", "replace")),
        {"ERR-032": WARN},
    ),
    "another code for streams": (
        with_answers(
            lambda asked, answer: (
                having(code="stream_refused")(answer) if answer.status in (400, 404) and asked.streams else None
            )
        ),
        {"ERR-037": WARN},
    ),
    "another type for streams": (
        with_answers(
            lambda asked, answer: having(type="api_error")(answer) if answer.status == 400 and asked.streams else None
        ),
        {"ERR-037": WARN},
    ),
    "an exception's name": (
        saying("json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        {"ERR-023": FAIL},
    ),
    "an exception's words": (saying("'list' object has no attribute 'get'"), {"ERR-023": FAIL}),
    "an exception's words in a stream": (
        with_answers(
            lambda asked, answer: (
                replace(
                    answer,
                    body=answer.body.replace(
                        b"data: [DONE]", b'data: {"error": {"message": "x.go:12: nil pointer dereference"}}'
                    ),
                )
                if answer.is_stream and answer.header("content-encoding") is None
                else None
            )
        ),
        {"ERR-023": FAIL},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_defect_is_seen_and_nothing_else(name: str) -> None:
    defect, expected = DEFECTS[name]
    assert verdicts(defect(gateway_app())) == expected


def test_a_proxy_in_front_may_refuse_two_keys_in_its_own_words() -> None:
    page = with_request_id(replace(HTML, status=400))
    front = answering(lambda asked: len([1 for name, _ in asked.headers if name == b"authorization"]) > 1, page)
    judged = judge(front(gateway_app()), "ERR-003", "AUTH-012", "CHAT-001")
    assert {id: said.verdict for id, said in judged.items()} == {
        "ERR-003": WARN, "AUTH-012": Verdict.PASS, "CHAT-001": Verdict.PASS
    }  # fmt: skip
