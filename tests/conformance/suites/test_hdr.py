"""Each requirement of HDR is seen to be broken where it is, and nothing else is."""

import gzip
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.verdict import Verdict

from .defects import Answer, Asked, answering, before, changed, error, with_request_id
from .judged import Cut, altered, gateway_app, judge, judge_url, red, red_verdicts
from .refusals import FAIL, WARN, Defect, verdicts

AREAS = ("ERR", "AUTH", "HDR")
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def with_answers(edit: Callable[[Asked, Answer], Answer], when: Callable[[Asked, Answer], Any]) -> Defect:
    return lambda app: changed(app, lambda asked, answer: edit(asked, answer) if when(asked, answer) else None)


def naming(name: str, value: str | None) -> Callable[[Asked, Answer], Answer]:
    return lambda _, answer: answer.with_header(name, value)


def coded(name: str, body: Callable[[bytes], bytes]) -> Callable[[Asked, Answer], Answer]:
    return lambda _, answer: replace(answer, body=body(answer.body)).with_header("content-encoding", name)


def redirect(status: int) -> Answer:
    return error(status).with_header("location", "/v1/chat/completions")


def twice(name: str, value: str) -> Callable[[Asked, Answer], Answer]:
    return lambda _, answer: replace(answer, headers=(*answer.headers, (name.encode(), value.encode())))


ALLOWED = "access-control-allow-origin"


def is_preflight(asked: Asked) -> bool:
    return asked.method == "OPTIONS" and bool(asked.header("origin"))


def cors(edit: Callable[[Asked, Answer], Answer] = lambda asked, answer: answer) -> Defect:
    """A gateway that allows calls from everywhere, but for this."""

    def act(asked: Asked, answer: Answer) -> Answer | None:
        if not asked.header("origin") and answer.status != 404:
            return None
        if is_preflight(asked):
            answer = with_request_id(Answer(204, ()))
            answer = answer.with_header("access-control-allow-headers", "authorization, content-type")
            answer = answer.with_header("access-control-allow-methods", "GET, POST")
        return edit(asked, answer.with_header(ALLOWED, "*"))

    return lambda app: changed(app, act)


def always(asked: Asked, answer: Answer) -> bool:
    return True


def is_error(asked: Asked, answer: Answer) -> bool:
    return answer.status == 400


def is_list(asked: Asked, answer: Answer) -> bool:
    return asked.path == "/v1/models" and asked.method == "GET" and answer.status == 200


def offers_gzip(asked: Asked, answer: Answer) -> bool:
    return "gzip" in (asked.header("accept-encoding") or "") and answer.status == 200


DEFECTS: dict[str, tuple[Defect, dict[str, Verdict]]] = {
    "the list is for everybody's cache": (
        with_answers(naming("cache-control", "max-age=60, s-maxage=600"), is_list),
        {"HDR-023": WARN},
    ),
    "TE is not known": (answering(lambda asked: asked.header("te"), 400), {"HDR-015": FAIL}),
    "no request id": (with_answers(naming("x-request-id", None), always), {"HDR-001": WARN}),
    "no request id on errors": (with_answers(naming("x-request-id", None), is_error), {"HDR-001": WARN}),
    "an empty request id on streams": (
        with_answers(naming("x-request-id", ""), lambda _, answer: answer.is_stream),
        {"HDR-001": WARN},
    ),
    "one request id for all": (with_answers(naming("x-request-id", "req-1"), always), {"HDR-002": WARN}),
    "one request id for all errors": (with_answers(naming("x-request-id", "req-1"), is_error), {"HDR-002": WARN}),
    "a list declared as text": (with_answers(naming("content-type", "text/plain"), is_list), {"HDR-003": FAIL}),
    "a chat declared as nothing": (
        with_answers(
            naming("content-type", None),
            lambda asked, answer: (
                answer.status == 200 and asked.path.endswith("chat/completions") and not asked.streams
            ),
        ),
        {"HDR-003": FAIL},
    ),
    "a Latin charset": (
        with_answers(naming("content-type", "application/json; charset=iso-8859-1"), is_list),
        {"HDR-003": FAIL},
    ),
    "gzip that nobody offered": (with_answers(coded("gzip", gzip.compress), is_list), {"HDR-005": FAIL}),
    "gzip errors that nobody offered": (with_answers(coded("gzip", gzip.compress), is_error), {"HDR-005": FAIL}),
    "brotli for gzip": (with_answers(coded("br", lambda body: b"\x0b" + body), offers_gzip), {"HDR-005": FAIL}),
    "gzip in name only": (
        with_answers(coded("gzip", bytes), lambda asked, answer: offers_gzip(asked, answer) and asked.streams),
        {"HDR-005": FAIL},
    ),
    "deflate for gzip": (
        with_answers(coded("deflate", zlib.compress), lambda asked, _: asked.header("accept-encoding") == "gzip"),
        {"HDR-005": FAIL},
    ),
    "Retry-After in words": (with_answers(naming("retry-after", "soon"), is_error), {"HDR-008": FAIL}),
    "Retry-After with a fraction": (with_answers(naming("retry-after", "1.5"), is_list), {"HDR-008": FAIL}),
    "a processing time in words": (with_answers(naming("openai-processing-ms", "12ms"), is_list), {"HDR-006": WARN}),
    "a negative processing time": (with_answers(naming("openai-processing-ms", "-3"), is_error), {"HDR-006": WARN}),
    "a processing time in microseconds": (
        with_answers(naming("openai-processing-ms", "9000000"), lambda _, answer: answer.is_stream),
        {"HDR-006": WARN},
    ),
    "a limit that is no number": (
        with_answers(naming("x-ratelimit-limit-requests", "many"), is_list),
        {"HDR-007": WARN},
    ),
    "a remaining fraction": (with_answers(naming("x-ratelimit-remaining-tokens", "1.5"), is_error), {"HDR-007": WARN}),
    "a reset in words": (
        with_answers(naming("x-ratelimit-reset-requests", "in a minute"), lambda _, answer: answer.is_stream),
        {"HDR-007": WARN},
    ),
    "more remains than there is": (
        with_answers(
            lambda _, answer: answer.with_header("x-ratelimit-limit-requests", "10").with_header(
                "x-ratelimit-remaining-requests", "11"
            ),
            is_list,
        ),
        {"HDR-007": WARN},
    ),
    "a preflight request is refused": (
        cors(lambda asked, answer: error(400, "no") if is_preflight(asked) else answer),
        {"HDR-009": WARN},
    ),
    "a preflight request crashes": (answering(lambda asked: asked.header("origin"), 500), {}),
    "authorization is not allowed": (
        cors(naming("access-control-allow-headers", "content-type")),
        {"HDR-009": WARN},
    ),
    "POST is not allowed": (
        cors(naming("access-control-allow-methods", "GET")),
        {"HDR-009": WARN},
    ),
    "another origin is allowed": (
        cors(naming("access-control-allow-origin", "https://other.example")),
        {"HDR-009": WARN},
    ),
    "every origin with credentials": (
        cors(naming("access-control-allow-credentials", "true")),
        {"HDR-009": WARN},
    ),
    "every origin with credentials on errors": (
        cors(
            lambda asked, answer: (
                answer.with_header("access-control-allow-credentials", "true") if answer.status == 404 else answer
            )
        ),
        {"HDR-009": WARN},
    ),
    "only a preflight request tells of other origins": (
        cors(lambda asked, answer: answer if is_preflight(asked) else answer.with_header(ALLOWED, None)),
        {"HDR-009": WARN},
    ),
    "a large header is fine": (
        lambda app: before(
            app, lambda asked: asked.with_header("x-gateproof-long", None) if asked.header("x-gateproof-long") else None
        ),
        {"HDR-016": WARN},
    ),
    "a large header crashes": (answering(lambda asked: asked.header("x-gateproof-long"), 500), {"HDR-016": FAIL}),
    "no host is fine": (
        lambda app: before(app, lambda asked: None if asked.header("host") else asked.with_header("host", "gateway")),
        {"HDR-017": WARN},
    ),
    "no host crashes": (answering(lambda asked: asked.header("host") is None, 500), {"HDR-017": FAIL}),
    "a cookie": (with_answers(naming("set-cookie", "session=1; Path=/"), is_list), {"HDR-018": WARN}),
    "a cookie on errors": (with_answers(naming("set-cookie", "lb=a"), is_error), {"HDR-018": WARN}),
    "a cookie on streams": (
        with_answers(naming("set-cookie", "lb=a"), lambda _, answer: answer.is_stream),
        {"HDR-018": WARN},
    ),
    "gzip crashes": (answering(lambda asked: asked.header("content-encoding"), 500), {"HDR-019": FAIL}),
    "gzip is forbidden": (answering(lambda asked: asked.header("content-encoding"), 403), {"HDR-019": WARN}),
    "the request id twice": (with_answers(twice("x-request-id", "req-of-the-proxy"), is_list), {"HDR-021": FAIL}),
    "the type twice": (with_answers(twice("content-type", "application/json"), is_error), {"HDR-021": FAIL}),
    "the type of streams twice": (
        with_answers(twice("content-type", "text/event-stream"), lambda _, answer: answer.is_stream),
        {"HDR-021": FAIL},
    ),
    "OPTIONS crashes": (answering(lambda asked: asked.method == "OPTIONS", 500), {"HDR-010": FAIL}),
    "OPTIONS redirects": (answering(lambda asked: asked.method == "OPTIONS", redirect(302)), {"HDR-010": FAIL}),
    "HEAD crashes": (
        answering(lambda asked: asked.method == "HEAD", 500),
        {"HDR-011": FAIL, "AUTH-023": FAIL},
    ),
    "HEAD finds nothing": (answering(lambda asked: asked.method == "HEAD", 404), {"HDR-011": WARN}),
    "chunked bodies are refused": (answering(lambda asked: asked.header("transfer-encoding"), 400), {"HDR-013": FAIL}),
    "a length is required": (answering(lambda asked: asked.header("transfer-encoding"), 411), {"HDR-013": WARN}),
    "chunked bodies are lost": (
        lambda app: before(app, lambda asked: replace(asked, body=b"") if asked.header("transfer-encoding") else None),
        {"HDR-013": FAIL},
    ),
    **{
        f"a trailing slash is {status}": (
            answering(lambda asked: asked.path == "/v1/chat/completions/", redirect(status)),
            {"HDR-014": FAIL},
        )
        for status in (301, 302, 303)
    },
    "traceparent is refused": (answering(lambda asked: asked.header("traceparent"), 400), {"HDR-015": FAIL}),
    "an unknown header crashes": (
        answering(lambda asked: asked.header("x-gateproof-invented"), 500),
        {"HDR-015": FAIL, "ERR-041": WARN},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_defect_is_seen_and_nothing_else(name: str) -> None:
    defect, expected = DEFECTS[name]
    assert verdicts(defect(gateway_app()), *AREAS) == expected


def test_a_length_that_is_too_large_is_seen() -> None:
    def longer(asked: bytes, answered: bytes) -> bytes:
        if b"method_not_allowed" in answered:
            raise Cut(LENGTH.sub(lambda found: b"content-length: %d" % (int(found[1]) + 5), answered))
        return answered

    assert below(longer) == {"HDR-004": FAIL, "ERR-014": FAIL, "ERR-033": FAIL}


def test_a_length_that_is_too_small_is_seen() -> None:
    assert below(lambda asked, answered: answered + b"}}}" if b"HTTP/1.1 400" in answered else answered, "HDR-004") == {
        "HDR-004": FAIL
    }


def test_a_body_after_head_is_seen() -> None:
    def edit(asked: bytes, answered: bytes) -> bytes:
        return answered + b'{"object": "list"}' if asked.startswith(b"HEAD") else answered

    assert below(edit, "HDR-011", "HDR-012") == {"HDR-011": WARN}


def test_a_connection_that_is_closed_without_a_word_is_seen() -> None:
    def edit(asked: bytes, answered: bytes) -> bytes:
        if b"HTTP/1.1 400" in answered:
            raise Cut(answered)
        return answered

    assert below(edit) == {"HDR-012": FAIL}


def test_a_connection_that_hangs_after_an_error_is_seen() -> None:
    hanging = [False]

    def edit(asked: bytes, answered: bytes) -> bytes:
        hanging[0] |= b"HTTP/1.1 400" in answered and b'{"model":' in asked
        return b"" if hanging[0] and asked.startswith(b"GET /v1/models ") else answered

    assert below(edit, "HDR-012", timeout_s=0.5) == {"HDR-012": FAIL}


def test_an_http_1_0_server_closes_as_it_says() -> None:
    def edit(asked: bytes, answered: bytes) -> bytes:
        raise Cut(answered.replace(b"HTTP/1.1", b"HTTP/1.0"))

    assert below(edit, "HDR-004", "HDR-011", "HDR-012") == {}


def redirected(status: int) -> Defect:
    return answering(lambda asked: asked.path == "/v1/chat/completions/", redirect(status))


def test_a_missing_date_is_seen() -> None:
    def edit(asked: bytes, answered: bytes) -> bytes:
        return re.sub(rb"\r\ndate: [^\r]*", b"", answered) if b'"object":"list"' in answered else answered

    assert below(edit, "HDR-018") == {"HDR-018": WARN}


def test_a_date_that_is_none_is_seen() -> None:
    assert below(
        lambda asked, answered: re.sub(rb"\r\ndate: [^\r]*", b"\r\ndate: 1700000000", answered), "HDR-018"
    ) == {"HDR-018": WARN}


def test_a_connection_that_is_closed_after_another_refusal_is_seen() -> None:
    def edit(asked: bytes, answered: bytes) -> bytes:
        if asked.startswith(b"PUT ") and b"gateproof-no-such-model" in asked:
            raise Cut(answered)
        return answered

    assert below(edit, "HDR-012") == {"HDR-012": FAIL}


def test_a_body_that_is_left_lying_is_seen() -> None:
    """What is refused by its head alone leaves its body on the connection, where the next request is read from."""
    after_put = [False]

    def edit(asked: bytes, answered: bytes) -> bytes:
        if asked.startswith(b"PUT ") and b"gateproof-no-such-model" in asked:
            after_put[0] = True
        if after_put[0] and asked.startswith(b"GET /v1/models ") and b"connection: close" in asked.lower():
            return b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
        return answered

    assert below(edit, "HDR-012") == {"HDR-012": FAIL}


def test_a_large_header_may_close_the_connection() -> None:
    def edit(asked: bytes, answered: bytes) -> bytes:
        if b"HTTP/1.1 431" in answered:
            raise Cut
        return answered

    assert below(edit, "HDR-016") == {}


HARMLESS: dict[str, Defect] = {
    "caches of one user may keep the list": with_answers(naming("cache-control", "private, max-age=60"), is_list),
    "caches of all have to ask again": with_answers(naming("cache-control", "public, no-cache"), is_list),
    "calls from everywhere": cors(),
    "limits as gateways write them": with_answers(
        lambda _, answer: (
            answer.with_header("x-ratelimit-limit-requests", "100, 100;w=60")
            .with_header("x-ratelimit-remaining-requests", "99")
            .with_header("x-ratelimit-reset-requests", "1m30.5s")
            .with_header("x-ratelimit-reset-tokens", "1735689600")
        ),
        always,
    ),
    "a processing time": with_answers(naming("openai-processing-ms", "1"), always),
    "every connection is closed, and said to be": with_answers(naming("connection", "close"), always),
    "the trailing slash is 308": redirected(308),
    "the trailing slash is 307": redirected(307),
    "Retry-After as a date": with_answers(naming("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), is_error),
    "gzip where it is offered": with_answers(coded("gzip", gzip.compress), offers_gzip),
    "deflate where it is offered": with_answers(
        coded("deflate", zlib.compress), lambda asked, _: "deflate" in (asked.header("accept-encoding") or "")
    ),
    "a charset in capitals": with_answers(naming("content-type", 'application/json;charset="UTF-8"'), is_list),
    "HEAD is 405": answering(lambda asked: asked.method == "HEAD", 405),
    "OPTIONS is 405": answering(lambda asked: asked.method == "OPTIONS", 405),
    "OPTIONS is 200": answering(lambda asked: asked.method == "OPTIONS", Answer(200, (), b"")),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_variation_is_no_defect(name: str) -> None:
    assert red(judge(HARMLESS[name](gateway_app()), *AREAS)) == {}


def below(edit: Callable[[bytes, bytes], bytes], *areas: str, **options: Any) -> dict[str, Verdict]:
    """The verdicts on the gateway behind a TCP proxy with a defect."""
    with altered(gateway_app(), edit) as url:
        return red_verdicts(judge_url(f"{url}/v1", *(areas or AREAS), **options))
