"""Defects that only the SDK's own requests meet, and what SDK says of a gateway."""

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from conformance.verdict import Verdict

from ..defects import Answer, Asked, before, changed
from ..edits import Wrap
from ..judged import judge, red_verdicts


def by_sdk(where: Callable[[Asked], Any] = lambda asked: True) -> Callable[[Asked], bool]:
    """Such requests of the SDK."""
    return lambda asked: asked.header("x-stainless-lang") is not None and bool(where(asked))


def answers(path: str, edit: Callable[[Answer], Answer], status: int = 200) -> Wrap:
    """Answers of this status at paths that end so become other ones."""

    def act(asked: Asked, answer: Answer) -> Answer | None:
        fits = asked.path.endswith(path) and answer.status == status and not answer.is_stream
        return edit(answer) if fits and by_sdk()(asked) else None

    return lambda app: changed(app, act)


def refusing(where: Callable[[Asked], Any], answer: Answer) -> Wrap:
    return lambda app: before(app, lambda asked: answer if by_sdk()(asked) and where(asked) else None)


def verdicts(app: ASGIApp, **options: Any) -> dict[str, Verdict]:
    return red_verdicts(judge(app, "SDK", **options))
