"""Keys that are not asked for, not looked at, or shown; and what else must not get in or out."""

import unicodedata
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from reference_gateway.faults.asgi import (
    Answer,
    Asked,
    Wrap,
    chained,
    changed,
    error,
    headed,
    with_request_id,
)
from reference_gateway.faults.edits import is_chat, never, put, reply
from reference_gateway.faults.exchanges import (
    SSE,
    answering,
    answers,
    credentials,
    errors,
    given,
    having,
    let_in,
    named,
    posts,
    taking,
    with_fields,
)
from reference_gateway.faults.fault import table

ACCESS = table("auth")
SECURITY = table("security")
row = ACCESS.add
MISSING = error(401, "no key").with_header("www-authenticate", "Bearer")


def is_wrong(asked: Asked) -> bool:
    return given(asked).startswith("Bearer sk-gateproof-")


def echo(asked: Asked, answer: Answer) -> Answer | None:
    if answer.status != 401 or not given(asked):
        return None
    return having(message=f"Incorrect API key: {given(asked)[7:]}")(answer)


def hinting(app: ASGIApp) -> ASGIApp:
    """Whoever sends a wrong key is told how the right one ends."""
    known: list[str] = []

    def learn(asked: Asked, head: Answer) -> None:
        if asked.method == "POST" and head.status == 200 and not known:
            known.append(given(asked))

    def edit(asked: Asked, answer: Answer) -> Answer | None:
        if answer.status != 401 or not known or not is_wrong(asked):
            return None
        return having(message=f"Expected the key that ends in {known[0][-10:]}.")(answer)

    return changed(headed(app, learn), edit)


def refusals(edit: Any) -> Wrap:
    return errors(edit, 401)


def without_slash(asked: Asked) -> Asked:
    return replace(asked, path=asked.path.rstrip("/"))


# fmt: off
row("list-without-key", "AUTH-001", let_in(lambda asked, key: asked.path == "/v1/models" and asked.method == "GET"
                                          and not given(asked)),
    "Anybody learns what is offered.", "some gateways leave /models public")
row("missing-key-is-403", "AUTH-001 AUTH-002", answering(lambda asked: not credentials(asked), 403),
    "AuthenticationError is never raised, so no key is asked for.", "FastAPI's HTTPBearer; lm-proxy 3.3.2")
row("embeddings-without-key", "AUTH-002",
    let_in(lambda asked, key: asked.path == "/v1/embeddings" and not given(asked)),
    "Anybody embeds at the owner's cost.", "forgotten secondary routes")
row("embeddings-in-base64-without-key", "AUTH-002",
    let_in(lambda asked, key: asked.object.get("encoding_format") == "base64" and not given(asked)),
    "Anybody embeds at the owner's cost, as nearly all clients ask for base64.", "forgotten secondary routes")
row("single-models-without-key", "AUTH-002",
    let_in(lambda asked, key: asked.path.startswith("/v1/models/") and not given(asked)),
    "Anybody learns what is offered.", "forgotten secondary routes")
row("streams-without-key", "AUTH-003 RESP-016", let_in(lambda asked, key: asked.streams and not given(asked)),
    "Anybody chats at the owner's cost.")
row("completion-streams-without-key", "AUTH-003",
    let_in(lambda asked, key: asked.path == "/v1/completions" and asked.streams and not given(asked)),
    "Anybody has texts written at the owner's cost.", "forgotten secondary routes")
row("missing-key-told-in-the-stream", "AUTH-003 ERR-024 STREAM-071",
    answering(lambda asked: asked.streams and not given(asked) and asked.path != "/v1/responses",
            replace(SSE, body=b'data: {"error": {"message": "no key"}}\n\n')),
    "Clients take the refusal for an answer.", "LiteLLM issues 6629 and 11236")
row("wrong-key-is-400", "AUTH-004 AUTH-007 SDK-014", answering(is_wrong, error(400, "No connected db.", code="400")),
    "AuthenticationError is never raised, so no key is asked for.", "LiteLLM 1.106 without a database")
row("any-key-let-in", "AUTH-004 AUTH-007 SDK-014",
    let_in(lambda asked, key: len(credentials(asked)) == 1 and is_wrong(asked)
                              and given(asked).isascii() and len(given(asked)) < 200),
    "Anybody chats at the owner's cost.")
row("any-key-lists", "AUTH-004", let_in(lambda asked, key: asked.path == "/v1/models" and is_wrong(asked)),
    "Anybody learns what is offered.")
row("any-key-streams", "AUTH-004 SDK-014", let_in(lambda asked, key: asked.streams and is_wrong(asked)),
    "Anybody chats at the owner's cost.")
row("beginning-of-a-key-let-in", "AUTH-004",
    let_in(lambda asked, key: len(credentials(asked)) == 1 and 12 < len(given(asked)) < len(key)
         and key.startswith(given(asked))),
    "A key can be guessed letter by letter.")
row("keys-without-case-let-in", "AUTH-004",
    let_in(lambda asked, key: len(credentials(asked)) == 1 and given(asked)[:6] == "Bearer"
         and given(asked).lower() == key.lower()), "A key is easier to guess.")
row("wrong-key-without-code", "AUTH-005", refusals(having(code=None)),
    "Programs can't tell a wrong key from a missing one.")
row("no-challenge", "AUTH-006", refusals(lambda x: x.with_header("www-authenticate", None)),
    "Standard clients never ask for a key.", "few AI gateways send it")
row("word-for-nothing-let-in", "AUTH-004",
    let_in(lambda asked, key: given(asked) in ("Bearer null", "Bearer undefined", "Bearer None")),
    "A program whose key nobody has set is let in, and so is anybody.", "an unset variable compared with another")
row("key-without-scheme-let-in", "AUTH-007",
    let_in(lambda asked, key: len(credentials(asked)) == 1 and given(asked) == key.removeprefix("Bearer ")),
    "Clients that are wrong here fail everywhere else.", "some accept the raw key")
row("any-scheme-let-in", "AUTH-007", let_in(lambda asked, key: given(asked) == "Basic " + key.removeprefix("Bearer ")),
    "Clients that are wrong here fail everywhere else.")
row("last-word-of-the-credentials-let-in", "AUTH-007",
    let_in(lambda asked, key: len(given(asked).split()) > 2 and given(asked).split()[-1] == key.split()[-1]),
    "A filter that reads the first key sees another than the gateway.")
row("malformed-credentials-crash", "AUTH-007", answering(lambda asked: given(asked) == "Bearer", 500),
    "Clients retry what can never be served.")
row("scheme-with-case", "AUTH-008", answering(lambda asked: given(asked)[:7] in ("bearer ", "BEARER "), MISSING),
    "Clients that write bearer in small letters are refused.")
row("key-in-the-message", "AUTH-009 SEC-001", lambda app: changed(app, echo),
    "Keys end up in the logs of everybody on the way.", "OpenAI prints a masked key")
row("model-looked-up-before-the-key", "AUTH-010",
    answering(lambda asked: not given(asked) and named(asked).startswith("gateproof"),
            error(404, code="model_not_found")),
    "Strangers can try out which models there are.")
row("body-read-before-the-key", "AUTH-010",
    answering(lambda asked: not given(asked) and asked.body == b'{"model":', 400),
    "Strangers keep the gateway busy.")
row("key-in-the-query-let-in", "AUTH-011",
    let_in(lambda asked, key: key.removeprefix("Bearer ").encode() in asked.query and not given(asked)),
    "Keys end up in the logs of every proxy.")
row("first-of-two-keys-counts", "AUTH-012",
    let_in(lambda asked, key: len(credentials(asked)) == 2 and key in credentials(asked)),
    "What a proxy checked is not what is used.")
row("odd-keys-crash", "AUTH-013", answering(lambda asked: not given(asked).isascii(), 500),
    "A pasted key with a wrong quote takes a worker down.", "Latin-1 decoding errors")
row("sdk-headers-refused",
    "AUTH-014 SDK-001 SDK-002 SDK-003 SDK-004 SDK-005 SDK-006 SDK-007 SDK-008 SDK-009 SDK-011 SDK-012 SDK-013 "
    "SDK-014 SDK-019 SDK-020 SDK-024 SDK-025 SDK-026 SDK-027 SDK-028",
    answering(lambda asked: asked.header("x-stainless-lang"), 400),
    "No OpenAI SDK works.")
row("forbidden-model-is-401", "AUTH-017",
    answers(lambda x: error(401, code="invalid_api_key").with_header("www-authenticate", "Bearer"),
          lambda asked, x: x.status == 403 and posts(asked)),
    "Users change a key that is right.")
row("trailing-slash-without-key", "AUTH-018",
    chained(taking(lambda asked: asked.path == "/v1/models/", without_slash),
            let_in(lambda asked, key: asked.path == "/v1/models/" and not given(asked))),
    "A path that differs by a slash passes the key's check.")
row("files-without-key", "AUTH-019",
    answering(lambda asked: asked.path.endswith("/files"), Answer(200, body=b'{"object": "list", "data": []}')),
    "Anybody sees what was uploaded.", "forgotten secondary routes")
row("localhost-needs-no-key", "AUTH-020",
    let_in(lambda asked, key: not given(asked) and "127.0.0.1" in (asked.header("x-forwarded-for") or "")),
    "Anybody who writes one header is let in.")
row("options-lists-models", "AUTH-021",
    lambda app: changed(app, lambda asked, x: with_request_id(Answer(200)).with_json(
      {"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model"}]}) if asked.method == "OPTIONS" else None),
    "Anybody learns what is offered.")
row("long-bodies-without-key", "AUTH-022", let_in(lambda asked, key: len(asked.body) > 65_536 and not given(asked)),
    "Anybody sends the longest and dearest prompts.", "guards that look at the first piece of a body")
row("head-without-key", "AUTH-023", let_in(lambda asked, key: asked.method == "HEAD" and not given(asked)),
    "Anybody learns which models there are.")
# fmt: on

row(
    "event-streams-accepted-need-no-key",
    "AUTH-024",
    let_in(lambda asked, key: not given(asked) and asked.header("accept") == "text/event-stream"),
    "Anybody who writes one header is let in.",
    "middleware that leaves streams alone by their Accept",
)
row(
    "chunked-bodies-need-no-key",
    "AUTH-024",
    let_in(lambda asked, key: not given(asked) and asked.header("transfer-encoding")),
    "Anybody who writes one header is let in.",
    "guards that want a Content-Length",
)
row("end-of-the-right-key-in-the-message", "AUTH-025", hinting, "The right key has fewer characters left to guess.")

row = SECURITY.add


def reflecting(asked: Asked, answer: Answer) -> Answer | None:
    """The user that the client names comes back in a header as it was written, line breaks and all."""
    user = asked.object.get("user")
    return answer.with_header("x-user", user) if isinstance(user, str) and user.isascii() else None


def keyed(asked: Asked, answer: Answer) -> Answer | None:
    if not (asked.path == "/v1/models" and answer.status == 200 and asked.method == "GET"):
        return None
    return answer.with_header("x-seen-key", given(asked))


def prompted(asked: Asked, answer: Answer) -> Answer | None:
    """A header tells what was asked, for debugging."""
    found = asked.object.get("messages") if is_chat(asked) else None
    if not (isinstance(found, list) and found and isinstance(found[-1], dict)):
        return None
    words = str(found[-1].get("content")).encode("ascii", "ignore").decode()
    return answer.with_header("x-prompt", "".join(c for c in words if c.isprintable())[:200] or "-")


def rewriting(edit: Any) -> Wrap:
    return taking(
        lambda asked: (
            is_chat(asked)
            and isinstance(asked.object.get("model"), str)
            and edit(asked.object["model"]) != asked.object["model"]
        ),
        lambda asked: with_fields(model=edit(asked.object["model"]))(asked),
    )


def crossing(app: ASGIApp) -> ASGIApp:
    """Whoever asks again what was asked before, in many words, gets what was said to the one who asked last."""
    asked_before: set[bytes] = set()
    said: list[dict[str, Any]] = []

    def edit(asked: Asked, answer: Answer) -> Answer | None:
        if not (is_chat(asked) and answer.status == 200 and str(asked.object.get("messages")).count("apple ") > 5):
            return None
        said.append(answer.json)
        again = asked.body in asked_before
        asked_before.add(asked.body)
        return answer.with_json(said[-1] | {key: said[-2][key] for key in ("choices", "usage")}) if again else None

    return changed(app, edit, streams=never)


# fmt: off
row("keys-in-metrics", "SEC-001 SEC-010",
    answering(lambda asked: asked.path == "/metrics",
              Answer(200, ((b"content-type", b"text/plain"),), b'spend{api_key="sk-live-A1b2C3d4E5f6G7h8I9j0K1l2"} 1')),
    "Whoever can read the metrics has the key of everybody.", "labels of Prometheus counters")
row("logs-for-everybody", "SEC-010",
    answering(lambda asked: asked.path == "/logs",
              Answer(200).with_json([{"prompt": "Reply with the word OK.", "status": 200}])),
    "Anybody reads what users have asked.")
row("line-breaks-in-headers", "SEC-002", lambda app: headed(app, reflecting),
    "Strangers put headers and cookies into the answers of others.", "response splitting")
row("key-in-a-header", "SEC-001", lambda app: headed(app, keyed), "Keys end up in the logs of every proxy.")
row("look-alike-names-served", "SEC-003", rewriting(lambda id: unicodedata.normalize("NFKC", id)),
    "Rules by model name are passed with a letter that looks like another.", "NFKC in routers")
row("names-trimmed", "SEC-004", rewriting(str.strip), "Rules by model name are passed with a space.")
row("prompt-in-a-header", "SEC-009", lambda app: headed(app, prompted),
    "Prompts end up in the logs of every proxy.")
row("answers-of-others", "CHAT-083", crossing, "Users read what others asked.")
row("system-prompt-in-the-answer-id", "CHAT-003", reply(put("id", "chatcmpl-shared")), "Traces are mixed up.")
# fmt: on
