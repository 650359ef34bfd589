"""Each check of the model list fires on its defect and on nothing else."""

import json
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict

from .defects import Answer, Asked, before, changed, error
from .edits import Wrap, drop, judge_with, listing, models, put
from .judged import red

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE
READ_OF_THE_LIST = ("LIST-002", "LIST-003", "LIST-004", "LIST-005", "LIST-008", "LIST-010", "LIST-011", "LIST-013")


def flickering(app: ASGIApp) -> ASGIApp:
    """Every other read of the list lacks a model."""
    reads = iter(range(10**6))

    def edit(asked: Asked, answer: Answer) -> Answer:
        if not asked.path.endswith("/models") or asked.query or next(reads) % 2 == 0:
            return answer
        return answer.with_json(answer.json | {"data": answer.json["data"][:-1]})

    return changed(app, edit)


def now_and_then(app: ASGIApp) -> ASGIApp:
    """Two of five reads lack a model, whatever sets them apart."""
    reads = iter(range(10**6))

    def edit(asked: Asked, answer: Answer) -> Answer:
        if not asked.path.endswith("/models") or answer.status != 200 or next(reads) % 5 not in (1, 3):
            return answer
        return answer.with_json(answer.json | {"data": answer.json["data"][:-1]})

    return changed(app, edit)


def redirecting(to: str) -> Wrap:
    """The list with a trailing slash redirects there."""
    return lambda app: before(
        app,
        lambda asked: (
            Answer(307).with_header("location", to.format(host=asked.header("host")))
            if asked.path.endswith("/models/")
            else None
        ),
    )


def answering(fits: Any, answer: Answer) -> Wrap:
    return lambda app: before(app, lambda asked: answer if asked.path.endswith("/models") and fits(asked) else None)


def never(model: str, answer: Answer) -> Wrap:
    """Whatever is asked of this model gets this answer."""
    return lambda app: before(app, lambda asked: answer if asked.object.get("model") == model else None)


def last(edit: Any) -> Wrap:
    """The last model of the list alone."""
    return listing(lambda document: edit(document["data"][-1]))


def again(document: Any) -> None:
    document["data"].append(dict(document["data"][-1]))


DEFECTS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "its object is another": (listing(put("object", "models")), {"LIST-001": FAIL}),
    "no object": (listing(drop("object")), {"LIST-001": FAIL}),
    "a bare array": (
        listing(lambda document: document["data"]),
        {"LIST-001": FAIL, "MODEL-005": UNTESTABLE}
        | dict.fromkeys((*READ_OF_THE_LIST, "LIST-006", "LIST-009"), UNTESTABLE),
    ),
    "data under another name": (
        listing(lambda document: {"object": "list", "models": document["data"]}),
        {"LIST-001": FAIL, "MODEL-005": UNTESTABLE, "LIST-006": UNTESTABLE}
        | {f"MODEL-00{n}": UNTESTABLE for n in (1, 7)}
        | dict.fromkeys(set(READ_OF_THE_LIST) - {"LIST-010"}, UNTESTABLE),
    ),
    "a model without an id": (last(drop("id")), {"LIST-002": FAIL}),
    "a model that is a string": (
        listing(put("data", lambda data: [*data, "gpt"])),
        {"LIST-002": FAIL, "LIST-006": UNTESTABLE, "MODEL-005": UNTESTABLE}
        | dict.fromkeys(("LIST-003", "LIST-004", "LIST-005", "LIST-008", "LIST-011", "LIST-013"), UNTESTABLE),
    ),
    "models of another object": (listing(put("data[].object", "object")), {"LIST-002": FAIL}),
    "no owner": (models(drop("owned_by")), {"LIST-003": WARN}),
    "created is a text": (models(put("created", "2025-01-01")), {"LIST-003": WARN}),
    "created is a fraction": (models(put("created", 1735689600.5)), {"LIST-003": WARN}),
    "created in milliseconds": (models(put("created", 1735689600000)), {"LIST-004": WARN}),
    "created is unknown": (models(put("created", 0)), {"LIST-004": WARN}),
    "a model twice": (listing(again), {"LIST-005": FAIL}),
    "the model in use is not listed": (
        listing(put("data", lambda data: [item for item in data if item["id"] != "gpt-4o-mini"])),
        {"LIST-006": FAIL},
    ),
    "a list that flickers": (flickering, {"LIST-008": WARN}),
    "a list that flickers, whoever asks": (now_and_then, {"LIST-008": WARN}),
    "a Content-Type without body refused": (
        answering(lambda asked: asked.header("content-type"), error(400)),
        {"LIST-009": FAIL},
    ),
    "a first page only": (listing(put("has_more", True)), {"LIST-010": WARN}),
    "query parameters refused": (answering(lambda asked: asked.query, error(422)), {"LIST-011": FAIL}),
    "a limit refused": (answering(lambda asked: b"limit" in asked.query, error(422)), {"LIST-011": WARN}),
    "a limit that crashes": (answering(lambda asked: b"limit" in asked.query, error(500)), {"LIST-011": FAIL}),
    "an id with a blank": (last(put("id", lambda id: id + " ")), {"LIST-007": WARN, "LIST-013": WARN}),
    "an id that is not normalised": (last(put("id", "mode\u0301le")), {"LIST-007": WARN, "LIST-013": WARN}),
    "a model that is gone is still listed": (
        listing(put("data", lambda data: [*data, data[-1] | {"id": "gone/model"}])),
        {"LIST-007": WARN, "MODEL-001": FAIL},
    ),
    "a model that is gone, in the middle": (
        listing(put("data", lambda data: [*data[:3], data[-1] | {"id": "gone/model"}, *data[3:]])),
        {"LIST-007": WARN, "MODEL-001": FAIL},
    ),
    "ids have another prefix than their models": (
        last(put("id", lambda id: f"openai/{id}")),
        {"LIST-007": WARN, "MODEL-001": FAIL},
    ),
    "a listed model is never found": (
        never("text-embedding-3-large", error(404)),
        {"LIST-007": WARN},
    ),
    "a listed model's provider is down": (
        never("meta/llama-3.3-70b-instruct", error(502)),
        {"LIST-007": WARN},
    ),
    "a trailing slash that crashes": (
        lambda app: before(app, lambda asked: error(500) if asked.path.endswith("/models/") else None),
        {"LIST-014": FAIL},
    ),
    "a trailing slash leads to another host": (redirecting("http://{host}.example/v1/models"), {"LIST-014": FAIL}),
    "a trailing slash leads nowhere": (
        lambda app: before(app, lambda asked: Answer(301) if asked.path.endswith("/models/") else None),
        {"LIST-014": FAIL},
    ),
    "a trailing slash shows a page": (
        lambda app: before(app, lambda asked: Answer(200, body=b"<html>") if asked.path.endswith("/models/") else None),
        {"LIST-014": FAIL},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = DEFECTS[name]
    judged = red(judge_with(wrap, "LIST", "MODEL", "CHAT-001", "STREAM-002", model="gpt-4o-mini"))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged


def without_data(asked: Asked, answer: Answer) -> Answer:
    return answer.with_json({"object": "list", "data": None}) if "/empty/" in asked.path else answer


def test_an_empty_list_that_is_null_is_seen() -> None:
    judged = judge_with(
        lambda app: changed(app, without_data),
        "LIST",
        path="/apis/inference-gateway/v2/workspaces/default/openai/-/v1",
        profile="nemo",
        empty_workspace="empty",
    )
    assert {id: said.verdict for id, said in red(judged).items()} == {"LIST-012": FAIL}


def through_another_path(asked: Asked) -> Asked | None:
    return replace(asked, path="/v1/models") if asked.path == "/v1/models/" else None


HARMLESS: dict[str, Wrap] = {
    "one model only, with a slash": listing(
        put("data", lambda data: [item for item in data if item["id"] == "meta/llama-3.3-70b-instruct"])
    ),
    "fields of one's own": models(put("permission", [{"id": "x"}])),
    "a list without paging but with its fields": listing(put("has_more", False)),
    "one id under two providers": listing(
        put("data", lambda data: [*({**item, "uuid": f"u-{n}"} for n, item in enumerate([*data, data[-1]]))])
    ),
    "ids that begin alike and are long": lambda app: before(
        listing(put("data", lambda data: data + [data[-1] | {"id": "x" * 100 + end} for end in "ab"]))(app),
        lambda asked: (
            replace(asked, body=json.dumps(asked.object | {"model": "mock/small"}).encode())
            if str(asked.object.get("model", "")).startswith("x" * 100)
            else None
        ),
    ),
    "a list with a trailing slash": lambda app: before(app, through_another_path),
    "a relative redirect": redirecting("../models"),
    "an absolute redirect": redirecting("http://{host}/v1/models"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_list_stays_green(name: str) -> None:
    assert red(judge_with(HARMLESS[name], "LIST", "MODEL")) == {}
