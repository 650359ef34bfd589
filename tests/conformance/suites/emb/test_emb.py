"""Each check of what embeddings hold fires on its defect alone."""

import base64
import re

import pytest

from conformance.verdict import Verdict

from ..edits import Wrap, asks, drop, put
from ..judged import red
from .embeddings import (
    LENGTH,
    arrays,
    at,
    body,
    by_default,
    by_prefix,
    constant,
    counting,
    data,
    disturbed,
    doubled,
    drifting,
    emb,
    halved,
    hundreds,
    in_base64,
    in_binary,
    many,
    numbered,
    packed,
    pieces,
    renumbered,
    reply,
    rewritten,
    shortened,
    texts,
    unpacked,
    usage,
    vectors,
)

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE

IN_ANSWERS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "no object": (reply(drop("object")), {"EMB-001": FAIL}),
    "another object in the list": (reply(put("data[].object", "vector")), {"EMB-001": FAIL}),
    "no embedding": (reply(put("data", []), asks("user")), {"EMB-001": FAIL}),
    "no data": (reply(drop("data"), asks("user")), {"EMB-001": FAIL}),
    "two for one text": (reply(numbered(lambda found: found * 2), asks("user")), {"EMB-001": FAIL}),
    "no JSON": (body(lambda old: old[:-2], asks("user")), {"EMB-001": FAIL}),
    "an error with 200": (reply(lambda _: {"error": {"message": "no"}}, asks("user")), {"EMB-001": FAIL}),
    "always base64": (reply(arrays(packed), by_default), {"EMB-002": FAIL}),
    "numbers as texts": (reply(arrays(lambda old: [str(x) for x in old]), by_default), {"EMB-002": FAIL}),
    "null in a vector": (reply(arrays(at(7, None)), asks("user")), {"EMB-002": FAIL}),
    "true in a vector": (reply(arrays(at(7, True)), by_default), {"EMB-002": FAIL}),
    "NaN in a vector": (reply(arrays(at(7, float("nan"))), by_default), {"EMB-002": FAIL}),
    "infinite": (
        body(lambda old: re.sub(rb"(embedding\": ?\[)[^,]+", rb"\g<1>1e999", old), asks("user")),
        {"EMB-002": FAIL},
    ),
    "vectors in vectors": (reply(arrays(lambda old: [old]), by_default), {"EMB-002": FAIL}),
    "an empty vector": (reply(arrays(lambda old: []), asks("user")), {"EMB-002": FAIL}),
    "no padding": (reply(in_binary(lambda text: text + "AA")), {"EMB-003": FAIL}),
    "the URL's alphabet": (
        reply(in_binary(lambda text: text.replace("+", "-").replace("/", "_"))),
        {"EMB-003": FAIL},
    ),
    "lines of base64": (reply(in_binary(lambda text: text[:76] + "\n" + text[76:])), {"EMB-003": FAIL}),
    "half a number at the end": (
        reply(in_binary(lambda text: base64.b64encode(base64.b64decode(text) + b"\0\0").decode())),
        {"EMB-003": FAIL},
    ),
    "NaN in base64": (
        reply(in_binary(lambda text: packed(at(7, float("nan"))(unpacked(text))))),
        {"EMB-003": FAIL},
    ),
    "arrays in a batch instead of base64": (
        reply(put("data[].embedding", lambda old: unpacked(old) if isinstance(old, str) else old), many),
        {"EMB-003": FAIL},
    ),
    "big-endian": (reply(rewritten(">{}f"), in_base64), {"EMB-004": FAIL}),
    "big-endian in a batch": (reply(rewritten(">{}f"), hundreds), {"EMB-004": FAIL}),
    "64-bit floats": (reply(rewritten("<{}d"), lambda asked: not shortened(asked)), {"EMB-004": FAIL}),
    "16-bit floats": (reply(rewritten("<{}e"), lambda asked: not shortened(asked)), {"EMB-004": FAIL}),
    "a number too few in base64": (
        reply(in_binary(lambda text: packed(unpacked(text)[:-1])), lambda asked: not shortened(asked)),
        {"EMB-004": FAIL},
    ),
    "not normalised in base64": (reply(vectors(doubled), in_base64), {"EMB-004": FAIL}),
    "zeros at the end of a batch in base64": (
        reply(data(lambda found: [*found[:-1], found[-1] | {"embedding": packed([0.0] * LENGTH)}]), hundreds),
        {"EMB-004": FAIL},
    ),
    "arrays instead of base64": (
        reply(put("data[].embedding", lambda old: unpacked(old) if isinstance(old, str) else old)),
        {"EMB-005": WARN},
    ),
    "a batch in another order": (reply(numbered(lambda found: found[::-1]), many), {"EMB-006": FAIL}),
    "two of a batch swapped": (
        reply(numbered(lambda found: [found[0], found[2], found[1], *found[3:]] if len(found) > 2 else found), many),
        {"EMB-006": FAIL},
    ),
    "a batch in order of arrival": (reply(data(lambda found: found[::-1]), many), {"EMB-006": FAIL}),
    "the first text of a batch for all": (
        reply(numbered(lambda found: [found[0]] * len(found)), lambda a: many(a) and by_default(a)),
        {"EMB-006": FAIL},
    ),
    "the last of a batch lost": (reply(data(lambda found: found[:-1]), many), {"EMB-006": FAIL}),
    "a batch cut at 100": (reply(data(lambda found: found[:100]), hundreds), {"EMB-006": FAIL}),
    "indexes that begin anew": (reply(data(pieces), hundreds), {"EMB-006": FAIL}),
    "pieces of a batch in another order": (
        reply(numbered(lambda found: found[64:] + found[:64]), hundreds),
        {"EMB-006": FAIL},
    ),
    "zeros for all but the first": (
        reply(
            data(lambda found: [found[0], *(x | {"embedding": [0.0] * LENGTH} for x in found[1:])]),
            lambda a: many(a) and by_default(a) and len(texts(a)) < 9,
        ),
        {"EMB-006": FAIL},
    ),
    "all indexes 0": (reply(renumbered(lambda _: 0)), {"EMB-006": FAIL}),
    "indexes from 1": (reply(renumbered(lambda n: n + 1)), {"EMB-006": FAIL}),
    "indexes as texts": (reply(renumbered(str)), {"EMB-006": FAIL}),
    "no index": (reply(drop("data[].index")), {"EMB-006": FAIL}),
    "shorter vectors in a batch": (reply(arrays(halved), lambda a: many(a) and by_default(a)), {"EMB-007": FAIL}),
    "a shorter vector once": (reply(arrays(halved), asks("user")), {"EMB-007": FAIL}),
    "one vector for all texts": (reply(vectors(constant)), {"EMB-008": WARN}),
    "another vector each time": (reply(vectors(drifting)), {"EMB-008": WARN}),
    "a cache that looks at the beginning": (by_prefix, {"EMB-008": FAIL}),
    "other numbers in a batch": (
        reply(vectors(disturbed(0.06)), lambda asked: many(asked) and by_default(asked)),
        {"EMB-008": WARN},
    ),
    "vectors that are half noise in a batch": (
        reply(vectors(disturbed(0.7)), lambda asked: many(asked) and by_default(asked)),
        {"EMB-008": FAIL, "EMB-017": WARN},
    ),
    "free of charge": (reply(counting(lambda _: 0)), {"EMB-009": FAIL}),
    "less in total": (reply(usage(total_tokens=0)), {"EMB-009": FAIL}),
    "no total": (reply(drop("usage.total_tokens")), {"EMB-009": FAIL}),
    "counts as texts": (reply(usage(prompt_tokens=str)), {"EMB-009": FAIL}),
    "more in total": (reply(usage(total_tokens=lambda n: n + 5)), {"EMB-009": WARN}),
    "no usage": (reply(drop("usage")), {"EMB-009": WARN}),
    "null usage": (reply(put("usage", None)), {"EMB-009": WARN}),
    "a constant cost": (reply(counting(lambda _: 8)), {"EMB-010": WARN}),
    "the cost of the first piece": (reply(counting(lambda n: n // 2), hundreds), {"EMB-010": WARN}),
    "not normalised": (reply(vectors(doubled)), {"EMB-017": WARN}),
    "no model": (reply(drop("model")), {"EMB-026": FAIL, "EMB-027": UNTESTABLE}),
    "an empty model": (reply(put("model", "")), {"EMB-026": FAIL, "EMB-027": WARN}),
    "another model in a batch": (reply(put("model", "another"), many), {"EMB-027": WARN}),
    "another model": (reply(put("model", "text-embedding-ada-002")), {"EMB-027": WARN}),
}


@pytest.mark.parametrize("name", IN_ANSWERS)
def test_a_defect_turns_its_requirement_red_and_no_other(name: str) -> None:
    wrap, broken = IN_ANSWERS[name]
    judged = red(emb(wrap))
    assert {id: said.verdict for id, said in judged.items()} == broken, judged
