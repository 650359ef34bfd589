"""Defects of gateways that have workspaces and entities: what a request or an answer becomes, for the tests of NAME."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

from starlette.types import ASGIApp

from conformance.names import Standing, standing

from ..defects import Answer, Asked
from ..judged import Outcome, judge, red

WORKSPACE = "default"
SERVED = f"{WORKSPACE}/mock-small"
BASE = f"/apis/inference-gateway/v2/workspaces/{WORKSPACE}/openai/-/v1"
ENTITY_ROUTE = BASE.replace("/openai/-", "/model/meta-llama-3-3-70b-instruct/-")
CONFIGURED = f"/apis/models/v2/workspaces/{WORKSPACE}/models"

Act = Callable[[Asked], Asked | Answer | None]
Edit = Callable[[Asked, Answer], Answer]


def judged(app: ASGIApp, *areas: str, **options: str) -> dict[str, Outcome]:
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
