"""Embeddings of other models and gateways: what harms nobody turns nothing red, and what is not offered is told from
what is broken."""

import gzip
import math
from dataclasses import replace
from typing import Any

import pytest

from conformance.verdict import Verdict

from ..defects import Answer, Asked, before, changed, error
from ..edits import Wrap, asks, chained, drop, put
from ..harmless import delayed, everywhere, unprocessable
from ..judged import gateway_app, judge, red
from .embeddings import (
    answered,
    asked_as,
    chatting,
    constant,
    counting,
    disturbed,
    doubled,
    drifting,
    emb,
    first_text,
    given,
    hundreds,
    in_base64,
    is_embedding,
    many,
    reply,
    shortened,
    texts,
    vectors,
)

FAIL, WARN = Verdict.FAIL, Verdict.WARN
HTML = Answer(404, ((b"content-type", b"text/html"),), b"<h1>Not Found</h1>")


def nearly_alike(vector: list[float]) -> list[float]:
    """Vectors of a model that tells texts apart only by a hair: cosines of about 0.9995."""
    return with_unit([1.0 + 0.02 * math.sqrt(len(vector)) * number for number in vector])


def with_unit(vector: list[float]) -> list[float]:
    norm = math.sqrt(sum(number * number for number in vector))
    return [number / norm for number in vector]


def whole_numbers(document: Any) -> None:
    """Vectors of quantised models: integers, not of unit length."""
    for item in document["data"]:
        if isinstance(item["embedding"], list):
            item["embedding"] = [round(1000 * number) for number in item["embedding"]]


def served_whole(asked: Asked) -> Answer | None:
    """No limit on the number of texts."""
    if not is_embedding(asked) or len(texts(asked)) <= 2048:
        return None
    item = {"object": "embedding", "index": 0, "embedding": [1.0, 0.0]}
    found = [item | {"index": place} for place in range(len(texts(asked)))]
    return Answer(200).with_json({"object": "list", "data": found, "model": asked.object["model"]})


def gzipped(asked: Asked, answer: Answer) -> Answer:
    if "gzip" not in (asked.header("accept-encoding") or "") or not is_embedding(asked):
        return answer
    return replace(answer, body=gzip.compress(answer.body)).with_header("content-encoding", "gzip")


GREEN: dict[str, tuple[Wrap, set[str]]] = {
    "members of one's own": (reply(everywhere), set()),
    "422 for 400": (unprocessable, set()),
    "completion tokens of nought": (reply(put("usage.completion_tokens", 0)), set()),
    "no usage": (reply(drop("usage")), {"EMB-009"}),
    "special tokens in every request": (reply(counting(lambda n: n + 2)), set()),
    "a model with its vendor": (reply(put("model", "vendor/small-2024")), set()),
    "noise in batches": (reply(vectors(disturbed(1e-4)), many), set()),
    "noise everywhere": (reply(vectors(disturbed(1e-3))), set()),
    "more noise in large batches": (reply(vectors(disturbed(0.1)), hundreds), set()),
    "much noise everywhere": (reply(vectors(disturbed(0.02))), set()),
    "a model that is not normalised": (reply(vectors(doubled)), {"EMB-017"}),
    "whole numbers": (
        chained(asked_as(drop("encoding_format"), in_base64), reply(whole_numbers)),
        {"EMB-005", "EMB-017"},
    ),
    "a model that embeds at random": (reply(vectors(drifting)), {"EMB-008"}),
    "a model that embeds all alike": (reply(vectors(constant)), {"EMB-008"}),
    "a model that embeds nearly alike": (reply(vectors(nearly_alike)), set()),
    "a model that embeds nothing but zeros": (reply(vectors(lambda old: [0.0] * len(old))), {"EMB-008"}),
    "base64 ignored": (asked_as(drop("encoding_format"), in_base64), {"EMB-005"}),
    "no dimensions": (answered(asks("dimensions"), error(400)), set()),
    "dimensions ignored": (asked_as(drop("dimensions"), asks("dimensions")), {"EMB-016"}),
    "no tokens": (answered(given([100, 200], [[100], [200]]), error(422)), {"EMB-011"}),
    "small batches only": (answered(lambda a: len(texts(a)) > 32, error(413)), set()),
    "any number of texts": (lambda app: before(app, served_whole), set()),
    "an empty text embedded": (asked_as(first_text, given("", [""])), {"EMB-012"}),
    "a mixed list embedded": (asked_as(first_text, given(["a", 1])), {"EMB-013"}),
    "no white space": (answered(given(" "), error(400)), set()),
    "a limit on texts": (answered(lambda a: len(a.body) > 100_000, error(413)), set()),
    "no stream": (answered(asks("stream"), error(400)), set()),
    "one model for all": (asked_as(put("model", "mock/small"), chatting), set()),
    "embeddings of a chat model not implemented": (answered(chatting, error(501)), set()),
    "compressed": (lambda app: changed(app, gzipped), set()),
    "slow": (delayed(0.3), set()),
}


@pytest.mark.parametrize("name", GREEN)
def test_what_harms_nobody_turns_nothing_red(name: str) -> None:
    wrap, warned = GREEN[name]
    judged = red(emb(wrap))
    assert {id: said.verdict for id, said in judged.items()} == dict.fromkeys(warned, WARN), judged


# What is not offered


def is_text(asked: Asked) -> bool:
    return isinstance(asked.object.get("input"), str)


def nothing_embeds(answer: Answer) -> Wrap:
    return answered(lambda asked: True, answer)


NOT_OFFERED = {
    "no such route, told in JSON": error(404, "Not found", type="not_found"),
    "no such route, told in HTML": HTML,
    "the method is not known": error(405),
    "not implemented": error(501),
    "no model embeds": error(400, "This model does not support embeddings."),
}


@pytest.mark.parametrize("name", NOT_OFFERED)
def test_embeddings_that_are_cleanly_refused_are_not_applicable(name: str) -> None:
    judged = emb(nothing_embeds(NOT_OFFERED[name]), embeddings_model=None)
    assert {said.verdict for said in judged.values()} == {Verdict.NOT_APPLICABLE}, judged


@pytest.mark.parametrize("options", [{"claimed": frozenset({"embeddings"})}, {"embeddings_model": "mock/small"}])
def test_claimed_embeddings_that_are_refused_are_red(options: dict[str, Any]) -> None:
    judged = emb(nothing_embeds(error(404)), **{"embeddings_model": None} | options)
    assert judged["EMB-001"].verdict is FAIL
    assert {said.verdict for id, said in judged.items() if id not in OPTIONAL} == {FAIL, Verdict.UNTESTABLE}, judged


OPTIONAL = ("EMB-003", "EMB-004", "EMB-015")


@pytest.mark.parametrize("status", [401, 500, 502])
def test_embeddings_that_fail_are_red(status: int) -> None:
    judged = emb(nothing_embeds(error(status)), embeddings_model=None)
    assert judged["EMB-001"].verdict is FAIL


def test_a_text_refused_where_a_list_is_served_is_red() -> None:
    judged = emb(answered(is_text, error(400)), embeddings_model=None)
    assert judged["EMB-001"].verdict is FAIL
    assert judged["EMB-002"].verdict is Verdict.UNTESTABLE


@pytest.mark.parametrize(
    ("feature", "wrap", "ids"),
    [
        ("embeddings_base64", asked_as(drop("encoding_format"), in_base64), {"EMB-003", "EMB-004"}),
        ("embeddings_base64", answered(in_base64, error(400)), {"EMB-003", "EMB-004"}),
        ("embeddings_dimensions", asked_as(drop("dimensions"), asks("dimensions")), {"EMB-015"}),
        ("embeddings_dimensions", answered(shortened, error(400)), {"EMB-015"}),
    ],
)
def test_an_option_is_judged_where_it_is_claimed(feature: str, wrap: Wrap, ids: set[str]) -> None:
    unclaimed, claimed = emb(wrap), emb(wrap, claimed=frozenset({feature}))
    assert {unclaimed[id].verdict for id in ids} == {Verdict.NOT_APPLICABLE}
    assert FAIL in {claimed[id].verdict for id in ids}, claimed


# Which model is asked


def asked_for(models: list[str]) -> Wrap:
    """Notes the models that are asked to embed the smallest text."""

    def note(asked: Asked) -> None:
        if is_embedding(asked) and asked.object.get("input") == "one":
            models.append(str(asked.object.get("model")))

    return lambda app: before(app, note)


def test_what_looks_like_an_embedding_model_is_asked_first() -> None:
    models: list[str] = []
    emb(asked_for(models), embeddings_model=None)
    assert models[0] == "text-embedding-3-small"
    assert set(models) == {"text-embedding-3-small", "gpt-4o-mini"}


def test_others_are_asked_where_those_refuse() -> None:
    models: list[str] = []
    likely = answered(lambda asked: "embedding" in str(asked.object.get("model")), error(400))
    judged = emb(chained(likely, asked_for(models)), embeddings_model=None, model="mock/small")
    assert red(judged) == {}, judged
    assert models.count("mock/small") > 1
    assert judged["EMB-020"].verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("profile", "path", "model"),
    [
        ("watsonx", "/ml/gateway/v1", None),
        ("nemo", "/apis/inference-gateway/v2/workspaces/default/openai/-/v1", None),
        ("nemo", "/apis/inference-gateway/v2/workspaces/default/openai/-/v1", "default/mock-small"),
    ],
)
def test_the_bundled_gateway_embeds_in_every_dialect(profile: str, path: str, model: str | None) -> None:
    judged = judge(gateway_app(), "EMB", profile=profile, path=path, embeddings_model=model)
    assert {said.verdict for said in judged.values()} == {Verdict.PASS}, judged
