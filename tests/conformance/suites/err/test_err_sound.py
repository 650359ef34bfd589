"""Server errors to sound requests are a failure, whatever else can't be judged for them."""

import itertools

import pytest

from conformance.verdict import Verdict

from ..defects import answering, error
from ..edits import Wrap, is_chat
from ..judged import gateway_app, judge, red_verdicts

FAIL = Verdict.FAIL


def asking(*keys: str) -> Wrap:
    return answering(lambda asked: is_chat(asked) and not asked.streams and keys[0] in asked.object, error(500))


CRASHES: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "a seed": (asking("seed"), {"ERR-041": FAIL}),
    "of texts to be embedded": (
        answering(
            lambda asked: asked.path.endswith("/embeddings") and isinstance(asked.object.get("input"), list), 500
        ),
        {"ERR-041": FAIL},
    ),
    "an invented field, which is judged by itself": (asking("x_conformance"), {}),
    "a field of another endpoint, which EMB-022 tells of": (
        answering(lambda asked: asked.path.endswith("/embeddings") and "stream" in asked.object, 500),
        {},
    ),
    "what is out of range": (answering(lambda asked: asked.object.get("temperature") == 2.1, 500), {}),
    "not implemented": (answering(lambda asked: "seed" in asked.object and not asked.streams, error(501)), {}),
    "without a key": (answering(lambda asked: not asked.header("authorization"), 500), {}),
    "chats that are streamed, told of by STREAM-001": (
        answering(lambda asked: is_chat(asked) and asked.streams and '"type": "text"' in str(asked.body), 500),
        {},
    ),
}


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash(name: str) -> None:
    wrap, expected = CRASHES[name]
    judged = judge(
        wrap(gateway_app()), "ERR-041", "CHAT-033", "CHAT-070", "CHAT-074", "CHAT-101", "EMB-006", "EMB-022", "AUTH-002"
    )
    assert {id: said for id, said in red_verdicts(judged).items() if id == "ERR-041"} == expected


def test_one_that_an_equal_request_does_not_meet_is_a_warning() -> None:
    times = itertools.count()
    again = answering(lambda asked: asked.object.get("temperature") == 0 and next(times) == 1, 502)
    judged = judge(again(gateway_app()), "ERR-041", "STREAM-068")
    assert judged["ERR-041"].verdict is Verdict.WARN
    assert "chat_seeded: HTTP 502" in judged["ERR-041"].message
    assert "and an equal request was served" in judged["ERR-041"].message
