"""Each check of embeddings fires on its defect alone: one in the answers, or one in serving them."""

import base64
import gzip
import itertools
import json
import random
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict

from .defects import Answer, Asked, before, changed, error
from .edits import Edit, Where, Wrap, asks, both, drop, edited, put
from .judged import gateway_app, judge, red

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE
in_base64 = asks("encoding_format", "base64")
shortened = asks("dimensions", 768)


def is_embedding(asked: Asked) -> bool:
    return asked.path.endswith("/embeddings") and asked.method == "POST"


def by_default(asked: Asked) -> bool:
    return "encoding_format" not in asked.object


def texts(asked: Asked) -> list[Any]:
    given = asked.object.get("input")
    return given if isinstance(given, list) else [given]


def many(asked: Asked) -> bool:
    return len(texts(asked)) > 1


def hundreds(asked: Asked) -> bool:
    return 100 < len(texts(asked)) <= 2048


def given(*values: Any) -> Where:
    """Requests with one of these inputs, of just that type."""
    return lambda asked: "input" in asked.object and json.dumps(asked.object["input"]) in map(json.dumps, values)


def reply(edit: Edit, where: Where = lambda asked: True) -> Wrap:
    """Every embeddings answer to such a request."""

    def change(asked: Asked, answer: Answer) -> Answer:
        if is_embedding(asked) and answer.status == 200 and where(asked):
            return answer.with_json(edited(edit, answer.json))
        return answer

    return lambda app: changed(app, change)


def body(edit: Callable[[bytes], bytes], where: Where) -> Wrap:
    """The bytes of such answers."""

    def change(asked: Asked, answer: Answer) -> Answer:
        fits = is_embedding(asked) and answer.status == 200 and where(asked)
        return replace(answer, body=edit(answer.body)) if fits else answer

    return lambda app: changed(app, change)


def answered(where: Where, answer: Answer) -> Wrap:
    return lambda app: before(app, lambda asked: answer if is_embedding(asked) and where(asked) else None)


def asked_as(edit: Edit, where: Where) -> Wrap:
    """Such requests are understood as if they were others."""

    def act(asked: Asked) -> Asked | None:
        if not (is_embedding(asked) and asked.object and where(asked)):
            return None
        return replace(asked, body=json.dumps(edited(edit, asked.object)).encode())

    return lambda app: before(app, act)


def packed(vector: list[float], form: str = "<{}f") -> str:
    return base64.b64encode(struct.pack(form.format(len(vector)), *vector)).decode()


def unpacked(text: str) -> list[float]:
    data = base64.b64decode(text)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def vectors(edit: Callable[[list[float]], list[float]]) -> Edit:
    """Every vector, as an array or in base64, becomes another one."""

    def change(old: Any) -> Any:
        return packed(edit(unpacked(old))) if isinstance(old, str) else edit(old)

    return put("data[].embedding", change)


def arrays(edit: Callable[[list[float]], Any]) -> Edit:
    return put("data[].embedding", lambda old: edit(old) if isinstance(old, list) else old)


def in_binary(edit: Callable[[str], Any]) -> Edit:
    return put("data[].embedding", lambda old: edit(old) if isinstance(old, str) else old)


def rewritten(form: str) -> Edit:
    return in_binary(lambda text: packed(unpacked(text), form))


def doubled(vector: list[float]) -> list[float]:
    return [2 * number for number in vector]


def halved(vector: list[float]) -> list[float]:
    """The first half, of unit length again."""
    half = vector[: len(vector) // 2]
    norm = sum(number * number for number in half) ** 0.5
    return [number / norm for number in half]


def at(place: int, value: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda vector: [*vector[:place], value, *vector[place + 1 :]]


def data(edit: Callable[[list[Any]], list[Any]]) -> Edit:
    return put("data", edit)


def numbered(edit: Callable[[list[Any]], list[Any]]) -> Edit:
    """Other items, with the right indexes."""
    return data(lambda found: [item | {"index": n} for n, item in enumerate(edit(found))])


def renumbered(edit: Callable[[int], Any]) -> Edit:
    return put("data[].index", edit)


def constant(vector: list[float]) -> list[float]:
    return [1.0] + [0.0] * (len(vector) - 1)


def drifting(vector: list[float]) -> list[float]:
    return [random.gauss(0, len(vector) ** -0.5) for _ in vector]


def by_prefix(app: ASGIApp) -> ASGIApp:
    """Texts that begin alike are taken for the one that came first."""
    known: dict[str, str] = {}

    def change(asked: Any) -> None:
        first = lambda text: known.setdefault(text[:12], text) if isinstance(text, str) else text  # noqa: E731
        found = asked.get("input")
        asked["input"] = [first(text) for text in found] if isinstance(found, list) else first(found)

    return asked_as(change, lambda asked: True)(app)


def usage(**counts: Any) -> Edit:
    def edit(document: Any) -> None:
        for key, count in counts.items():
            document["usage"][key] = count(document["usage"][key]) if callable(count) else count

    return edit


def counting(count: Callable[[int], int]) -> Edit:
    return usage(prompt_tokens=count, total_tokens=count)


def pieces(found: list[Any], size: int = 100) -> list[Any]:
    """Embeddings of a batch that was cut, each piece with indexes of its own."""
    return [item | {"index": n % size} for n, item in enumerate(found)]


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
    "infinite": (body(lambda old: old.replace(b"[[", b"[").replace(b'"embedding": [', b'"embedding": [1e999, ')
                      .replace(b'"embedding":[', b'"embedding":[1e999,'), asks("user")),
                 {"EMB-002": FAIL, "EMB-007": FAIL}),
    "vectors in vectors": (reply(arrays(lambda old: [old]), by_default), {"EMB-002": FAIL}),
    "an empty vector": (reply(arrays(lambda old: []), asks("user")), {"EMB-002": FAIL, "EMB-017": WARN}),
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
        reply(data(lambda found: [*found[:-1], found[-1] | {"embedding": packed([0.0] * 1536)}]), hundreds),
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
        reply(data(lambda found: [found[0], *(x | {"embedding": [0.0] * 1536} for x in found[1:])]),
              lambda a: many(a) and by_default(a) and len(texts(a)) < 9),
        {"EMB-006": FAIL, "EMB-017": WARN},
    ),
    "all indexes 0": (reply(renumbered(lambda _: 0)), {"EMB-006": FAIL}),
    "indexes from 1": (reply(renumbered(lambda n: n + 1)), {"EMB-006": FAIL}),
    "indexes as texts": (reply(renumbered(str)), {"EMB-006": FAIL}),
    "no index": (reply(drop("data[].index")), {"EMB-006": FAIL}),
    "shorter vectors in a batch": (reply(arrays(halved), lambda a: many(a) and by_default(a)), {"EMB-007": FAIL}),
    "a shorter vector once": (reply(arrays(halved), asks("user")), {"EMB-007": FAIL}),
    "one vector for all texts": (reply(vectors(constant)), {"EMB-008": WARN}),
    "another vector each time": (reply(vectors(drifting)), {"EMB-008": WARN}),
    "a cache that looks at the beginning": (by_prefix, {"EMB-008": WARN}),
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
    "another model": (reply(put("model", "text-embedding-ada-002")), {"EMB-027": WARN}),
}


def events(asked: Asked) -> Answer:
    return Answer(200, ((b"content-type", b"text/event-stream"),), b'data: {"object": "list"}\n\ndata: [DONE]\n\n')


def first_text(asked: Any) -> None:
    asked["input"] = "x"


def mojibake(asked: Asked) -> Asked | None:
    """UTF-8 that is read as Latin-1."""
    if not is_embedding(asked) or b"\\u" in asked.body or asked.body.isascii():
        return None
    return replace(asked, body=asked.body.decode("latin-1").encode())


def escapes_count(asked: Asked, answer: Answer) -> Answer:
    if not (is_embedding(asked) and b"\\u" in asked.body and answer.status == 200):
        return answer
    return answer.with_json(edited(counting(lambda n: n + 9), answer.json))


def compressing(edit: Callable[[Answer, bytes], Answer]) -> Wrap:
    def change(asked: Asked, answer: Answer) -> Answer:
        offered = "gzip" in (asked.header("accept-encoding") or "")
        return edit(answer, gzip.compress(answer.body)) if offered and is_embedding(asked) else answer

    return lambda app: changed(app, change)


def dying(app: ASGIApp) -> ASGIApp:
    """Embeds nothing any more once a text was too long."""
    dead = []

    def act(asked: Asked) -> Answer | None:
        if is_embedding(asked) and len(asked.body) > 100_000:
            dead.append(True)
            return error(400)
        return error(500) if is_embedding(asked) and dead and is_plain(asked) else None

    return before(app, act)


def is_plain(asked: Asked) -> bool:
    """The smallest request and nothing else."""
    return asked.object.keys() == {"model", "input"} and asked.object["input"] == "one"


def chatting(asked: Asked) -> bool:
    return asked.object.get("model") == "gpt-4o-mini"


IN_SERVING: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "the body of the SDK refused": (answered(in_base64, error(400)), {"EMB-005": FAIL}),
    "the body of the SDK crashes": (
        answered(in_base64, error(500)),
        {"EMB-003": FAIL, "EMB-004": FAIL, "EMB-005": FAIL},
    ),
    "batches refused": (
        answered(lambda a: many(a) and isinstance(texts(a)[0], str) and by_default(a), error(400)),
        {"EMB-006": FAIL, "EMB-010": UNTESTABLE},
    ),
    "large batches crash": (answered(hundreds, error(500)), {"EMB-006": FAIL}),
    "tokens refused": (answered(given([100, 200], [[100], [200]]), error(400)), {"EMB-011": WARN}),
    "tokens crash": (answered(given([[100], [200]]), error(500)), {"EMB-011": FAIL}),
    "two token arrays taken for one": (asked_as(put("input", [100, 200]), given([[100], [200]])), {"EMB-011": WARN}),
    "a token array taken for a batch": (
        asked_as(put("input", [[100], [200]]), given([100, 200])),
        {"EMB-011": WARN},
    ),
    "an empty text embedded": (asked_as(first_text, given("")), {"EMB-012": WARN}),
    "an empty list embedded": (answered(given([]), Answer(200).with_json({"data": []})), {"EMB-012": WARN}),
    "an empty list crashes": (answered(given([]), error(500)), {"EMB-012": FAIL}),
    "an empty token array crashes": (answered(given([[]]), error(502)), {"EMB-012": FAIL}),
    "null embedded": (asked_as(first_text, given(None)), {"EMB-013": FAIL}),
    "true embedded": (asked_as(first_text, given(True)), {"EMB-013": FAIL}),
    "nothing embedded": (asked_as(first_text, lambda a: "input" not in a.object), {"EMB-013": FAIL}),
    "an object crashes": (answered(given({}), error(500)), {"EMB-013": FAIL}),
    "a mixed list embedded": (asked_as(first_text, given(["a", 1])), {"EMB-013": WARN}),
    "a mixed list crashes": (answered(given(["a", 1]), error(500)), {"EMB-013": FAIL}),
    "too many cut": (
        asked_as(put("input", lambda old: old[:2048]), lambda a: len(texts(a)) > 2048),
        {"EMB-014": WARN},
    ),
    "too many crash": (answered(lambda a: len(texts(a)) > 2048, error(500)), {"EMB-014": FAIL}),
    "dimensions ignored": (asked_as(drop("dimensions"), shortened), {"EMB-015": FAIL}),
    "dimensions ignored in a batch": (asked_as(drop("dimensions"), lambda a: shortened(a) and many(a)), {"EMB-015": FAIL}),
    "other dimensions": (asked_as(put("dimensions", 512), shortened), {"EMB-015": FAIL}),
    "dimensions refused in a batch": (answered(lambda a: shortened(a) and many(a), error(400)), {"EMB-015": FAIL}),
    "no dimensions": (asked_as(drop("dimensions"), asks("dimensions")), {"EMB-016": WARN}),
    "zero dimensions": (asked_as(drop("dimensions"), asks("dimensions", 0)), {"EMB-016": WARN}),
    "dimensions as a text": (asked_as(put("dimensions", int), asks("dimensions", "8")), {"EMB-016": WARN}),
    "negative dimensions crash": (answered(asks("dimensions", -1), error(500)), {"EMB-016": FAIL}),
    "an unknown format ignored": (
        asked_as(drop("encoding_format"), asks("encoding_format", "int4")),
        {"EMB-018": WARN},
    ),
    "an unknown format crashes": (answered(asks("encoding_format", "int4"), error(500)), {"EMB-018": FAIL}),
    "a long text crashes": (answered(lambda a: len(a.body) > 100_000, error(500)), {"EMB-019": FAIL}),
    "a long text not found": (answered(lambda a: len(a.body) > 100_000, error(404)), {"EMB-019": WARN}),
    "a model that chats crashes": (answered(chatting, error(500)), {"EMB-020": FAIL}),
    "other scripts refused": (answered(lambda a: "東" in str(a.object.get("input")), error(400)), {"EMB-021": FAIL}),
    "escapes refused": (answered(lambda a: b"\\u" in a.body, error(400)), {"EMB-021": FAIL}),
    "UTF-8 read as Latin-1": (lambda app: before(app, mojibake), {"EMB-021": FAIL}),
    "escapes counted": (lambda app: changed(app, escapes_count), {"EMB-021": FAIL}),
    "streamed": (lambda app: before(app, lambda a: events(a) if is_embedding(a) and a.streams else None),
                 {"EMB-022": FAIL}),
    "a stream crashes": (answered(asks("stream", True), error(500)), {"EMB-022": FAIL}),
    "a list of one refused": (answered(given(["one"]), error(400)), {"EMB-023": FAIL}),
    "a list of one taken for its spelling": (asked_as(put("input", str), given(["one"])), {"EMB-023": FAIL}),
    "two for a list of one": (
        reply(numbered(lambda found: found * 2), given(["one"])),
        {"EMB-023": FAIL},
    ),
    "float refused": (answered(asks("encoding_format", "float"), error(422)), {"EMB-024": FAIL}),
    "base64 for float": (reply(arrays(packed), asks("encoding_format", "float")), {"EMB-024": FAIL}),
    "the user refused": (answered(asks("user"), error(400)), {"EMB-025": WARN}),
    "a space crashes": (answered(given(" "), error(500)), {"EMB-028": FAIL}),
    "a space not found": (answered(given(" "), error(404)), {"EMB-028": WARN}),
    "compressed, and not said so": (compressing(lambda answer, short: replace(answer, body=short)), {"EMB-029": FAIL}),
    "said to be compressed": (
        compressing(lambda answer, short: answer.with_header("content-encoding", "gzip")),
        {"EMB-029": FAIL},
    ),
    "compressed twice": (
        compressing(
            lambda answer, short: replace(answer, body=gzip.compress(short)).with_header("content-encoding", "gzip")
        ),
        {"EMB-029": FAIL},
    ),
    "nothing is embedded after a long text": (dying, {"EMB-030": FAIL}),
}


DEFECTS = IN_ANSWERS | IN_SERVING


def emb(wrap: Wrap, **options: Any) -> dict[str, Any]:
    return judge(wrap(gateway_app()), "EMB", **options)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_turns_its_requirement_red_and_no_other(name: str) -> None:
    wrap, broken = DEFECTS[name]
    judged = red(emb(wrap))
    assert {id: said.verdict for id, said in judged.items()} == broken, judged


def test_every_requirement_has_a_defect() -> None:
    fired = set(itertools.chain.from_iterable(broken for _, broken in DEFECTS.values()))
    from conformance.catalogue import requirements

    assert {id for id, found in requirements().items() if found.area == "EMB"} == fired
