"""Each requirement of AUTH is seen to be broken where it is, and nothing else is."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.verdict import Verdict
from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.gateway import Gateway

from .defects import Answer, Asked, answering, before, changed, error
from .judged import KEY, gateway_app, judge, red
from .refusals import FAIL, WARN, Defect, verdicts, with_answers

AREAS = ("ERR", "AUTH", "HDR")
OTHERS = ("/v1/files", "/v1/batches", "/v1/responses", "/v1/moderations", "/v1/images/generations")


def open_to(when: Callable[[Asked], Any], **fields: str) -> Defect:
    """Requests of this kind are let in whatever key they bring, as requests with these fields."""

    def act(asked: Asked) -> Asked | None:
        return replace(asked, **fields).with_header("authorization", f"Bearer {KEY}") if when(asked) else None

    return lambda app: before(app, act)


def with_refusals(edit: Callable[[Asked, Answer], Answer]) -> Defect:
    return lambda app: changed(app, lambda asked, answer: edit(asked, answer) if answer.status == 401 else None)


def given(asked: Asked) -> str:
    return asked.header("authorization") or ""


def keys(asked: Asked) -> list[str]:
    return [value.decode("latin-1") for name, value in asked.headers if name == b"authorization"]


def alone(asked: Asked) -> bool:
    return len(keys(asked)) == 1


def is_wrong(asked: Asked) -> bool:
    return given(asked).startswith("Bearer sk-gateproof-")


def echo(asked: Asked, answer: Answer) -> Answer:
    return answer.with_json({"error": answer.json["error"] | {"message": f"Incorrect API key: {given(asked)[7:]}"}})


MISSING = error(401, "no key").with_header("www-authenticate", "Bearer")
DEFECTS: dict[str, tuple[Defect, dict[str, Verdict]]] = {
    "the list is public": (
        open_to(lambda asked: asked.path == "/v1/models" and asked.method == "GET" and not given(asked)),
        {"AUTH-001": FAIL},
    ),
    "the list without a key is 403": (
        answering(lambda asked: asked.path == "/v1/models" and not given(asked), 403),
        {"AUTH-001": FAIL},
    ),
    "a missing key is 403 everywhere": (
        answering(lambda asked: not keys(asked), 403),
        {"AUTH-001": FAIL, "AUTH-002": FAIL},
    ),
    "embeddings are open": (
        open_to(lambda asked: asked.path == "/v1/embeddings" and not given(asked)),
        {"AUTH-002": FAIL},
    ),
    "embeddings in base64 are open": (
        open_to(lambda asked: asked.object.get("encoding_format") == "base64" and not given(asked)),
        {"AUTH-002": FAIL},
    ),
    "completions are open": (
        open_to(lambda asked: asked.path == "/v1/completions" and not given(asked)),
        {"AUTH-002": FAIL},
    ),
    "single models are open": (
        open_to(lambda asked: asked.path.startswith("/v1/models/") and not given(asked)),
        {"AUTH-002": FAIL},
    ),
    "a missing key crashes completions": (
        answering(lambda asked: asked.path == "/v1/completions" and not given(asked), 500),
        {"AUTH-002": FAIL},
    ),
    "streams are open": (open_to(lambda asked: asked.streams and not given(asked)), {"AUTH-003": FAIL}),
    "a stream says it inside": (
        answering(
            lambda asked: asked.streams and not given(asked),
            Answer(200, ((b"content-type", b"text/event-stream"),), b'data: {"error": {"message": "no key"}}\n\n'),
        ),
        {"AUTH-003": FAIL, "ERR-024": FAIL},
    ),
    "a wrong key is 403": (
        answering(is_wrong, error(403, code="invalid_api_key")),
        {"AUTH-004": FAIL},
    ),
    "any key is let in": (
        open_to(
            lambda asked: (
                len(keys(asked)) == 1 and given(asked).startswith("Bearer sk-gateproof-") and given(asked).isascii()
            )
        ),
        {"AUTH-004": FAIL, "AUTH-007": FAIL},
    ),
    "any key is let in to embeddings": (
        open_to(lambda asked: asked.path == "/v1/embeddings" and is_wrong(asked)),
        {"AUTH-004": FAIL},
    ),
    "any key is let in to the list": (
        open_to(lambda asked: asked.path == "/v1/models" and is_wrong(asked)),
        {"AUTH-004": FAIL},
    ),
    "any key is let in to a single model": (
        open_to(lambda asked: asked.path.startswith("/v1/models/") and is_wrong(asked) and asked.method == "GET"),
        {"AUTH-004": FAIL},
    ),
    "any key is let in to completions": (
        open_to(lambda asked: asked.path == "/v1/completions" and is_wrong(asked)),
        {"AUTH-004": FAIL},
    ),
    "any key is let in to unknown paths": (
        open_to(lambda asked: "no-such-endpoint" in asked.path and is_wrong(asked)),
        {"AUTH-004": FAIL},
    ),
    "any key is let in to a stream": (
        open_to(lambda asked: asked.streams and is_wrong(asked)),
        {"AUTH-004": FAIL},
    ),
    "the beginning of a key is enough": (
        open_to(lambda asked: alone(asked) and len(given(asked)) > 12 and f"Bearer {KEY}".startswith(given(asked))),
        {"AUTH-004": FAIL},
    ),
    "more than the key is let in": (
        open_to(lambda asked: alone(asked) and given(asked).startswith(f"Bearer {KEY}") and " x" not in given(asked)),
        {"AUTH-004": FAIL},
    ),
    "keys are compared without case": (
        open_to(
            lambda asked: (
                alone(asked) and given(asked).lower() == f"Bearer {KEY}".lower() and given(asked).startswith("Bearer")
            )
        ),
        {"AUTH-004": FAIL},
    ),
    "a wrong key has no code": (
        with_refusals(lambda _, answer: answer.with_json({"error": answer.json["error"] | {"code": None}})),
        {"AUTH-005": WARN},
    ),
    "no challenge": (
        with_refusals(lambda _, answer: answer.with_header("www-authenticate", None)),
        {"AUTH-006": WARN},
    ),
    "a challenge of another scheme": (
        with_refusals(lambda _, answer: answer.with_header("www-authenticate", 'Basic realm="x"')),
        {"AUTH-006": WARN},
    ),
    "a challenge without its error": (
        with_refusals(lambda _, answer: answer.with_header("www-authenticate", "Bearer")),
        {"AUTH-006": WARN},
    ),
    "the key without a scheme is let in": (open_to(lambda asked: given(asked) == KEY), {"AUTH-007": FAIL}),
    "any scheme is let in": (open_to(lambda asked: given(asked) == f"Basic {KEY}"), {"AUTH-007": FAIL}),
    "the second of three words counts": (open_to(lambda asked: given(asked) == f"Bearer {KEY} x"), {"AUTH-007": FAIL}),
    "the last of three words counts": (open_to(lambda asked: given(asked) == f"Bearer x {KEY}"), {"AUTH-007": FAIL}),
    "the last of two keys counts": (
        open_to(lambda asked: given(asked).endswith(f", Bearer {KEY}")),
        {"AUTH-007": FAIL},
    ),
    "Bearer alone crashes": (answering(lambda asked: given(asked) == "Bearer", 500), {"AUTH-007": FAIL}),
    "an empty header is let in": (open_to(lambda asked: keys(asked) == [""]), {"AUTH-007": FAIL}),
    "malformed credentials are 400": (
        answering(lambda asked: keys(asked) and not given(asked).lower().startswith("bearer "), 400),
        {"AUTH-007": WARN},
    ),
    "the scheme has to be in capitals and small letters": (
        answering(lambda asked: given(asked)[:7] in ("bearer ", "BEARER "), MISSING),
        {"AUTH-008": WARN},
    ),
    "the key is in the message": (with_refusals(echo), {"AUTH-009": FAIL}),
    "the key is in a header": (
        lambda app: changed(
            app,
            lambda asked, answer: answer.with_header("x-seen", given(asked)) if asked.path == "/v1/models" else None,
        ),
        {"AUTH-009": FAIL},
    ),
    "the key is in the message, in base64": (
        with_refusals(
            lambda asked, answer: answer.with_json(
                {
                    "error": answer.json["error"]
                    | {"message": f"not {b64encode(given(asked)[:200].encode('latin-1')).decode()}"}
                }
            )
        ),
        {"AUTH-009": FAIL},
    ),
    "x-api-key only has to be there": (
        open_to(lambda asked: asked.header("x-api-key") is not None and not given(asked)),
        {"AUTH-016": FAIL},
    ),
    "api-key crashes": (answering(lambda asked: asked.header("api-key"), 500), {"AUTH-016": FAIL}),
    "a trailing slash opens the list": (
        open_to(lambda asked: asked.path == "/v1/models/", path="/v1/models"),
        {"AUTH-018": FAIL},
    ),
    "a trailing slash opens the list to wrong keys": (
        open_to(lambda asked: asked.path == "/v1/models/" and given(asked), path="/v1/models"),
        {"AUTH-018": FAIL},
    ),
    "a trailing slash opens the chat": (
        open_to(lambda asked: asked.path == "/v1/chat/completions/", path="/v1/chat/completions"),
        {"AUTH-018": FAIL},
    ),
    "files are open": (
        answering(lambda asked: asked.path == "/v1/files", Answer(200).with_json({"object": "list", "data": []})),
        {"AUTH-019": FAIL},
    ),
    "responses are open": (
        answering(lambda asked: asked.path == "/v1/responses", Answer(200).with_json({"object": "response"})),
        {"AUTH-019": FAIL},
    ),
    "moderations crash": (answering(lambda asked: asked.path == "/v1/moderations", 500), {"AUTH-019": FAIL}),
    "images read the body first": (
        answering(lambda asked: asked.path == "/v1/images/generations", 400),
        {"AUTH-019": WARN},
    ),
    "a forwarded user is believed": (
        open_to(lambda asked: asked.header("x-forwarded-user") and not given(asked)),
        {"AUTH-020": FAIL},
    ),
    "a local address is let in": (
        open_to(lambda asked: asked.header("x-forwarded-for") == "127.0.0.1" and not given(asked)),
        {"AUTH-020": FAIL},
    ),
    "a chunked body needs no key": (
        open_to(lambda asked: not given(asked) and asked.header("transfer-encoding")),
        {"AUTH-024": FAIL},
    ),
    "an awaited 100 needs no key": (
        open_to(lambda asked: not given(asked) and asked.header("expect")),
        {"AUTH-024": FAIL},
    ),
    "localhost needs no key": (
        open_to(lambda asked: not given(asked) and asked.header("host") == "localhost"),
        {"AUTH-024": FAIL},
    ),
    "a health check needs no key": (
        open_to(lambda asked: not given(asked) and "kube-probe" in (asked.header("user-agent") or "")),
        {"AUTH-024": FAIL},
    ),
    "a page of a browser needs no key": (
        open_to(lambda asked: not given(asked) and asked.header("sec-fetch-site")),
        {"AUTH-024": FAIL},
    ),
    "another method is believed and needs no key": (
        open_to(lambda asked: not given(asked) and asked.header("x-http-method-override")),
        {"AUTH-024": FAIL},
    ),
    "a path in upper case needs no key": (
        open_to(lambda asked: asked.path.startswith("/V1") and not given(asked), path="/v1/models"),
        {"AUTH-024": FAIL},
    ),
    "an unset key is let in": (open_to(lambda asked: given(asked) == "Bearer undefined"), {"AUTH-004": FAIL}),
    "the end of the right key is shown": (
        with_refusals(
            lambda asked, answer: answer.with_json({"error": answer.json["error"] | {"message": f"not …{KEY[-9:]}"}})
        ),
        {"AUTH-025": FAIL},
    ),
    "OPTIONS is answered like GET": (
        open_to(lambda asked: asked.method == "OPTIONS" and asked.path == "/v1/models", method="GET"),
        {"AUTH-021": FAIL},
    ),
    "the model is looked up first": (
        answering(
            lambda asked: not given(asked) and str(asked.object.get("model")).startswith("gateproof"),
            error(404, code="model_not_found"),
        ),
        {"AUTH-010": FAIL},
    ),
    "the body is read first": (
        answering(lambda asked: not given(asked) and asked.body == b'{"model":', 400),
        {"AUTH-010": WARN},
    ),
    "the body is read first and crashes": (
        answering(lambda asked: not given(asked) and asked.body == b'{"model":', 500),
        {"AUTH-010": FAIL},
    ),
    "a key in the query is let in": (open_to(lambda asked: KEY.encode() in asked.query), {"AUTH-011": WARN}),
    "the first of two keys counts": (
        open_to(lambda asked: len(keys(asked)) == 2 and keys(asked)[0] == f"Bearer {KEY}"),
        {"AUTH-012": WARN},
    ),
    "either of two keys counts": (open_to(lambda asked: len(keys(asked)) == 2), {"AUTH-012": WARN}),
    "two keys crash": (answering(lambda asked: len(keys(asked)) == 2, 500), {"AUTH-012": FAIL}),
    "bytes from 0x80 up crash": (answering(lambda asked: not given(asked).isascii(), 500), {"AUTH-013": FAIL}),
    "a long key crashes": (answering(lambda asked: len(given(asked)) > 9000, 500), {"AUTH-013": FAIL}),
    "a long key is let in": (open_to(lambda asked: len(given(asked)) > 9000), {"AUTH-013": FAIL}),
    "x-stainless headers are refused": (
        answering(lambda asked: asked.header("x-stainless-lang"), 400),
        {"AUTH-014": FAIL},
    ),
    "a project crashes": (
        answering(lambda asked: asked.header("openai-project"), 500),
        {"AUTH-014": FAIL, "ERR-041": WARN},
    ),
    "an unknown organization is refused": (
        answering(lambda asked: asked.header("openai-organization"), MISSING),
        {"AUTH-014": WARN},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_defect_is_seen_and_nothing_else(name: str) -> None:
    defect, expected = DEFECTS[name]
    assert verdicts(defect(gateway_app()), *AREAS) == expected


def test_a_restricted_key_is_judged_where_it_is_given() -> None:
    """The bundled gateway's own key for reading, and gateways that refuse it as a wrong one, or not at all."""
    reader = "sk-reader-0123456789abcdef"
    config = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
    app = create_app(Gateway.open(config, tokens=[KEY], readonly_tokens=[reader], seed=1))

    def judged(defect: Defect) -> dict[str, Verdict]:
        said = judge(defect(app), "AUTH-017", restricted_api_key=reader)
        return {id: each.verdict for id, each in said.items()}

    def refused(status: int) -> Defect:
        return with_answers(
            lambda asked, answer: (
                replace(answer, status=status) if answer.status == 403 and reader in given(asked) else None
            )
        )

    assert judged(lambda app: app) == {"AUTH-017": Verdict.PASS}
    assert judged(refused(404)) == {"AUTH-017": Verdict.PASS}
    assert judged(refused(401)) == {"AUTH-017": WARN}
    assert judged(open_to(lambda asked: asked.streams and reader in given(asked))) == {"AUTH-017": WARN}


def test_a_second_header_that_is_checked_is_right() -> None:
    app = open_to(lambda asked: asked.header("x-api-key") == KEY)(gateway_app())
    assert {id: said.verdict for id, said in judge(app, "AUTH-016").items()} == {"AUTH-016": Verdict.PASS}


HARMLESS: dict[str, Defect] = {
    "unknown paths are 404 for everybody": answering(
        lambda asked: "no-such-endpoint" in asked.path, error(404, "no such path", code="unknown_url")
    ),
    "text on unknown paths for everybody": answering(
        lambda asked: "no-such-endpoint" in asked.path or asked.path in OTHERS,
        Answer(404, ((b"content-type", b"text/plain"),), b"404 page not found"),
    ),
    "other endpoints are 405": answering(lambda asked: asked.path in OTHERS, 405),
    "a wrong key is shown masked": with_refusals(
        lambda asked, answer: answer.with_json(
            {"error": answer.json["error"] | {"message": f"{given(asked)[7:13]}***{given(asked)[-4:]} is wrong"}}
        )
    ),
    "a refusal says how keys begin and end": with_refusals(
        lambda asked, answer: answer.with_json(
            {"error": answer.json["error"] | {"message": f"A key is {KEY[:10]}…{KEY[-4:]}"}}
        )
    ),
    "another host is not served": answering(lambda asked: asked.header("host") == "localhost", 421),
    "nothing is expected": answering(lambda asked: asked.header("expect"), 417),
    "a health check is answered with a page": answering(
        lambda asked: "kube-probe" in (asked.header("user-agent") or ""),
        Answer(200, ((b"content-type", b"text/plain"),), b"ok"),
    ),
    "OPTIONS is free": answering(lambda asked: asked.method == "OPTIONS", Answer(204)),
    "a trailing slash is redirected": answering(
        lambda asked: asked.path == "/v1/models/", error(307).with_header("location", "/v1/models")
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_variation_is_no_defect(name: str) -> None:
    assert red(judge(HARMLESS[name](gateway_app()), "AUTH", "HDR")) == {}


def test_a_gateway_without_keys_breaks_what_says_so_and_no_more() -> None:
    everybody = open_to(lambda asked: True)(gateway_app())
    assert {*red(judge(everybody, "AUTH"))} == {"AUTH-001", "AUTH-002", "AUTH-004"}


def test_a_lock_out_is_seen() -> None:
    wrong: list[Asked] = []

    def act(asked: Asked) -> Answer | None:
        if keys(asked) != [f"Bearer {KEY}"]:
            wrong.append(asked)
            return None
        return error(403, "too many attempts") if len(wrong) > 22 else None

    assert verdicts(before(gateway_app(), act), "AUTH") == {"AUTH-015": WARN}


def test_no_key_is_sent_anywhere_but_in_its_header_or_query() -> None:
    seen: list[Asked] = []

    def act(asked: Asked) -> None:
        seen.append(asked)

    judge(before(gateway_app(), act), "AUTH")
    assert not any(KEY.encode() in asked.body or KEY in asked.path for asked in seen)
    assert sum(KEY.encode() in asked.query for asked in seen) == 2
