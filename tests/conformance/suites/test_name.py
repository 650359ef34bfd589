"""Each check of NAME fires on a gateway with one defect, and on no gateway that keeps to some reading of the rule."""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

import pytest
from starlette.types import ASGIApp

from conformance.names import READINGS, VENDOR, Standing, standing
from conformance.verdict import Verdict
from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.gateway import Gateway

from .defects import Answer, Asked, before, changed
from .judged import KEY, Judged, gateway_app, judge, red

WORKSPACE = "default"
SERVED = f"{WORKSPACE}/mock-small"
BASE = f"/apis/inference-gateway/v2/workspaces/{WORKSPACE}/openai/-/v1"
BAD = {f"NAME-{number:03}" for number in (5, 6, 8, 9, 10, 11, 12, 13, 14, 16, 18, 19, 30)}

Act = Callable[[Asked], Asked | Answer | None]
Edit = Callable[[Asked, Answer], Answer]


def judged(app: ASGIApp, *areas: str, **options: str) -> dict[str, Judged]:
    return red(judge(app, *(areas or ("NAME",)), path=BASE, profile="nemo", **options))


def failing(app: ASGIApp) -> set[str]:
    return set(judged(app))


# What a defect does


def model(asked: Asked) -> str:
    """The model of a chat by the model in the body; an empty word for any other request."""
    found = asked.object.get("model") if asked.path == f"{BASE}/chat/completions" else None
    return found if isinstance(found, str) else ""


def entity(asked: Asked) -> str:
    return model(asked).removeprefix(f"{WORKSPACE}/")


def refusal(status: int, detail: str = "no") -> Answer:
    return Answer(status).with_json({"detail": detail})


def with_model(asked: Asked, name: str) -> Asked:
    return replace(asked, body=json.dumps({**asked.object, "model": name}).encode())


def takes(pattern: str, flags: int = 0) -> Act:
    """Names like this are well-formed as well, though no reading takes them: unknown, and no more."""

    def act(asked: Asked) -> Answer | None:
        name = entity(asked)
        is_bad = standing(name) is Standing.INVALID and not known(asked)
        return refusal(404) if is_bad and re.fullmatch(pattern, name, flags) else None

    return act


def refuses(pattern: str) -> Act:
    return lambda asked: refusal(422) if re.fullmatch(pattern, entity(asked)) else None


def rewrites(edit: Callable[[str], str]) -> Act:
    """The model is edited before it is looked at."""
    return lambda asked: with_model(asked, edit(model(asked))) if edit(model(asked)) != model(asked) else None


def rewrites_entity(edit: Callable[[str], str]) -> Act:
    def act(asked: Asked) -> Asked | None:
        if not model(asked).startswith(f"{WORKSPACE}/"):
            return None
        return with_model(asked, f"{WORKSPACE}/{edit(entity(asked))}")

    return act


def known(asked: Asked) -> bool:
    return entity(asked) in {"meta-llama-3-3-70b-instruct", "mock-small", "gpt-4o-mini", "gpt-3-5-turbo-instruct"}


def instead_of_422(status: int) -> Edit:
    return lambda asked, answer: replace(answer, status=status) if answer.status == 422 else answer


def when(condition: Callable[[Asked], object], act: Act) -> Act:
    return lambda asked: act(asked) if condition(asked) else None


def re_homed(asked: Asked) -> Asked | None:
    workspace, slash, name = model(asked).partition("/")
    return with_model(asked, f"{WORKSPACE}/{name}") if workspace and slash else None


def unicode_letters(asked: Asked) -> Answer | None:
    name = entity(asked)
    good = 2 <= len(name) <= 63 and name == name.lower() and all(c.isalnum() or c == "-" for c in name)
    return refusal(404) if good and not name.isascii() else None


ON_REQUESTS: dict[str, tuple[Act, set[str]]] = {
    "takes underscores": (takes("[a-z0-9_-]{2,63}"), {"NAME-010"}),
    "takes underscores for hyphens": (rewrites_entity(lambda name: name.replace("_", "-")), {"NAME-010"}),
    "takes dots": (takes("[a-z0-9.-]{2,63}"), {"NAME-011"}),
    "rewrites dots, as for vendor ids": (rewrites_entity(lambda name: name.replace(".", "-")), {"NAME-011"}),
    "takes a plus": (takes("[a-z0-9+-]{2,63}"), {"NAME-012"}),
    "takes a colon": (takes("[a-z0-9:-]{2,63}"), {"NAME-012"}),
    "takes a tilde": (takes("[a-z0-9~-]{2,63}"), {"NAME-012"}),
    "takes a percent sign": (takes("[a-z0-9%-]{2,63}"), {"NAME-012", "NAME-017"}),
    "does not anchor the pattern's end": (
        takes("(?s)[a-z0-9-]{2,63}[^/a-z0-9-].*"),
        {"NAME-009", "NAME-010", "NAME-011", "NAME-012", "NAME-013", "NAME-016", "NAME-017"},
    ),
    "takes upper case": (takes("[A-Za-z0-9-]{2,63}"), {"NAME-009"}),
    "folds ASCII case": (rewrites_entity(lambda name: name.lower() if name.isascii() else name), {"NAME-009"}),
    "folds case in the whole id": (rewrites(str.lower), {"NAME-009", "NAME-016", "NAME-024"}),
    "ignores case as Unicode does": (takes("[a-z0-9-]{2,63}", re.IGNORECASE), {"NAME-009", "NAME-016"}),
    "takes one trailing line feed": (takes("[a-z0-9-]{2,63}\n"), {"NAME-013"}),
    "trims names": (rewrites_entity(str.strip), {"NAME-013"}),
    "trims ids": (rewrites(str.strip), {"NAME-013"}),
    "takes spaces": (takes("[a-z0-9 -]{2,63}"), {"NAME-013"}),
    "takes NUL": (takes("[a-z0-9\0-]{2,63}"), {"NAME-013"}),
    "takes what Unicode calls letters": (unicode_letters, {"NAME-016"}),
    "takes what Unicode calls digits": (takes(r"[a-z\d-]{2,63}"), {"NAME-016"}),
    "normalises compatibility forms": (rewrites(lambda id: unicodedata.normalize("NFKC", id)), {"NAME-016"}),
    "drops what is invisible": (rewrites(lambda id: re.sub("[\u00ad\u200b\u200d]", "", id)), {"NAME-016"}),
    "crashes on an emoji": (lambda asked: refusal(500) if "\N{GRINNING FACE}" in model(asked) else None, {"NAME-016"}),
    "decodes percent sequences": (rewrites(unquote), {"NAME-017"}),
    "takes the last segment": (
        rewrites(lambda id: f"{WORKSPACE}/{id.rpartition('/')[2]}" if "/" in id else id),
        {"NAME-006", "NAME-014", "NAME-024"},
    ),
    "trims slashes": (rewrites(lambda id: id.strip("/")), {"NAME-014", "NAME-015"}),
    "collapses slashes": (rewrites(lambda id: re.sub("/+", "/", id)), {"NAME-014"}),
    "drops the workspace twice": (
        rewrites(lambda id: id.replace(f"{WORKSPACE}/{WORKSPACE}/", f"{WORKSPACE}/")),
        {"NAME-014"},
    ),
    "has a default model": (
        when(lambda asked: asked.object.get("model") in ("", "/"), rewrites(lambda id: SERVED)),
        {"NAME-015"},
    ),
    "has no upper limit": (takes("[a-z0-9-]{64,}"), {"NAME-008"}),
    "takes 64 characters": (takes("[a-z0-9-]{64}"), {"NAME-008"}),
    "takes one character": (takes("[a-z0-9]"), {"NAME-008"}),
    "refuses two characters": (refuses("[a-z0-9-]{2}"), {"NAME-008"}),
    "refuses 63 characters": (refuses("[a-z0-9-]{63}"), {"NAME-008", "NAME-021"}),
    "counts the whole id": (
        lambda asked: refusal(422) if len(model(asked)) > 63 else None,
        {"NAME-008", "NAME-021"},
    ),
    "refuses a digit after a hyphen": (refuses("[a-z0-9-]*-[0-9].*"), {"NAME-021"}),
    "refuses z": (refuses("abcdefghijklmnopqrstuvwxyz.*"), {"NAME-021"}),
    "answers 400 to long good names": (
        lambda asked: refusal(400) if re.fullmatch("[a-z0-9-]{50,63}", entity(asked)) else None,
        {"NAME-008", "NAME-021"},
    ),
    "calls unknown names ill-formed": (
        lambda asked: refusal(422) if entity(asked) and not known(asked) else None,
        {"NAME-007", "NAME-008", "NAME-020", "NAME-021", "NAME-040"},
    ),
    "serves a default for unknown names": (
        rewrites_entity(lambda name: "mock-small" if len(name) > 3 and standing(name) is Standing.VALID else name),
        {"NAME-007", "NAME-034", "NAME-040"},
    ),
    "crashes on a model that is no string": (
        lambda asked: refusal(500) if "model" in asked.object and not isinstance(asked.object["model"], str) else None,
        {"NAME-022"},
    ),
    "takes the first of a list of models": (
        lambda asked: (
            with_model(asked, asked.object["model"][0])
            if asked.object.get("model") and isinstance(asked.object["model"], list)
            else None
        ),
        {"NAME-022"},
    ),
    "calls numbers unknown models": (
        lambda asked: refusal(404) if asked.object.get("model") in (1, True) else None,
        {"NAME-022"},
    ),
    "ignores the workspace": (re_homed, {"NAME-006", "NAME-024"}),
    "rewrites the vendor's id": (
        rewrites(lambda id: f"{WORKSPACE}/meta-llama-3-3-70b-instruct" if id == VENDOR else id),
        {"NAME-005", "NAME-028", "NAME-029"},
    ),
    "rewrites the vendor's id in streams": (
        when(lambda asked: asked.streams, rewrites(lambda id: SERVED if id == VENDOR else id)),
        {"NAME-029"},
    ),
    "calls the vendor's id unknown": (
        lambda asked: refusal(404) if model(asked) == VENDOR else None,
        {"NAME-005", "NAME-028", "NAME-029"},
    ),
    "has no rule for streams": (
        when(lambda asked: asked.streams and model(asked) and not known(asked), lambda asked: refusal(404)),
        {"NAME-020", "NAME-029"},
    ),
    "takes underscores in streams": (when(lambda asked: asked.streams, takes("[a-z0-9_-]{2,63}")), {"NAME-029"}),
    "serves bare names only": (
        when(
            lambda asked: model(asked).startswith(f"{WORKSPACE}/"), lambda asked: refusal(404) if known(asked) else None
        ),
        {"NAME-001", "NAME-033", "NAME-034"},
    ),
}


# What stands beside the route by the model in the body

ENTITY_ROUTE = BASE.replace("/openai/-", "/model/meta-llama-3-3-70b-instruct/-")
PROVIDER_ROUTE = BASE.replace("/openai/-", "/provider/nvidia-build/-")
CONFIGURED = f"/apis/models/v2/workspaces/{WORKSPACE}/models"


def moved(asked: Asked, path: str) -> Asked:
    return replace(asked, path=path)


def at(path: str, act: Act) -> Act:
    """Where the path, or what follows the workspaces, matches."""
    return when(lambda asked: re.search(path, asked.path), act)


def ambiguous(pattern: str, status: int) -> Act:
    return lambda asked: (
        refusal(status)
        if standing(entity(asked)) is Standing.AMBIGUOUS and re.fullmatch(pattern, entity(asked))
        else None
    )


def turning() -> Act:
    """Every second digit in front is refused."""
    turn = iter(range(10**6))
    return lambda asked: refusal((404, 422)[next(turn) % 2]) if re.fullmatch("7[a-z0-9]+", entity(asked)) else None


BESIDE: dict[str, tuple[Act, set[str]]] = {
    "calls other vendors' ids unknown": (
        lambda asked: refusal(404) if model(asked).startswith(("meta/llama-3-", "nvidia/", "Qwen/", "org/")) else None,
        {"NAME-006"},
    ),
    "takes a leading hyphen": (ambiguous("-[a-z0-9]+", 404), {"NAME-018", "NAME-020"}),
    "takes a trailing hyphen": (ambiguous("[a-z][a-z0-9]*-", 404), {"NAME-019", "NAME-020"}),
    "changes its mind about leading digits": (turning(), {"NAME-020"}),
    "takes leading digits in streams only": (
        when(lambda asked: not asked.streams, ambiguous("[0-9]+[a-z0-9]*", 422)),
        {"NAME-020"},
    ),
    "takes words that begin with a digit, and no number": (ambiguous("[0-9]+", 422), {"NAME-020"}),
    "answers 400 to two hyphens": (ambiguous(".*--.*", 400), {"NAME-020"}),
    "crashes on bare names": (
        lambda asked: refusal(500) if "/" not in model(asked) and "zz-" in model(asked) else None,
        {"NAME-023"},
    ),
    "serves a default for bare names": (
        lambda asked: with_model(asked, SERVED) if "/" not in model(asked) and "zz-" in model(asked) else None,
        {"NAME-023"},
    ),
    "lists any workspace": (
        at("/workspaces/zz-[^/]+/openai/-/v1/models$", lambda asked: moved(asked, f"{BASE}/models")),
        {"NAME-025"},
    ),
    "folds the case of workspaces": (
        at("/workspaces/UPPER/openai", lambda asked: Answer(200).with_json({"object": "list", "data": []})),
        {"NAME-025"},
    ),
    "crashes on bad workspaces": (at("/workspaces/ab cd/openai", lambda asked: refusal(500)), {"NAME-025"}),
    "needs no separator": (
        at("/openai/v1/models", lambda asked: moved(asked, f"{BASE}/models")),
        {"NAME-026"},
    ),
    "serves every version": (
        at("/inference-gateway/v1/", lambda asked: moved(asked, asked.path.replace("/v1/w", "/v2/w"))),
        {"NAME-026"},
    ),
    "has a default workspace": (
        at("/workspaces//openai", lambda asked: moved(asked, asked.path.replace("//", "/default/"))),
        {"NAME-026"},
    ),
    "crashes on an encoded slash": (at("/workspaces/x/default/openai", lambda asked: refusal(500)), {"NAME-026"}),
    "takes the vendor's id for completions": (
        at("/openai/-/v1/completions", lambda asked: refusal(404) if asked.object.get("model") == VENDOR else None),
        {"NAME-030"},
    ),
    "has no rule for embeddings": (
        at("/openai/-/v1/embeddings", lambda asked: refusal(404) if "zz-" not in str(asked.object) else None),
        {"NAME-020", "NAME-030"},
    ),
    "refuses all names for embeddings": (
        at("/openai/-/v1/embeddings", lambda asked: refusal(422)),
        {"NAME-020", "NAME-030"},
    ),
    "has no route by entity": (at("/model/meta[^/]*/-/v1", lambda asked: refusal(404)), {"NAME-031", "NAME-033"}),
    "checks the body at the entity's route": (
        at("/model/", lambda asked: refusal(422) if asked.object.get("model") == VENDOR else None),
        {"NAME-031"},
    ),
    "does not stream by entity": (
        at("/model/", lambda asked: replace(asked, body=asked.body.replace(b'"stream": true', b'"stream": false'))),
        {"NAME-031"},
    ),
    "has no route by provider": (
        at("/provider/nvidia-build/-/", lambda asked: refusal(404)),
        {"NAME-032", "NAME-033"},
    ),
    "checks names at the provider's route": (
        at("/provider/nvidia-build/-/", lambda asked: refusal(422) if "/" in str(asked.object.get("model")) else None),
        {"NAME-032", "NAME-033"},
    ),
    "serves a default for unknown entities": (
        at("/model/zz-", lambda asked: moved(asked, f"{ENTITY_ROUTE}/chat/completions")),
        {"NAME-035"},
    ),
    "crashes on unknown providers": (at("/provider/zz-[^/]*/-", lambda asked: refusal(500)), {"NAME-035"}),
    "folds the case of entities": (
        at("/model/A_", lambda asked: moved(asked, f"{ENTITY_ROUTE}/chat/completions")),
        {"NAME-035"},
    ),
    "does not know bare names of models": (at("/v1/models/[^/]+$", lambda asked: refusal(404)), {"NAME-036"}),
    "says that nobody is ready": (
        at("/provider/nvidia-build/ready", lambda asked: Answer(200).with_json({"ready": False})),
        {"NAME-037"},
    ),
    "says that everybody is ready": (
        at("/ready$", lambda asked: Answer(200).with_json({"ready": True})),
        {"NAME-037"},
    ),
    "serves what is only configured": (
        rewrites(lambda id: id.replace("planned-model", "mock-small")),
        {"NAME-040"},
    ),
}


@pytest.mark.parametrize("defect", BESIDE)
def test_a_gateway_that_elsewhere(defect: str) -> None:
    act, expected = BESIDE[defect]
    assert failing(before(gateway_app(), act)) == expected


@pytest.mark.parametrize("defect", ON_REQUESTS)
def test_a_gateway_that(defect: str) -> None:
    act, expected = ON_REQUESTS[defect]
    assert failing(before(gateway_app(), act)) == expected


def listed(edit: Callable[[str], str]) -> Edit:
    def change(asked: Asked, answer: Answer) -> Answer:
        if asked.path != f"{BASE}/models":
            return answer
        first, *rest = answer.json["data"]
        return answer.with_json({"object": "list", "data": [*rest, {**first, "id": edit(first["id"])}]})

    return change


def only(condition: Callable[[Asked], object], edit: Edit) -> Edit:
    return lambda asked, answer: edit(asked, answer) if condition(asked) else answer


def renamed(asked: Asked, answer: Answer) -> Answer:
    """The provider's own name of the model, in streams as well."""
    return replace(answer, body=answer.body.replace(b"default/", b"vendor/")) if answer.status == 200 else answer


def as_text(asked: Asked, answer: Answer) -> Answer:
    return Answer(422, ((b"content-type", b"text/plain"),), b"no") if answer.status == 422 else answer


def as_stream(asked: Asked, answer: Answer) -> Answer:
    body = b"data: " + answer.body + b"\n\ndata: [DONE]\n\n"
    return Answer(200, ((b"content-type", b"text/event-stream"),), body) if answer.status == 422 else answer


def chats(asked: Asked) -> bool:
    return asked.path == f"{BASE}/chat/completions"


ON_ANSWERS: dict[str, tuple[Edit, set[str]]] = {
    "answers 400 instead of 422": (
        instead_of_422(400),
        {*BAD, "NAME-015", "NAME-017", "NAME-020", "NAME-024", "NAME-025", "NAME-028", "NAME-029", "NAME-035"},
    ),
    "answers 404 instead of 422": (
        instead_of_422(404),
        {*BAD, "NAME-015", "NAME-017", "NAME-022", "NAME-028", "NAME-029"},
    ),
    "explains bad names in plain text": (as_text, {"NAME-028", "NAME-029"}),
    "explains names with an emoji in plain text": (
        only(lambda asked: "\N{GRINNING FACE}" in model(asked), as_text),
        {"NAME-028"},
    ),
    "answers 400 to bad names in streams": (only(lambda asked: asked.streams, instead_of_422(400)), {"NAME-029"}),
    "says in a stream that the name is bad": (only(lambda asked: asked.streams, as_stream), {"NAME-029"}),
    "lists a bare name": (listed(lambda id: id.partition("/")[2]), {"NAME-002", "NAME-040"}),
    "lists three segments": (listed(lambda id: id + "/v1"), {"NAME-002", "NAME-040"}),
    "lists an empty segment": (listed(lambda id: f"{WORKSPACE}/"), {"NAME-002", "NAME-040"}),
    "lists an entity with a dot": (
        listed(lambda id: f"{WORKSPACE}/meta.llama"),
        {"NAME-003", "NAME-039", "NAME-040"},
    ),
    "lists a model of another workspace": (listed(lambda id: "other/model"), {"NAME-004", "NAME-039", "NAME-040"}),
    "counts other tokens by entity": (
        only(
            lambda asked: "/model/" in asked.path and not asked.streams,
            lambda asked, answer: replace(answer, body=answer.body.replace(b'"prompt_tokens":', b'"prompt_tokens":1')),
        ),
        {"NAME-033"},
    ),
    "answers with other members by provider": (
        only(
            lambda asked: "/provider/" in asked.path and asked.path.endswith("completions") and not asked.streams,
            lambda asked, answer: answer.with_json({**answer.json, "provider": "nvidia"}),
        ),
        {"NAME-033"},
    ),
    "answers without choices by entity": (
        only(
            lambda asked: "/model/" in asked.path and not asked.streams and asked.path.endswith("completions"),
            lambda asked, answer: (
                answer.with_json({**answer.json, "choices": None}) if answer.status == 200 else answer
            ),
        ),
        {"NAME-031"},
    ),
    "breaks off streams by provider": (
        only(
            lambda asked: "/provider/" in asked.path and asked.streams,
            lambda asked, answer: replace(answer, body=answer.body.replace(b"data: [DONE]\n\n", b"")),
        ),
        {"NAME-032"},
    ),
    "retrieves the bare name under another id": (
        only(
            lambda asked: re.search("/openai/-/v1/models/[^/]+$", asked.path),
            lambda asked, answer: answer.with_json({**answer.json, "id": "other"}) if answer.status == 200 else answer,
        ),
        {"NAME-036"},
    ),
    "lists what is configured as models": (
        only(
            lambda asked: asked.path == CONFIGURED,
            lambda asked, answer: answer.with_json({"object": "list", "data": answer.json["data"]}),
        ),
        {"NAME-038"},
    ),
    "counts wrongly what is configured": (
        only(
            lambda asked: asked.path == CONFIGURED,
            lambda asked, answer: answer.with_json(
                {**answer.json, "pagination": {**answer.json["pagination"], "total_results": 99}}
            ),
        ),
        {"NAME-038"},
    ),
    "ignores the size of a page": (
        only(
            lambda asked: asked.path == CONFIGURED and b"page_size" in asked.query,
            lambda asked, answer: answer.with_json(
                {
                    **answer.json,
                    "data": answer.json["data"] * 2,
                    "pagination": {**answer.json["pagination"], "current_page_size": 2},
                }
            ),
        ),
        {"NAME-038"},
    ),
    "forgets one that is configured": (
        only(
            lambda asked: asked.path == CONFIGURED and not asked.query,
            lambda asked, answer: answer.with_json(
                {
                    **answer.json,
                    "data": [row for row in answer.json["data"] if row["name"] != "mock-small"],
                    "pagination": {**answer.json["pagination"], "total_results": 5, "current_page_size": 5},
                }
            ),
        ),
        {"NAME-039"},
    ),
    "answers in the provider's name": (only(chats, renamed), {"NAME-034"}),
    "streams in the provider's name": (only(lambda asked: chats(asked) and asked.streams, renamed), {"NAME-034"}),
}


@pytest.mark.parametrize("defect", ON_ANSWERS)
def test_a_gateway_that_in_its_answers(defect: str) -> None:
    edit, expected = ON_ANSWERS[defect]
    assert failing(changed(gateway_app(), edit)) == expected


def test_an_empty_name_may_cost_400_and_a_leading_slash_404_but_not_silently() -> None:
    def loose(asked: Asked) -> Answer | None:
        if asked.object.get("model") in ("", "/", f"{WORKSPACE}/"):
            return refusal(400)
        return refusal(404) if model(asked).startswith("/") else None

    found = judged(before(gateway_app(), loose))
    assert {id: said.verdict for id, said in found.items()} == {"NAME-014": Verdict.WARN, "NAME-015": Verdict.WARN}


def test_another_name_in_the_answer_is_a_warning() -> None:
    assert judged(changed(gateway_app(), only(chats, renamed)))["NAME-034"].verdict is Verdict.WARN


def test_the_name_and_the_answer_stand_in_the_sentence() -> None:
    said = judged(before(gateway_app(), takes("[a-z0-9_-]{2,63}")))["NAME-010"].message
    assert re.match(r'model "default/ab_\w+" \(underscore\): HTTP 404 application/json: \{"detail": "no"\}; ', said)


# What is right must stay green


def following(pattern: str) -> ASGIApp:
    config = replace(
        with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0}), entity_name_pattern=re.compile(pattern)
    )
    return create_app(Gateway.open(config, tokens=[KEY], seed=1))


@pytest.mark.parametrize("reading", READINGS)
def test_every_reading_of_the_rule_passes(reading: str) -> None:
    """What is warned of are hyphens at the ends, which some readings take."""
    warned = {id for id, name in (("NAME-018", "-a"), ("NAME-019", "a-")) if re.fullmatch(READINGS[reading], name)}
    found = judged(following(READINGS[reading]))
    assert {id: said.verdict for id, said in found.items()} == dict.fromkeys(warned, Verdict.WARN)
    pattern = READINGS[reading]
    assert judged(following(pattern), "NAME", entity_name_pattern=pattern) == {}


def test_what_the_platform_really_takes_is_told_apart() -> None:
    deployed = r"[a-z](?!.*--)[a-z0-9\-@.+_]{1,62}(?<!-)\n?"
    assert set(judged(following(deployed))) == {"NAME-010", "NAME-011", "NAME-012", "NAME-013"}


def test_lists_and_models_are_right_by_this_profile() -> None:
    assert judged(gateway_app(), "LIST", "MODEL") == {}


def test_a_foreign_workspace_may_be_unknown_or_forbidden() -> None:
    for status in (403, 404):
        app = before(
            gateway_app(),
            lambda asked, status=status: refusal(status) if "gateproof-" in model(asked).partition("/")[0] else None,
        )  # type: ignore[misc]
        assert judged(app) == {}
