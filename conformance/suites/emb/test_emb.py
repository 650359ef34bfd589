"""EMB: what an embeddings answer holds. What must hold for one answer is judged on every answer of the run."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from conformance.exchange import Exchange, Unusable
from conformance.probes.embeddings import MANY, TEXTS
from conformance.reading.traffic import answered, embeddings_of_text, in_each, in_replies, reply_of, sent
from conformance.reading.vectors import (
    ALIKE,
    Vector,
    alike,
    cosine,
    decoded,
    embeddings_in,
    equal,
    floats,
    is_finite,
    is_steady,
    only_vector,
    read,
    vectors_in,
)
from conformance.rules import embeddings as rules
from conformance.rules import replies, usage
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, demand, expect, hold, prefer, survive, tolerate

SAME = 0.9999
"""The cosine beyond which two texts have one vector."""
EXACTLY = 1 - 1e-6
"""The cosine of two vectors that are one and the same."""
TELLS_APART = 1e-3
"""How far from 1 the cosine of two texts must be for their vectors to be known one from the other."""
FAR = 0.9
"""The cosine below which no rounding, no padding and no other kernel explains two vectors of one text."""
STRAYS = 0.75
"""How much of what sets the texts apart may lie between two vectors of one text."""
SPECIAL_TOKENS = 2
"""That may be counted for a text alone and not for one of many, or the other way round."""


@requirement("EMB-001")
def test_a_text_is_embedded(exchanges: list[Exchange], embeddings_tries: list[Exchange]) -> None:
    alone = [x for x in embeddings_tries if isinstance(sent(x)["input"], str)]
    expect(any(x.status == 200 for x in alone), next((x for x in alone if x.ok), alone[0]))
    served = embeddings_of_text(exchanges)
    hold(Violation(x, f"the answer is no JSON: {x.seen}") for x in served if _json_of(x) is None)
    hold(Violation(x, seen) for x in served for seen in rules.shape(_json_of(x)))
    hold(in_replies([x for x in served if isinstance(sent(x)["input"], str)], rules.is_one))


@requirement("EMB-002")
def test_vectors_are_numbers(exchanges: list[Exchange], embeddings_reply: Exchange) -> None:
    answered(embeddings_reply)
    by_default = [x for x in _embeddings(exchanges) if "encoding_format" not in sent(x)]
    hold(in_replies(by_default, rules.are_numbers))


@requirement("EMB-003")
def test_base64_is_of_32_bit_floats(
    exchanges: list[Exchange], embeddings_each: list[Exchange], embeddings_base64: Exchange
) -> None:
    singles = [only_vector(x) for x in embeddings_each]
    expect(embeddings_base64.status == 200, embeddings_base64)
    hold(in_replies(_in_base64(_embeddings(exchanges)), rules.are_base64))
    hold(in_each(_in_base64(_of_the_texts(exchanges)), partial(_endless, singles=singles)))


@requirement("EMB-004")
def test_base64_holds_the_same_numbers(
    exchanges: list[Exchange],
    embeddings_each: list[Exchange],
    embeddings_reply_again: Exchange,
    embeddings_batch: Exchange,
    embeddings_base64: Exchange,
) -> None:
    singles = [only_vector(x) for x in embeddings_each]
    expect(embeddings_base64.status == 200, embeddings_base64)
    packed = _in_base64(_of_the_texts(exchanges))
    hold(in_each(packed, partial(_of_other_length, sizes={len(single) for single in singles})))
    if not alike(singles[0], only_vector(embeddings_reply_again)):
        raise Inconclusive("the model embeds the same text differently each time")
    comparable = packed if is_steady(embeddings_each, embeddings_reply_again, embeddings_batch) else [embeddings_base64]
    hold(in_each(comparable, partial(_of_other_numbers, singles=singles)))


@requirement("EMB-005")
def test_the_body_of_the_sdk_is_served(embeddings_reply: Exchange, embeddings_base64: Exchange) -> None:
    answered(embeddings_reply)
    expect(embeddings_base64.status == 200, embeddings_base64)
    kinds = {type(embedding) for embedding in embeddings_in(embeddings_base64)}
    expect(kinds <= {str, list}, embeddings_base64, "the embedding is neither base64 nor an array")
    prefer(list not in kinds, embeddings_base64, "base64 was asked for, the embedding is an array")


@requirement("EMB-006")
def test_a_batch_keeps_its_order(
    exchanges: list[Exchange],
    embeddings_each: list[Exchange],
    embeddings_reply_again: Exchange,
    embeddings_batch: Exchange,
    embeddings_many: Exchange,
) -> None:
    answered(embeddings_each[0])
    expect(embeddings_batch.status == 200, embeddings_batch)
    survive({f"{MANY} texts": embeddings_many})
    expect(embeddings_many.status in (200, 400, 413, 422), embeddings_many)
    answers = _embeddings(exchanges)
    hold(in_each(answers, _of_other_count))
    hold(in_replies(answers, rules.indexes_are_places))
    singles = dict(zip(TEXTS, map(only_vector, embeddings_each), strict=True))
    if not alike(singles[TEXTS[0]], only_vector(embeddings_reply_again)):
        raise Inconclusive("the model embeds the same text differently each time")
    if _most_apart(list(singles.values())) < TELLS_APART:
        raise Inconclusive("the model embeds different texts alike")
    hold(in_each(_of_the_texts(exchanges), partial(_out_of_order, singles=singles)))


@requirement("EMB-007")
def test_all_vectors_have_one_length(exchanges: list[Exchange], embeddings_reply: Exchange) -> None:
    whole = [x for x in _embeddings(exchanges) if not sent(x).keys() & {"dimensions", "encoding_format"}]
    sizes = {sent(embeddings_reply).get("model"): len(only_vector(embeddings_reply))}
    hold(in_each(whole, partial(_of_changing_length, sizes=sizes)))


@requirement("EMB-008")
def test_vectors_tell_texts_apart(
    embeddings_each: list[Exchange], embeddings_reply_again: Exchange, embeddings_batch: Exchange
) -> None:
    singles = [only_vector(x) for x in embeddings_each]
    again = only_vector(embeddings_reply_again)
    seen = f"two vectors of one text have the cosine {cosine(singles[0], again):.4f}"
    expect(alike(singles[0], again), embeddings_reply_again, seen)
    near = {(place, other): cosine(singles[place], singles[other]) for place, other in ((1, 0), (2, 0), (2, 1))}
    seen = "two texts have vectors with the cosine {:.6f}, others of the same model do not"
    one = {place: found for (place, _), found in near.items() if found >= EXACTLY and min(near.values()) < SAME}
    demand(Violation(embeddings_each[place], seen.format(found)) for place, found in one.items())
    hold(
        Violation(embeddings_each[place], f"two texts have vectors with the cosine {found:.6f}")
        for (place, _), found in near.items()
        if found >= SAME
    )
    in_batch = vectors_in(embeddings_batch) if embeddings_batch.ok else []
    both = [(found, single) for single, found in zip(singles, in_batch, strict=False)]
    apart = [cosine(*pair) for pair in both if not alike(*pair) and not _strays(*pair, singles)]
    seen = "alone and in a batch, one text has vectors with the cosine {:.4f}"
    demand(Violation(embeddings_batch, seen.format(found)) for found in apart if found < FAR)
    hold(Violation(embeddings_batch, seen.format(found)) for found in apart)


@requirement("EMB-009")
def test_usage_counts_the_text(exchanges: list[Exchange], embeddings_reply: Exchange) -> None:
    answered(embeddings_reply)
    answers = _embeddings(exchanges)
    hold(in_replies(answers, rules.usage_counts))
    tolerate(in_replies(answers, rules.usage_is_the_prompt))


@requirement("EMB-010")
def test_a_batch_costs_what_its_texts_cost(
    embeddings_each: list[Exchange], embeddings_batch: Exchange, embeddings_many: Exchange
) -> None:
    counts = {text: usage.prompt_tokens(reply_of(x)) for text, x in zip(TEXTS, embeddings_each, strict=True)}
    alone = {text: count for text, count in counts.items() if count is not None}
    batches = [x for x in (embeddings_batch, embeddings_many) if x.ok] or [embeddings_batch]
    if len(alone) < len(TEXTS) or any(usage.prompt_tokens(reply_of(x)) is None for x in batches):
        raise Inconclusive("not all answers carry usage", blame=None)
    hold(in_each(batches, partial(_of_other_cost, alone=alone)))


@requirement("EMB-017")
def test_vectors_have_unit_length(exchanges: list[Exchange], embeddings_reply: Exchange) -> None:
    answered(embeddings_reply)
    plain = [x for x in _embeddings(exchanges) if "encoding_format" not in sent(x)]
    hold(in_replies(plain, rules.have_unit_length))


@requirement("EMB-026")
def test_the_model_is_named(exchanges: list[Exchange], embeddings_reply: Exchange) -> None:
    answered(embeddings_reply)
    hold(in_replies(_embeddings(exchanges), replies.model_is_named))


@requirement("EMB-027")
def test_the_model_is_the_requested_one(exchanges: list[Exchange], embeddings_reply: Exchange) -> None:
    if not isinstance(model := reply_of(embeddings_reply).get("model"), str):
        raise Unusable(f"model is {show(model)}")
    asked = str(sent(embeddings_reply).get("model"))
    hold(in_replies((x for x in _embeddings(exchanges) if sent(x).get("model") == asked), rules.model_is(asked)))


def _json_of(answer: Exchange) -> Any:
    """The document, or whatever JSON it is; None where it is none."""
    try:
        return reply_of(answer)
    except Unusable:
        return answer.json if answer.is_json else None


def _embeddings(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """All answers to texts, those that hold an error left out."""
    answers = ((x, _json_of(x)) for x in embeddings_of_text(exchanges))
    return [x for x, document in answers if not (isinstance(document, dict) and document.get("error"))]


def _texts(answer: Exchange) -> list[str]:
    """The texts that were asked for, one or many."""
    asked = sent(answer)["input"]
    return asked if isinstance(asked, list) else [asked]


def _of_the_texts(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """The answers with whole vectors of nothing but our three texts."""
    whole = [x for x in _embeddings(exchanges) if "dimensions" not in sent(x)]
    return [x for x in whole if set(_texts(x)) <= set(TEXTS)]


def _in_base64(answers: Iterable[Exchange]) -> list[Exchange]:
    return [x for x in answers if sent(x).get("encoding_format") == "base64"]


# What is seen in one answer


def _endless(answer: Exchange, singles: list[Vector]) -> Iterator[str]:
    """Numbers that are not finite. What has another length, or is right when it is read the other way round, is judged
    with the numbers."""
    for place, text in enumerate(embeddings_in(answer)):
        data = decoded(text) if isinstance(text, str) else b""
        if len(floats(data)) == len(singles[0]) and not is_finite(data) and not _is_any(floats(data, ">"), singles):
            yield f"data[{place}].embedding holds numbers that are not finite"


def _of_other_length(answer: Exchange, sizes: set[int]) -> Iterator[str]:
    for embedding in embeddings_in(answer):
        if isinstance(embedding, str) and len(read(embedding)) not in sizes:
            yield f"the vector has {len(read(embedding))} numbers in base64, as an array {show(sorted(sizes))}"


def _of_other_numbers(answer: Exchange, singles: list[Vector]) -> Iterator[str]:
    """Which text's vector it is, is the order's business. A backend that is steady in a small batch need not be so in a
    large one: llama.cpp splits it."""
    least = FAR if len(_texts(answer)) > len(TEXTS) else ALIKE
    for text in embeddings_in(answer):
        if isinstance(text, str) and not _is_any(read(text), singles, least):
            why = ": the bytes are big-endian" if _is_any(floats(decoded(text), ">"), singles, least) else ""
            yield f"the numbers in base64 are others than in the array{why}"


def _of_other_count(answer: Exchange) -> Iterator[str]:
    """None at all is the business of the shape, one or more for a single text that of others."""
    asked, found = len(_texts(answer)), len(embeddings_in(answer))
    if asked > 1 and found not in (0, asked):
        yield f"{asked} texts have {found} embeddings"


def _out_of_order(answer: Exchange, singles: dict[str, Vector]) -> Iterator[str]:
    """Of base64, whose numbers are judged elsewhere, only what is another text's is out of order."""
    known = list(singles.values())
    for place, (text, embedding) in enumerate(zip(_texts(answer), embeddings_in(answer), strict=False)):
        found, own = read(embedding), singles[text]
        strays = _strays(found, own, known) and (isinstance(embedding, list) or _is_alike_any(found, known))
        if len(_texts(answer)) > 1 and strays:
            yield f"data[{place}] is not the embedding of the text at that place"


def _of_changing_length(answer: Exchange, sizes: dict[Any, int]) -> Iterator[str]:
    """`sizes` are those known by model; those of models that come up are added. An empty vector is none."""
    model = sent(answer).get("model")
    for embedding in embeddings_in(answer) if isinstance(model, str) else ():
        found = len(read(embedding))
        if found and found != (known := sizes.setdefault(model, found)):
            yield f"a vector has {found} numbers, another one of the same model {known}"


def _of_other_cost(answer: Exchange, alone: dict[str, int]) -> Iterator[str]:
    texts, found = _texts(answer), usage.prompt_tokens(reply_of(answer))
    wanted = sum(alone[text] for text in texts)
    if found is not None and abs(found - wanted) > SPECIAL_TOKENS * len(texts):
        yield f"prompt_tokens of {len(texts)} texts is {found}, one by one they are {wanted}"


def _is_any(vector: Vector, singles: list[Vector], least: float = ALIKE) -> bool:
    return any(equal(vector, single, least) for single in singles)


def _is_alike_any(vector: Vector, singles: list[Vector]) -> bool:
    return any(alike(vector, single) for single in singles)


def _most_apart(singles: list[Vector]) -> float:
    return max(1 - cosine(one, other) for one in singles for other in singles)


def _strays(found: Vector, own: Vector, singles: list[Vector]) -> bool:
    """Whether a vector is not that of its text: it is like another text's, or as far from its own as those are. What
    lies between may be a backend's that computes a text otherwise in every batch."""
    if alike(found, own):
        return False
    return _is_alike_any(found, singles) or 1 - cosine(found, own) > STRAYS * _most_apart(singles)
