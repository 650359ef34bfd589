"""One-line defects of embeddings: what becomes of each answer, or of what is asked, as a table can say it."""

import base64
import json
import random
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from ..defects import Answer, Asked, before, changed
from ..edits import Edit, Where, Wrap, asks, edited, put
from ..judged import Outcome, gateway_app, judge

MODEL, LENGTH = "mock/small", 384
"""The bundled model with the shortest vectors."""
in_base64 = asks("encoding_format", "base64")
shortened = asks("dimensions", LENGTH // 2)


def is_embedding(asked: Asked) -> bool:
    return asked.path.endswith("/embeddings") and asked.method == "POST"


def by_default(asked: Asked) -> bool:
    return "encoding_format" not in asked.object


def texts(asked: Asked) -> list[Any]:
    given = asked.object.get("input")
    return given if isinstance(given, list) else [given]


def many(asked: Asked) -> bool:
    return len(texts(asked)) > 1 and all(isinstance(text, str) for text in texts(asked))


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
    drawn = [random.gauss(0, 1) for _ in vector]
    norm = sum(number * number for number in drawn) ** 0.5
    return [number / norm for number in drawn]


def disturbed(size: float) -> Callable[[list[float]], list[float]]:
    """Numbers as a backend has them that computes a text anew in every batch: off by this much in all."""
    drawn = random.Random(1)
    return lambda vector: [number + drawn.gauss(0, size / len(vector) ** 0.5) for number in vector]


def by_prefix(app: ASGIApp) -> ASGIApp:
    """Texts that begin alike are taken for the one that came first."""
    known: dict[str, str] = {}

    def first(text: Any) -> Any:
        return known.setdefault(text[:12], text) if isinstance(text, str) else text

    def change(asked: Any) -> None:
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


def first_text(asked: Any) -> None:
    asked["input"] = "x"


def chatting(asked: Asked) -> bool:
    return asked.object.get("model") == "gpt-4o-mini"


def emb(wrap: Wrap, **options: Any) -> dict[str, Outcome]:
    """What EMB says of the bundled gateway with this around it."""
    return judge(wrap(gateway_app()), "EMB", **{"embeddings_model": MODEL} | options)
