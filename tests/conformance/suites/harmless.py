"""What right gateways do in other ways, whatever is asked of them. It must turn nothing red."""

import asyncio
import json
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from .defects import Answer, Asked, changed
from .edits import Where, Wrap


def everywhere(document: Any) -> Any:
    """A member of one's own in every object."""
    if isinstance(document, dict):
        return {key: everywhere(value) for key, value in document.items()} | {"x_own": {"a": [1]}}
    return [everywhere(item) for item in document] if isinstance(document, list) else document


def unprocessable(app: ASGIApp) -> ASGIApp:
    """422 where others say 400."""
    return changed(app, lambda asked, answer: replace(answer, status=422) if answer.status == 400 else answer)


def cached(where: Where) -> Wrap:
    """Equal requests of this kind, however their JSON is written, get the answer of the first."""

    def wrap(app: ASGIApp) -> ASGIApp:
        kept: dict[str, Answer] = {}

        def edit(asked: Asked, answer: Answer) -> Answer:
            key = json.dumps(asked.object, sort_keys=True)
            return kept.setdefault(key, answer) if where(asked) and answer.status == 200 else answer

        return changed(app, edit)

    return wrap


def delayed(seconds: float) -> Wrap:
    """Every request is served so much later."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await asyncio.sleep(seconds)
            await app(scope, receive, send)

        return wrapped

    return wrap
