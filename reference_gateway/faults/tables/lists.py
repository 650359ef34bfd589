"""Lists of models, and single models, that are wrong."""

import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from reference_gateway.faults.asgi import Answer, Asked, Header, Wrap, before, changed, error
from reference_gateway.faults.edits import Edit, drop, edited, listing, model, models, put
from reference_gateway.faults.exchanges import answering, given
from reference_gateway.faults.fault import table

LISTS = table("listing")
row = LISTS.add
UNKNOWN = "/models/gateproof-no-such-model"


def last(edit: Edit) -> Wrap:
    """The last model of the list alone."""
    return listing(lambda document: edit(document["data"][-1]))


def flickering(app: ASGIApp) -> ASGIApp:
    """Every other equal read of the list lacks a model."""
    reads: Counter[tuple[Header, ...]] = Counter()

    def edit(asked: Asked, answer: Answer) -> Answer | None:
        if not asked.path.endswith("/models") or answer.status != 200 or asked.query:
            return None
        reads[asked.headers] += 1
        if reads[asked.headers] % 2:
            return None
        return answer.with_json(answer.json | {"data": answer.json["data"][:-1]})

    return changed(app, edit)


def now_and_then(app: ASGIApp) -> ASGIApp:
    """Two of five reads of the list lack a model, whatever sets them apart."""
    reads = itertools.count()

    def edit(asked: Asked, answer: Answer) -> Answer | None:
        if not asked.path.endswith("/models") or answer.status != 200 or next(reads) % 5 not in (1, 3):
            return None
        return answer.with_json(answer.json | {"data": answer.json["data"][:-1]})

    return changed(app, edit)


def lists(fits: Callable[[Asked], Any], answer: Answer | int) -> Wrap:
    return answering(lambda asked: asked.path.endswith("/models") and fits(asked), answer)


def retrieved(fits: Callable[[str], bool], answer: Answer | int) -> Wrap:
    """Single models whose path fits."""
    return answering(lambda asked: asked.method == "GET" and "/models/" in asked.path and fits(asked.path), answer)


def unknown(edit: Edit, status: int = 404) -> Wrap:
    """Another error for an unknown model."""

    def change(asked: Asked, answer: Answer) -> Answer | None:
        if UNKNOWN not in asked.path or answer.status != 404:
            return None
        return replace(answer.with_json(edited(edit, answer.json)), status=status)

    return lambda app: changed(app, change)


def folding(app: ASGIApp) -> ASGIApp:
    def act(asked: Asked) -> Asked | None:
        folds = "/models/" in asked.path and asked.path != asked.path.lower()
        return replace(asked, path=asked.path.lower()) if folds else None

    return before(app, act)


def slashed(asked: Asked) -> bool:
    """The list with a slash behind it, and nothing else that is odd."""
    return (
        asked.path.endswith("/models/")
        and "sk-gateproof" not in given(asked)
        and bool(given(asked))
        and asked.header("x-forwarded-for") is None
    )


def literally(piece: bytes, answer: Answer) -> Wrap:
    """Paths that hold this as it was written."""

    def wrap(app: ASGIApp) -> ASGIApp:
        refusing = before(app, lambda asked: answer)

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            hit = scope["type"] == "http" and piece in scope["raw_path"]
            await (refusing if hit else app)(scope, receive, send)

        return wrapped

    return wrap


NOT_FOUND = error(404, code="model_not_found")

# fmt: off
row("list-under-another-name", "LIST-001 SDK-011 SDK-021", listing(lambda d: {"object": "list", "models": d["data"]}),
    "openai-python iterates over nothing and says no word.", "Ollama's own API")
row("list-of-another-object", "LIST-001", listing(put("object", "models")), "Typed clients refuse the list.")
row("list-as-a-bare-array", "LIST-001 SDK-011 SDK-021",
    listing(lambda d: d["data"]), "openai-python raises an AttributeError.")
row("list-with-a-model-without-id", "LIST-002 SDK-011 SDK-021", last(drop("id")), "Model menus crash.")
row("list-with-another-object-in-it", "LIST-002 SDK-021", listing(put("data[].object", "object")),
    "Typed clients refuse the list.", "a development gateway's sample")
row("list-without-owner", "LIST-003 SDK-021", models(drop("owned_by")), "Typed clients refuse the list.")
row("list-created-as-text", "LIST-003 SDK-021", models(put("created", "2025-01-01")), "Typed clients refuse the list.")
row("list-created-in-milliseconds", "LIST-004", models(put("created", 1735689600000)),
    "Dates lie in the year 57,000.")
row("list-created-unknown", "LIST-004", models(put("created", 0)), "Every model is from 1970.",
    "lm-proxy 3.3.2 and NeMo have 0")
row("list-with-a-model-twice", "LIST-005", listing(lambda d: d["data"].append(dict(d["data"][-1]))),
    "Menus show it twice.")
row("list-without-the-model-in-use", "LIST-006",
    listing(put("data", lambda data: [item for item in data if item["id"] != "gpt-4o-mini"])),
    "What works can't be found.", "gateways with wildcards hide what they pass through")
row("list-flickers", "LIST-008", flickering, "Menus change by the second.", "replicas with stale caches")
row("list-flickers-whoever-asks", "LIST-008", now_and_then, "Menus change by the second.")
row("list-refuses-a-content-type", "LIST-009",
    lists(lambda asked: asked.header("content-type") and asked.method == "GET", 400),
    "Clients that always send the header can't list.", "middleware that reads bodies")
row("list-in-pages", "LIST-010", listing(put("has_more", True)), "openai-python never sees the second page.")
row("list-refuses-queries", "LIST-011", lists(lambda asked: asked.query, 422),
    "A cache-buster in the URL breaks the list.", "typed frameworks")
row("list-crashes-on-a-limit", "LIST-011", lists(lambda asked: b"limit" in asked.query, 500),
    "Clients that page can't list.")
row("list-with-a-blank-in-an-id", "LIST-007 LIST-013", last(put("id", lambda id: id + " ")),
    "Nobody sees what to write.")
row("list-redirects-to-another-host", "LIST-014",
    answering(lambda asked: asked.path.endswith("/models/"),
            Answer(307).with_header("location", "http://elsewhere.example/v1/models")),
    "The key goes to somebody else.")
row("list-with-a-slash-crashes", "LIST-014", answering(slashed, 500),
    "A slash too many takes it down.")
row("model-under-another-id", "MODEL-001", model(put("id", str.upper)), "Clients that compare ids find no model.")
row("models-not-retrieved", "MODEL-001", retrieved(lambda path: path.endswith("gpt-4o"), NOT_FOUND),
    "Clients that check the model first refuse to start.", "LiteLLM issue 13128")
row("model-with-literal-slash-not-found", "MODEL-002",
    literally(b"/models/meta/", NOT_FOUND),
    "Ids with a slash can't be checked.", "reverse proxies decode or refuse %2F")
row("unknown-model-retrieved-with-400", "MODEL-003", unknown(lambda body: body, 400),
    "NotFoundError is never raised.")
row("unknown-model-retrieved-without-code", "MODEL-004", unknown(put("error.code", None)),
    "Programs can't tell a missing model from a missing path.", "FastAPI's detail")
row("model-created-now", "MODEL-005", model(put("created", lambda _: time.time_ns() // 10**9)),
    "Caches are never right.", "servers that stamp every call")
row("odd-model-ids-crash", "MODEL-006", retrieved(lambda path: "a b" in path, 500), "A space takes it down.")
row("odd-model-ids-read-files", "MODEL-006", retrieved(lambda path: "passwd" in path, Answer(200, body=b"root:x:0:0")),
    "Strangers read the gateway's files.")
row("model-ids-in-any-case", "MODEL-007", folding, "Two names of one model in every bill.",
    "Ollama-like servers fold case")
row("models-found-by-their-beginning", "MODEL-007", retrieved(lambda path: path.endswith("gpt-4o-min"), Answer(
    200, body=b'{"id": "gpt-4o-mini", "object": "model", "created": 1721172741, "owned_by": "openai"}').with_header(
    "content-type", "application/json")), "A name that is cut off is taken for a model's.")
row("models-deleted-that-are-not-there", "MODEL-008", answering(
    lambda asked: asked.method == "DELETE" and asked.path.startswith("/v1/models"),
    Answer(200, body=b'{"deleted": true}')), "Scripts believe that they cleaned up.")
# fmt: on

EMPTY = table("listing", "nemo")


def null_when_empty(asked: Asked, answer: Answer) -> Answer | None:
    empty = "/workspaces/empty/" in asked.path and answer.status == 200
    return answer.with_json({"object": "list", "data": None}) if empty else None


EMPTY.add(
    "list-null-when-empty",
    "LIST-012",
    lambda app: changed(app, null_when_empty),
    "Clients iterate over null and crash, or show no error.",
    "Go's nil slices",
)
