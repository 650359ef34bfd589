"""Each check of NAME that looks beside the route by the model in the body fires on a gateway with one defect: other
routes and endpoints, names that the rule leaves open, paths, and the list of what is configured."""

import re
from dataclasses import replace

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from conformance.names import VENDOR
from conformance.verdict import Verdict

from ..defects import Answer, before, changed
from ..judged import KEY, gateway_app, judge, judge_url, on_stage, red
from .naming import (
    BASE,
    CONFIGURED,
    ENTITY_ROUTE,
    SERVED,
    WORKSPACE,
    Act,
    Edit,
    ambiguous,
    at,
    failing,
    judged,
    listed,
    model,
    moved,
    only,
    refusal,
    rewrites,
    turning,
    when,
    with_model,
)

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


ANSWERED: dict[str, tuple[Edit, set[str]]] = {
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
}


@pytest.mark.parametrize("defect", ANSWERED)
def test_a_gateway_that_in_its_answers(defect: str) -> None:
    edit, expected = ANSWERED[defect]
    assert failing(changed(gateway_app(), edit)) == expected


# What is right must stay green


def behind(app: ASGIApp, prefix: str) -> ASGIApp:
    """As a proxy shows it that puts something before every path."""
    return before(
        app,
        lambda asked: (
            moved(asked, asked.path.removeprefix(prefix))
            if asked.path.startswith(prefix)
            else Answer(404).with_json({"detail": "not here"})
        ),
    )


RIGHT: dict[str, Act] = {
    "no provider can be asked whether it is ready": at("/ready$", lambda asked: refusal(404)),
    "bare names are refused": lambda asked: (
        refusal(422) if model(asked) and not model(asked).startswith(f"{WORKSPACE}/") else None
    ),
    "other workspaces are forbidden": at(
        "/workspaces/(?!default/|default$|-)[^/]*/openai/-/", lambda asked: refusal(403)
    ),
    "paths that are none are not allowed": at("/openai/v1/|/workspaces//|/v1/workspaces/", lambda asked: refusal(405)),
    "ill-formed routes are not found": at("/(model|provider)/(A_|ab )", lambda asked: refusal(404)),
}


@pytest.mark.parametrize("variant", RIGHT)
def test_nothing_is_red_where(variant: str) -> None:
    assert judged(before(gateway_app(), RIGHT[variant])) == {}


def test_nothing_is_red_behind_a_proxy_that_adds_to_the_path() -> None:
    app = behind(gateway_app(), "/team/llm")
    assert red(judge(app, "NAME", path=f"/team/llm{BASE}", profile="nemo")) == {}


def test_a_provider_that_is_given_is_asked() -> None:
    assert judged(gateway_app(), "NAME-032", "NAME-033", "NAME-037", provider="nvidia-build") == {}
    unknown = judged(gateway_app(), "NAME-032", provider="nobody")["NAME-032"]
    assert unknown.verdict is Verdict.UNTESTABLE
    assert unknown.message.startswith("what the provider nobody calls default/")
    assert "/provider/nobody/-/v1/models: HTTP 404" in unknown.message


def test_all_pages_of_what_is_configured_are_read() -> None:
    with on_stage(gateway_app()) as url:
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}) as client:
            for number in range(120):
                assert client.post(CONFIGURED, json={"name": f"aa-{number}"}).status_code == 201
        assert red(judge_url(url + BASE, "NAME-038", "NAME-039", "NAME-040", profile="nemo")) == {}


def test_a_gateway_that_does_not_decode_the_workspace_of_a_path_is_seen() -> None:
    """ASGI servers decode the path by themselves, so this defect looks at what was on the wire."""
    app = gateway_app()

    async def literal(scope: Scope, receive: Receive, send: Send) -> None:
        if b"/workspaces/%" in scope.get("raw_path", b""):
            scope = scope | {"path": scope["path"].replace(f"/{WORKSPACE}/", "/zz-literal/")}
        await app(scope, receive, send)

    assert failing(literal) == {"NAME-027"}
