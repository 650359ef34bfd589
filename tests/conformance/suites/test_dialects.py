"""What the profile of a dialect leaves free: right gateways that speak it in another way turn nothing red."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict
from reference_gateway.faults.edits import chunk, edited, never
from reference_gateway.faults.exchanges import let_in

from .defects import Answer, Asked, answering, before, changed, error
from .judged import KEY, gateway_app, judge, red, red_verdicts

NEMO = "/apis/inference-gateway/v2/workspaces/default/openai/-/v1"
FAIL, KNOWN, NOT_APPLICABLE = Verdict.FAIL, Verdict.KNOWN, Verdict.NOT_APPLICABLE
SERVICE = "/apis/models/"

Wrap = Callable[[ASGIApp], ASGIApp]


def enveloped(**members: Any) -> Wrap:
    """Every error is OpenAI's envelope with these members."""

    def edit(asked: Asked, answer: Answer) -> Answer | None:
        return answer.with_json({"error": members}) if answer.status >= 400 and answer.body else None

    return lambda app: changed(app, edit)


@pytest.mark.parametrize(("profile", "path"), [("watsonx", None), ("nemo", NEMO)])
def test_an_error_may_be_openais_in_every_dialect(profile: str, path: str | None) -> None:
    def judged(**members: Any) -> dict[str, Verdict]:
        said = judge(enveloped(**members)(gateway_app()), "ERR-001", "ERR-029", profile=profile, path=path)
        return red_verdicts(said)

    envelope = {"message": "That can't be served.", "type": "invalid_request_error", "param": None, "code": None}
    assert judged(**envelope) == {}
    assert judged(message="That can't be served.") == {"ERR-001": FAIL}
    assert judged(**envelope | {"type": None}) == {"ERR-001": FAIL}


def unfinished(document: Any) -> None:
    """finish_reason as the live gateway streams it, and a choice beside the usage."""
    if document.get("choices") == [] and document.get("object") == "text_completion":
        document["choices"] = [{"index": 0, "text": "", "logprobs": None, "finish_reason": None}]
    for choice in document.get("choices", ()):
        choice["finish_reason"] = choice.get("finish_reason") or ""


def renamed(document: Any) -> None:
    if isinstance(document.get("model"), str):
        document["model"] = "openai/gpt-4o-2024-08-06"


def in_answers(edit: Callable[[Any], None]) -> Wrap:
    def change(asked: Asked, answer: Answer) -> Answer | None:
        return answer.with_json(edited(edit, answer.json)) if answer.status == 200 and asked.method == "POST" else None

    return lambda app: chunk(edit)(changed(app, change, streams=never))


WATSONX: dict[str, tuple[Wrap, set[str]]] = {
    "finish_reason is empty until the end": (chunk(unfinished), {"COMP-016", "COMP-039", "STREAM-024"}),
    "answers name the provider's model": (in_answers(renamed), {"CHAT-008", "COMP-024", "EMB-027"}),
    "Basic is taken": (
        let_in(lambda asked, key: asked.header("authorization") == f"Basic {key.removeprefix('Bearer ')}"),
        {"AUTH-007"},
    ),
}


@pytest.mark.parametrize("name", WATSONX)
def test_the_way_of_the_live_watsonx_gateway_is_known(name: str) -> None:
    wrap, known = WATSONX[name]
    judged = judge(wrap(gateway_app()), *known, "COMP", "AUTH", profile="watsonx")
    assert red(judged) == {}
    assert {id for id, said in judged.items() if said.verdict is KNOWN} == known


def test_what_is_known_of_watsonx_is_red_in_other_dialects() -> None:
    wrap, _ = WATSONX["Basic is taken"]
    assert red_verdicts(judge(wrap(gateway_app()), "AUTH")) == {"AUTH-007": FAIL}


def test_an_inference_gateway_without_the_platforms_other_services_is_judged_by_itself() -> None:
    """The Models service is out of reach, and the provider's name of the model can't be told from the entity's."""

    def act(asked: Asked) -> Answer | None:
        return error(404, "Not Found") if asked.path.startswith(SERVICE) else None

    alone = before(gateway_app(), act)

    def hide(asked: Asked, answer: Answer) -> Answer | None:
        if not asked.path.endswith("/provider/nvidia-build/-/v1/models"):
            return None
        rows = [row for row in answer.json["data"] if "llama-3" not in row["id"]]
        return answer.with_json(answer.json | {"data": rows})

    alone = changed(alone, hide)
    own = {"NAME-032", "NAME-033", "NAME-037", "NAME-038", "NAME-039", "NAME-040"}
    judged = judge(alone, *own, profile="nemo", path=NEMO, provider="nvidia-build")
    assert red(judged) == {}
    assert {id for id, said in judged.items() if said.verdict is NOT_APPLICABLE} == {"NAME-038", "NAME-039", "NAME-040"}


def test_a_models_service_that_crashes_is_seen() -> None:
    broken = answering(lambda asked: asked.path.startswith(SERVICE), 500)(gateway_app())
    assert red_verdicts(judge(broken, "NAME-038", profile="nemo", path=NEMO, api_key=KEY)) == {"NAME-038": FAIL}
