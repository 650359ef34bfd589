"""What a gateway does wrong where its provider fails, and where another could stand in."""

import json
from dataclasses import replace
from typing import Any

from reference_gateway.faults.asgi import Answer, Wrap, changed
from reference_gateway.faults.behind import asked_again, held_back, mirrored, own_error, remembering_failures, scripted
from reference_gateway.faults.edits import event, put, reply
from reference_gateway.faults.exchanges import header
from reference_gateway.faults.fault import CONSTRUCTED, nothing, table
from reference_gateway.faults.tables.behind import usage_twice

FAILING = table("providers")
FINISHED = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    b'[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


def row(name: str, breaks: str, layer: Wrap, suffers: str, seen: str = CONSTRUCTED, **more: Any) -> None:
    """A defect that is judged with scripted providers behind the gateway, whichever side it is at."""
    FAILING.add(name, breaks, layer, suffers, seen, **{"behind": nothing} | more)


def error(code: str, status: int, body: bytes | None = None) -> Wrap:
    """The gateway's own error of this code gets another status, and another body that is no JSON."""

    def new(_: Any, answer: Answer) -> Answer:
        kept = replace(answer, status=status)
        return kept if body is None else replace(kept, body=body).with_header("content-type", "text/html")

    return lambda app: changed(app, own_error(code, new), streams=lambda asked: False)


def at_errors(edit: Any, code: str) -> Wrap:
    """The event of a stream that holds the gateway's own error of this code becomes another."""

    def act(piece: bytes) -> bytes:
        is_it = b'"error"' in piece and code.encode() in piece
        return edit(piece) if is_it else piece

    return event(act, scripted())


row(
    "provider-401-passed-on",
    "UPS-001",
    error("upstream_auth_error", 401),
    "Clients renew a key that is right.",
    "facts: LiteLLM passes 401 through",
)
row(
    "provider-429-without-retry-after",
    "UPS-002",
    header("retry-after", None, lambda asked, x: scripted()(asked) and x.status == 429),
    "Clients come back too early, again and again.",
    "facts: gateways that write errors anew",
)
row(
    "provider-429-as-500",
    "UPS-002",
    lambda app: changed(
        app,
        lambda asked, x: replace(x, status=500) if scripted()(asked) and x.status == 429 else None,
        streams=lambda asked: False,
    ),
    "Clients take a full provider for a broken one.",
    "facts: MLflow's streams answer 200",
)
row(
    "provider-html-passed-on",
    "UPS-003",
    error("upstream_error", 502, b"<html>Bad</html>"),
    "SDKs show a page of HTML as the reason.",
    "facts: LiteLLM, vllm-router and nginx pass 502 HTML on",
)
row(
    "provider-nonsense-is-200",
    "UPS-003",
    error("upstream_invalid_response", 200, b""),
    "Clients crash as they read an answer that is none.",
    "facts: proxies that pass a body through",
)
row(
    "provider-failure-is-400",
    "UPS-003 SDK-018",
    error("upstream_error", 400),
    "Clients do not try again, as the fault seems to be theirs.",
    "facts: LiteLLM wraps many errors as 400",
)
row(
    "provider-failure-not-to-be-tried-again",
    "SDK-018",
    header("x-should-retry", "false", lambda asked, x: scripted()(asked) and x.status >= 500),
    "The SDK gives up at a failure that its next request would have survived.",
)
row(
    "provider-failure-remembered",
    "SDK-018",
    remembering_failures(),
    "A short outage lasts for as long as the failure is cached.",
    "facts: caches that keep errors, too",
)
row(
    "provider-never-given-up",
    "UPS-004",
    held_back(6.5, 504),
    "Clients and their connections hang as long as the provider.",
    "facts: the NeMo platform sets no timeout",
)
row(
    "provider-given-up-as-400",
    "UPS-004",
    error("upstream_timeout", 400),
    "Clients do not try again, as the fault seems to be theirs.",
)
row(
    "broken-stream-gets-an-end",
    "UPS-005",
    at_errors(lambda piece: FINISHED, "upstream_invalid_response"),
    "Half an answer is taken for a whole one.",
    "https://github.com/BerriAI/litellm/issues/39748",
)
row(
    "broken-stream-just-ends",
    "UPS-005",
    at_errors(lambda piece: b"", "upstream_invalid_response"),
    "Half an answer is taken for a whole one.",
    "facts: vllm-router, clean end",
)
row(
    "stream-error-in-a-bare-object",
    "UPS-006",
    at_errors(
        lambda piece: (
            b"event: error\ndata: " + json.dumps(json.loads(piece[piece.find(b"{") :])["error"]).encode() + b"\n\n"
        ),
        "failed",
    ),
    "SDKs pass over the error as over a chunk.",
    "facts: the form of the specification's ErrorEvent",
)
row(
    "stream-error-swallowed",
    "UPS-006",
    at_errors(lambda piece: b"", "failed"),
    "Nobody learns that the provider failed.",
    "facts: MLflow drops the provider's error events",
)
row(
    "stream-error-gets-an-end",
    "UPS-006",
    at_errors(lambda piece: FINISHED, "failed"),
    "Half an answer is taken for a whole one.",
)
row("error-object-with-200", "UPS-020", error("failed", 200), "Programs crash far from the cause.")
row(
    "failing-provider-asked-six-times",
    "UPS-021",
    nothing,
    "A failing provider is flooded.",
    "facts: retries of gateways times those of SDKs",
    behind=asked_again(6),
)
row(
    "broken-stream-asked-again",
    "UPS-024",
    nothing,
    "Two answers in one.",
    "https://github.com/BerriAI/litellm/issues/32086",
    behind=asked_again(2, in_the_middle=True),
    may="UPS-005",
)
OF_TWO = '"other"'
"""Stands in the scripts for two providers."""
row(
    "failure-not-taken-elsewhere",
    "UPS-028",
    nothing,
    "An outage of one provider is everybody's, though another is there.",
    behind=remembering_failures(OF_TWO),
)
row(
    "usage-of-both-providers",
    "UPS-028",
    reply(usage_twice, scripted(OF_TWO)),
    "Clients pay for the provider that failed, too.",
)
row(
    "begun-answer-before-the-other",
    "UPS-028",
    reply(
        put("choices[].message.content", lambda text: f"One {text}" if text.startswith("Six") else text),
        scripted(OF_TWO),
    ),
    "Two answers in one.",
)
row(
    "other-provider-goes-on",
    "UPS-029",
    nothing,
    "Two answers in one.",
    "facts: fallbacks in the middle of a stream",
    behind=asked_again(2, OF_TWO, in_the_middle=True, elsewhere=True),
)
row(
    "refusal-taken-elsewhere",
    "UPS-030",
    nothing,
    "Each faulty request costs as much as there are providers.",
    "facts: fallbacks for any error",
    behind=asked_again(2, OF_TWO, '"status": 400', elsewhere=True, least=400),
)
row("chats-sent-on-twice", "UPS-031", nothing, "Operators pay twice for each answer.", behind=mirrored)
