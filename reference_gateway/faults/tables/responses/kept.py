"""Responses that are kept, or are not to be: how they are read, deleted, and gone on from."""

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from reference_gateway.faults.asgi import Answer, Asked, Wrap, chained, changed, error
from reference_gateway.faults.edits import drop, is_response, never
from reference_gateway.faults.exchanges import answering, answers, let_in
from reference_gateway.faults.fault import table
from reference_gateway.faults.responses import asked_as, refusing

KEPT = table("responses")
row = KEPT.add


def is_kept(asked: Asked) -> bool:
    return "/responses/" in asked.path


def reads(asked: Asked) -> bool:
    return asked.method == "GET" and is_kept(asked) and bool(asked.header("authorization"))


def goes_on(asked: Asked) -> bool:
    return bool(asked.object.get("previous_response_id"))


def gone_on_with(kept: Callable[[list[Any]], list[Any]]) -> Wrap:
    """Who goes on from a response goes on with this of what was asked there, and was never answered."""
    asked_before: dict[str, list[Any]] = {}

    def messages(given: Any) -> list[Any]:
        return [{"role": "user", "content": given}] if isinstance(given, str) else given

    def learn(asked: Asked, answer: Answer) -> None:
        if is_response(asked) and answer.status == 200:
            asked_before[answer.json["id"]] = messages(asked.object["input"])

    def forget(body: Any) -> None:
        earlier = asked_before.get(body["previous_response_id"])
        if earlier is not None:
            body |= {"previous_response_id": None, "input": [*kept(earlier), *messages(body["input"])]}

    def learning(app: ASGIApp) -> ASGIApp:
        return changed(app, learn, streams=never)

    return chained(learning, asked_as(forget, goes_on))


row(
    "response-unknown-id-served",
    "RESP-018",
    answering(reads, Answer(200).with_json({})),
    "What is lost looks like an empty answer.",
)
row(
    "response-earlier-ignored",
    "RESP-018",
    asked_as(drop("previous_response_id")),
    "Conversations lose their beginning without a word.",
)
row("response-earlier-crashes", "RESP-018", refusing(goes_on, 500), "SDKs try again in vain.")
row(
    "response-kept-and-open",
    "RESP-028",
    let_in(lambda asked, right: is_kept(asked) and not asked.header("authorization")),
    "Strangers read what users have asked.",
)
row(
    "response-deleted-in-word-alone",
    "RESP-018",
    answering(
        lambda asked: asked.method == "DELETE" and is_kept(asked) and asked.header("authorization"),
        Answer(200).with_json({"object": "response", "deleted": True}),
    ),
    "What users want gone is still there.",
)
row("response-kept-against-orders", "RESP-018", asked_as(drop("store")), "What must not be kept is.")
row(
    "response-read-as-another",
    "RESP-018",
    answers(lambda x: x.with_json(x.json | {"id": "resp_0"}), lambda asked, x: is_kept(asked) and x.status == 200),
    "Users read the answers of others.",
)
row(
    "response-earlier-answer-dropped",
    "RESP-018",
    gone_on_with(lambda asked: asked),
    "Models don't know what they have said.",
)
row(
    "response-earlier-dropped",
    "RESP-018",
    gone_on_with(lambda asked: []),
    "Conversations lose their beginning without a word.",
)
row(
    "response-gone-on-from-but-denied",
    "RESP-018",
    answering(reads, error(404, code="response_not_found")),
    "Programs that look for an answer take it for lost.",
)
