"""Errors that are told wrongly, and requests that should be one and are not."""

import re
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from reference_gateway.faults import exchanges
from reference_gateway.faults.asgi import Answer, Asked, Wrap, changed, error
from reference_gateway.faults.edits import DONE, asks, is_chat, never, plainly
from reference_gateway.faults.exchanges import (
    HTML,
    SSE,
    When,
    answers,
    as_bytes,
    errors,
    given,
    having,
    header,
    lacking,
    named,
    posts,
    taking,
    with_fields,
)
from reference_gateway.faults.fault import table

ERRORS = table("errors")
row = ERRORS.add
UNKNOWN = "gateproof-no-such-model"
GREETING = [{"role": "user", "content": "hi"}]


def is_unknown(asked: Asked) -> bool:
    """A chat with a model that nobody serves, of usual size."""
    if not (asked.path.endswith("/v1/chat/completions") and named(asked).startswith(UNKNOWN)):
        return False
    return len(asked.body) < 100_000 and asked.body.count(b'"model"') == 1


def plain_chat(asked: Asked) -> bool:
    return is_chat(asked) and bool(asked.object) and not asked.streams


def answering(when: When, answer: Answer | int) -> Wrap:
    """Such requests, if they bring a key, get this answer."""
    return exchanges.answering(lambda asked: given(asked) and when(asked), answer)


def lacks(asked: Asked, key: str) -> bool:
    return posts(asked) and bool(asked.object) and key not in asked.object and asked.header("authorization") is not None


def messages_of(asked: Asked) -> Any:
    return asked.object.get("messages") if is_chat(asked) else [{}]


def is_hot(asked: Asked) -> bool:
    return is_chat(asked) and asked.streams and asked.object.get("temperature") == "hot"


def saying(words: str) -> Any:
    return errors(having(message=f"it failed: {words}"), 400)


def fragile(app: ASGIApp) -> ASGIApp:
    """Once it has read deeply nested JSON it serves no plain chat any more."""
    broken: list[Asked] = []

    def edit(asked: Asked, answer: Answer) -> Answer | None:
        if asked.body.startswith(b"[" * 90_000):
            broken.append(asked)
        return error(500) if broken and plainly(asked) and answer.status == 200 else None

    return changed(app, edit, streams=never)


def partly(asked: Asked, answer: Answer) -> Answer | None:
    """An error beside what was asked for."""
    if not (asked.path.endswith("/models") and answer.status == 200 and asked.method == "GET"):
        return None
    return answer.with_json(answer.json | {"error": {"message": "one provider could not be reached"}})


# fmt: off
row("errors-as-detail", "ERR-001 SDK-015", errors(lambda x: x.with_json({"detail": x.json["error"]["message"]}), 400),
    "openai-python shows neither code nor type nor message.", "Ray issue 64833; openai-node issues 1734 and 1746")
row("errors-flat", "ERR-001", errors(lambda x: x.with_json(x.json["error"]), 400),
    "openai-python shows neither code nor type.", "vLLM before 0.10.1")
row("errors-as-text-in-json", "ERR-001 SDK-015",
    errors(lambda x: x.with_json({"error": "no"}), 400), "error.message raises.")
row("errors-as-a-list", "ERR-001 SDK-015", errors(lambda x: x.with_json({"errors": [x.json["error"]]}), 400),
    "Clients find no error in the error.", "the style of IBM's other APIs")
row("errors-without-type", "ERR-001", errors(lacking("type"), 400), "Clients that branch on the type can't.")
row("errors-without-param-and-code", "ERR-002", errors(lacking("param", "code"), 400),
    "Programs can't tell one error from another.", "llama.cpp leaves param out")
row("errors-with-integer-code", "ERR-002", errors(having(code=400), 400), "Typed clients refuse the error.",
    "vLLM and llama.cpp use integers")
row("errors-as-html", "ERR-003 SDK-015",
    errors(lambda x: replace(x, body=HTML.body).with_header("content-type", "text/html"), 400, where=plain_chat),
    "Users see a page's source.", "front proxies")
row("errors-as-text", "ERR-003",
    errors(lambda x: x.with_header("content-type", "text/plain"), 400, where=plain_chat),
    "Clients don't parse what is not declared.",
    "vllm-router 0.1.17 answers 422 and 400 in plain text")
row("errors-declared-as-streams", "ERR-003 STREAM-053",
    answers(lambda x: x.with_header("content-type", "text/event-stream"),
          lambda asked, x: x.status == 400 and is_chat(asked) and asked.streams),
    "Clients wait for events in an error.", "vllm-router 0.1.17 does so for streamed requests")
row("errors-empty", "ERR-003 SDK-015",
    errors(lambda x: replace(x, body=b"").with_header("content-type", None), 400, where=plain_chat),
    "Nobody learns what is wrong.", "vllm-router 0.1.17 at 405")
row("malformed-json-crashes", "ERR-004", answering(lambda asked: asked.body == b'{"model":', 500),
    "Clients retry what can never be read.")
row("text-after-the-object-ignored", "ERR-004",
    taking(lambda asked: asked.body.endswith(b"} x"), as_bytes(lambda body: body[:-2])),
    "Two requests glued together are served as one.")
row("trailing-commas-read", "ERR-004",
    taking(lambda asked: asked.body.endswith(b",}"), as_bytes(lambda body: body[:-2] + b"}")),
    "What works here fails everywhere else.", "lenient parsers")
row("empty-body-crashes", "ERR-005", answering(lambda asked: posts(asked) and not asked.body, 500),
    "Clients retry what can never be served.")
row("array-as-body-crashes", "ERR-006", answering(lambda asked: asked.body == b"[]", 500),
    "Clients retry what can never be served.", "LiteLLM 1.106 answers 500 to an array")
row("default-model-for-none", "ERR-007",
    taking(lambda asked: is_chat(asked) and lacks(asked, "model"), with_fields(model="gpt-4o-mini")),
    "A forgotten model is paid for under a name that nobody chose.", "llama.cpp and other single-model servers")
row("model-of-another-type-crashes", "ERR-008",
    answering(lambda asked: is_chat(asked) and asked.object.get("model") == {}, 500),
    "Clients retry what can never be served.", "NeMo calls a method of texts on it")
row("messages-as-text-served", "ERR-009",
    taking(lambda asked: messages_of(asked) == "hi", with_fields(messages=GREETING)),
    "A mistake in the client is never noticed.")
row("no-messages-is-no-model", "ERR-009",
    answering(lambda asked: is_chat(asked) and lacks(asked, "messages"), error(404, code="model_not_found")),
    "Users look for a model that is there.", "OmniRoute issue 6515")
row("message-without-role-served", "ERR-010",
    taking(lambda asked: messages_of(asked) == [{"content": "x"}], with_fields(messages=GREETING)),
    "A mistake in the client is never noticed.")
row("unknown-model-is-400", "ERR-011 ERR-012 SDK-013", answering(is_unknown, error(400, param="model", code="400")),
    "NotFoundError is never raised, so no fallback is tried.", "LiteLLM 1.106")
row("unknown-model-crashes", "ERR-011 SDK-013", answering(is_unknown, error(500, type="server_error")),
    "Clients retry a model that will never be there.", "MLflow gateway and lm-proxy answer 500")
row("unknown-model-served", "ERR-011 SDK-013",
    taking(lambda asked: is_unknown(asked) and bool(given(asked)), with_fields(model="mock/small")),
    "A misspelt model is paid for under another name.", "llama.cpp takes any name")
row("unknown-model-without-code", "ERR-012",
    answers(having(code="not_found"), lambda asked, x: is_unknown(asked) and x.status == 404),
    "Programs that look for model_not_found never try another model.")
row("page-for-every-path", "ERR-013",
    answering(lambda asked: "no-such-endpoint" in asked.path and "sk-gateproof" not in given(asked),
              replace(HTML, status=200)),
    "A misspelt path looks like an answer.", "single-page applications behind the same host")
row("allow-names-the-refused-method", "ERR-014",
    answers(lambda x: x.with_header("allow", "GET"), lambda asked, x: x.status == 405 and "/models" not in asked.path),
    "Tools that read Allow try what is refused.")
row("white-space-before-json-refused", "ERR-042",
    answering(lambda asked: asked.body[:1].isspace() and asked.json is not None and given(asked), 400),
    "Bodies from files and editors are refused as no JSON.", "hand-written checks for a brace")
row("a-validators-words-in-errors", "ERR-023",
    errors(having(message="1 validation error for ChatRequest"), 400, where=posts),
    "Callers learn which library reads their requests.", "pydantic's ValidationError as it is")
row("wrong-method-is-404", "ERR-014", answering(lambda asked: asked.method == "PUT", 404),
    "Users look for a path that is there.", "llama.cpp")
row("wrong-method-served", "ERR-014",
    taking(lambda asked: asked.method == "PUT" and is_chat(replace(asked, method="POST")),
           lambda asked: replace(asked, method="POST")),
    "What is to replace something is charged as something new.")
row("text-plain-served", "ERR-015",
    taking(lambda asked: asked.header("content-type") == "text/plain",
         lambda asked: asked.with_header("content-type", "application/json")),
    "Any web page can make a browser send requests.", "LiteLLM and llama.cpp take it")
row("no-content-type-crashes", "ERR-016",
    answering(lambda asked: posts(asked) and asked.header("content-type") is None, 500), "curl -d @- users get 500.")
row("large-body-served", "ERR-017",
    answering(lambda asked: len(asked.body) > 1024 * 1024, Answer(200).with_json({"id": "x"})),
    "One client fills the memory of all.")
row("bad-utf8-replaced", "ERR-018",
    taking(lambda asked: b"O\xffK" in asked.body,
         as_bytes(lambda body: body.decode("utf-8", "replace").encode())),
    "The model reads something else than was written.")
row("deep-json-crashes", "ERR-019", answering(lambda asked: asked.body.startswith(b"[" * 2000), 500),
    "One small request takes a worker down.", "RecursionError in Python gateways")
row("huge-numbers-crash", "ERR-020", answering(lambda asked: b"1E400" in asked.body, 500),
    "One small request takes a worker down.", "Python's limit on digits")
row("huge-caps-of-the-old-name-crash", "ERR-020",
    answering(lambda asked: (asked.object.get("max_tokens") or 0) == 2**70, 500),
    "A caller's mistake counts as an outage.")
row("huge-numbers-crash-completions", "ERR-020",
    answering(lambda asked: b"0" * 300 in asked.body and asked.path == "/v1/completions", 500),
    "One small request takes a worker down.", "Python's limit on digits")
row("half-a-character-crashes-embeddings", "ERR-038",
    answering(lambda asked: re.search(rb"\\ud83d(?!\\ud)", asked.body) and posts(asked, "/embeddings"), 500),
    "Programs that cut texts to pieces can't have them embedded.", "UTF-8 encoders refuse halves")
row("charset-refused-by-completions", "ERR-039",
    answering(lambda asked: ";" in (asked.header("content-type") or "") and asked.path == "/v1/completions", 415),
    "Clients in .NET are refused on every call.")
row("unknown-fields-crash-embeddings", "ERR-040",
    answering(lambda asked: "x_conformance" in asked.object and posts(asked, "/embeddings"), 500),
    "Each new parameter of an SDK looks like an outage.")
row("nan-read", "ERR-021", taking(lambda asked: b" NaN" in asked.body, as_bytes(lambda b: b.replace(b" NaN", b" 1"))),
    "What works here fails everywhere else.", "Python's json reads NaN")
row("errors-with-python-trace", "ERR-023",
    saying('Traceback (most recent call last):\n  File "/srv/gw/app.py", line 7, in chat\nKeyError'),
    "Strangers read the gateway's source.")
row("errors-with-python-words", "ERR-023", saying("could not convert string to float: 'hot'"),
    "Strangers learn what the gateway is made of.", "str(exception) as the message")
row("errors-with-go-words", "ERR-023", saying("runtime error: index out of range"),
    "Strangers learn what the gateway is made of.", "recovered panics as the message")
row("errors-with-a-private-address", "ERR-023", saying("connect ECONNREFUSED 10.1.2.3:8000"),
    "Strangers learn the internal network.", "NeMo forwards what the backend said")
row("errors-with-sql", "ERR-023", saying("SELECT key FROM tokens WHERE id = 1"), "Strangers learn the database.")
row("list-with-an-error-beside", "ERR-024", lambda app: changed(app, partly),
    "A half answer looks whole.", "OpenRouter documents 200 with an error")
row("refusals-with-200", "CHAT-001 ERR-010 ERR-024",
    answering(lambda asked: messages_of(asked) == [{"content": "x"}], replace(error(400), status=200)),
    "Clients take the refusal for an answer.", "OpenRouter documents 200 with an error")
row("code-of-another-status", "ERR-025", errors(having(code="500"), 400), "Dashboards count the wrong errors.")
row("param-of-another-field", "ERR-026",
    answers(having(param="model"), lambda asked, x: x.status == 400 and b'"param"' in x.body
          and b'"param":null' not in x.body),
    "Users look for the mistake in the wrong place.")
row("error-types-of-the-framework", "ERR-027", errors(having(type="RequestValidationError"), 400),
    "Programs that know the vocabulary don't know the error.", "vLLM's BadRequestError")
row("client-errors-marked-for-retry", "ERR-028", errors(lambda x: x.with_header("x-should-retry", "true"), 400),
    "openai-python sends every mistake three times.")
row("long-names-crash", "ERR-031", answering(lambda asked: len(named(asked)) > 9000 and is_chat(asked), 500),
    "A wrong model name takes a worker down.")
row("names-with-nul-crash-embeddings", "ERR-031",
    answering(lambda asked: "\0" in named(asked) and posts(asked, "/embeddings"), 500),
    "A wrong model name takes a worker down.", "PostgreSQL refuses NUL in texts")
row("names-with-nul-crash", "ERR-031", answering(lambda asked: "\0" in named(asked), 500),
    "A wrong model name takes a worker down.", "PostgreSQL refuses NUL in texts")
row("errors-repeat-the-request", "ERR-032",
    lambda app: changed(app, lambda asked, x: having(message="bad: " + asked.body.decode("utf-8", "replace"))(x)
                      if x.status == 400 and x.body and is_chat(asked) else None),
    "Prompts end up in the logs of everybody on the way.", "pydantic dumps the whole input")
row("broken-after-deep-json", "ERR-035", fragile,
    "One hostile request ends the service for all.",
    may="CHAT-077 ERR-016 ERR-017 ERR-022 MODEL-006 SDK-024 STREAM-056 SEC-006")
row("odd-paths-crash", "ERR-033", answering(lambda asked: ";" in asked.path, 500),
    "A misspelt path takes a worker down.")
row("errors-without-words", "ERR-036", errors(having(message=""), 400), "Nobody learns what is wrong.")
row("streams-refused-with-200-and-json", "ERR-024 STREAM-053",
    answering(is_hot, Answer(200, body=b'{"error": {"message": "no", "type": "x", "param": null, "code": null}}')),
    "Clients wait for events in a refusal.", "MLflow gateway 3.17.2 answers 200 to what fails at once")
row("streams-refused-inside-the-stream", "ERR-024 STREAM-053",
    answering(is_hot, replace(SSE, body=b'data: {"error": {"message": "no", "type": "x"}}\n\n' + DONE)),
    "A refusal looks like an answer without text.", "LiteLLM issues 6629 and 11236")
row("streams-of-other-scripts-crash", "STREAM-001",
    answering(lambda asked: is_chat(asked) and asked.streams and not str(messages_of(asked)).isascii(), 500),
    "Whoever does not write English gets no stream.")
row("conversations-crash", "CHAT-064 CHAT-120 ERR-041",
    answering(lambda asked: is_chat(asked) and isinstance(turns := messages_of(asked), list) and len(turns) > 4, 500),
    "After a few turns every conversation ends in an outage.")
row("streams-of-text-parts-crash", "STREAM-001",
    answering(lambda asked: is_chat(asked) and asked.streams and '"type": "text"' in str(asked.body), 500),
    "Clients that send text as parts get no stream.")
row("streams-too-hot-crash", "STREAM-054",
    answering(lambda asked: is_chat(asked) and asked.streams and asked.object.get("temperature") == 2.1, 500),
    "A mistake is retried as if it were an outage.")
row("streams-refused-with-another-status", "STREAM-054",
    answers(lambda x: replace(x, status=404), lambda asked, x: is_hot(asked) and x.status == 400),
    "The same mistake is another error when it is streamed.", "LiteLLM issue 18689")
row("streams-refused-with-another-code", "ERR-037",
    answers(having(type="api_error", code="stream_error"), lambda asked, x: asked.streams and x.status == 400),
    "Programs that branch on the code do not know it in streams.")
row("request-ids-missing-on-errors", "HDR-001", header("x-request-id", None, lambda asked, x: x.status == 400),
    "Just the answers that one has to ask about have no id.")
row("unknown-fields-of-messages-crash", "CHAT-112",
    answering(lambda asked: any(isinstance(m, dict) and set(m) - {
      "role", "content", "name", "refusal", "tool_calls", "tool_call_id", "annotations", "audio", "function_call"}
      for m in (messages_of(asked) if isinstance(messages_of(asked), list) else [])), 500),
    "Every new member of a message takes the chat down.")
row("embeddings-unknown-model-crashes", "ERR-011",
    answering(lambda asked: posts(asked, "/embeddings") and named(asked).startswith(UNKNOWN), 500),
    "Clients retry a model that will never be there.")
row("two-models-in-one-body", "ERR-022",
    taking(lambda asked: posts(asked) and asked.body.count(b'"model"') > 1,
         lambda asked: replace(asked, body=asked.body.replace(asked.object["model"].encode(), b"gpt-4o-mini"))),
    "A model that is forbidden is used behind one that is allowed.")
row("seed-refused", "CHAT-033", answering(asks("seed", 7), 400), "Programs that want repeatable answers get none.")
# fmt: on
