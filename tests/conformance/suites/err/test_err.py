"""Each requirement of ERR about what is refused is seen to be broken where it is, and nothing else is."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from conformance import catalogue
from conformance.suites.err import test_err
from conformance.verdict import Verdict

from ..defects import Answer, Asked, before, changed, error
from ..judged import gateway_app, judge, red
from ..refusals import (
    AREAS,
    FAIL,
    NOT_OFFERED,
    POSTS,
    WARN,
    Defect,
    answering,
    edited,
    having,
    is_unknown,
    messages_of,
    model_of,
    posted,
    taking,
    verdicts,
    with_errors,
)

ODD = {"NUL": "a\x00b", "line feed": "a\nb", "quotes": "a' OR '1'='1' --"}


def is_utf_16(asked: Asked) -> bool:
    return asked.body[:2] in (b"\xff\xfe", b"\xfe\xff")


DEFECTS: dict[str, tuple[Defect, dict[str, Verdict]]] = {
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
        with_errors(having(type="not_found_error"), status=404, path="/v1/chat/completions"),
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
    "405 allows what it refuses": (
        with_errors(lambda answer: answer.with_header("allow", "GET, PUT"), status=405),
        {"ERR-014": WARN},
    ),
    "a line break before the JSON is refused": (
        answering(lambda asked: asked.body[:1] in b" \n" and asked.object, 400),
        {"ERR-042": FAIL},
    ),
    "a byte order mark crashes": (
        answering(lambda asked: asked.body[:3] == b"\xef\xbb\xbf", 500),
        {"ERR-041": WARN, "ERR-042": FAIL},
    ),
    "a media type in capitals is refused": (
        answering(lambda asked: asked.header("content-type") == "Application/JSON", 415),
        {"ERR-042": FAIL},
    ),
    "a validator speaks": (
        with_errors(having(message="json: cannot unmarshal string into Go struct field ChatRequest.temperature")),
        {"ERR-023": WARN},
    ),
    "an error is wrapped in another": (
        with_errors(having(message='{"error": {"message": "no", "type": "invalid_request_error"}}')),
        {"ERR-023": WARN},
    ),
    "a client library's exception is named": (
        with_errors(having(message="litellm.BadRequestError: OpenAIException - no")),
        {"ERR-023": WARN},
    ),
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
        taking(lambda asked: replace(asked, body=asked.body.decode("utf-16").encode()) if is_utf_16(asked) else None),
        {"ERR-018": WARN},
    ),
    "UTF-16 crashes": (answering(is_utf_16, 500), {"ERR-018": FAIL}),
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
    "the first of two models counts": (
        taking(lambda asked: edited(asked, model="gpt-4o-mini") if asked.body.count(b'"model"') == 2 else None),
        {"ERR-022": WARN},
    ),
    "two models crash": (
        answering(lambda asked: asked.body.count(b'"model"') == 2, 500),
        {"ERR-022": FAIL},
    ),
    "a refusal with 200": (
        answering(lambda asked: messages_of(asked) == [{"content": "x"}], replace(error(400), status=200)),
        {"ERR-010": FAIL, "ERR-024": FAIL},
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
    assert {id for id, said in judged.items() if said.verdict is not Verdict.PASS} == NOT_OFFERED


def test_without_a_key_those_of_keys_do_not_apply() -> None:
    judged = judge(gateway_app(key=None), *AREAS, api_key=None)
    assert red(judged) == {}
    assert {id for id, said in judged.items() if said.verdict is Verdict.NOT_APPLICABLE} == NOT_OFFERED | {
        id for id, found in catalogue.requirements().items() if "auth" in found.features and found.area in AREAS
    }


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
        plain = plain and asked.body.count(b'"model"') == 1
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
    "Allow names more methods": lambda asked, answer: (
        answer.with_header("allow", "get, post, OPTIONS".replace(f"{asked.method.lower()}, ", ""))
        if answer.status == 405 and asked.method in ("GET", "PUT")
        else None
    ),
    "a byte order mark is refused": lambda asked, answer: (
        error(400) if asked.body[:3] == b"\xef\xbb\xbf" and answer.status == 200 else None
    ),
    "422 for 400": lambda _, answer: replace(answer, status=422) if answer.status == 400 else None,
    "more members in errors": lambda _, answer: (
        answer.with_json(answer.json | {"request_id": "r", "error": answer.json["error"] | {"innererror": {"a": []}}})
        if answer.status >= 400 and answer.body
        else None
    ),
    "messages that quote the request": lambda asked, answer: (
        having(message=f"bad: {asked.body[:300].decode('utf-8', 'replace')} {asked.path[:300]}")(answer)
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
