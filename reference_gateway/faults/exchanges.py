"""One-line defects of any request and any answer, whatever they are about: what edits.py is to chats and lists."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from reference_gateway.faults.asgi import Answer, Asked, Wrap, before, changed, error, headed, with_request_id
from reference_gateway.faults.edits import never

When = Callable[[Asked], Any]
HTML = Answer(404, ((b"content-type", b"text/html"),), b"<html><h1>Not Found</h1></html>")
SSE = Answer(200, ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")))


def answering(when: When, answer: Answer | int) -> Wrap:
    """Such requests get this answer, or an error of this status."""

    def act(asked: Asked) -> Answer | None:
        if not when(asked):
            return None
        return error(answer) if isinstance(answer, int) else with_request_id(answer)

    return lambda app: before(app, act)


def taking(when: When, change: Callable[[Asked], Asked]) -> Wrap:
    """Such requests are taken for other ones."""
    return lambda app: before(app, lambda asked: change(asked) if when(asked) else None)


def with_fields(**fields: Any) -> Callable[[Asked], Asked]:
    """The same request with other members in its JSON object."""
    return lambda asked: replace(asked, body=json.dumps(asked.object | fields).encode())


def as_bytes(edit: Callable[[bytes], bytes]) -> Callable[[Asked], Asked]:
    return lambda asked: replace(asked, body=edit(asked.body))


def answers(edit: Callable[[Answer], Answer], when: Callable[[Asked, Answer], Any]) -> Wrap:
    """Such plain answers become other ones."""
    return lambda app: changed(app, lambda asked, x: edit(x) if when(asked, x) else None, streams=never)


def errors(edit: Callable[[Answer], Answer], *statuses: int, where: When = lambda asked: True) -> Wrap:
    """Error answers of these statuses become other ones."""
    chosen = statuses or tuple(range(400, 600))
    return answers(edit, lambda asked, x: x.status in chosen and x.body and where(asked))


def header(name: str, value: str | None, when: Callable[[Asked, Answer], Any] = lambda asked, x: True) -> Wrap:
    """A header of such answers, streams too; None removes it."""
    return lambda app: headed(app, lambda asked, x: x.with_header(name, value) if when(asked, x) else None)


def having(**fields: Any) -> Callable[[Answer], Answer]:
    """An error with other members."""
    return lambda answer: answer.with_json({"error": answer.json["error"] | fields})


def lacking(*keys: str) -> Callable[[Answer], Answer]:
    """An error without these members."""

    def edit(answer: Answer) -> Answer:
        return answer.with_json({"error": {k: v for k, v in answer.json["error"].items() if k not in keys}})

    return edit


def let_in(when: Callable[[Asked, str], Any]) -> Wrap:
    """Such requests are let in whatever key they bring. `when` also gets the Authorization header that is right; it is
    learned from the first call that the gateway serves."""

    def wrap(app: ASGIApp) -> ASGIApp:
        known: list[str] = []

        def learn(asked: Asked, head: Answer) -> None:
            if asked.method == "POST" and head.status == 200 and not known:
                known.append(asked.header("authorization") or "")

        def act(asked: Asked) -> Asked | None:
            return asked.with_header("authorization", known[0]) if known and when(asked, known[0]) else None

        return before(headed(app, learn), act)

    return wrap


def credentials(asked: Asked) -> list[str]:
    """The Authorization headers as they came."""
    return [value.decode("latin-1") for name, value in asked.headers if name == b"authorization"]


def given(asked: Asked) -> str:
    return asked.header("authorization") or ""


def posts(asked: Asked, path: str = "") -> bool:
    """A call of an inference endpoint, or of this one."""
    ends = ("/chat/completions", "/completions", "/embeddings")
    return asked.method == "POST" and asked.path.endswith(path or ends)


def named(asked: Asked) -> str:
    """The model that a call is for, as text."""
    return str(asked.object.get("model", "")) if posts(asked) else ""
