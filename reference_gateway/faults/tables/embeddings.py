"""Embeddings that are answered wrongly."""

import base64
import json
import math
import random
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from reference_gateway.faults.asgi import Answer, Asked, Wrap, before, error
from reference_gateway.faults.edits import DONE, Edit, Where, both, drop, edited, put
from reference_gateway.faults.exchanges import answering, answers, posts, taking
from reference_gateway.faults.fault import table

EMBEDDINGS = table("embeddings")
row = EMBEDDINGS.add


CHATTERS = ("gpt-4o-mini", "gpt-4o", "meta/llama-3.3-70b-instruct", "gpt-3.5-turbo-instruct")


def embeds(asked: Asked) -> bool:
    return posts(asked, "/embeddings")


def in_base64(asked: Asked) -> bool:
    return embeds(asked) and asked.object.get("encoding_format") == "base64"


def as_numbers(asked: Asked) -> bool:
    return embeds(asked) and asked.object.get("encoding_format", "float") == "float"


def many(asked: Asked) -> bool:
    found = asked.object.get("input")
    return embeds(asked) and isinstance(found, list) and len(found) > 1 and isinstance(found[0], str)


def vectors(edit: Callable[[Any], Any], where: Where) -> Wrap:
    """Each embedding of such answers, an array or base64, becomes another one."""
    return embedded(put("data[].embedding", edit), where)


def embedded(edit: Edit, where: Where = embeds) -> Wrap:
    return answers(lambda x: x.with_json(edited(edit, x.json)), lambda asked, x: where(asked) and x.status == 200)


def unpacked(text: str) -> list[float]:
    data = base64.b64decode(text)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def packed(form: str) -> Callable[[str], str]:
    """base64 of another number format."""

    def edit(text: str) -> str:
        numbers = unpacked(text)
        return base64.b64encode(struct.pack(form.format(len(numbers)), *numbers)).decode()

    return edit


def halved(vector: list[float]) -> list[float]:
    """Half of its numbers, at the same length."""
    half = vector[: len(vector) // 2]
    length = math.sqrt(sum(x * x for x in half)) or 1.0
    return [x / length for x in half]


def noisy(vector: list[float]) -> list[float]:
    """As long, and at a cosine of about 0.7 to what it was."""
    size = math.sqrt(sum(x * x for x in vector)) / math.sqrt(len(vector))
    drawn = random.Random(len(vector))
    moved = [x + drawn.gauss(0, size) for x in vector]
    length = math.sqrt(sum(x * x for x in moved)) or 1.0
    return [x / length for x in moved]


def in_any_form(edit: Callable[[list[float]], list[float]]) -> Callable[[Any], Any]:
    """The same for an array and for base64."""

    def change(old: Any) -> Any:
        if not isinstance(old, str):
            return edit(old)
        numbers = edit(unpacked(old))
        return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()

    return change


def in_ascii(text: Any) -> Any:
    return text.encode("ascii", "ignore").decode() if isinstance(text, str) else text


def first_words(given: Any) -> Any:
    return given[:12] if isinstance(given, str) else [text[:12] for text in given]


def is_text(asked: Asked) -> bool:
    """Whether texts are to be embedded, one or many."""
    given = asked.object.get("input")
    return embeds(asked) and all(isinstance(text, str) for text in (given if isinstance(given, list) else [given]))


def asking_for(edit: Edit, where: Where) -> Wrap:
    """Such inputs are taken for others."""
    return taking(
        lambda asked: embeds(asked) and where(asked),
        lambda asked: replace(asked, body=json.dumps(edited(edit, asked.object)).encode()),
    )


def renumbered(number: Callable[[int], Any]) -> Edit:
    def edit(document: Any) -> None:
        for place, item in enumerate(document["data"]):
            item["index"] = number(place)

    return edit


def in_order(edit: Callable[[list[Any]], list[Any]]) -> Edit:
    """The vectors in another order, their indexes as if they were not."""
    return both(put("data", edit), renumbered(lambda n: n))


def overwhelmed(app: ASGIApp) -> ASGIApp:
    """After a batch of more than a thousand texts the text that was embedded first fails."""
    seen: list[bytes] = []
    broken: list[bool] = []

    def act(asked: Asked) -> Answer | None:
        if not (embeds(asked) and asked.header("authorization")):
            return None
        texts = asked.object.get("input")
        broken.extend([True] * (isinstance(texts, list) and len(texts) > 1000))
        if isinstance(texts, str) and not broken:
            seen.append(asked.body)
        return error(500) if broken and asked.body in seen else None

    return before(app, act)


# fmt: off
row("embeddings-without-object", "EMB-001 SDK-021", embedded(drop("object")), "Typed clients refuse the answer.")
row("embeddings-always-base64", "EMB-002",
    vectors(lambda old: base64.b64encode(struct.pack(f"<{len(old)}f", *old)).decode(),
          lambda asked: embeds(asked) and "encoding_format" not in asked.object),
    "Clients without numpy store texts for vectors.")
row("embeddings-floats-for-base64", "EMB-005", vectors(lambda old: unpacked(old), in_base64),
    ".NET clients, which ask for base64, fail.", "ollama issue 6934")
row("embeddings-base64-big-endian", "EMB-004 SDK-019", vectors(packed(">{}f"), in_base64),
    "Every vector of openai-python is nonsense, and nothing says so.")
row("embeddings-base64-of-doubles", "EMB-004 SDK-019",
    vectors(packed("<{}d"), lambda asked: in_base64(asked) and "dimensions" not in asked.object),
    "Vectors are twice as long and nonsense.", "LiteLLM issue 42426: lengths that differ from what was packed")
row("embeddings-base64-without-padding", "EMB-003 SDK-019", vectors(lambda text: text.rstrip("=") + "A", in_base64),
    "Decoders raise.")
row("embeddings-base64-of-the-url-alphabet", "EMB-003 SDK-019",
    vectors(lambda text: text.replace("+", "-").replace("/", "_"), in_base64), "Decoders skip characters or raise.")
row("embeddings-batch-in-another-order", "EMB-006", embedded(in_order(lambda found: found[::-1]), many),
    "Documents are found under each other's text.", "batches in order of arrival")
row("embeddings-batch-cut", "EMB-006", embedded(put("data", lambda found: found[:-1]), many),
    "The last documents are never found.")
row("embeddings-indexes-begin-anew", "EMB-006", embedded(renumbered(lambda n: n % 2), many),
    "Clients that sort by index mix documents up.", "clients that split batches merge them so")
row("embeddings-index-missing", "EMB-006", embedded(drop("data[].index"), many), "Clients that sort by index raise.")
row("embeddings-shorter-in-batches", "EMB-007", vectors(halved, lambda asked: many(asked)
                                                      and as_numbers(asked)),
    "The vector store refuses half of the documents.")
row("embeddings-constant", "EMB-008", vectors(in_any_form(lambda old: [0.6, 0.8, *[0.0] * (len(old) - 2)]), embeds),
    "Every document is found for every question.", "constant mocks and caches with too short a key")
row("embeddings-noisy-in-batches", "EMB-008", vectors(noisy, lambda asked: many(asked) and as_numbers(asked)),
    "Documents, which are embedded in batches, are not found by questions, which come alone.",
    "padding that is not masked")
row("embeddings-of-white-space-are-zero", "EMB-028", vectors(in_any_form(lambda old: [0.0] * len(old)),
    lambda asked: embeds(asked) and asked.object.get("input") == " "),
    "Cosines with it are NaN, and searches that meet one fail.")
row("embeddings-free-of-charge", "EMB-009", embedded(put("usage", {"prompt_tokens": 0, "total_tokens": 0})),
    "Nothing can be billed.")
row("embeddings-without-input-crash", "EMB-013",
    answering(lambda asked: embeds(asked) and asked.object and "input" not in asked.object, 500),
    "Clients retry a request that can never be served.")
row("embeddings-dimensions-padded", "EMB-015",
    vectors(in_any_form(lambda old: [*old, 0.0, 0.0]), lambda asked: embeds(asked) and "dimensions" in asked.object),
    "The vector store refuses every document.", "dimensions are often ignored without a word")
row("embeddings-not-normalised", "EMB-017", vectors(in_any_form(lambda old: [2 * x for x in old]), embeds),
    "Dot products are no cosines.", "many open models")
row("embeddings-by-a-chat-model", "EMB-020 ERR-020 ERR-038 ERR-040",
    answers(lambda x: error(500),
            lambda asked, x: embeds(asked) and x.status in (400, 404) and asked.object.get("model") in CHATTERS
            and asked.object.get("input") and asked.header("content-type")),
    "Clients retry a model that can never embed.")
row("embeddings-escaped-texts-differ", "EMB-021",
    taking(lambda asked: embeds(asked) and b"\\u" in asked.body, lambda asked: replace(
      asked, body=asked.body.replace(b"\\u", b"u"))),
    "The same document is found or not, by the client that wrote it.")
row("embeddings-streamed", "EMB-022",
    answers(lambda x: replace(x, body=b"data: " + x.body + b"\n\n" + DONE).with_header(
      "content-type", "text/event-stream"), lambda asked, x: embeds(asked) and asked.streams and x.status == 200),
    "Clients can't read a stream of vectors.")
row("embeddings-without-model", "EMB-026 SDK-021", embedded(drop("model")), "Vectors of two models are mixed up.")
row("embeddings-of-another-model", "EMB-027", embedded(put("model", "text-embedding-ada-002")),
    "Vectors are stored under the wrong model.")
row("embeddings-user-refused", "EMB-025", answering(lambda asked: embeds(asked) and "user" in asked.object, 400),
    "Clients that name their user are refused.")
row("embeddings-floats-as-base64", "EMB-024 SDK-021",
    vectors(lambda old: base64.b64encode(struct.pack(f"<{len(old)}f", *old)).decode(),
            lambda asked: embeds(asked) and asked.object.get("encoding_format") == "float"),
    "Clients that ask for numbers get texts.")
row("embeddings-gzip-in-name-only", "EMB-029 HDR-005",
    answers(lambda x: x.with_header("content-encoding", "gzip"),
            lambda asked, x: embeds(asked) and x.status == 200 and "gzip" in (asked.header("accept-encoding") or "")
            and asked.header("x-stainless-lang") is None),
    "Clients fail to unpack what is not packed.")
row("embeddings-broken-after-a-large-batch", "EMB-030", overwhelmed,
    "One large batch ends the service for all.")
row("embeddings-of-ascii-alone", "EMB-031",
    asking_for(put("input[]", in_ascii), lambda asked: isinstance(asked.object.get("input"), list)),
    "All questions in other scripts find the same documents.", "text columns and headers in ASCII")
row("embeddings-by-their-first-words", "EMB-008", asking_for(put("input", first_words), is_text),
    "Documents that begin alike are one.", "caches with too short a key")
row("embeddings-shortened-only-cut", "EMB-017",
    vectors(in_any_form(lambda old: [x / 2 for x in old]),
            lambda asked: as_numbers(asked) and "dimensions" in asked.object),
    "Dot products are no cosines as soon as vectors are shortened.", "vectors that are cut and not normalised")
row("embeddings-large-batch-cut", "EMB-014",
    asking_for(put("input", lambda found: found[:2048]),
               lambda asked: many(asked) and len(asked.object["input"]) > 2048),
    "The last documents of a batch are never found.")
row("embeddings-list-of-one-crashes", "EMB-023 ERR-041",
    answering(lambda asked: embeds(asked) and isinstance(asked.object.get("input"), list)
            and len(asked.object["input"]) == 1 and isinstance(asked.object["input"][0], str)
              and asked.object["input"][0].strip(), 500),
    "Batches whose last piece has one text fail.")
# fmt: on
