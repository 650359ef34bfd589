"""Each check of log-probabilities fires on its defect alone, in plain answers or in streams only; and what right
engines do in other ways turns nothing red."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.verdict import Verdict

from ..defects import Asked, error
from ..edits import (
    Where,
    Wrap,
    answered,
    asked_as,
    asks,
    both,
    chained,
    chunk,
    drop,
    judge_with,
    plain,
    plainly_streamed,
    put,
    reply,
    streamed,
)
from ..judged import red

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")
LOGPROBS, CONTENT = "choices[].logprobs", "choices[].logprobs.content"
ENTRY, TOP = "choices[].logprobs.content[]", "choices[].logprobs.content[].top_logprobs"
LIKELY = {"token": "x", "logprob": -0.0, "bytes": [120]}
wanted = asks("top_logprobs", 3)


def alone(asked: Asked) -> bool:
    return asks("top_logprobs", 0)(asked) and "n" not in asked.object


def two(asked: Asked) -> bool:
    return asks("logprobs", True)(asked) and asks("n", 2)(asked)


def everywhere(edit: Any, where: Where = wanted) -> Wrap:
    return chained(reply(edit, where), chunk(edit, where))


def entry(edit: Callable[[Any], None]) -> Any:
    """Every entry of every choice."""

    def change(document: Any) -> None:
        for choice in document["choices"]:
            for each in (choice.get("logprobs") or {}).get("content") or ():
                edit(each)

    return change


def entries(edit: Callable[[list[Any]], Any]) -> Any:
    """The entries of every choice that has any."""
    return put(CONTENT, lambda old: edit(old) if old else old)


def as_arrays(logprobs: Any) -> Any:
    """As the legacy completions write them."""
    return logprobs and {"tokens": ["x"], "token_logprobs": [-0.1], "top_logprobs": [None], "text_offset": [0]}


def other_token(each: Any) -> None:
    each.update(token="…", bytes=None)


def surely(each: Any) -> None:
    each["logprob"] = -each["logprob"] + 0.5


def one_more(each: Any) -> None:
    each["top_logprobs"] = [*each["top_logprobs"], {"token": "zz", "logprob": -20.0, "bytes": [122, 122]}]


def drawn_last(each: Any) -> None:
    """The drawn token beside three likelier ones."""
    others = [LIKELY | {"token": f"t{n}"} for n in range(3)]
    each["logprob"] = -9.5
    each["top_logprobs"] = [*others, {key: each[key] for key in ("token", "logprob", "bytes")}]


def drawn_alone(each: Any) -> None:
    each["top_logprobs"] = [{key: each[key] for key in ("token", "logprob", "bytes")}]


def in_code_points(each: Any) -> None:
    each["bytes"] = [ord(c) & 255 for c in each["token"]]


def of_the_first(document: Any) -> None:
    for choice in document["choices"]:
        if choice["index"]:
            choice["logprobs"] = None


def odd(asked: Asked) -> bool:
    return asks("top_logprobs", 2, 21, -1)(asked)


DEFECTS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "logprobs ignored": (asked_as(both(drop("logprobs"), drop("top_logprobs")), plain(wanted)), {"CHAT-036": FAIL}),
    "logprobs ignored in streams": (
        asked_as(both(drop("logprobs"), drop("top_logprobs")), streamed(wanted)),
        {"STREAM-060": FAIL},
    ),
    "no logprobs": (reply(put(LOGPROBS, None), wanted), {"CHAT-036": FAIL}),
    "no entries": (reply(put(CONTENT, []), wanted), {"CHAT-036": FAIL}),
    "the arrays of legacy completions": (reply(put(LOGPROBS, as_arrays), wanted), {"CHAT-036": FAIL}),
    "a token that is a number": (reply(put(f"{ENTRY}.token", 7), wanted), {"CHAT-036": FAIL}),
    "a logprob that is a text": (reply(put(f"{ENTRY}.logprob", "-0.1"), wanted), {"CHAT-036": FAIL}),
    "bytes that are a text": (reply(put(f"{ENTRY}.bytes", "eA=="), wanted), {"CHAT-036": FAIL}),
    "alternatives that are an object": (reply(put(TOP, {"x": -0.1}), wanted), {"CHAT-036": FAIL, "CHAT-038": WARN}),
    "no alternatives, not even null": (reply(drop(TOP), wanted), {"CHAT-036": WARN, "CHAT-038": WARN}),
    "logprobs refused in streams": (
        answered(streamed(wanted), error(400)),
        {"STREAM-001": FAIL, "STREAM-060": FAIL},
    ),
    "no logprobs in streams": (chunk(put(LOGPROBS, None), wanted), {"STREAM-060": FAIL}),
    "the arrays of legacy completions in streams": (chunk(put(LOGPROBS, as_arrays), wanted), {"STREAM-060": FAIL}),
    "a logprob that is a text in streams": (chunk(put(f"{ENTRY}.logprob", "-0.1"), wanted), {"STREAM-060": FAIL}),
    "logprobs in streams that nobody asked for": (
        chunk(put(LOGPROBS, {"content": []}), plainly_streamed),
        {"CHAT-016": WARN},
    ),
    "no entries of the second choice": (reply(of_the_first, two), {"CHAT-036": FAIL}),
    "no entries of the second choice in streams": (chunk(of_the_first, two), {"STREAM-060": FAIL}),
    "bytes of code points": (reply(entry(in_code_points), two), {"CHAT-037": WARN}),
    "bytes of code points in streams": (chunk(entry(in_code_points), two), {"CHAT-037": WARN}),
    "likelier than sure": (reply(entry(surely), wanted), {"CHAT-037": WARN}),
    "likelier than sure in streams": (chunk(entry(surely), wanted), {"CHAT-037": WARN}),
    "other tokens": (reply(entry(other_token), wanted), {"CHAT-037": WARN}),
    "other tokens in streams": (chunk(entry(other_token), wanted), {"CHAT-037": WARN}),
    "the first token is missing": (reply(entries(lambda found: found[1:]), wanted), {"CHAT-037": WARN}),
    "every token twice": (chunk(entries(lambda found: found * 2), wanted), {"CHAT-037": WARN}),
    "four alternatives": (reply(entry(one_more), wanted), {"CHAT-038": FAIL}),
    "four alternatives in streams": (chunk(entry(one_more), wanted), {"CHAT-038": FAIL}),
    "five alternatives": (asked_as(put("top_logprobs", 5), wanted), {"CHAT-038": FAIL}),
    "the drawn token beside three others": (reply(entry(drawn_last), wanted), {"CHAT-038": WARN}),
    "no alternatives": (asked_as(put("top_logprobs", 0), wanted), {"CHAT-038": WARN}),
    "no alternatives in streams": (asked_as(put("top_logprobs", 0), streamed(wanted)), {"CHAT-038": WARN}),
    "impossible numbers are none": (asked_as(drop("top_logprobs"), odd), {"CHAT-039": WARN}),
    "more than twenty that crash": (answered(asks("top_logprobs", 21), error(500)), {"CHAT-039": FAIL}),
    "top_logprobs without logprobs": (
        asked_as(put("logprobs", True), lambda a: asks("top_logprobs", 2)(a) and "logprobs" not in a.object),
        {"CHAT-039": WARN, "CHAT-016": WARN},
    ),
    "0 taken for false": (reply(put(LOGPROBS, None), alone), {"CHAT-099": WARN}),
    "0 refused": (answered(alone, error(400)), {"CHAT-099": WARN}),
    "0 that crashes": (answered(alone, error(500)), {"CHAT-099": FAIL}),
    "0 taken for the default": (asked_as(put("top_logprobs", 5), alone), {"CHAT-099": WARN}),
    "the drawn token for 0": (reply(entry(drawn_alone), alone), {"CHAT-099": WARN}),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_of_logprobs_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = DEFECTS[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged


def impossible(each: Any) -> None:
    """What an engine writes for the logarithm of 0."""
    for other in each["top_logprobs"][1:]:
        other["logprob"] = -9999.0


def unbytes(each: Any) -> None:
    each["bytes"] = None
    for other in each["top_logprobs"]:
        other["bytes"] = None


def with_special_token(document: Any) -> None:
    for choice in document["choices"]:
        last = {"token": "<|eot_id|>", "logprob": 0.0, "bytes": None, "top_logprobs": []}
        choice["logprobs"]["content"].append(last)


def after_thoughts(document: Any) -> None:
    """The tokens of the thoughts have entries, too."""
    for choice in document["choices"]:
        choice["message"]["reasoning_content"] = "Hm."
        thought = {"token": "Hm.</think>", "logprob": 0.0, "bytes": list(b"Hm.</think>"), "top_logprobs": []}
        choice["logprobs"]["content"].insert(0, thought)


def trimmed(document: Any) -> None:
    """The white space around the text is cut off, and that of its tokens is not."""
    for choice in document["choices"]:
        first = choice["logprobs"]["content"][0]
        first.update(token=" " + first["token"], bytes=[32, *first["bytes"]])


def split_character(document: Any) -> None:
    """A character that the cap cut in two, and half of it among the bytes of the last token."""
    for choice in document["choices"]:
        choice["message"]["content"] += "\N{REPLACEMENT CHARACTER}"
        half = {"token": "bytes:\\xf0\\x9f", "logprob": 0.0, "bytes": [0xF0, 0x9F], "top_logprobs": []}
        choice["logprobs"]["content"].append(half)


def speechless(document: Any) -> None:
    for choice in document["choices"]:
        choice["message"]["content"], choice["logprobs"] = "", {"content": [], "refusal": None}
    document["usage"].update(completion_tokens=0, total_tokens=document["usage"]["prompt_tokens"])


GREEN: dict[str, tuple[Wrap, set[str]]] = {
    "no refusal": (everywhere(drop(f"{LOGPROBS}.refusal")), set()),
    "no bytes": (everywhere(entry(unbytes)), set()),
    "impossible alternatives": (everywhere(entry(impossible)), set()),
    "two alternatives": (asked_as(put("top_logprobs", 2), wanted), set()),
    "alternatives that are null for 0": (reply(put(TOP, None), alone), set()),
    "a special token at the end": (reply(with_special_token, wanted), set()),
    "thoughts before the text": (reply(after_thoughts, wanted), set()),
    "trimmed text": (reply(trimmed, wanted), set()),
    "half a character": (reply(split_character, wanted), set()),
    "an empty answer": (reply(speechless, asks("logprobs", True)), set()),
    "no logprobs": (answered(asks("logprobs", True), error(400)), set()),
    "422 for 400": (answered(odd, error(422)), set()),
    "members of one's own": (everywhere(entry(lambda each: each.update(id=7, rank=1))), set()),
    "an empty object in other chunks": (
        chunk(put(LOGPROBS, lambda old: old or {"content": None, "refusal": None}), wanted),
        set(),
    ),
}


@pytest.mark.parametrize("name", GREEN)
def test_logprobs_that_are_right_in_another_way_turn_nothing_red(name: str) -> None:
    wrap, warned = GREEN[name]
    judged = red(judge_with(wrap, *AREAS))
    assert judged.keys() <= warned, judged


def test_claimed_logprobs_that_are_refused_are_not_passed_over() -> None:
    judged = red(judge_with(answered(asks("logprobs", True), error(400)), *AREAS, claimed=frozenset({"logprobs"})))
    assert {id: said.verdict for id, said in judged.items()} == {
        "CHAT-036": FAIL,
        "CHAT-099": WARN,
        "STREAM-060": FAIL,
    }
