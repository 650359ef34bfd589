"""What streaming does to a text, and to what is said of it, is seen by its requirement alone; what a model may say is
not blamed on the gateway."""

import itertools
import re
from copy import deepcopy
from typing import Any

import pytest

from conformance.verdict import Verdict
from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.gateway import Gateway

from ..defects import Asked
from ..edits import Wrap, asked_as, asks, chained, chunk, chunks, drop, judge_with, plainly_streamed, put, reply, stream
from ..judged import KEY, judge, red

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("STREAM",)
with_usage = asks("stream_options", {"include_usage": True})


def talking(asked: Asked) -> bool:
    """Streams of one text, which have no tool calls."""
    return asked.streams and not {"tools", "n", "logprobs", "response_format"} & asked.object.keys()


def counting(asked: Asked) -> bool:
    """Streams of one text that no stop sequence ends at its first token."""
    return asked.streams and with_usage(asked) and not {"stop", "n"} & asked.object.keys()


def pieces(edit: Any, where: Any = talking) -> Wrap:
    """The pieces of text of a stream become others: as many, more or fewer."""

    def change(found: list[Any]) -> list[Any]:
        old = [each for each in found if each["choices"] and each["choices"][0]["delta"].get("content")]
        if not old:
            return found
        new = []
        for text in edit([each["choices"][0]["delta"]["content"] for each in old]):
            new.append(deepcopy(old[0]))
            new[-1]["choices"][0]["delta"] = {"content": text}
        first = found.index(old[0])
        return [*found[:first], *new, *(each for each in found[first:] if each not in old)]

    return chunks(change, where)


def plain(edit: Any) -> Wrap:
    """The texts of plain answers."""
    return reply(put("choices[].message.content", lambda old: old and edit(old)))


def counted(edit: Any, where: Any = counting) -> Wrap:
    """The streamed completion_tokens, and what is left adds up."""

    def change(found: list[Any]) -> list[Any]:
        usage = found[-1].get("usage")
        if usage:
            usage["completion_tokens"] = edit(usage["completion_tokens"])
            usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return found

    return chunks(change, where)


def swapped(said: list[str]) -> list[str]:
    return [said[at ^ 1] if at ^ 1 < len(said) else said[at] for at in range(len(said))]


def split_in_two(body: bytes) -> bytes:
    """An emoji as two escapes, one to a delta."""
    first, second, *rest = body.split(b"\n\n")
    halves = [re.sub(rb'"delta":\s?{[^}]*}', b'"delta":{"content":"%s"}' % half, second) for half in HALVES]
    return b"\n\n".join([first, *halves, second, *rest])


HALVES = (b"\\\\ud83d", b"\\\\ude00")
CONTENT: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "characters lost where deltas meet": (
        pieces(lambda said: [re.sub(r"[^\x00-\u2fff]", "\ufffd\ufffd", text) for text in said]),
        {"STREAM-059": WARN},
    ),
    "letters lost where deltas meet": (
        pieces(lambda said: [re.sub(r"[^\x00-\x7f]", "\ufffd\ufffd", text) for text in said]),
        {"STREAM-059": WARN, "STREAM-068": FAIL},
    ),
    "blanks trimmed from deltas": (pieces(lambda said: [text.strip() for text in said]), {"STREAM-068": FAIL}),
    "question marks for all that is not ASCII": (
        pieces(lambda said: [text.encode("ascii", "replace").decode() for text in said]),
        {"STREAM-068": FAIL},
    ),
    "UTF-8 read as Latin-1": (
        pieces(lambda said: [text.encode().decode("latin-1") for text in said]),
        {"STREAM-068": FAIL},
    ),
    "the last delta lost": (pieces(lambda said: said[:-1]), {"STREAM-068": FAIL}),
    "half an emoji in each of two deltas": (stream(split_in_two, plainly_streamed), {"STREAM-066": FAIL}),
    "all the text so far in every delta": (
        pieces(lambda said: ["".join(said[: n + 1]) for n in range(len(said))]),
        {"STREAM-067": FAIL},
    ),
    "every delta twice": (pieces(lambda said: [text for text in said for _ in (1, 2)]), {"STREAM-067": FAIL}),
    "the whole text once more at the end": (pieces(lambda said: [*said, "".join(said)]), {"STREAM-067": FAIL}),
    "no text at all": (pieces(lambda said: []), {"STREAM-068": FAIL}),
    "the first delta lost": (pieces(lambda said: said[1:]), {"STREAM-068": FAIL}),
    "every third delta lost": (
        pieces(lambda said: [text for n, text in enumerate(said) if n % 3 != 2]),
        {"STREAM-068": FAIL},
    ),
    "the end lost": (pieces(lambda said: said[: max(len(said) - 4, 1)]), {"STREAM-068": FAIL}),
    "deltas in another order": (pieces(swapped), {"STREAM-068": FAIL}),
    "all said twice": (pieces(lambda said: said * 2), {"STREAM-068": FAIL}),
    "every fifth delta twice": (
        pieces(lambda said: [text for n, text in enumerate(said) for _ in range(1 + (n % 5 == 4))]),
        {"STREAM-068": FAIL},
    ),
    "one token, whatever was said": (counted(lambda count: 1), {"STREAM-069": FAIL}),
    "one token short": (counted(lambda count: count - 1), {"STREAM-069": FAIL}),
    "half of the tokens": (counted(lambda count: count // 2), {"STREAM-069": FAIL}),
    "another model where it is streamed": (chunk(put("model", "gpt")), {"STREAM-070": WARN}),
}


@pytest.mark.parametrize("name", CONTENT)
def test_what_is_done_to_a_text_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = CONTENT[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged


# A model that never says the same twice

FICKLE: dict[str, tuple[Wrap, Verdict]] = {
    "what the model says": (lambda app: app, Verdict.PASS),
    "no text at all": (pieces(lambda said: []), FAIL),
    "all said twice": (pieces(lambda said: said * 2), FAIL),
    "blanks trimmed from deltas": (pieces(lambda said: [text.strip() for text in said]), FAIL),
    "two of three deltas lost": (pieces(lambda said: said[::3]), WARN),
}


@pytest.mark.parametrize("name", FICKLE)
def test_what_is_done_to_a_text_is_seen_though_it_is_never_the_same(name: str) -> None:
    wrap, expected = FICKLE[name]
    app = create_app(Gateway.open(with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0}), tokens=[KEY]))
    assert judge(asked_as(drop("seed"))(wrap(app)), "STREAM-068")["STREAM-068"].verdict is expected


# What a model may say, and how a gateway may cut it into deltas


def looped(text: str) -> str:
    """As long a text of three words over and over."""
    words = itertools.cycle(["lorem", " ipsum", " dolor "])
    return "".join(next(words) for _ in text.split())


GROWING = [f" {'1' * length}" for length in range(1, 9)]
GREEN: dict[str, Wrap] = {
    "one letter in a delta": pieces(lambda said: list("".join(said))),
    "all text in one delta": pieces(lambda said: ["".join(said)]),
    "two tokens in a delta": pieces(lambda said: ["".join(said[n : n + 2]) for n in range(0, len(said), 2)]),
    "a model that goes round in circles": chained(
        plain(looped), pieces(lambda said: list(itertools.islice(itertools.cycle(["lorem ", "ipsum "]), len(said))))
    ),
    "a model with one word": chained(plain(lambda text: "ha " * 12), pieces(lambda said: ["ha "] * len(said))),
    "words that grow": chained(plain(lambda text: "".join(GROWING)), pieces(lambda said: GROWING)),
    "a character cut by the cap": chained(plain(lambda text: text + "\ufffd"), pieces(lambda said: [*said, "\ufffd"])),
    "line breaks for blanks": pieces(lambda said: [text.replace(" ", "\n") for text in said]),
    "white space of its own": pieces(lambda said: ["\n\n", *said, "\n"]),
    "thoughts that are not shown": chained(
        pieces(lambda said: []), reply(put("usage.completion_tokens_details", {"reasoning_tokens": 3}))
    ),
    "words for tokens, in a language without blanks": chained(
        plain(lambda text: "日本語の長い文章です。" * 9),
        pieces(lambda said: ["日本語の長い文章です。"] * 9),
        counted(lambda count: 1),
        reply(put("usage.completion_tokens", 1)),
        reply(lambda each: each.get("usage") and put("usage.total_tokens", each["usage"]["prompt_tokens"] + 1)(each)),
    ),
    "another model for everybody": chained(reply(put("model", "m-1")), chunk(put("model", "m-1"))),
    "the model's name now and then": reply(put("model", lambda old: next(NAMES))),
    "no model in chunks": chunk(put("model", "")),
    "a cap of its own for short answers": chained(
        reply(put("usage.completion_tokens", lambda n: max(n, 16))), counted(lambda n: max(n, 16))
    ),
}
NAMES = itertools.cycle(["m-1", "gpt-4o-mini"])


@pytest.mark.parametrize("name", GREEN)
def test_what_a_model_may_say_is_not_blamed(name: str) -> None:
    judged = red(
        judge_with(GREEN[name], "STREAM-059", "STREAM-066", "STREAM-067", "STREAM-068", "STREAM-069", "STREAM-070")
    )
    assert judged == {}


def test_a_script_that_no_stream_has_is_missed() -> None:
    wrap = chained(plain(lambda text: "日本語の長い文章です。" * 4), pieces(lambda said: [f"{'?' * 20} {len(said)}"]))
    assert red(judge_with(wrap, "STREAM-059"))["STREAM-059"].verdict is WARN
