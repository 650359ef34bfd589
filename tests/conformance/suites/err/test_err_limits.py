"""Each requirement of ERR about limits, Expect and odd paths is seen to be broken where it is, and nothing else is."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict
from reference_gateway.config import default_config

from ..defects import Answer, Asked, before, error
from ..judged import KEY, Cut, altered, gateway_app, judge, judge_url, red
from ..refusals import FAIL, WARN, Defect, answering, verdicts

HTML = (b"content-type", b"text/html")
LIMIT = 100_000


def throttled(
    answer: Answer | None = None, after: int = 12, when: Callable[[Asked], Any] = lambda asked: True
) -> Defect:
    """From so many chats of a burst on, which are those that the suite does not repeat, this is the answer."""
    given = answer or error(429, "slow down", type="rate_limit_error").with_header("retry-after", "1")

    def wrap(app: ASGIApp) -> ASGIApp:
        seen = count()

        def act(asked: Asked) -> Answer | None:
            plain = asked.object.keys() - {"stream"} == {"model", "messages", "max_completion_tokens"}
            own = plain and asked.header("authorization") == f"Bearer {KEY}" and asked.object["model"] == "gpt-4o-mini"
            return given if own and when(asked) and next(seen) >= after else None

        return before(app, act)

    return wrap


def limited(answer: Answer | int = 413) -> Defect:
    """Bodies above the limit get this answer."""
    return answering(lambda asked: len(asked.body) > LIMIT, answer)


def without_slashes(asked: Asked) -> Asked:
    return replace(asked, path=asked.path.replace("//", "/"))


def open_to(when: Callable[[Asked], bool]) -> Defect:
    """Requests of this kind are let in without a key, and found at the plain path."""

    def act(asked: Asked) -> Asked | None:
        if not when(asked):
            return None
        return replace(asked, path="/v1/chat/completions").with_header("authorization", f"Bearer {KEY}")

    return lambda app: before(app, act)


TOO_MANY = error(429, "slow down", type="rate_limit_error")
# The burst is all that is asked, so that what else is throttled does not change the verdicts on other things.
RATE: dict[str, tuple[Defect, dict[str, Verdict]]] = {
    "no limit at all": (throttled(after=10_000), {"ERR-029": FAIL}),
    "503 for throttling": (throttled(error(503, "slow down", type="server_error")), {"ERR-029": FAIL}),
    "a page for throttling": (
        throttled(Answer(429, (HTML, (b"retry-after", b"1")), b"<html></html>")),
        {"ERR-029": FAIL},
    ),
    "a page for throttled streams": (
        throttled(Answer(429, (HTML, (b"retry-after", b"1")), b"<html></html>"), when=lambda asked: asked.streams),
        {"ERR-029": FAIL},
    ),
    "a bare sentence": (
        throttled(TOO_MANY.with_json({"detail": "slow"}).with_header("retry-after", "1")),
        {"ERR-029": FAIL},
    ),
    "no Retry-After": (throttled(TOO_MANY), {"ERR-030": WARN}),
    "Retry-After zero": (throttled(TOO_MANY.with_header("retry-after", "0")), {"ERR-030": WARN}),
    "Retry-After far away": (throttled(TOO_MANY.with_header("retry-after", "600")), {"ERR-030": WARN}),
    "Retry-After as a date": (
        throttled(TOO_MANY.with_header("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")),
        {"ERR-030": WARN},
    ),
    "throttled as it should be": (throttled(), {}),
    "an exhausted quota": (throttled(error(429, "nothing left", type="insufficient_quota")), {}),
}


@pytest.mark.parametrize("name", RATE)
def test_throttling_is_judged_where_it_is_claimed(name: str) -> None:
    defect, expected = RATE[name]
    judged = judge(defect(gateway_app()), "ERR-029", "ERR-030", claimed=frozenset({"rate_limit"}))
    assert {id: said.verdict for id, said in red(judged).items()} == expected


def test_a_429_is_judged_where_nothing_is_claimed() -> None:
    def act(asked: Asked) -> Answer | None:
        return TOO_MANY.with_json({"detail": "slow"}) if asked.path.endswith("no-such-endpoint") else None

    judged = judge(before(gateway_app(), act), "ERR-001", "ERR-029", "ERR-030")
    assert {id: said.verdict for id, said in red(judged).items()} == {"ERR-029": FAIL, "ERR-030": WARN}


def test_the_bundled_gateways_own_limit_is_right() -> None:
    assert verdicts(gateway_app(), "ERR-017", body_limit=default_config().max_body_bytes) == {}


BODY: dict[str, tuple[Defect, dict[str, Verdict]]] = {
    "413": (limited(), {}),
    "400": (limited(400), {"ERR-017": WARN}),
    "a crash": (limited(500), {"ERR-017": FAIL}),
    "no limit": (lambda app: app, {"ERR-017": WARN}),
}


@pytest.mark.parametrize("name", BODY)
def test_a_large_body_is_judged_where_the_limit_is_given(name: str) -> None:
    defect, expected = BODY[name]
    assert verdicts(defect(gateway_app()), "ERR-017", body_limit=LIMIT) == expected


def test_a_reset_for_a_large_body_is_seen() -> None:
    def edit(asked: bytes, answered: bytes) -> bytes:
        if b"gateproof-no-such-model" in answered or b"request_too_large" in answered:
            raise Cut
        return answered

    with altered(gateway_app(), edit) as url:
        judged = judge_url(f"{url}/v1", "ERR-017", body_limit=LIMIT)
    assert {id: said.verdict for id, said in red(judged).items()} == {"ERR-017": FAIL}


PATHS: dict[str, tuple[Defect, dict[str, Verdict]]] = {
    "a doubled slash opens": (open_to(lambda asked: "//chat" in asked.path), {"ERR-033": FAIL}),
    "a slash in front opens": (open_to(lambda asked: asked.path.startswith("//")), {"ERR-033": FAIL}),
    "a dot segment opens": (open_to(lambda asked: "/./" in asked.path), {"ERR-033": FAIL}),
    "a path parameter opens": (open_to(lambda asked: ";" in asked.path), {"ERR-033": FAIL}),
    "a parent segment crashes": (answering(lambda asked: "/../" in asked.path, 500), {"ERR-033": FAIL}),
    "a path parameter crashes": (answering(lambda asked: ";" in asked.path, 500), {"ERR-033": FAIL}),
    "slashes are put right": (lambda app: before(app, without_slashes), {}),
    "slashes are redirected": (
        answering(lambda asked: "//" in asked.path, error(301).with_header("location", "/v1/chat/completions")),
        {},
    ),
    "text for odd paths": (
        answering(
            lambda asked: "//" in asked.path or ";" in asked.path,
            Answer(404, ((b"content-type", b"text/plain"),), b"404 page not found"),
        ),
        {},
    ),
}


@pytest.mark.parametrize("name", PATHS)
def test_odd_paths_neither_crash_nor_open(name: str) -> None:
    defect, expected = PATHS[name]
    assert verdicts(defect(gateway_app()), "ERR-001", "ERR-003", "ERR-033", "HDR-014") == expected


def test_a_redirected_endpoint_is_one_failure() -> None:
    elsewhere = error(302).with_header("location", "/v2/embeddings")
    judged = verdicts(
        answering(lambda asked: asked.path == "/v1/embeddings", elsewhere)(gateway_app()), "ERR", "AUTH", "HDR"
    )
    assert judged == {"HDR-014": FAIL}


def test_an_endpoint_that_is_elsewhere_is_not_judged_here() -> None:
    elsewhere = error(308).with_header("location", "/v2/embeddings")
    app = answering(lambda asked: asked.path == "/v1/embeddings", elsewhere)(gateway_app())
    assert verdicts(app, "ERR", "AUTH", "HDR", "SEC") == {}


# Expect: 100-continue


def without_100(asked: bytes, answered: bytes) -> bytes:
    return answered.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")


def test_no_100_continue_is_seen() -> None:
    with altered(gateway_app(), without_100) as url:
        assert {id: said.verdict for id, said in red(judge_url(f"{url}/v1", "ERR-034", timeout_s=0.5)).items()} == {
            "ERR-034": WARN
        }


def test_a_refused_expectation_is_right() -> None:
    assert verdicts(answering(lambda asked: asked.header("expect"), 417)(gateway_app()), "ERR-034") == {}


def test_a_lost_body_is_seen() -> None:
    def act(asked: Asked) -> Asked | None:
        return replace(asked, body=b"") if asked.header("expect") else None

    assert verdicts(before(gateway_app(), act), "ERR-034") == {"ERR-034": WARN}


def test_a_crash_by_expect_is_seen() -> None:
    assert verdicts(answering(lambda asked: asked.header("expect"), 500)(gateway_app()), "ERR-034") == {"ERR-034": FAIL}
