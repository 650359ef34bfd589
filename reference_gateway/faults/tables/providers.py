"""Defects of a gateway that lists its providers, and whose models are called by prefixes and aliases."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reference_gateway.faults.asgi import Answer, Asked, Wrap, changed, with_request_id
from reference_gateway.faults.edits import never
from reference_gateway.faults.exchanges import HTML, answering, given, let_in, taking
from reference_gateway.faults.fault import table

PROVIDERS = table("providers", "watsonx")
row = PROVIDERS.add
BASE = "/ml/gateway/v1"
GHOST = {"id": "ghost", "uuid": "11111111-1111-4111-8111-111111111111", "object": "model", "created": 1700000000,
         "owned_by": "simulator:openai"}  # fmt: skip
Rows = list[dict[str, Any]]


def failure(status: int, message: str = "no", code: str = "failed") -> Answer:
    """An error as this dialect writes it."""
    return with_request_id(Answer(status)).with_json({"error": {"code": code, "message": message}})


def is_own_list(asked: Asked) -> bool:
    return asked.path.startswith(f"{BASE}/providers/") and asked.path.endswith("/models")


def is_one(asked: Asked) -> bool:
    return re.fullmatch(f"{BASE}/providers/[^/]+", asked.path) is not None


def at(path: str, edit: Callable[[Any], Any]) -> Wrap:
    """The document that is answered at this path is another one."""
    return where(lambda asked, x: asked.path == BASE + path and x.status == 200, lambda x: x.with_json(edit(x.json)))


def where(when: Callable[[Asked, Answer], Any], edit: Callable[[Answer], Answer]) -> Wrap:
    return lambda app: changed(app, lambda asked, x: edit(x) if when(asked, x) else None, streams=never)


def in_own_lists(edit: Callable[[Answer], Answer]) -> Wrap:
    return where(lambda asked, x: is_own_list(asked) and x.status == 200, edit)


def data(edit: Callable[[Rows], Rows]) -> Callable[[Any], Any]:
    return lambda document: {**document, "data": edit(document["data"])}


def last(**members: Any) -> Callable[[Rows], Rows]:
    return lambda rows: [*rows[:-1], {**rows[-1], **members}]


def everywhere(**members: Any) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **members} for row in rows]


def configured(**config: Any) -> Wrap:
    return at("/providers", data(last(data=config)))


def flickering() -> Wrap:
    reads = itertools.count()
    return at("/providers", data(lambda rows: rows[:-1] if next(reads) % 2 else rows))


def is_uuid(word: str) -> bool:
    return len(word) == 36 and word.count("-") == 4


def model(asked: Asked) -> str:
    return str(asked.object.get("model"))


# fmt: off
row("providers-under-another-name", "PROV-001", at("/providers", lambda document: {"providers": document["data"]}),
    "The vendor's client iterates over nothing.")
row("provider-without-uuid", "PROV-002", at("/providers", data(last(uuid=None))), "Its models can't be listed.")
row("providers-share-a-uuid", "PROV-002", at("/providers", data(lambda rows: last(uuid=rows[0]["uuid"])(rows))),
    "One provider's models are shown for two.")
row("provider-without-name", "PROV-003", at("/providers", data(last(name=""))), "Menus show a blank.")
row("provider-models-crash", "PROV-004", in_own_lists(lambda x: failure(500)), "No provider's models can be listed.")
row("provider-models-as-a-bare-array", "PROV-004", in_own_lists(lambda x: x.with_json(x.json["data"])),
    "The vendor's client raises.")
row("provider-models-null-when-empty", "PROV-004 PROV-016",
    in_own_lists(lambda x: x if x.json["data"] else x.with_json({"object": "list", "data": None})),
    "Clients iterate over null and crash.", "Go's nil slices")
row("models-of-all-without-object", "LIST-002 PROV-005 SDK-021", at("/models", data(everywhere(object=None))),
    "Typed clients refuse the list.", "the vendor's SDK marks every member optional")
row("models-of-all-lack-one", "PROV-006", at("/models", data(lambda rows: rows[:-1])), "A model can't be found.")
row("models-of-all-hold-a-ghost", "LIST-007 PROV-006", at("/models", data(lambda rows: [*rows, GHOST])),
    "Users choose a model that nobody serves.")
row("unknown-provider-is-empty", "PROV-007",
    where(lambda asked, x: is_own_list(asked) and x.status == 404 and is_uuid(asked.path.split("/")[-2]),
        lambda x: with_request_id(Answer(200)).with_json({"object": "list", "data": []})),
    "A misspelt provider looks like one without models.")
row("unknown-provider-crashes", "PROV-007 PROV-008",
    where(lambda asked, x: is_own_list(asked) and x.status == 404, lambda x: failure(500)),
    "Clients retry a provider that will never be there.")
row("providers-without-key", "AUTH-002 PROV-009",
    let_in(lambda asked, key: asked.path == f"{BASE}/providers" and not given(asked)),
    "Anybody learns whom the gateway buys from.")
row("provider-key-shown", "PROV-010", configured(apikey="b1946ac92492d2347c6235b4d2611184"),
    "Every user can use the owner's account.")
row("provider-password-in-a-url", "PROV-010", configured(base_url="https://me:hunter2@example.com/"),
    "Every user can use the owner's account.")
row("slash-taken-for-a-route", "LIST-007 PROV-011 PROV-013", answering(
    lambda asked: asked.path.startswith(BASE) and "/" in model(asked) and asked.method == "POST",
    failure(400, "no such route")),
    "Models whose id holds a slash can't be used.")
row("aliases-unknown", "PROV-012",
    answering(lambda asked: model(asked) == "azure/gpt-4o", failure(404, code="model_not_found")),
    "What the documentation says does not work.")
row("unknown-prefix-crashes", "PROV-013",
    answering(lambda asked: "nosuch" in model(asked).partition("/")[0], failure(500)),
    "Clients retry a provider that will never be there.")
row("unknown-model-of-a-provider-served", "PROV-013",
    taking(lambda asked: model(asked).startswith("openai/"),
         lambda asked: replace(asked, body=asked.body.replace(model(asked).encode(), b"gpt-4o-mini"))),
    "A misspelt model is paid for under another name.")
row("lacking-service-crashes", "PROV-014",
    answering(lambda asked: asked.path.endswith("/chat/completions") and "embedding" in model(asked), failure(500)),
    "Clients retry what a model can never do.")
row("lacking-service-told-in-html", "ERR-003 PROV-014",
    where(lambda asked, x: asked.path.endswith("/embeddings") and model(asked) == "gpt-4o-mini"
          and x.status in (400, 404), lambda x: with_request_id(HTML)),
    "Users see a page's source.")
row("provider-entry-embeds-another-model", "PROV-015",
    at("/providers", data(lambda rows: [{**rows[0], "models": [GHOST]}, *rows[1:]])),
    "Two lists of one provider disagree.")
row("provider-models-of-another-owner", "PROV-017",
    in_own_lists(lambda x: x.with_json(data(everywhere(owned_by="simulator:other"))(x.json))),
    "Costs are booked to the wrong provider.")
row("provider-fetched-is-another", "PROV-019", where(lambda asked, x: is_one(asked) and x.status == 200,
                                                  lambda x: x.with_json({**x.json, "uuid": "other"})),
    "Settings of another provider are shown.")
row("model-by-alias-only", "MODEL-001 MODEL-002 PROV-020 SDK-012",
    where(lambda asked, x: asked.path.startswith(f"{BASE}/models/") and not asked.path.endswith("azure/gpt-4o")
        and x.status == 200, lambda x: failure(404, code="model_not_found")),
    "The vendor's client, which retrieves by uuid, finds nothing.")
row("providers-flicker", "PROV-021", flickering(), "Menus change by the second.")
row("sdk-refused-at-the-gateway",
    "AUTH-014 PROV-018 SDK-001 SDK-002 SDK-003 SDK-004 SDK-005 SDK-006 SDK-007 SDK-008 SDK-009 SDK-011 "
    "SDK-012 SDK-013 SDK-014 SDK-019 SDK-020 SDK-024 SDK-025 SDK-026",
    answering(lambda asked: asked.header("x-stainless-lang") and asked.path.startswith(BASE), failure(400)),
    "No OpenAI SDK works.")
# fmt: on
