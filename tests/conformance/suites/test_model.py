"""Each check of single models fires on its defect and on nothing else."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from conformance.verdict import Verdict

from .defects import Answer, Asked, before, changed, error
from .edits import Edit, Wrap, drop, edited, judge_with, model, put
from .judged import red

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE
UNKNOWN = "/models/gateproof-no-such-model"


def asked_for(fits: Callable[[str], bool], answer: Answer) -> Wrap:
    """A GET of a model whose path (as the application sees it, decoded) fits."""

    def act(asked: Asked) -> Answer | None:
        return answer if asked.method == "GET" and "/models/" in asked.path and fits(asked.path) else None

    return lambda app: before(app, act)


def on_the_wire(fits: Callable[[bytes], bool], answer: Answer) -> Wrap:
    """A GET whose path as it was written fits."""

    def wrap(app: ASGIApp) -> ASGIApp:
        refusing = before(app, lambda asked: answer)

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            hit = scope["type"] == "http" and b"/models/" in scope["raw_path"] and fits(scope["raw_path"])
            await (refusing if hit else app)(scope, receive, send)

        return wrapped

    return wrap


def failing(edit: Edit, status: int | None = None) -> Wrap:
    """Another error for an unknown model."""

    def change(asked: Asked, answer: Answer) -> Answer:
        if UNKNOWN not in asked.path:
            return answer
        return replace(answer.with_json(edited(edit, answer.json)), status=status or answer.status)

    return lambda app: changed(app, change)


def folding(app: ASGIApp) -> ASGIApp:
    def act(asked: Asked) -> Asked | None:
        return replace(asked, path=asked.path.lower()) if "/models/gpt" in asked.path else None

    return before(app, act)


def completing(app: ASGIApp) -> ASGIApp:
    """A model is found by the beginning of its id."""

    def act(asked: Asked) -> Asked | None:
        return replace(asked, path=f"{asked.path}i") if asked.path.endswith("-min") else None

    return before(app, act)


def fragile(app: ASGIApp) -> ASGIApp:
    """Chats are broken from the first model id with a line feed on."""
    broken = []

    def act(asked: Asked) -> Answer | None:
        if "\n" in asked.path:
            broken.append(True)
        return error(500) if broken and asked.path.endswith("/chat/completions") else None

    return before(app, act)


def deleting(status: int) -> Wrap:
    return lambda app: before(app, lambda asked: error(status) if asked.method == "DELETE" else None)


NOT_FOUND = error(404, code="model_not_found")

DEFECTS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "another id": (model(put("id", lambda id: id.upper())), {"MODEL-001": FAIL}),
    "a model without id": (model(drop("id")), {"MODEL-001": FAIL}),
    "another object": (model(put("object", "engine")), {"MODEL-001": FAIL}),
    "a page instead of the model": (
        asked_for(lambda path: path.endswith("mini"), Answer(200, ((b"content-type", b"text/html"),), b"<html>")),
        {"MODEL-001": FAIL, "MODEL-005": UNTESTABLE},
    ),
    "listed models not found": (asked_for(lambda path: path.endswith("gpt-4o"), NOT_FOUND), {"MODEL-001": FAIL}),
    "no listed model found": (
        asked_for(lambda path: "no-such" not in path, NOT_FOUND),
        {"MODEL-001": FAIL, "MODEL-002": WARN, "MODEL-005": UNTESTABLE},
    ),
    "an encoded slash not found": (on_the_wire(lambda path: b"%2F" in path, error(404)), {"MODEL-001": FAIL}),
    "a literal slash not found": (on_the_wire(lambda path: b"meta/" in path, error(404)), {"MODEL-002": WARN}),
    "an unknown model is 400": (failing(lambda body: body, 400), {"MODEL-003": FAIL}),
    "an unknown model is 500": (failing(lambda body: body, 500), {"MODEL-003": FAIL}),
    "an unknown model has no code": (failing(put("error.code", None)), {"MODEL-004": WARN}),
    "an unknown model is a detail": (failing(lambda body: {"detail": "Not Found"}), {"MODEL-004": WARN}),
    "created is now": (model(put("created", lambda _: time.time_ns())), {"MODEL-005": WARN}),
    "another owner": (model(put("owned_by", "me")), {"MODEL-005": WARN}),
    "an odd id that crashes": (asked_for(lambda path: "a b" in path, error(500)), {"MODEL-006": FAIL}),
    "an odd id that is served": (
        asked_for(lambda path: "passwd" in path, Answer(200, body=b"root:x:0:0")),
        {"MODEL-006": FAIL},
    ),
    "an odd id that breaks chats": (fragile, {"MODEL-006": FAIL}),
    "an odd id refused in HTML": (
        asked_for(lambda path: len(path) > 5000, Answer(414, ((b"content-type", b"text/html"),), b"<html>")),
        {"MODEL-006": WARN},
    ),
    "ids in any case": (folding, {"MODEL-007": WARN}),
    "the beginning of an id": (completing, {"MODEL-007": WARN}),
    "deleting what is not there": (deleting(200), {"MODEL-008": FAIL}),
    "deleting crashes": (deleting(500), {"MODEL-008": FAIL}),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = DEFECTS[name]
    judged = red(judge_with(wrap, "LIST", "MODEL", model="gpt-4o-mini"))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged


def absent(status: int, body: bytes) -> Wrap:
    """No route below /models: every path is refused alike."""

    def act(asked: Asked) -> Answer | None:
        unknown = "/models/" in asked.path or "no-such-endpoint" in asked.path
        return Answer(status, body=body.replace(b"PATH", asked.path.encode())) if unknown else None

    return lambda app: before(app, act)


ABSENT: dict[str, Wrap] = {
    "a detail": absent(404, b'{"detail": "Not Found"}'),
    "an envelope": absent(404, b'{"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}}'),
    "a message with the path": absent(404, b'{"message": "Route GET:PATH not found", "error": "Not Found"}'),
    "a text": absent(404, b"404 page not found"),
    "405": asked_for(lambda path: True, error(405)),
    "501": asked_for(lambda path: True, error(501)),
}


@pytest.mark.parametrize("name", ABSENT)
def test_a_gateway_without_the_route_is_not_judged_by_it(name: str) -> None:
    judged = judge_with(ABSENT[name], "MODEL")
    assert red(judged) == {}
    assert [judged[f"MODEL-00{n}"].verdict for n in range(1, 8)] == [Verdict.NOT_APPLICABLE] * 7


HARMLESS: dict[str, Wrap] = {
    "fields of one's own": model(put("context_length", 4096)),
    "an unknown model refused with a flat code": failing(put("error.param", "model")),
    "deleting is not implemented": deleting(501),
    "deleting is a bad request": deleting(400),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_models_stay_green(name: str) -> None:
    assert red(judge_with(HARMLESS[name], "MODEL")) == {}


def numbered(asked: Asked, answer: Answer) -> Answer:
    """Ids of digits alone, which have no other spelling."""
    renamed = answer.body.replace(b'"gpt-4o-mini"', b'"4711"')
    return replace(answer, body=renamed) if "/models" in asked.path else answer


def test_an_id_without_letters_can_not_be_misspelt() -> None:
    def act(asked: Asked) -> Asked:
        body = asked.body.replace(b'"4711"', b'"gpt-4o-mini"')
        return replace(asked, body=body, path=asked.path.replace("/4711", "/gpt-4o-mini"))

    judged = judge_with(lambda app: changed(before(app, act), numbered), "MODEL", model="4711")
    assert red(judged) == {}
    assert judged["MODEL-007"].verdict is Verdict.INCONCLUSIVE
