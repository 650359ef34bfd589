"""What a right gateway may do turns no requirement of SDK red, and what a model leaves open is not judged."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.names import VENDOR
from conformance.verdict import Verdict

from ..defects import Answer, Asked, before, changed, error
from ..edits import Wrap, answered, asked_as, asks, both, chained, chunk, drop, is_chat, put, reply, stream
from ..judged import gateway_app, judge, red
from .played import answers, by_sdk, refusing, verdicts

FAIL, WARN = Verdict.FAIL, Verdict.WARN
NAMED = {"watsonx": None, "nemo": "/apis/inference-gateway/v2/workspaces/default/openai/-/v1"}
DELTA = "choices[].delta"
tools = asks("tools")


def test_a_correct_gateway_has_no_red_requirement() -> None:
    judged = judge(gateway_app(), "SDK")
    others = {id: said.verdict for id, said in judged.items() if said.verdict is not Verdict.PASS}
    assert others == dict.fromkeys(("SDK-016", "SDK-017"), Verdict.NOT_APPLICABLE)


@pytest.mark.parametrize("profile", NAMED)
def test_a_correct_gateway_of_another_dialect_has_none(profile: str) -> None:
    assert verdicts(gateway_app(), profile=profile, path=NAMED[profile]) == {}


def test_without_a_key_nothing_of_keys_is_judged() -> None:
    judged = judge(gateway_app(key=None), "SDK", api_key=None)
    assert (red(judged), judged["SDK-014"].verdict) == ({}, Verdict.NOT_APPLICABLE)


# What a profile or a claim brings


@pytest.mark.parametrize("streamed", [False, True])
def test_an_ill_formed_entity_that_is_not_found_is_seen(streamed: bool) -> None:
    vendor = refusing(lambda a: a.object.get("model") == VENDOR and a.streams is streamed, error(404))
    assert verdicts(vendor(gateway_app()), profile="nemo", path=NAMED["nemo"]) == {"SDK-016": FAIL}


def test_a_repeated_role_is_a_warning_where_that_is_known() -> None:
    app = chunk(put(f"{DELTA}.role", "assistant"), by_sdk())(gateway_app())
    assert verdicts(app, claimed=frozenset({"role_repeat_tolerated"})) == {"SDK-005": WARN}


def test_another_role_is_none_even_there() -> None:
    app = chunk(put(f"{DELTA}.role", "bot"), by_sdk())(gateway_app())
    assert verdicts(app, claimed=frozenset({"role_repeat_tolerated"})) == {"SDK-005": FAIL}


class Throttling:
    """The smallest chat is refused with this after it was asked for so many times, until it was left alone."""

    def __init__(self, app: ASGIApp, refusal: Answer, allowed: int = 12, rest_s: float = 0.5) -> None:
        self.app, self.refusal, self.allowed, self.rest_s = before(app, self.act), refusal, allowed, rest_s
        self.asked, self.last = 0, 0.0

    def act(self, asked: Asked) -> Answer | None:
        if not (is_chat(asked) and "Reply with the word OK." in str(asked.object.get("messages"))):
            return None
        now = time.monotonic()
        self.asked = 1 if now - self.last > self.rest_s else self.asked + 1
        self.last = now
        return self.refusal if self.asked > self.allowed and self.allowed else None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


THROTTLED: dict[str, tuple[Answer, dict[str, Verdict]]] = {
    "429 with a time": (error(429).with_header("retry-after", "1"), {}),
    "429 without a time": (error(429), {}),
    "429 for too long": (error(429).with_header("retry-after", "600"), {"SDK-017": FAIL}),
    "429 that forbids another try": (error(429).with_header("x-should-retry", "false"), {"SDK-017": FAIL}),
}


@pytest.mark.parametrize("name", THROTTLED)
def test_throttling(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal, expected = THROTTLED[name]
    monkeypatch.setattr("conformance.sending.slots.MAX_WAIT_S", 1.0)
    judged = judge(Throttling(gateway_app(), refusal), "SDK-017", claimed=frozenset({"rate_limit"}))
    assert {id: said.verdict for id, said in red(judged).items()} == expected
    assert judged["SDK-017"].verdict is not Verdict.INCONCLUSIVE


def test_limits_that_are_never_met_tell_nothing() -> None:
    judged = judge(gateway_app(), "SDK-017", claimed=frozenset({"rate_limit"}))
    assert judged["SDK-017"].verdict is Verdict.INCONCLUSIVE


def test_throttling_of_twenty_at_once_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.sending.gateway.wait_s", lambda after, attempt: 0.01)
    refused = refusing(lambda a: "(7)" in str(a.object.get("messages")), error(429))
    assert judge(refused(gateway_app()), "SDK-002")["SDK-002"].verdict is Verdict.INCONCLUSIVE


# What a model may do


def said(message: dict[str, Any], finish: str = "stop", where: Callable[[Asked], Any] = lambda asked: True) -> Wrap:
    """Every plain answer to such a chat is this message."""

    def change(document: Any) -> None:
        for each in document["choices"]:
            each["message"], each["finish_reason"] = {"role": "assistant", "content": None} | message, finish

    return reply(change, where)


OPEN: dict[str, tuple[Wrap, str]] = {
    "parsed, cut": (said({"content": '{"name": "Os'}, "length", asks("response_format")), "SDK-007"),
    "parsed, refused": (said({"refusal": "No."}, where=asks("response_format")), "SDK-007"),
    "parsed, filtered": (said({}, "content_filter", asks("response_format")), "SDK-007"),
    "parsed, nothing": (said({"content": ""}, where=asks("response_format")), "SDK-007"),
    "a tool, no call": (said({"content": "No."}, where=tools), "SDK-008"),
    "a tool, cut": (said({}, "length", tools), "SDK-008"),
    "streamed, no call": (chunk(drop(f"{DELTA}.tool_calls"), tools), "SDK-006"),
    "one choice of two": (asked_as(put("n", 1), lambda a: by_sdk()(a) and a.object.get("n") == 2), "SDK-026"),
    "a message of thoughts is refused": (
        lambda app: refusing(lambda a: len(a.object.get("messages") or []) == 3, error(400))(
            said({"reasoning_content": "Hm."}, "length")(app)
        ),
        "SDK-022",
    ),
}


@pytest.mark.parametrize("name", OPEN)
def test_what_the_model_leaves_open_is_inconclusive(name: str) -> None:
    wrap, id = OPEN[name]
    judged = judge(wrap(gateway_app()), id)
    assert judged[id].verdict is Verdict.INCONCLUSIVE, judged


# Right variants


def no_route(path: str) -> Wrap:
    absent = (path, "no-such-endpoint")
    return lambda app: before(app, lambda asked: error(404) if any(word in asked.path for word in absent) else None)


def only_by_max_tokens(app: ASGIApp) -> ASGIApp:
    return answered(asks("max_completion_tokens"), error(400, "no such parameter"))(app)


GREEN: dict[str, Wrap] = {
    "CRLF and comments": stream(lambda body: b": ping\n\n" + body.replace(b"\n", b"\r\n")),
    "thoughts": chained(
        reply(put("choices[].message.reasoning_content", "Hm.")), chunk(put(f"{DELTA}.reasoning_content", "Hm."))
    ),
    "empty tool calls and nulls": chained(
        reply(both(put("choices[].message.tool_calls", lambda old: old or None), drop("usage"))),
        chunk(put(f"{DELTA}.refusal", None)),
    ),
    "members of one's own": chained(reply(put("x_own", {"a": [1]})), chunk(put("x_own", [1, 2]))),
    "422 for 400": lambda app: changed(app, lambda _, a: replace(a, status=422) if a.status == 400 else None),
    "nulls and unknown members are refused": lambda app: before(
        app,
        lambda a: error(400) if "x_conformance" in a.object or a.object.get("seed", 0) is None else None,
    ),
    "a charset": answers("", lambda a: a.with_header("content-type", "application/json; charset=utf-8")),
    "no completions": no_route("v1/completions"),
    "no embeddings": no_route("embeddings"),
    "no models by their id": no_route("/models/"),
    "no tools": answered(lambda a: bool(a.object.get("tools")), error(400, "no tools")),
    "no formats": answered(asks("response_format"), error(400, "no formats")),
    "no usage in streams": answered(lambda a: bool(a.object.get("stream_options")), error(400, "no such option")),
    "one choice": answered(lambda a: (a.object.get("n") or 1) > 1, error(400, "no more than one")),
    "max_tokens alone": only_by_max_tokens,
}


@pytest.mark.parametrize("name", GREEN)
def test_what_harms_no_program_turns_nothing_red(name: str) -> None:
    assert verdicts(GREEN[name](gateway_app())) == {}
