"""Each check of what a chat may be asked with fires on its defect alone, and on nothing that is right."""

import itertools
import json
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict

from ..defects import Answer, Asked, changed, error
from ..edits import Edit, Wrap, always, answered, asked_as, asks, both, chunk, drop, is_chat, judge_with, put, reply
from ..judged import red

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")
refused, crashed = error(400, "not supported"), error(500)


def n_is(*values: Any) -> Any:
    """Requests with one of these values of n, told apart by their type, too."""
    return lambda asked: any(asked.object.get("n") == n and type(asked.object["n"]) is type(n) for n in values)


def counted(count: Any, where: Any = always) -> Wrap:
    """Plain answers of another number of completion tokens, made from the old one."""

    def edit(document: Any) -> None:
        usage = document["usage"]
        usage["completion_tokens"] = count(usage["completion_tokens"])
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]

    return reply(edit, where)


def prompt_costs(more: int, where: Any) -> Wrap:
    def edit(document: Any) -> None:
        for key in ("prompt_tokens", "total_tokens"):
            document["usage"][key] += more

    return reply(edit, where)


def at_most(tokens: int) -> Edit:
    """Prompts cost no more than that."""

    def edit(document: Any) -> None:
        usage = document.get("usage")
        if usage:
            usage["prompt_tokens"] = min(usage["prompt_tokens"], tokens)
            usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]

    return edit


def ends(old: str, new: str) -> Edit:
    return put("choices[].finish_reason", lambda reason: new if reason == old else reason)


def is_text(asked: Asked) -> bool:
    return not any(key in asked.object for key in ("tools", "stop", "response_format", "logprobs", "n"))


def streamed(asked: Asked) -> bool:
    return asked.streams


def numbered(app: ASGIApp) -> ASGIApp:
    """Every answer to a seeded request is another one."""
    numbers = itertools.count()

    def edit(asked: Asked, answer: Answer) -> Answer:
        if not (is_chat(asked) and asks("seed", 7)(asked) and answer.status == 200):
            return answer
        document = answer.json
        document["choices"][0]["message"]["content"] += f" {next(numbers)}"
        return answer.with_json(document)

    return changed(app, edit)


def in_doubles(app: ASGIApp) -> ASGIApp:
    """Seeds that a double can't hold are refused."""
    return answered(lambda asked: abs(int(asked.object.get("seed") or 0)) > 2**53, refused)(app)


DEFECTS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "ids of another kind": (reply(put("id", lambda id: "cmpl" + id[8:])), {"CHAT-004": WARN}),
    "ids of another kind, streamed": (chunk(put("id", lambda id: "cmpl" + id[8:])), {"CHAT-004": WARN}),
    "n of 0 taken for 1": (asked_as(put("n", 1), n_is(0)), {"CHAT-025": WARN}),
    "n of 0 answered with nothing": (reply(put("choices", []), n_is(1)), {}),
    "n below 0": (asked_as(drop("n"), n_is(-1)), {"CHAT-025": WARN}),
    "n rounded": (asked_as(put("n", 2), n_is(1.5)), {"CHAT-025": WARN}),
    "n read from a string": (asked_as(put("n", 2), n_is("2")), {"CHAT-025": WARN}),
    "129 choices": (asked_as(put("n", 128), n_is(129)), {"CHAT-025": WARN}),
    "n of 0 that crashes": (answered(n_is(0), crashed), {"CHAT-025": FAIL}),
    "max_tokens refused": (answered(asks("max_tokens"), refused), {"CHAT-030": WARN}),
    "max_tokens ignored": (asked_as(drop("max_tokens")), {"CHAT-030": WARN}),
    "a seed refused": (answered(asks("seed", 7), refused), {"CHAT-033": WARN}),
    "seeds as doubles": (in_doubles, {"CHAT-033": WARN}),
    "a seed that crashes": (answered(asks("seed", 2**53 + 1), crashed), {"CHAT-033": FAIL}),
    "a fingerprint that is a number": (reply(put("system_fingerprint", 7), asks("seed", 7)), {"CHAT-034": WARN}),
    "a fingerprint that is an object, streamed": (chunk(put("system_fingerprint", {})), {"CHAT-034": WARN}),
    "temperature 0 refused": (answered(asks("temperature", 0), refused), {"CHAT-070": WARN}),
    "temperatures above 1 refused": (answered(asks("temperature", 2), refused), {"CHAT-070": WARN}),
    "top_p 1 refused": (answered(asks("top_p", 1), refused), {"CHAT-070": WARN}),
    "penalties that crash": (answered(asks("frequency_penalty", -2), crashed), {"CHAT-070": FAIL}),
    "temperature beyond 2 clamped": (asked_as(put("temperature", 2), asks("temperature", 2.1)), {"CHAT-071": WARN}),
    "temperature below 0 dropped": (asked_as(drop("temperature"), asks("temperature", -0.1)), {"CHAT-071": WARN}),
    "top_p beyond 1 clamped": (asked_as(put("top_p", 1), asks("top_p", 1.1)), {"CHAT-071": WARN}),
    "frequency_penalty unchecked": (
        asked_as(drop("frequency_penalty"), asks("frequency_penalty", -2.1)),
        {"CHAT-071": WARN},
    ),
    "presence_penalty unchecked": (asked_as(drop("presence_penalty"), asks("presence_penalty")), {"CHAT-071": WARN}),
    "top_p below 0 that crashes": (answered(asks("top_p", -0.1), crashed), {"CHAT-071": FAIL}),
    "user refused": (answered(asks("user"), refused), {"CHAT-075": WARN}),
    "metadata refused": (answered(asks("metadata", {"suite": "gateproof"}), refused), {"CHAT-075": WARN}),
    "service_tier refused": (answered(asks("service_tier"), refused), {"CHAT-075": WARN}),
    "store that crashes": (answered(asks("store", False), crashed), {"CHAT-075": FAIL}),
    "an empty logit_bias refused": (answered(asks("logit_bias", {}), refused), {"CHAT-081": WARN}),
    "a logit_bias of words": (asked_as(drop("logit_bias"), asks("logit_bias", {"a": "b"})), {"CHAT-081": WARN}),
    "a logit_bias that crashes": (answered(asks("logit_bias", {"50256": -100}), crashed), {"CHAT-081": FAIL}),
    "a tier of one's own": (reply(put("service_tier", "on_demand")), {"CHAT-082": WARN}),
    "a tier that is a number": (reply(put("service_tier", 1), asks("seed", 7)), {"CHAT-082": WARN}),
    "a tier of one's own, streamed": (chunk(put("service_tier", "on_demand")), {"CHAT-082": WARN}),
    "no usage with an option": (reply(drop("usage"), asks("user")), {"CHAT-017": WARN}),
    "prompts of a constant cost, streamed": (
        chunk(at_most(30), lambda asked: len(asked.body) > 1000),
        {"CHAT-022": WARN},
    ),
    "a cut that is no cut": (reply(ends("length", "stop"), is_text), {"CHAT-106": FAIL}),
    "one token, however many": (counted(lambda count: 1, is_text), {"CHAT-107": FAIL}),
    "one token too few": (counted(lambda count: max(count - 1, 1), is_text), {"CHAT-107": WARN}),
    "a third of the tokens missing": (counted(lambda count: (2 * count + 1) // 3, is_text), {"CHAT-107": WARN}),
    "a prompt billed for each choice": (prompt_costs(10, asks("n", 2)), {"CHAT-113": WARN}),
    "a prompt that costs more with a seed": (prompt_costs(3, asks("seed", 7)), {"CHAT-113": WARN}),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = DEFECTS[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged


def test_equal_seeds_are_judged_where_they_are_claimed_to_matter() -> None:
    claimed = frozenset({"seed_determinism"})
    assert judge_with(lambda app: app, "CHAT-035", claimed=claimed)["CHAT-035"].verdict is Verdict.PASS
    assert judge_with(numbered, "CHAT-035", claimed=claimed)["CHAT-035"].verdict is WARN
    assert judge_with(numbered, "CHAT-035")["CHAT-035"].verdict is Verdict.NOT_APPLICABLE


# What is right


def other_counts(app: ASGIApp) -> ASGIApp:
    """Texts are counted by another tokeniser, which needs one token less for some of them."""

    def edit(asked: Asked, answer: Answer) -> Answer:
        if not is_chat(asked) or answer.status != 200 or answer.is_stream or asks("n")(asked):
            return answer
        document = answer.json
        usage = document["usage"]
        usage["completion_tokens"] -= len(json.dumps(document["choices"])) % 2 if usage["completion_tokens"] > 5 else 0
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return answer.with_json(document)

    return changed(app, edit)


def thinks_in_secret(document: Any) -> None:
    """All tokens are spent on thoughts that are declared, and none is left for a text."""
    for each in document["choices"]:
        if not each["message"].get("tool_calls"):
            each["message"]["content"] = ""
            each["finish_reason"] = "length"
            usage = document["usage"]
            usage["completion_tokens_details"]["reasoning_tokens"] = usage["completion_tokens"]


def chosen(*keys: str) -> Any:
    return lambda asked: any(asked.object.get(key) is not None for key in keys)


SAMPLING = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias")
HARMLESS: dict[str, tuple[Wrap, set[str]]] = {
    "no sampling values": (answered(chosen(*SAMPLING), refused), {"CHAT-081"}),
    "temperatures up to 1": (
        answered(lambda asked: (asked.object.get("temperature") or 0) in (2, 2.1), refused),
        {"CHAT-070"},
    ),
    "422 for an illegal n": (answered(n_is(0, -1, 1.5, "2", 129), error(422)), set()),
    "no n at all": (answered(asks("n", 2, 1.5, 129), refused), set()),
    "unknown tokens in logit_bias": (answered(asks("logit_bias", {"50256": -100}), refused), set()),
    "a fingerprint of null": (reply(put("system_fingerprint", None)), set()),
    "no fingerprint, no tier": (reply(both(drop("system_fingerprint"), drop("service_tier"))), set()),
    "counts of another tokeniser": (other_counts, set()),
    "thoughts that are counted and not shown": (reply(thinks_in_secret, is_text), set()),
    "a model that always stops early": (
        lambda app: counted(lambda count: 2, is_text)(
            reply(both(put("choices[].message.content", "OK"), ends("length", "stop")), is_text)(app)
        ),
        set(),
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_right_turns_nothing_red(name: str) -> None:
    wrap, warned = HARMLESS[name]
    judged = red(judge_with(wrap, "CHAT"))
    assert {id for id, said in judged.items()} <= warned, judged
    assert all(said.verdict is WARN for said in judged.values()), judged
