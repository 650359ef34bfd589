"""Defects that only clients of the official SDK meet: their requests tell by a header that they are the SDK's."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reference_gateway.faults.asgi import Answer, Asked, Wrap, error
from reference_gateway.faults.edits import DONE, Where, asks, is_chat, put, reply
from reference_gateway.faults.exchanges import SSE, answering, answers
from reference_gateway.faults.fault import table

SDK = table("sdk")
row = SDK.add


def by_sdk(asked: Asked) -> bool:
    return asked.header("x-stainless-lang") is not None


def sent(where: Callable[[Asked], Any]) -> Where:
    """Such requests of the SDK."""
    return lambda asked: by_sdk(asked) and bool(where(asked))


def answered(path: str, edit: Callable[[Answer], Answer], status: int = 200) -> Wrap:
    """Plain answers of this status at paths that end so become other ones."""
    return answers(edit, lambda asked, x: by_sdk(asked) and asked.path.endswith(path) and x.status == status)


def as_page(answer: Answer) -> Answer:
    return replace(answer, body=b"<p>hello</p>").with_header("content-type", "text/html")


def failing_stream(message: str) -> Answer:
    return replace(SSE, body=b'data: {"error": {"message": "%b", "code": 404}}\n\n' % message.encode() + DONE)


def is_unknown(asked: Asked) -> bool:
    return "gateproof-no-such-model" in str(asked.object.get("model"))


def has_wrong_key(asked: Asked) -> bool:
    return "sk-gateproof-" in (asked.header("authorization") or "")


def fenced(document: Any) -> None:
    for each in document["choices"]:
        each["message"]["content"] = f"```json\n{each['message']['content']}\n```"


def as_object(document: Any) -> None:
    for each in document["choices"]:
        for call in each["message"].get("tool_calls") or []:
            call["function"]["arguments"] = {"name": "Oslo", "people": 700_000}


# fmt: off
row("sdk-async-calls-fail", "SDK-002 ERR-041",
    answering(sent(lambda asked: "(1" in str(asked.object.get("messages"))), error(500)),
    "Programs that ask for much at once fail.")
row("sdk-parse-gets-a-fence", "SDK-007", reply(fenced, sent(asks("response_format"))),
    "parse() raises.", "models that are merely asked for JSON")
row("sdk-tool-arguments-as-object", "CHAT-043 SDK-008", reply(as_object, sent(asks("tools"))),
    "parse() raises.", "the native API of Ollama")
row("sdk-model-is-a-page", "SDK-012", answered("llama-3.3-70b-instruct", as_page),
    "models.retrieve() returns a text.", "proxies that refuse %2F")
row("sdk-unknown-model-in-the-stream", "ERR-024 SDK-013",
    answering(sent(lambda asked: is_unknown(asked) and asked.streams), failing_stream("no such model")),
    "No fallback is tried, as no NotFoundError is raised.", "LiteLLM issues 6629 and 11236")
row("sdk-wrong-key-in-the-stream", "ERR-024 SDK-014 STREAM-071",
    answering(sent(lambda asked: has_wrong_key(asked) and asked.streams), failing_stream("no such key")),
    "No key is asked for, as no AuthenticationError is raised.", "LiteLLM issues 6629 and 11236")
row("sdk-no-messages-is-404", "SDK-015",
    answering(sent(lambda asked: asked.object.get("messages") == []), error(404)),
    "Users look for a path that is there.", "OmniRoute issue 6515")
row("sdk-returned-message-refused", "SDK-022",
    answering(sent(lambda asked: is_chat(asked) and len(asked.object.get("messages") or []) == 3
                   and "annotations" in asked.object["messages"][1]), error(400)),
    "The second turn of every conversation fails.", "strict validators refuse unknown members")
row("sdk-extra-body-crashes", "SDK-023", answering(sent(asks("x_conformance")), error(500)),
    "Every new client option takes the chat down.")
row("sdk-completion-is-a-page", "COMP-001 SDK-020", answered("v1/completions", as_page),
    "completions.create() returns a text.")
row("sdk-embeddings-empty", "SDK-019", answered("/embeddings", lambda x: x.with_json(x.json | {"data": []})),
    "openai-python raises a ValueError.")
row("sdk-request-id-missing", "SDK-010 HDR-001",
    answered("/chat/completions", lambda x: x.with_header("x-request-id", None)), "_request_id is None.")
row("sdk-unknown-finish-reason", "CHAT-015 SDK-021",
    reply(put("choices[].finish_reason", "eos"), by_sdk), "The strict client raises.", "eos_token")
# fmt: on
