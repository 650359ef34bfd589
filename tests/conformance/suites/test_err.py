"""Each requirement of ERR is seen to be broken where it is, and nothing else is."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.suites import test_err
from conformance.verdict import Verdict

from .defects import Answer, Asked, before, changed, error, with_request_id
from .judged import gateway_app, judge, red

Defect = Callable[[ASGIApp], ASGIApp]

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("ERR", "AUTH", "HDR")
UNKNOWN = "gateproof-no-such-model"
POSTS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")
ODD = {"NUL": "a\x00b", "line feed": "a\nb", "quotes": "a' OR '1'='1' --"}


def answering(when: Callable[[Asked], Any], answer: Answer | int) -> Defect:
    """Requests of this kind, with a key, get this answer (or an error of this status)."""

    def act(asked: Asked) -> Answer | None:
        if not (asked.header("authorization") and when(asked)):
            return None
        return error(answer) if isinstance(answer, int) else with_request_id(answer)

    return lambda app: before(app, act)


def taking(change: Callable[[Asked], Asked | None]) -> Defect:
    """Requests are taken for other ones."""
    return lambda app: before(app, change)


def with_errors(edit: Callable[[Answer], Answer], *, status: int = 400, path: str = "") -> Defect:
    """Error answers of this status (below this path) become other ones."""

    def act(asked: Asked, answer: Answer) -> Answer | None:
        return edit(answer) if answer.status == status and asked.path.startswith(path) else None

    return lambda app: changed(app, act)


def having(**fields: Any) -> Callable[[Answer], Answer]:
    return lambda answer: answer.with_json({"error": answer.json["error"] | fields})


def lacking(*keys: str) -> Callable[[Answer], Answer]:
    return lambda answer: answer.with_json(
        {"error": {key: value for key, value in answer.json["error"].items() if key not in keys}}
    )


def saying(words: str) -> Defect:
    return with_errors(having(message=f"it failed: {words}"))


def edited(asked: Asked, **fields: Any) -> Asked:
    return replace(asked, body=json.dumps(asked.object | fields).encode())


def posted(asked: Asked) -> bool:
    return asked.method == "POST" and asked.path in POSTS


def messages_of(asked: Asked) -> Any:
    return asked.object.get("messages") if asked.path == POSTS[0] else [{}]


def model_of(asked: Asked) -> Any:
    return asked.object.get("model", "") if posted(asked) else ""


def is_unknown(asked: Asked) -> bool:
    return str(model_of(asked)).startswith(UNKNOWN)


def parsed(asked: Asked) -> Any:
    return asked.json if posted(asked) and asked.body.strip() else {}


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
        {"ERR-001": FAIL},
    ),
    "text on unknown paths": (
        answering(
            lambda asked: "no-such-endpoint" in asked.path,
            Answer(404, ((b"content-type", b"text/plain"),), b"404 page not found"),
        ),
        {"ERR-001": FAIL},
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
    "truncated JSON crashes": (answering(lambda asked: asked.body == b'{"model":', 500), {"ERR-004": FAIL}),
    "truncated JSON crashes embeddings": (
        answering(lambda asked: asked.body == b'{"model":' and asked.path == POSTS[2], 500),
        {"ERR-004": FAIL},
    ),
    "text after the object is ignored": (
        taking(lambda asked: replace(asked, body=asked.body[:-2]) if asked.body.endswith(b"} x") else None),
        {"ERR-004": FAIL},
    ),
    "single quotes are read": (
        taking(lambda asked: replace(asked, body=asked.body.replace(b"'", b'"')) if asked.body[:2] == b"{'" else None),
        {"ERR-004": FAIL},
    ),
    "trailing commas are read": (
        taking(lambda asked: replace(asked, body=asked.body[:-2] + b"}") if asked.body.endswith(b",}") else None),
        {"ERR-004": WARN},
    ),
    "an empty body crashes": (answering(lambda asked: posted(asked) and not asked.body, 500), {"ERR-005": FAIL}),
    "white space is served": (
        answering(lambda asked: asked.body == b" \n", Answer(200).with_json({"id": "x"})),
        {"ERR-005": FAIL},
    ),
    "an array crashes": (answering(lambda asked: asked.body == b"[]", 500), {"ERR-006": FAIL}),
    "null is an empty object": (
        answering(lambda asked: asked.body == b"null", Answer(200).with_json({"id": "x"})),
        {"ERR-006": FAIL},
    ),
    "a number is not found": (answering(lambda asked: asked.body == b"1", 404), {"ERR-006": FAIL}),
    "an array crashes embeddings": (
        answering(lambda asked: asked.body == b"[]" and asked.path == POSTS[2], 500),
        {"ERR-006": FAIL},
    ),
    "a default model": (
        taking(
            lambda asked: (
                edited(asked, model="gpt-4o-mini")
                if posted(asked) and asked.object and "model" not in asked.object
                else None
            )
        ),
        {"ERR-007": FAIL},
    ),
    "no model crashes completions": (
        answering(
            lambda asked: asked.path == POSTS[1] and asked.object and "model" not in asked.object,
            500,
        ),
        {"ERR-007": FAIL},
    ),
    "no model is not found": (
        answering(lambda asked: posted(asked) and asked.object and "model" not in asked.object, 404),
        {"ERR-007": FAIL},
    ),
    "a model that is an object crashes": (answering(lambda asked: model_of(asked) == {}, 500), {"ERR-008": FAIL}),
    "a null model crashes embeddings": (
        answering(lambda asked: asked.path == POSTS[2] and model_of(asked) is None, 500),
        {"ERR-008": FAIL},
    ),
    "a null model is the default": (
        taking(lambda asked: edited(asked, model="gpt-4o-mini") if model_of(asked) is None else None),
        {"ERR-008": FAIL},
    ),
    "messages as a string": (
        taking(
            lambda asked: (
                edited(asked, messages=[{"role": "user", "content": "hi"}]) if messages_of(asked) == "hi" else None
            )
        ),
        {"ERR-009": FAIL},
    ),
    "no messages is not found": (
        answering(
            lambda asked: (
                asked.object.get("model")
                and "messages" not in asked.object
                and messages_of(asked) is None
                and asked.path == POSTS[0]
            ),
            404,
        ),
        {"ERR-009": FAIL},
    ),
    "a null among messages crashes": (answering(lambda asked: messages_of(asked) == [None], 500), {"ERR-009": FAIL}),
    "a role is made up": (
        taking(
            lambda asked: (
                edited(asked, messages=[{"role": "user", "content": "x"}])
                if messages_of(asked) == [{"content": "x"}]
                else None
            )
        ),
        {"ERR-010": FAIL},
    ),
    "an unknown model is 400": (
        answering(is_unknown, error(400, "no such model", param="model", code="bad_model")),
        {"ERR-011": FAIL, "ERR-012": WARN},
    ),
    "an unknown model is 400 with its code": (
        answering(is_unknown, error(400, code="model_not_found")),
        {"ERR-011": WARN},
    ),
    "an unknown model is 401": (
        answering(lambda asked: is_unknown(asked) and asked.path == POSTS[0], error(401, code="model_not_found")),
        {"ERR-011": FAIL},
    ),
    "an unknown model crashes embeddings": (
        answering(lambda asked: is_unknown(asked) and asked.path == POSTS[2], 500),
        {"ERR-011": FAIL},
    ),
    "any model is served": (
        taking(
            lambda asked: (
                edited(asked, model="mock/small") if is_unknown(asked) and asked.header("authorization") else None
            )
        ),
        {"ERR-011": FAIL},
    ),
    "an unknown model has no code": (
        with_errors(having(code="not_found"), status=404, path="/v1/completions"),
        {"ERR-012": WARN},
    ),
    "an unknown model has another type": (
        with_errors(having(type="NotFoundError"), status=404, path="/v1/chat/completions"),
        {"ERR-012": WARN},
    ),
    "a page for every path": (
        answering(
            lambda asked: "no-such-endpoint" in asked.path,
            Answer(200, ((b"content-type", b"text/html"),), b"<html></html>"),
        ),
        {"ERR-013": FAIL},
    ),
    "unknown paths crash": (answering(lambda asked: "no-such-endpoint" in asked.path, 500), {"ERR-013": FAIL}),
    "unknown paths are 403 for POST": (
        answering(lambda asked: "no-such-endpoint" in asked.path and asked.method == "POST", 403),
        {"ERR-013": FAIL},
    ),
    "a wrong method is 404": (answering(lambda asked: asked.method == "PUT", 404), {"ERR-014": WARN}),
    "a wrong method crashes": (answering(lambda asked: asked.method == "PUT", 500), {"ERR-014": FAIL}),
    "405 without Allow": (with_errors(lambda answer: answer.with_header("allow", None), status=405), {"ERR-014": WARN}),
    "text/plain is parsed": (
        taking(
            lambda asked: (
                asked.with_header("content-type", "application/json")
                if asked.header("content-type") == "text/plain"
                else None
            )
        ),
        {"ERR-015": WARN},
    ),
    "multipart crashes": (
        answering(lambda asked: (asked.header("content-type") or "").startswith("multipart"), 500),
        {"ERR-015": FAIL},
    ),
    "no Content-Type crashes": (
        answering(lambda asked: posted(asked) and asked.header("content-type") is None, 500),
        {"ERR-016": FAIL},
    ),
    "bad bytes are replaced": (
        taking(lambda asked: replace(asked, body=asked.body.decode("utf-8", "replace").encode())),
        {"ERR-018": FAIL},
    ),
    "bad bytes crash": (answering(lambda asked: b"O\xffK" in asked.body, 500), {"ERR-018": FAIL}),
    "an overlong sequence is read": (
        taking(lambda asked: replace(asked, body=asked.body.replace(b"\xc0\xaf", b"/"))),
        {"ERR-018": FAIL},
    ),
    "UTF-16 is read": (
        taking(
            lambda asked: replace(asked, body=asked.body.decode("utf-16").encode()) if b"\x00" in asked.body else None
        ),
        {"ERR-018": WARN},
    ),
    "UTF-16 crashes": (answering(lambda asked: b"\x00" in asked.body, 500), {"ERR-018": FAIL}),
    "100,000 arrays crash": (answering(lambda asked: asked.body.startswith(b"[" * 2000), 500), {"ERR-019": FAIL}),
    "1,000 arrays in a field crash": (
        answering(lambda asked: b'{"' in asked.body and b"[" * 900 in asked.body, 500),
        {"ERR-019": FAIL},
    ),
    "a long number crashes": (answering(lambda asked: b"0" * 4500 in asked.body, 500), {"ERR-020": FAIL}),
    "an infinite number crashes": (answering(lambda asked: b"1E400" in asked.body, 500), {"ERR-020": FAIL}),
    "a huge cap crashes": (
        answering(lambda asked: b"0" * 400 in asked.body and b'"seed"' not in asked.body, 500),
        {"ERR-020": FAIL},
    ),
    "NaN is read": (
        taking(lambda asked: replace(asked, body=asked.body.replace(b" NaN", b" 1"))),
        {"ERR-021": WARN},
    ),
    "Infinity crashes": (answering(lambda asked: b" Infinity" in asked.body, 500), {"ERR-021": FAIL}),
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
    "a refusal with 200": (
        answering(lambda asked: messages_of(asked) == [{"content": "x"}], replace(error(400), status=200)),
        {"ERR-010": FAIL, "ERR-024": FAIL},
    ),
    "a code of another status": (with_errors(having(code="500")), {"ERR-025": WARN}),
    "errors marked retryable": (
        with_errors(lambda answer: answer.with_header("x-should-retry", "true")),
        {"ERR-028": WARN},
    ),
    **{
        f"a name with {what} crashes": (
            answering(lambda asked, name=name: model_of(asked) == name, 500),
            {"ERR-031": FAIL},
        )
        for what, name in ODD.items()
    },
    "a long name is cut and served": (
        taking(lambda asked: edited(asked, model="mock/small") if len(str(model_of(asked))) > 9000 else None),
        {"ERR-031": FAIL},
    ),
    "a long name crashes embeddings": (
        answering(lambda asked: asked.path == POSTS[2] and len(str(model_of(asked))) > 9000, 500),
        {"ERR-031": FAIL},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_defect_is_seen_and_nothing_else(name: str) -> None:
    defect, expected = DEFECTS[name]
    assert verdicts(defect(gateway_app())) == expected


def test_a_correct_gateway_has_no_red_requirement() -> None:
    judged = judge(gateway_app(), *AREAS)
    assert {id: said for id, said in judged.items() if said.verdict is not Verdict.PASS} == {}


def test_without_a_key_those_of_keys_do_not_apply() -> None:
    judged = judge(gateway_app(key=None), *AREAS, api_key=None)
    assert red(judged) == {}
    assert sum(said.verdict is Verdict.NOT_APPLICABLE for said in judged.values()) == 14


@pytest.mark.parametrize(
    ("profile", "path"),
    [("watsonx", None), ("nemo", "/apis/inference-gateway/v2/workspaces/default/openai/-/v1")],
)
def test_a_correct_gateway_of_another_dialect_has_none(profile: str, path: str | None) -> None:
    assert red(judge(gateway_app(), *AREAS, profile=profile, path=path)) == {}


def test_a_slow_refusal_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_err, "PATIENCE_S", 0.5)

    async def slowly(asked: Asked) -> None:
        if asked.body.startswith(b"[" * 900) or model_of(asked) == "a\nb":
            await asyncio.sleep(1.5)

    assert verdicts(before(gateway_app(), slowly)) == {"ERR-019": FAIL, "ERR-031": FAIL}


def test_an_outage_after_broken_requests_is_seen() -> None:
    seen: list[Asked] = []

    def act(asked: Asked) -> Answer | None:
        """Once it has read deep nesting it serves no ordinary chat any more."""
        if asked.body.startswith(b"[" * 90_000):
            seen.append(asked)
        plain = asked.object.keys() == {"model", "messages", "max_completion_tokens"} and asked.method == "POST"
        own = asked.header("content-type") == "application/json" and asked.header("authorization")
        return (
            error(500) if seen and plain and own and asked.object["messages"] == GREETING and not odd(asked) else None
        )

    def odd(asked: Asked) -> bool:
        return asked.object["model"] != "gpt-4o-mini" or asked.object["max_completion_tokens"] != 16

    assert verdicts(before(gateway_app(), act), "ERR") == {"ERR-035": FAIL}


def test_a_gateway_with_one_endpoint_is_judged_by_that() -> None:
    absent = POSTS[1:]

    def act(asked: Asked) -> Answer | None:
        return error(404, "no such URL", code="unknown_url") if asked.path in absent else None

    def crash(asked: Asked) -> Answer | None:
        return error(501, "not supported") if asked.path in absent else None

    def detail(asked: Asked) -> Answer | None:
        return error(404, "chat only", code="unsupported") if asked.path in absent else None

    assert [verdicts(before(gateway_app(), each), "ERR", "HDR") for each in (act, crash, detail)] == [{}, {}, {}]


HARMLESS: dict[str, Callable[[Asked, Answer], Answer | None]] = {
    "422 for 400": lambda _, answer: replace(answer, status=422) if answer.status == 400 else None,
    "more members in errors": lambda _, answer: (
        answer.with_json(answer.json | {"request_id": "r", "error": answer.json["error"] | {"innererror": {"a": []}}})
        if answer.status >= 400 and answer.body
        else None
    ),
    "messages that quote the request": lambda asked, answer: (
        having(message=f"bad: {asked.body.decode('utf-8', 'replace')} {asked.path}")(answer)
        if answer.status in (400, 404) and answer.body
        else None
    ),
    "messages about routes and files of the docs": lambda _, answer: (
        having(message="see https://docs.example.com/usr/errors.py, POST /v1/chat/completions; at most 10.5 at 12:30")(
            answer
        )
        if answer.status in (400, 404) and answer.body
        else None
    ),
    "415 for an empty or odd body's type": lambda asked, answer: (
        replace(answer, status=411) if posted(asked) and not asked.body.strip() else None
    ),
    "a charset in the type": lambda _, answer: (
        answer.with_header("content-type", "application/json; charset=utf-8")
        if answer.header("content-type") == "application/json"
        else None
    ),
    "codes that are the status as text": lambda _, answer: (
        having(code=str(answer.status))(answer) if answer.status == 400 else None
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_variation_is_no_defect(name: str) -> None:
    assert verdicts(changed(gateway_app(), HARMLESS[name])) == {}


GREETING = [{"role": "user", "content": "Reply with the word OK."}]


def verdicts(app: ASGIApp, *areas: str) -> dict[str, Verdict]:
    return {id: said.verdict for id, said in red(judge(app, *(areas or AREAS))).items()}
