"""One-line defects of refusals: which requests are refused wrongly, and what becomes of error answers."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from conformance.verdict import Verdict

from . import defects
from .defects import Answer, Asked, before, changed
from .judged import KEY, judge, red_verdicts

Defect = Callable[[ASGIApp], ASGIApp]

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("ERR", "AUTH", "HDR", "SEC")
NOT_OFFERED = {"AUTH-016", "AUTH-017", "ERR-017", "ERR-029", "ERR-030", "HDR-009", "SEC-007"}
"""What the bundled gateway, started as it is here, has nothing of."""
UNKNOWN = "gateproof-no-such-model"
POSTS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")


def answering(when: Callable[[Asked], Any], answer: Answer | int) -> Defect:
    """Requests of this kind, with the right key, get this answer (or an error of this status)."""
    return defects.answering(lambda asked: asked.header("authorization") == f"Bearer {KEY}" and when(asked), answer)


def taking(change: Callable[[Asked], Asked | None]) -> Defect:
    """Requests are taken for other ones."""
    return lambda app: before(app, change)


def with_errors(edit: Callable[[Answer], Answer], *, status: int = 400, path: str = "") -> Defect:
    """Error answers of this status (below this path) become other ones."""

    def act(asked: Asked, answer: Answer) -> Answer | None:
        return edit(answer) if answer.status == status and asked.path.startswith(path) else None

    return lambda app: changed(app, act)


def having(**fields: Any) -> Callable[[Answer], Answer]:
    return lambda answer: answer.with_json({"error": answer.json["error"] | fields})


def lacking(*keys: str) -> Callable[[Answer], Answer]:
    return lambda answer: answer.with_json(
        {"error": {key: value for key, value in answer.json["error"].items() if key not in keys}}
    )


def with_answers(edit: Callable[[Asked, Answer], Answer | None]) -> Defect:
    return lambda app: changed(app, edit)


def echoing(words: Callable[[Asked], str]) -> Defect:
    """Refusals that repeat something of the request."""

    def act(asked: Asked, answer: Answer) -> Answer | None:
        told = words(asked) if answer.status in (400, 404) and posted(asked) else ""
        return having(message=f"it failed: {told}")(answer) if told else None

    return lambda app: changed(app, act)


def saying(words: str) -> Defect:
    return with_errors(having(message=f"it failed: {words}"))


def edited(asked: Asked, **fields: Any) -> Asked:
    return replace(asked, body=json.dumps(asked.object | fields).encode())


def posted(asked: Asked) -> bool:
    return asked.method == "POST" and asked.path in POSTS


def messages_of(asked: Asked) -> Any:
    return asked.object.get("messages") if asked.path == POSTS[0] else [{}]


def model_of(asked: Asked) -> Any:
    return asked.object.get("model", "") if posted(asked) else ""


def is_unknown(asked: Asked) -> bool:
    return str(model_of(asked)).startswith(UNKNOWN)


def parsed(asked: Asked) -> Any:
    return asked.json if posted(asked) and asked.body.strip() else {}


def verdicts(app: ASGIApp, *areas: str, **options: Any) -> dict[str, Verdict]:
    """What is not green."""
    return red_verdicts(judge(app, *(areas or AREAS), **options))
