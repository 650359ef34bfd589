"""Each check of what embeddings may be asked with fires on its defect alone."""

import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.types import ASGIApp

from conformance.catalogue import select
from conformance.verdict import Verdict

from ..defects import Answer, Asked, before, changed, error
from ..edits import Wrap, asks, drop, edited, put
from ..judged import red
from .embeddings import (
    answered,
    arrays,
    asked_as,
    by_default,
    chatting,
    counting,
    emb,
    first_text,
    given,
    hundreds,
    in_base64,
    is_embedding,
    many,
    numbered,
    packed,
    reply,
    shortened,
    texts,
    vectors,
)
from .test_emb import IN_ANSWERS

FAIL, WARN = Verdict.FAIL, Verdict.WARN


def events(asked: Asked) -> Answer:
    return Answer(200, ((b"content-type", b"text/event-stream"),), b'data: {"object": "list"}\n\ndata: [DONE]\n\n')


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
        return error(500) if is_embedding(asked) and dead and is_plain(asked) and not chatting(asked) else None

    return before(app, act)


def is_plain(asked: Asked) -> bool:
    """The smallest request and nothing else."""
    return asked.object.keys() == {"model", "input"} and asked.object["input"] == "one"


def created(asked: Asked, answer: Answer) -> Answer:
    return replace(answer, status=201) if is_plain(asked) and is_embedding(asked) else answer


def spelled(errors: str) -> Callable[[list[str]], list[str]]:
    """Texts in nothing but ASCII."""
    return lambda found: [text.encode("ascii", errors).decode() for text in found]


def in_other_scripts(asked: Asked) -> bool:
    return many(asked) and not "".join(texts(asked)).isascii()


IN_SERVING: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "the body of the SDK refused": (answered(in_base64, error(400)), {"EMB-005": FAIL}),
    "the body of the SDK crashes": (
        answered(in_base64, error(500)),
        {"EMB-005": FAIL},
    ),
    "created": (lambda app: changed(app, created), {"EMB-001": FAIL}),
    "batches refused": (
        answered(lambda a: many(a) and by_default(a), error(400)),
        {"EMB-006": FAIL},
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
    "a number embedded": (asked_as(first_text, given(5)), {"EMB-013": FAIL}),
    "a list of null embedded": (asked_as(first_text, given([None])), {"EMB-013": FAIL}),
    "nothing embedded": (asked_as(first_text, lambda a: "input" not in a.object), {"EMB-013": FAIL}),
    "an object crashes": (answered(given({}), error(500)), {"EMB-013": FAIL}),
    "a mixed list embedded": (asked_as(first_text, given(["a", 1])), {"EMB-013": WARN}),
    "a mixed list crashes": (answered(given(["a", 1]), error(500)), {"EMB-013": FAIL}),
    "too many cut": (
        asked_as(put("input", lambda old: old[:2048]), lambda a: len(texts(a)) > 2048),
        {"EMB-014": FAIL},
    ),
    "letters beyond ASCII dropped": (asked_as(put("input", spelled("ignore")), in_other_scripts), {"EMB-031": WARN}),
    "question marks for letters beyond ASCII": (
        asked_as(put("input", spelled("replace")), in_other_scripts),
        {"EMB-031": WARN},
    ),
    "too many crash": (answered(lambda a: len(texts(a)) > 2048, error(500)), {"EMB-014": FAIL}),
    "dimensions ignored": (asked_as(drop("dimensions"), shortened), {"EMB-015": FAIL}),
    "dimensions ignored in a batch": (
        asked_as(drop("dimensions"), lambda a: shortened(a) and many(a)),
        {"EMB-015": FAIL},
    ),
    "other dimensions": (asked_as(put("dimensions", 100), shortened), {"EMB-015": FAIL}),
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
    "streamed": (
        lambda app: before(app, lambda a: events(a) if is_embedding(a) and a.streams else None),
        {"EMB-022": FAIL},
    ),
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
    "a space has no direction": (reply(vectors(lambda old: [0.0] * len(old)), given(" ")), {"EMB-028": WARN}),
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


@pytest.mark.parametrize("name", IN_SERVING)
def test_a_defect_turns_its_requirement_red_and_no_other(name: str) -> None:
    wrap, broken = IN_SERVING[name]
    judged = red(emb(wrap))
    assert {id: said.verdict for id, said in judged.items()} == broken, judged


def test_every_requirement_has_a_defect() -> None:
    fired = {id for _, broken in (IN_ANSWERS | IN_SERVING).values() for id in broken}
    assert fired == select(("EMB",))
