"""Each check of PROV fires on a gateway with one defect, and on none that does the same in another right way."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.rules import providers as rules
from conformance.verdict import Verdict

from .defects import Answer, Asked, before, changed, error
from .judged import Outcome, gateway_app, judge, red

BASE = "/ml/gateway/v1"
FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE

Act = Callable[[Asked], Asked | Answer | None]
Edit = Callable[[Asked, Answer], Answer]


def judged(app: Any, *areas: str) -> dict[str, Outcome]:
    return red(judge(app, *(areas or ("PROV",)), profile="watsonx"))


def verdicts(app: Any) -> dict[str, Verdict]:
    return {id: said.verdict for id, said in judged(app).items()}


def is_own_list(asked: Asked) -> bool:
    return asked.path.startswith(f"{BASE}/providers/") and asked.path.endswith("/models")


def at(path: str, edit: Callable[[Any], Any]) -> Edit:
    """The document that is answered at this path is another one."""

    def change(asked: Asked, answer: Answer) -> Answer:
        right = asked.path == BASE + path and answer.status == 200
        return answer.with_json(edit(answer.json)) if right else answer

    return change


def in_own_lists(edit: Callable[[Asked, Answer], Answer]) -> Edit:
    return lambda asked, answer: edit(asked, answer) if is_own_list(asked) and answer.status == 200 else answer


def data(edit: Callable[[list[Any]], list[Any]]) -> Callable[[Any], Any]:
    return lambda document: {**document, "data": edit(document["data"])}


def last(**members: Any) -> Callable[[list[Any]], list[Any]]:
    """Other members in the last entry of a list, the provider without models."""
    return lambda rows: [*rows[:-1], {**rows[-1], **members}]


def everywhere(**members: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda rows: [{**row, **members} for row in rows]


def configured(**config: Any) -> Edit:
    return at("/providers", data(last(data=config)))


def every_second_read() -> Edit:
    reads = itertools.count()
    return at("/providers", data(lambda rows: rows[:-1] if next(reads) % 2 else rows))


def numbered(asked: Asked, answer: Answer) -> Answer:
    """The provider without models has a number for its uuid."""
    if asked.path == f"{BASE}/providers/0815/models":
        return Answer(200).with_json({"object": "list", "data": []})
    if asked.path == f"{BASE}/providers/0815":
        return Answer(200).with_json({"uuid": "0815"})
    return at("/providers", data(last(uuid="0815")))(asked, answer)


NULL = {"data": None}
GHOST = {"id": "ghost", "uuid": "11111111-1111-4111-8111-111111111111", "object": "model", "created": 1700000000}

ANSWERS: dict[str, tuple[Edit, dict[str, Verdict]]] = {
    "lists providers under another name": (
        at("/providers", lambda document: {"providers": document["data"]}),
        {
            "PROV-001": FAIL,
            **dict.fromkeys(("PROV-002", "PROV-003", "PROV-004", "PROV-006", "PROV-015", "PROV-016"), UNTESTABLE),
            **dict.fromkeys(("PROV-017", "PROV-021"), UNTESTABLE),
        },
    ),
    "lists providers as text": (
        lambda asked, answer: answer.with_header("content-type", "text/plain") if asked.path.endswith("rs") else answer,
        {"PROV-001": FAIL},
    ),
    "gives a provider no uuid": (at("/providers", data(last(uuid=None))), {"PROV-002": FAIL}),
    "gives two providers one uuid": (
        at("/providers", data(lambda rows: last(uuid=rows[0]["uuid"])(rows))),
        {"PROV-002": FAIL},
    ),
    "can't list the models of a provider": (
        in_own_lists(lambda asked, answer: error(500)),
        {"PROV-004": FAIL, **dict.fromkeys(("PROV-006", "PROV-015", "PROV-017"), UNTESTABLE)},
    ),
    "lists a provider's models as a bare array": (
        in_own_lists(lambda asked, answer: answer.with_json(answer.json["data"])),
        {"PROV-004": FAIL, **dict.fromkeys(("PROV-006", "PROV-015", "PROV-017"), UNTESTABLE)},
    ),
    "lists a provider's models without ids": (
        in_own_lists(lambda asked, answer: answer.with_json(data(everywhere(id=None))(answer.json))),
        {"PROV-004": FAIL},
    ),
    "lists all models without the object": (at("/models", data(everywhere(object=None))), {"PROV-005": FAIL}),
    "lists all models but one": (at("/models", data(lambda rows: rows[:-1])), {"PROV-006": FAIL}),
    "lists a model that no provider has": (at("/models", data(lambda rows: [*rows, GHOST])), {"PROV-006": FAIL}),
    "gives a model another uuid in the list of all": (at("/models", data(last(uuid="other"))), {"PROV-006": FAIL}),
    "shows the key of a provider": (configured(apikey="b1946ac92492d2347c6235b4d2611184"), {"PROV-010": FAIL}),
    "shows a key under another name": (configured(note="sk-proj-0123456789abcdefghij"), {"PROV-010": FAIL}),
    "shows keys deep inside": (configured(auth=[{"credentials": {"value": "hunter2"}}]), {"PROV-010": FAIL}),
    "shows a password in a URL": (configured(base_url="https://me:hunter2@example.com/"), {"PROV-010": FAIL}),
    "lists providers differently each time": (every_second_read(), {"PROV-021": FAIL}),
    "has no 404 for a provider's models": (
        lambda asked, answer: (
            Answer(200).with_json({"object": "list", "data": []})
            if is_own_list(asked) and answer.status == 404
            else answer
        ),
        {"PROV-007": FAIL, "PROV-008": WARN},
    ),
    "crashes on an unknown provider": (
        lambda asked, answer: error(500) if is_own_list(asked) and answer.status == 404 else answer,
        {"PROV-007": FAIL, "PROV-008": FAIL},
    ),
    "says 403 where the key is missing": (
        lambda asked, answer: error(403) if answer.status == 401 else answer,
        {"PROV-009": FAIL},
    ),
    "gives a provider no name": (at("/providers", data(last(name=""))), {"PROV-003": WARN}),
    "gives a provider no UUID": (numbered, {"PROV-003": WARN}),
    "crashes on a malformed provider id": (
        lambda asked, answer: error(500) if "/not-a-uuid/" in asked.path else answer,
        {"PROV-008": FAIL},
    ),
    "finds no models of a malformed provider id": (
        lambda asked, answer: (
            Answer(200).with_json({"object": "list", "data": []}) if "/not-a-uuid/" in asked.path else answer
        ),
        {"PROV-008": WARN},
    ),
    "embeds another model": (
        at("/providers", data(lambda rows: [{**rows[0], "models": [GHOST]}, *rows[1:]])),
        {"PROV-015": WARN},
    ),
    "has null for no models": (
        in_own_lists(lambda asked, answer: answer.with_json(answer.json | ({} if answer.json["data"] else NULL))),
        {"PROV-004": FAIL, "PROV-006": UNTESTABLE, "PROV-016": WARN},
    ),
    "has no list for no models": (
        in_own_lists(lambda asked, answer: answer if answer.json["data"] else error(404)),
        {"PROV-004": FAIL, "PROV-006": UNTESTABLE, "PROV-016": WARN},
    ),
    "names another owner": (
        in_own_lists(lambda asked, answer: answer.with_json(data(everywhere(owned_by="simulator:other"))(answer.json))),
        {"PROV-017": WARN},
    ),
    "can't be used by an SDK": (
        lambda asked, answer: error(400) if asked.header("x-stainless-lang") else answer,
        {"PROV-018": FAIL},
    ),
    "answers with another provider": (
        lambda asked, answer: (
            answer.with_json({**answer.json, "uuid": "other"})
            if re.fullmatch(f"{BASE}/providers/[^/]+", asked.path)
            else answer
        ),
        {"PROV-019": WARN},
    ),
    "crashes on a single provider": (
        lambda asked, answer: error(500) if re.fullmatch(f"{BASE}/providers/[^/]+", asked.path) else answer,
        {"PROV-019": FAIL},
    ),
    "knows models by alias only": (
        lambda asked, answer: (
            error(404)
            if asked.path.startswith(f"{BASE}/models/") and not asked.path.endswith("azure/gpt-4o")
            else answer
        ),
        {"PROV-020": WARN},
    ),
    "says 400 for an unknown model": (
        lambda asked, answer: error(400) if answer.status == 404 and asked.method == "POST" else answer,
        {"PROV-013": FAIL},
    ),
    "says 400 for an unknown model, with the code": (
        lambda asked, answer: (
            replace(answer, status=400) if answer.status == 404 and asked.method == "POST" else answer
        ),
        {"PROV-013": WARN},
    ),
}


@pytest.mark.parametrize("defect", ANSWERS)
def test_a_gateway_that(defect: str) -> None:
    edit, expected = ANSWERS[defect]
    assert verdicts(changed(gateway_app(), edit)) == expected


def keyed(asked: Asked) -> Asked:
    return asked.with_header("authorization", "Bearer sk-judged-0123456789abcdef")


REQUESTS: dict[str, tuple[Act, dict[str, Verdict]]] = {
    "needs no key for providers": (
        lambda asked: keyed(asked) if asked.path == f"{BASE}/providers" else None,
        {"PROV-009": FAIL},
    ),
    "needs no key for the models of a provider": (
        lambda asked: keyed(asked) if is_own_list(asked) else None,
        {"PROV-009": FAIL},
    ),
    "takes the part before a slash for a route": (
        lambda asked: error(400, "no such route") if "/" in str(asked.object.get("model")) else None,
        {"PROV-011": FAIL, "PROV-013": FAIL},
    ),
    "does not know aliases": (
        lambda asked: error(404, code="model_not_found") if asked.object.get("model") == "azure/gpt-4o" else None,
        {"PROV-012": WARN},
    ),
    "crashes on a service that a model lacks": (
        lambda asked: (
            error(500)
            if asked.path.endswith("/chat/completions") and "embedding" in str(asked.object.get("model"))
            else None
        ),
        {"PROV-014": FAIL},
    ),
    "explains in HTML that a service is lacking": (
        lambda asked: (
            Answer(404, ((b"content-type", b"text/html"),), b"<h1>Not Found</h1>")
            if asked.path.endswith("/embeddings") and asked.object.get("model") == "gpt-4o-mini"
            else None
        ),
        {"PROV-014": FAIL},
    ),
    "takes any key for providers": (
        lambda asked: keyed(asked) if asked.path.endswith("/providers") and asked.header("authorization") else None,
        {"PROV-009": FAIL},
    ),
    "crashes on an unknown prefix": (
        lambda asked: error(500) if "nosuch" in str(asked.object.get("model")).partition("/")[0] else None,
        {"PROV-013": FAIL},
    ),
    "falls back to another model of a known provider": (
        lambda asked: (
            replace(asked, body=asked.body.replace(asked.object["model"].encode(), b"gpt-4o-mini"))
            if str(asked.object.get("model")).startswith("openai/")
            else None
        ),
        {"PROV-013": FAIL},
    ),
}


@pytest.mark.parametrize("defect", REQUESTS)
def test_a_gateway_that_on_a_request(defect: str) -> None:
    act, expected = REQUESTS[defect]
    assert verdicts(before(gateway_app(), act)) == expected


# What is right must stay green


def by_uuid_only(asked: Asked) -> Answer | None:
    wanted = asked.path.removeprefix(f"{BASE}/models/")
    is_uuid = len(wanted) == 36 and wanted.count("-") == 4
    return None if wanted == asked.path or is_uuid else error(404, code="model_not_found")


RIGHT: dict[str, Edit] = {
    "nothing is changed": lambda asked, answer: answer,
    "no object around the providers": at("/providers", lambda document: {"data": document["data"]}),
    "secrets are masked": configured(apikey="********", token="sk-…f3a1", password="", client_secret="<redacted>"),
    "secrets are references": configured(
        apikey_reference="b1946ac92492d234",
        secret_crn="crn:v1:bluemix:public:secrets-manager:eu-de:a/1::secret:2",
        api_key="${OPENAI_API_KEY}",
        credentials="secret/data/openai",
        token_url="https://iam.example.com/token",
        tokenizer="cl100k_base",
        max_tokens="4096",
        api_key_set="true",
    ),
    "no uuids in the list of all": at(
        "/models", data(lambda rows: [{k: v for k, v in row.items() if k != "uuid"} for row in rows])
    ),
    "ids are aliases in the list of all": at(
        "/models",
        data(
            lambda rows: [
                {**{k: v for k, v in row.items() if k != "uuid"}, "id": row.get("alias", row["id"])} for row in rows
            ]
        ),
    ),
    "a single provider can't be fetched": (
        lambda asked, answer: error(405) if re.fullmatch(f"{BASE}/providers/[^/]+", asked.path) else answer
    ),
    "owners are no provider's names": in_own_lists(
        lambda asked, answer: answer.with_json(data(everywhere(owned_by="ibm"))(answer.json))
    ),
    "no provider has a list of models in its entry": at(
        "/providers", data(lambda rows: [{k: v for k, v in row.items() if k != "models"} for row in rows])
    ),
    "no models in the providers": at("/providers", data(everywhere(models=[]))),
}


@pytest.mark.parametrize("variant", RIGHT)
def test_nothing_is_red_where(variant: str) -> None:
    assert judged(changed(gateway_app(), RIGHT[variant])) == {}


def test_a_gateway_may_know_models_by_their_uuid_alone() -> None:
    found = judged(before(gateway_app(), by_uuid_only), "MODEL")
    assert {id: said.verdict for id, said in found.items()} == {"MODEL-002": WARN}


def test_a_secret_is_never_repeated() -> None:
    edit, _ = ANSWERS["shows the key of a provider"]
    said = judged(changed(gateway_app(), edit))["PROV-010"].message
    assert said == "data[2].data.apikey shows 32 characters"


def test_what_is_missing_and_what_is_extra_is_named() -> None:
    own = {"u1": {"data": [{"id": "a"}, {"id": "b", "alias": "c"}]}}
    listed = {"data": [{"id": "c"}, {"id": "d"}]}
    assert list(rules.missing(listed, own)) == ['"a" of provider u1 is missing from the list over all providers']
    assert list(rules.extra(listed, own)) == ['"d" is in no provider\'s list']
