"""What a gateway does wrong with embeddings and completions between its client and its provider."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reference_gateway.faults.asgi import Answer, Asked, Wrap, before
from reference_gateway.faults.behind import scripted
from reference_gateway.faults.edits import Edit, edited, event, put
from reference_gateway.faults.exchanges import answers
from reference_gateway.faults.tables.between.basics import row

EMBEDDINGS, COMPLETIONS = "/embeddings", "/v1/completions"


def sent_as(path: str, edit: Edit) -> Wrap:
    """Such scripted requests are understood as if they were others."""

    def act(asked: Asked) -> Asked | None:
        if not (asked.path.endswith(path) and asked.object and scripted()(asked)):
            return None
        return replace(asked, body=json.dumps(edited(edit, asked.object)).encode())

    return lambda app: before(app, act)


def answered_as(path: str, edit: Edit) -> Wrap:
    """Such scripted answers that are no streams become others."""

    def is_it(asked: Asked, answer: Answer) -> bool:
        return asked.path.endswith(path) and scripted()(asked) and answer.status == 200 and not answer.is_stream

    return answers(lambda answer: answer.with_json(edited(edit, answer.json)), is_it)


def in_pieces(edit: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """Changes the texts of a stream of completions."""

    def act(piece: bytes) -> bytes:
        if b'"text"' not in piece:
            return piece
        document: Any = edited(put("choices[].text", edit), json.loads(piece.removeprefix(b"data: ")))
        return b"data: " + json.dumps(document).encode() + b"\n\n"

    return act


# fmt: off
row("inputs-in-one-line", "UPS-039", sent_as(EMBEDDINGS, put("input", lambda text: text.replace("\n", " "))),
    "Searches find something else.", "the example of OpenAI's first guide to embeddings; LangChain's default")
row("inputs-cut", "UPS-039", sent_as(EMBEDDINGS, put("input", lambda text: text[:2000])),
    "What stands behind can't be found.")
row("vectors-rounded", "UPS-039",
    answered_as(EMBEDDINGS, put("data[].embedding", lambda found: [round(x, 3) for x in found])),
    "Searches find something else.")
row("prompts-trimmed", "UPS-042", sent_as(COMPLETIONS, put("prompt", str.strip)),
    "Code is gone on with at another indentation.")
row("completions-trimmed", "UPS-042", answered_as(COMPLETIONS, put("choices[].text", str.strip)),
    "Code loses its indentation.")
row("blank-pieces-of-completions-lost", "UPS-042",
    event(in_pieces(lambda text: text if text.strip() else ""), lambda asked: asked.path.endswith(COMPLETIONS)),
    "Words run into one another.")
# fmt: on
