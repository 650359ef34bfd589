"""What harms nobody turns no requirement of legacy completions red, and a gateway without them is not asked for more
than it takes to see that."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.verdict import Verdict

from ..defects import Answer, Asked, before, changed, error
from ..edits import Wrap, asks, both, chained, chunk, chunks, drop, event, put, stream
from ..harmless import cached, delayed, everywhere, unprocessable
from ..judged import judge, paced, red
from .completing import (
    answered,
    batch,
    is_completion,
    judge_completions,
    refusing,
    reply,
    token_batch,
    tokens,
)

LOGPROBS = "choices[].logprobs"
counted = asks("stream_options", {"include_usage": True})
HTML = Answer(404, ((b"content-type", b"text/html"),), b"<h1>Not Found</h1>")


def unscored(asked: Asked) -> bool:
    """Alternatives are objects that may not have members of one's own."""
    return asked.object.get("logprobs") is None


def ending(finish: str) -> Wrap:
    """All answers end so."""
    return chained(
        reply(put("choices[].finish_reason", finish)),
        chunk(put("choices[].finish_reason", lambda old: old and finish)),
    )


def silent(document: Any) -> None:
    """The model ends at once, at no cost."""
    for choice in document["choices"]:
        choice |= {"text": "", "logprobs": None, "finish_reason": choice["finish_reason"] and "stop"}
    if document.get("usage"):
        document["usage"] |= {"completion_tokens": 0, "total_tokens": document["usage"]["prompt_tokens"]}


def unechoed(asked: Asked) -> bool:
    return not asked.object.get("echo")


def text_with_the_end(found: list[Any]) -> list[Any]:
    """Of one choice, the last piece of text comes with the end."""
    ends = [number for number, each in enumerate(found) if each["choices"] and each["choices"][0]["finish_reason"]]
    if len(ends) != 1 or ends[0] < 2:
        return found
    last, end = found[ends[0] - 1]["choices"][0], found[ends[0]]["choices"][0]
    end |= {"text": last["text"], "logprobs": last["logprobs"]}
    return [*found[: ends[0] - 1], *found[ends[0] :]]


def without_usage_key(document: Any) -> None:
    if document["usage"] is None:
        del document["usage"]


def with_bos(document: Any) -> None:
    """Each prompt costs a token more, as tokenisers begin with one of their own."""
    if document.get("usage"):
        usage = document["usage"]
        usage["prompt_tokens"] += max(1, len(document["choices"]) if len(document["choices"]) in (2, 3) else 1)
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]


def as_sentence_pieces(document: Any) -> None:
    """Tokens spell spaces in their own way, and a special one ends them."""
    for choice in document["choices"]:
        if choice["logprobs"]:
            arrays = choice["logprobs"]
            arrays["tokens"] = [token.replace(" ", "\u2581") for token in arrays["tokens"]]


def with_special_token(document: Any) -> None:
    for choice in document["choices"]:
        arrays = choice["logprobs"]
        arrays["tokens"].append("</s>")
        arrays["token_logprobs"].append(-9999.0)
        arrays["top_logprobs"].append({"</s>": -9999.0})
        arrays["text_offset"].append(arrays["text_offset"][-1] + 1)


def prelude(found: list[Any]) -> list[Any]:
    """Azure's verdict on the prompt comes first."""
    verdict = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": []}
    return [verdict, *found]


GREEN: dict[str, tuple[Wrap, set[str]]] = {
    "members of one's own": (chained(reply(everywhere, unscored), chunk(everywhere, unscored)), set()),
    "ids of another format": (
        chained(
            reply(put("id", lambda id: id.replace("cmpl-", "gen/ü-"))),
            chunk(put("id", lambda id: id.replace("cmpl-", "gen/ü-"))),
        ),
        {"COMP-003"},
    ),
    "no logprobs, fingerprint and usage details": (
        chained(
            reply(both(drop("system_fingerprint"), drop("usage.prompt_tokens_details"))),
            reply(drop(LOGPROBS), unscored),
            chunk(both(drop("system_fingerprint"), drop(LOGPROBS)), unscored),
        ),
        set(),
    ),
    "usage details that are null": (reply(put("usage.prompt_tokens_details", None)), set()),
    "no usage, and none to be had": (chained(reply(drop("usage")), refusing(counted)), {"COMP-025"}),
    "usage that is null": (reply(put("usage", None)), {"COMP-025"}),
    "no usage in other chunks": (chunk(without_usage_key, counted), {"COMP-016"}),
    "a dated model": (
        chained(reply(put("model", "gpt-4o-mini-2024-07-18")), chunk(put("model", "openai/gpt-4o-mini"))),
        set(),
    ),
    "text with the end": (chunks(text_with_the_end), set()),
    "CRLF and comments": (
        chained(
            event(lambda piece: b": keep-alive\n\n" + piece),
            stream(lambda body: body.replace(b"\n", b"\r\n")),
        ),
        set(),
    ),
    "a verdict on the prompt first": (chunks(prelude), {"COMP-015", "COMP-016"}),
    "a model that says nothing": (chained(reply(silent, unechoed), chunk(silent, unechoed)), set()),
    "answers that all run into their caps": (ending("length"), {"COMP-031"}),
    "a content filter": (ending("content_filter"), set()),
    "prompts that begin with a token of their own": (chained(reply(with_bos), chunk(with_bos, counted)), set()),
    "tokens that spell spaces": (
        chained(reply(as_sentence_pieces), chunk(as_sentence_pieces, lambda a: not unscored(a))),
        set(),
    ),
    "a special token at the end": (reply(with_special_token, lambda a: bool(a.object.get("logprobs"))), set()),
    "no alternatives to 0 logprobs": (reply(put(f"{LOGPROBS}.top_logprobs", None), asks("logprobs", 0)), set()),
    "422 for 400": (unprocessable, set()),
    "400 with its code for 404": (
        answered(lambda a: "no-such" in str(a.object.get("model")), error(400, code="model_not_found")),
        {"COMP-020"},
    ),
    "equal requests from a cache": (cached(is_completion), {"COMP-023"}),
    "no n": (refusing(lambda a: a.object.get("n") is not None), set()),
    "no stop": (refusing(lambda a: a.object.get("stop") is not None), set()),
    "no echo": (refusing(lambda a: a.object.get("echo") is not None, 422), set()),
    "no suffix": (refusing(lambda a: a.object.get("suffix") is not None), set()),
    "no best_of": (refusing(lambda a: a.object.get("best_of") is not None), set()),
    "no logprobs": (refusing(lambda a: a.object.get("logprobs") is not None, 501), set()),
    "no echo with logprobs": (refusing(lambda a: a.object.get("echo") and a.object.get("logprobs")), set()),
    "no stream options": (refusing(lambda a: a.object.get("stream_options") is not None), set()),
    "one prompt at a time": (refusing(batch), {"COMP-006"}),
    "one prompt at a time, the rest not implemented": (refusing(batch, 501), {"COMP-006"}),
    "prompts of text only": (refusing(lambda a: tokens(a) or token_batch(a)), {"COMP-007", "COMP-008"}),
    "no best_of, not implemented": (refusing(lambda a: a.object.get("best_of") is not None, 501), set()),
    "nulls refused": (refusing(lambda a: None in a.object.values()), {"COMP-037"}),
    "a slow gateway": (delayed(0.2), set()),
}


@pytest.mark.parametrize("name", GREEN)
def test_what_harms_nobody_turns_nothing_red(name: str) -> None:
    wrap, warned = GREEN[name]
    judged = red(judge_completions(wrap))
    assert {id for id, said in judged.items()} == warned, judged
    assert all(said.verdict is Verdict.WARN for said in judged.values()), judged


# Without completions

ABSENT: dict[str, Callable[[Asked], Answer]] = {
    "no such route": lambda asked: error(404, "Invalid URL"),
    "no such route, in HTML": lambda asked: HTML,
    "a method that is not allowed": lambda asked: Answer(405, ((b"allow", b"GET"),)),
    "not implemented": lambda asked: error(501, "There are no completions."),
    "a model for chats": lambda asked: error(400, "This is a chat model."),
    "a model for chats, unprocessable": lambda asked: error(422, "This is a chat model."),
}


@pytest.mark.parametrize("name", ABSENT)
def test_a_gateway_without_completions_is_judged_by_how_it_says_so(name: str) -> None:
    asked: list[Asked] = []

    def refuse(each: Asked) -> Answer | None:
        if is_completion(each):
            asked.append(each)
            return ABSENT[name](each)
        return None

    judged = judge_completions(lambda app: before(app, refuse))
    said = {id: found.verdict for id, found in judged.items() if found.verdict is not Verdict.NOT_APPLICABLE}
    assert said == {"COMP-019": Verdict.FAIL if "HTML" in name else Verdict.WARN if "method" in name else Verdict.PASS}
    assert len(asked) <= 5


@pytest.mark.parametrize("options", [{"claimed": frozenset({"completions"})}, {"completions_model": "gpt-4o-mini"}])
def test_completions_that_are_claimed_must_be_there(options: dict[str, Any]) -> None:
    judged = judge_completions(refusing(lambda asked: True), **options)
    assert judged["COMP-001"].verdict is Verdict.FAIL, judged


def test_completions_that_crash_are_no_clean_refusal() -> None:
    judged = judge_completions(answered(lambda asked: True, error(500)))
    assert judged["COMP-001"].verdict is judged["COMP-019"].verdict is Verdict.FAIL, judged


def test_completions_of_another_model_are_asked_of_it() -> None:
    judged = judge_completions(
        refusing(lambda asked: asked.object.get("model") == "gpt-4o-mini"),
        completions_model="gpt-3.5-turbo-instruct",
    )
    assert red(judged) == {}


def test_a_text_that_is_all_thoughts_may_be_empty() -> None:
    def thinking(document: Any) -> None:
        if [choice["finish_reason"] for choice in document["choices"]] == ["length"] and document.get("usage"):
            document["choices"][0]["text"] = ""
            spent = document["usage"]["completion_tokens"]
            document["usage"]["completion_tokens_details"] = {"reasoning_tokens": spent}

    judged = judge_completions(reply(thinking))
    assert judged["COMP-027"].verdict in (Verdict.INCONCLUSIVE, Verdict.PASS), judged["COMP-027"]


def test_a_text_of_a_model_that_thinks_may_be_empty() -> None:
    """Only its chats tell so."""

    def thinking(document: Any) -> None:
        for choice in document["choices"]:
            choice["text"] = ""

    def thoughtful(asked: Asked, answer: Answer) -> Answer | None:
        if not asked.path.endswith("/chat/completions") or answer.is_stream or answer.status != 200:
            return None
        document = answer.json
        document["usage"]["completion_tokens_details"] = {"reasoning_tokens": 1}
        return answer.with_json(document)

    def wrap(app: Any) -> Any:
        return changed(reply(thinking)(app), thoughtful, streams=lambda asked: False)

    judged = judge_completions(wrap)
    assert judged["COMP-027"].verdict is Verdict.INCONCLUSIVE, judged["COMP-027"]


def over_lines(piece: bytes) -> bytes:
    """A payload as people write it, over several data lines."""
    if b"{" not in piece:
        return piece
    text = json.dumps(json.loads(piece.removeprefix(b"data: ")), indent=2)
    return b"".join(b"data: %b\n" % line.encode() for line in text.splitlines()) + b"\n"


def test_the_lines_of_a_payload_may_be_indented() -> None:
    judged = judge(event(over_lines)(paced()), "STREAM-010", "STREAM-011", "COMP-015")
    assert {id: said.verdict for id, said in judged.items()} == {
        "STREAM-010": Verdict.PASS,
        "STREAM-011": Verdict.WARN,
        "COMP-015": Verdict.WARN,
    }


# Delivery


def test_completions_that_come_in_one_burst_are_seen() -> None:
    buffered = changed(paced(), lambda asked, answer: answer)
    assert judge(buffered, "COMP-044")["COMP-044"].verdict is Verdict.WARN
    assert judge(paced(), "COMP-044")["COMP-044"].verdict is Verdict.PASS
