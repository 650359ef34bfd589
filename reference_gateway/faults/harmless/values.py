"""What answers say: other values, members left out and added, other formats of ids and texts."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from starlette.types import ASGIApp

from reference_gateway.faults.asgi import Answer, Asked, Wrap, chained, changed
from reference_gateway.faults.edits import Edit, Where, always, chunk, edited, never
from reference_gateway.faults.harmless.variation import Layer, Variation

NEEDED_BY_NOBODY = ("system_fingerprint", "service_tier", "prompt_tokens_details", "completion_tokens_details")
NULLABLE = ("logprobs", "refusal", "usage", "tool_calls", "function_call", "audio", *NEEDED_BY_NOBODY)
SCRIPTS = {"e": "é", "a": "語", "o": "👩‍👩‍👧", "i": "ש", "n": "é"}
PROTOCOL = {".": "\n\ndata: [DONE]\n\n", ",": '</script>{"a": "\\u0000"}', "e": "\t\r\n\u2028"}


def said(edit: Edit, where: Where = always) -> Wrap:
    """Every JSON object of a 2xx answer, plain or a chunk."""
    return chained(bodies(lambda x: x.status < 300, edit, where), chunk(edit, where))


def bodies(fits: Callable[[Answer], bool], edit: Edit, where: Where = always) -> Wrap:
    """The JSON objects of such plain answers."""

    def change(asked: Asked, answer: Answer) -> Answer | None:
        if not (answer.body and fits(answer) and where(asked) and "json" in (answer.header("content-type") or "")):
            return None
        document = answer.json
        return answer.with_json(edited(edit, document)) if isinstance(document, dict) else None

    return lambda app: changed(app, change, streams=never)


def parts(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in an answer that an API of this kind adds members to."""
    for found in (document, document.get("usage"), document.get("error"), *document.get("choices", ())):
        if isinstance(found, dict):
            yield found
            yield from (found[key] for key in ("message", "delta") if isinstance(found.get(key), dict))
    yield from (row for row in document.get("data", ()) if isinstance(row, dict))


def everywhere(**members: Any) -> Edit:
    def edit(document: Any) -> None:
        for part in list(parts(document)):
            for key, value in members.items():
                part.setdefault(key, value)

    return edit


def without(*keys: str) -> Edit:
    """Members that may be missing, wherever they are null, or always for those that no client needs."""

    def edit(document: Any) -> None:
        for part in parts(document):
            for key in keys:
                if part.get(key) is None or key in NEEDED_BY_NOBODY:
                    part.pop(key, None)

    return edit


def nulls(*keys: str) -> Edit:
    """Nullable members, null where they are missing."""

    def edit(document: Any) -> None:
        for part in parts(document):
            if part.keys() & {"content", "role", "tool_calls"}:
                for key in keys:
                    part.setdefault(key, None)

    return edit


def ids(make: Callable[[str], str]) -> Edit:
    """The id of an answer, the same in each chunk of it."""

    def edit(document: Any) -> None:
        if "choices" in document and isinstance(document.get("id"), str):
            document["id"] = make(document["id"])

    return edit


def number_of(id: str) -> int:
    return zlib.crc32(id.encode())


def models(make: Callable[[str], str]) -> Edit:
    """The model that an answer names."""

    def edit(document: Any) -> None:
        if "choices" in document or (document.get("object") == "list" and isinstance(document.get("model"), str)):
            document["model"] = make(document["model"])

    return edit


def calls(make: Callable[[str], str]) -> Edit:
    """The ids of tool calls."""

    def edit(document: Any) -> None:
        for part in parts(document):
            for call in part.get("tool_calls") or ():
                if isinstance(call.get("id"), str):
                    call["id"] = make(call["id"])

    return edit


def counted_in_detail(document: Any) -> None:
    if isinstance(document.get("usage"), dict):
        document["usage"] |= {
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "queue_time": 0.0012,
            "cost": 1e-7,
        }


def reversed_keys(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: reversed_keys(document[key]) for key in reversed(document)}
    return [reversed_keys(item) for item in document] if isinstance(document, list) else document


def in_words(old: Any) -> str:
    return str(old).title().replace("_", "")


def errors(edit: Edit) -> Wrap:
    return bodies(lambda x: x.status >= 400, edit)


def in_error(**members: Any) -> Edit:
    """Other members of an error; a function of the old value gives the new one."""

    def edit(document: Any) -> None:
        found = document.get("error")
        if isinstance(found, dict):
            found |= {key: value(found.get(key)) if callable(value) else value for key, value in members.items()}

    return edit


def unprocessable(app: ASGIApp) -> ASGIApp:
    return changed(app, lambda asked, x: replace(x, status=422) if x.status == 400 else None, streams=never)


def listed(edit: Callable[[list[Any]], list[Any]]) -> Wrap:
    def change(document: Any) -> None:
        if document.get("object") == "list" and not document.get("model"):
            document["data"] = edit(document["data"])

    return bodies(lambda x: x.status == 200, change, lambda asked: asked.method == "GET")


def texts(spelled: dict[str, str]) -> Edit:
    """What a chat model says, spelled in another way; the same in a stream, whose pieces are letters, too."""
    letters = str.maketrans(spelled)

    def edit(document: Any) -> None:
        for choice in document.get("choices", ()):
            for part in (choice.get("message"), choice.get("delta")):
                if isinstance(part, dict) and part.get("content"):
                    part["content"] = part["content"].translate(letters)

    return edit


def free(asked: Asked) -> bool:
    """Chats whose text may be any."""
    body = asked.object
    return "response_format" not in body and not body.get("stop") and "logprobs" not in body and "tools" not in body


VARIATIONS = (
    Variation(
        "members of one's own",
        Layer.VALUES,
        said(everywhere(x_vendor={"a": {"b": 1.5}}, provider_specific_fields=None), free),
    ),
    Variation("members of one's own in errors", Layer.VALUES, errors(everywhere(request_id="req_1", x_vendor=None))),
    Variation(
        "nullable members left out", Layer.VALUES, said(without(*NULLABLE), free), "CHAT-013 COMP-016 STREAM-032"
    ),
    Variation(
        "nullable members null",
        Layer.VALUES,
        said(nulls("refusal", "tool_calls", "function_call", "audio", "reasoning_content")),
    ),
    Variation(
        "ids that are UUIDs", Layer.VALUES, said(ids(lambda id: str(UUID(int=number_of(id))))), "CHAT-004 COMP-003"
    ),
    Variation("ids in another form", Layer.VALUES, said(ids(lambda id: f"gen/{number_of(id)}-Ω")), "CHAT-004 COMP-003"),
    Variation("long ids", Layer.VALUES, said(ids(lambda id: id + "A" * 200))),
    Variation("a dated model", Layer.VALUES, said(models(lambda id: f"{id}-2024-07-18")), "NAME-034"),
    Variation("a model with its vendor", Layer.VALUES, said(models(lambda id: f"openai/{id}")), "NAME-034"),
    Variation("call ids of nine letters", Layer.VALUES, said(calls(lambda id: f"{number_of(id):09d}"[-9:]))),
    Variation("call ids in another form", Layer.VALUES, said(calls(lambda id: f"toolu_{number_of(id)}:0-é"))),
    Variation("usage in detail", Layer.VALUES, said(counted_in_detail)),
    Variation("members in another order", Layer.VALUES, said(reversed_keys)),
    Variation("422 for 400", Layer.VALUES, unprocessable),
    Variation(
        "errors of another vocabulary",
        Layer.VALUES,
        errors(in_error(type=in_words, code=lambda old: old or "E1000")),
        "ERR-012 ERR-027",
    ),
    Variation("messages in another language", Layer.VALUES, errors(in_error(message=lambda old: f"错误 – {old} 🚫"))),
    Variation("models in another order", Layer.VALUES, listed(lambda rows: rows[::-1])),
    Variation("texts in other scripts", Layer.VALUES, said(texts(SCRIPTS), free)),
    Variation("texts that look like a protocol", Layer.VALUES, said(texts(PROTOCOL), free)),
)
