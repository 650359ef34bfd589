"""EMB: what a request for embeddings may ask for, and what is refused."""

from conformance.exchange import Exchange
from conformance.reading.traffic import answered, in_replies, reply_of, sent
from conformance.reading.vectors import (
    Vector,
    alike,
    cosine,
    embeddings_in,
    is_readable,
    is_steady,
    only_vector,
    vectors_in,
)
from conformance.rules import embeddings as rules
from conformance.rules import usage
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, accept, expect, hold, must, prefer, refuse, survive

MIXED = '["a", 1]'
REFUSALS = (400, 413, 422)
SAME = 0.9999
"""The cosine beyond which two texts have one vector."""
FORMS = ("without them", "with question marks for them")
"""What may be left of other scripts, in the order of the probe."""


@requirement("EMB-011")
def test_token_arrays_are_embedded(embeddings_reply: Exchange, embeddings_of_tokens: dict[str, Exchange]) -> None:
    answered(embeddings_reply)
    accept(embeddings_of_tokens)
    hold(
        Violation(x, f"{case}: {found} embeddings")
        for case, x in embeddings_of_tokens.items()
        if (found := len(embeddings_in(x))) != (len(sent(x)["input"]) if case.startswith("[[") else 1)
    )


@requirement("EMB-012")
def test_empty_inputs_are_refused(embeddings_reply: Exchange, embeddings_of_nothing: dict[str, Exchange]) -> None:
    answered(embeddings_reply)
    refuse(embeddings_of_nothing)


@requirement("EMB-013")
def test_inputs_of_wrong_types_are_refused(
    embeddings_reply: Exchange, embeddings_of_wrong_types: dict[str, Exchange]
) -> None:
    answered(embeddings_reply)
    survive(embeddings_of_wrong_types)
    refuse({case: x for case, x in embeddings_of_wrong_types.items() if case != MIXED})
    mixed = embeddings_of_wrong_types[MIXED]
    prefer(mixed.status in (400, 422), mixed, f"{MIXED}: {mixed.seen}")


@requirement("EMB-014")
def test_too_many_texts_are_refused_or_embedded(embeddings_reply: Exchange, embeddings_of_too_many: Exchange) -> None:
    answered(embeddings_reply)
    if _failed_as(embeddings_of_too_many, "too-large"):
        raise Inconclusive("the answer is larger than what is read of one", blame=None)
    _is_refused_or_served(embeddings_of_too_many)
    if embeddings_of_too_many.status == 200:
        asked, found = len(sent(embeddings_of_too_many)["input"]), len(embeddings_in(embeddings_of_too_many))
        must(found >= asked, embeddings_of_too_many, f"{asked} texts have {found} embeddings, and nothing says so")
        expect(found == asked, embeddings_of_too_many, f"{asked} texts have {found} embeddings")


@requirement("EMB-015")
def test_dimensions_shorten_vectors(embeddings_reply: Exchange, embeddings_shortened: dict[str, Exchange]) -> None:
    answered(embeddings_reply)
    accept(embeddings_shortened)
    hold(
        Violation(x, f"{case}: dimensions {sent(x)['dimensions']}, the vector has {len(vector)} numbers")
        for case, x in embeddings_shortened.items()
        for vector in vectors_in(x)
        if len(vector) != sent(x)["dimensions"]
    )


@requirement("EMB-016")
def test_impossible_dimensions_are_refused(
    embeddings_reply: Exchange, embeddings_wrong_dimensions: dict[str, Exchange]
) -> None:
    answered(embeddings_reply)
    refuse(embeddings_wrong_dimensions)


@requirement("EMB-018")
def test_an_unknown_format_is_refused(embeddings_reply: Exchange, embeddings_unknown_format: Exchange) -> None:
    answered(embeddings_reply)
    refuse({'encoding_format "int4"': embeddings_unknown_format})


@requirement("EMB-019")
def test_a_text_that_is_too_long_is_refused_or_embedded(
    embeddings_reply: Exchange, embeddings_of_long_text: Exchange
) -> None:
    answered(embeddings_reply)
    _is_refused_or_served(embeddings_of_long_text)


@requirement("EMB-020")
def test_a_model_that_does_not_embed_is_refused(
    embeddings_reply: Exchange, embeddings_of_chat_model: Exchange | None
) -> None:
    answered(embeddings_reply)
    if embeddings_of_chat_model is None or embeddings_of_chat_model.ok:
        raise Inconclusive("the model that chats embeds, too", blame=None)
    if embeddings_of_chat_model.status != 501:
        survive({"the model that chats": embeddings_of_chat_model})
        expect(400 <= embeddings_of_chat_model.status < 500, embeddings_of_chat_model)


@requirement("EMB-021")
def test_all_scripts_are_embedded_alike(
    embeddings_each: list[Exchange],
    embeddings_reply_again: Exchange,
    embeddings_batch: Exchange,
    embeddings_unicode: dict[str, Exchange],
) -> None:
    answered(embeddings_each[0])
    accept(embeddings_unicode)
    raw, escaped = embeddings_unicode["as UTF-8"], embeddings_unicode["escaped"]
    counts = [usage.prompt_tokens(reply_of(x)) for x in (raw, escaped)]
    expect(counts[0] == counts[1], escaped, f"prompt_tokens as UTF-8 and escaped: {show(counts)}")
    if is_steady(embeddings_each, embeddings_reply_again, embeddings_batch):
        _is_same(only_vector(raw), escaped, "as UTF-8 and escaped")


@requirement("EMB-022")
def test_embeddings_are_not_streamed(embeddings_reply: Exchange, embeddings_streamed: Exchange) -> None:
    answered(embeddings_reply)
    survive({"stream true": embeddings_streamed})
    plain = is_readable(embeddings_streamed) and embeddings_streamed.media_type != "text/event-stream"
    expect(400 <= embeddings_streamed.status < 500 or plain, embeddings_streamed)


@requirement("EMB-023")
def test_a_list_of_one_text_is_that_text(
    embeddings_each: list[Exchange],
    embeddings_reply_again: Exchange,
    embeddings_batch: Exchange,
    embeddings_of_list: Exchange,
) -> None:
    answered(embeddings_each[0])
    accept({"a list of one text": embeddings_of_list})
    found = len(vectors_in(embeddings_of_list))
    expect(found < 2, embeddings_of_list, f"a list of one text has {found} embeddings")
    if is_steady(embeddings_each, embeddings_reply_again, embeddings_batch):
        _is_same(only_vector(embeddings_each[0]), embeddings_of_list, "alone and in a list")


@requirement("EMB-024")
def test_the_default_format_may_be_named(embeddings_reply: Exchange, embeddings_float: Exchange) -> None:
    answered(embeddings_reply)
    accept({'encoding_format "float"': embeddings_float})
    hold(in_replies([embeddings_float], rules.are_numbers))


@requirement("EMB-025")
def test_the_user_may_be_named(embeddings_reply: Exchange, embeddings_user: Exchange) -> None:
    answered(embeddings_reply)
    accept({"user": embeddings_user})


@requirement("EMB-028")
def test_white_space_is_refused_or_embedded(embeddings_reply: Exchange, embeddings_of_white_space: Exchange) -> None:
    answered(embeddings_reply)
    survive({"a space": embeddings_of_white_space})
    expect(embeddings_of_white_space.status in (200, 400, 422), embeddings_of_white_space)
    if embeddings_of_white_space.ok and any(only_vector(embeddings_reply)):  # of all texts, EMB-008 tells it
        seen = "the vector is nothing but zeros"
        expect(any(only_vector(embeddings_of_white_space)), embeddings_of_white_space, seen)


@requirement("EMB-029")
def test_a_compressed_answer_can_be_read(
    embeddings_each: list[Exchange],
    embeddings_reply_again: Exchange,
    embeddings_batch: Exchange,
    embeddings_compressed: Exchange,
) -> None:
    answered(embeddings_each[0])
    expect(embeddings_compressed.ok, embeddings_compressed)
    coding = embeddings_compressed.header("content-encoding") or "none"
    seen = f"content-encoding {coding}: the body can't be read"
    expect(is_readable(embeddings_compressed), embeddings_compressed, seen)
    if is_steady(embeddings_each, embeddings_reply_again, embeddings_batch):
        _is_same(only_vector(embeddings_each[0]), embeddings_compressed, "with and without a content coding")


@requirement("EMB-030")
def test_embeddings_go_on_after_refusals(embeddings_reply: Exchange, embeddings_after_all: Exchange) -> None:
    answered(embeddings_reply)
    expect(embeddings_after_all.ok, embeddings_after_all)


@requirement("EMB-031")
def test_texts_in_other_scripts_are_told_apart(
    embeddings_reply: Exchange, embeddings_of_other_scripts: Exchange
) -> None:
    answered(embeddings_reply)
    found = vectors_in(embeddings_of_other_scripts) if embeddings_of_other_scripts.ok else []
    if len(found) != len(sent(embeddings_of_other_scripts)["input"]):
        raise Inconclusive("four texts do not have four embeddings, of which EMB-006 tells", blame=None)
    one, other, *without = found
    if cosine(one, other) < SAME:
        return
    lost = [form for form, vector in zip(FORMS, without, strict=True) if cosine(one, vector) >= SAME]
    if len(lost) != 1:
        raise Inconclusive("the model knows nothing of these scripts, or tells no texts apart, as EMB-008 says")
    seen = f"two texts that differ in other scripts alone have one vector, that of the text {lost[0]}"
    expect(False, embeddings_of_other_scripts, seen)


def _is_refused_or_served(exchange: Exchange) -> None:
    """A large request may take longer than we wait, which is no crash."""
    expect(not _failed_as(exchange, "timeout"), exchange)
    survive({f"a body of {len(exchange.request.body)} bytes": exchange})
    expect(exchange.status in (200, *REFUSALS), exchange)


def _failed_as(exchange: Exchange, kind: str) -> bool:
    return exchange.failure is not None and exchange.failure.kind == kind


def _is_same(vector: Vector, answer: Exchange, ways: str) -> None:
    found = only_vector(answer)
    near = cosine(vector, found)
    expect(alike(vector, found), answer, f"{ways}, one text has vectors with the cosine {near:.4f}")
