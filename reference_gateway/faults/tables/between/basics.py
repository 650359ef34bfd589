"""The table of what a gateway does wrong between its client and its provider, and its first rows."""

import html
import json
import unicodedata
from dataclasses import replace
from typing import Any

from reference_gateway.faults.asgi import Answer, Asked, Wrap, changed, each_write, headed
from reference_gateway.faults.behind import (
    asked_again,
    deaf,
    ended_with,
    gathered,
    held_back,
    in_texts,
    keeping_cookies,
    merged,
    own_error,
    peeking,
    scripted,
    sending_on,
    slow,
    telling,
)
from reference_gateway.faults.edits import asked_as, chunk, drop, event, events, never, put, reply
from reference_gateway.faults.exchanges import answers, header
from reference_gateway.faults.fault import CONSTRUCTED, nothing, table

BEHIND = table("providers")
FINISHED = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    b'[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
EXTRA = {"error": {"message": "extra", "type": "api_error", "param": None, "code": "x"}}


def row(name: str, breaks: str, layer: Wrap, suffers: str, seen: str = CONSTRUCTED, **more: Any) -> None:
    """A defect that is judged with a scripted provider behind the gateway, whichever side it is at."""
    BEHIND.add(name, breaks, layer, suffers, seen, **{"behind": nothing} | more)


def error(code: str, status: int, body: bytes | None = None) -> Wrap:
    """The gateway's own error of this code gets another status, and another body that is no JSON."""

    def new(_: Any, answer: Answer) -> Answer:
        kept = replace(answer, status=status)
        return kept if body is None else replace(kept, body=body).with_header("content-type", "text/html")

    return lambda app: changed(app, own_error(code, new), streams=never)


def at_errors(edit: Any, code: str) -> Wrap:
    """The event of a stream that holds the gateway's own error of this code becomes another."""

    def act(piece: bytes) -> bytes:
        is_it = b'"error"' in piece and code.encode() in piece
        return edit(piece) if is_it else piece

    return event(act, scripted())


def bare(piece: bytes) -> bytes:
    """The event of an error with nothing around the error itself."""
    error = json.loads(piece[piece.find(b"{") :])["error"]
    return b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n"


def model_of_the_provider(document: Any) -> None:
    document["model"] = "internal-model-of-the-provider"


def arguments(edit: Any) -> Wrap:
    return reply(put("choices[].message.tool_calls[].function.arguments", edit), scripted())


def usage_twice(document: Any) -> None:
    usage = document.get("usage")
    if usage:
        document["usage"] = {key: 2 * value for key, value in usage.items() if isinstance(value, int)}


def rounded(text: str) -> str:
    return json.dumps(json.loads(text))


def read_badly(edit: Any) -> Wrap:
    """What the gateway reads of its provider's streams, piece by piece."""

    def act(asked: Asked, piece: bytes) -> bytes:
        return edit(piece) if asked.streams and not scripted("gzip")(asked) else piece

    return lambda app: each_write(app, act)


def lossy(piece: bytes) -> bytes:
    return piece.decode("utf-8", "replace").encode()


def only_with_a_space(piece: bytes) -> bytes:
    return b"" if piece.startswith(b"data:{") else piece


def only_line_feeds(piece: bytes) -> bytes:
    return piece.replace(b"\r", b" ")


def one_line_of_data(piece: bytes) -> bytes:
    return b"\n".join(line for line in piece.split(b"\n") if not line.startswith(b"data:  ")) if piece else piece


def no_comments(piece: bytes) -> bytes:
    return piece.replace(b": a comment\n", b"data: a comment\n")


def of_content(edit: Any) -> Any:
    """Changes each piece of the text that a stream brings."""
    return put("choices[].delta.content", lambda text: edit(text) if isinstance(text, str) else text)


# fmt: off
for name, edit, suffers in (
    ("line-breaks-lost", lambda text: text.replace("\n", ""), "Code comes in one line."),
    ("blank-pieces-lost", lambda text: text if text.strip() else "", "Words run into one another."),
    ("pieces-trimmed", str.strip, "Words run into one another."),
    ("emoji-lost", lambda text: "".join(c for c in text if ord(c) < 0x10000), "Emoji are lost."),
    ("escaped-for-html", lambda text: html.escape(text, quote=False), "Code is garbled."),
    ("breaks-at-ends-lost", lambda text: text.rstrip("\n") if text.strip() else text, "Code comes in one line."),
    ("line-breaks-escaped", lambda text: text.replace("\n", "\\n"), "Code comes in one line."),
):
    row(f"provider-text-{name}", "UPS-027", chunk(of_content(edit), scripted("def f(x)", '"stream": true')), suffers)
row("provider-text-trimmed", "UPS-027", reply(put("choices[].message.content", str.strip), scripted("def f(x)")),
    "Code loses its indentation.", "gateways that tidy answers up")
row("provider-401-passed-on", "UPS-001", error("upstream_auth_error", 401), "Clients renew a key that is right.",
    "LiteLLM passes 401 through")
row("provider-429-without-retry-after", "UPS-002",
    header("retry-after", None, lambda asked, x: scripted()(asked) and x.status == 429),
    "Clients come back too early, again and again.", "gateways that write errors anew")
row("provider-429-as-500", "UPS-002",
    answers(lambda x: replace(x, status=500), lambda asked, x: scripted()(asked) and x.status == 429),
    "Clients take a full provider for a broken one.", "MLflow's streams answer 200")
row("provider-html-passed-on", "UPS-003", error("upstream_error", 502, b"<html>Bad</html>"),
    "SDKs show a page of HTML as the reason.", "LiteLLM, vllm-router and nginx pass 502 HTML on")
row("provider-nonsense-is-200", "UPS-003 UPS-028", error("upstream_invalid_response", 200, b""),
    "Clients crash as they read an answer that is none.", "proxies that pass a body through")
row("provider-failure-is-400", "UPS-003 SDK-018", error("upstream_error", 400),
    "Clients do not try again, as the fault seems to be theirs.", "LiteLLM wraps many errors as 400")
row("provider-never-given-up", "UPS-004", held_back(6.5, 504),
    "Clients and their connections hang as long as the provider.", "the NeMo platform sets no timeout")
row("provider-given-up-as-400", "UPS-004", error("upstream_timeout", 400),
    "Clients do not try again, as the fault seems to be theirs.")
row("broken-stream-gets-an-end", "UPS-003 UPS-005", at_errors(lambda piece: FINISHED, "upstream_invalid_response"),
    "Half an answer is taken for a whole one.", "https://github.com/BerriAI/litellm/issues/39748")
row("broken-stream-just-ends", "UPS-005", at_errors(lambda piece: b"", "upstream_invalid_response"),
    "Half an answer is taken for a whole one.", "vllm-router, clean end")
row("stream-error-in-a-bare-object", "UPS-006", at_errors(bare, "failed"), "SDKs pass over the error as over a chunk.",
    "the form of the specification's ErrorEvent")
row("stream-error-swallowed", "UPS-006", at_errors(lambda piece: b"", "failed"),
    "Nobody learns that the provider failed.", "MLflow drops the provider's error events")
row("stream-error-gets-an-end", "UPS-006", at_errors(lambda piece: FINISHED, "failed"),
    "Half an answer is taken for a whole one.")
row("data-without-a-space-dropped", "UPS-007", nothing, "Streams of some providers are empty.",
    "NeMo's proxy drops data without a space", behind=read_badly(only_with_a_space))
row("only-line-feeds-read", "UPS-007", nothing, "Streams of some providers are empty.",
    behind=read_badly(only_line_feeds))
row("only-one-line-of-data-read", "UPS-007", nothing, "Streams of some providers are broken.",
    behind=read_badly(one_line_of_data))
row("comments-read-as-data", "UPS-007", nothing, "Keep-alive comments of some providers break every stream.",
    behind=read_badly(no_comments))
row("bytes-decoded-piece-by-piece", "UPS-008", nothing, "All but ASCII is now and then a replacement character.",
    "https://github.com/openclaw/aisix/issues/111", behind=read_badly(lossy))
row("stream-without-done-is-an-error", "UPS-009", nothing, "Providers that send no [DONE] can't be used.",
    behind=ended_with(b'data: {"error":{"message":"no end","type":"x","param":null,"code":null}}\n\n', b"[DONE]"))
row("events-in-threes", "UPS-010", events(gathered(3), scripted("gaps_s")), "Users see text in bursts.",
    "buffering proxies")
row("stream-held-to-its-end", "UPS-010", events(gathered(1000), scripted("gaps_s")), "Users wait for the whole answer.",
    "nginx with its default settings")
row("one-event-held-back", "UPS-010", events(peeking, scripted("gaps_s")), "The newest word is not seen.",
    "loops that look one event ahead")
row("events-in-twos", "UPS-010", events(gathered(2), scripted("gaps_s")), "Users see text in bursts.",
    "buffering proxies")
row("two-events-made-one", "UPS-010", events(merged, scripted("gaps_s")), "Users see text later than it was made.",
    "gateways that merge events")
row("every-event-late", "UPS-010", slow(0.04, lambda asked: scripted('"98 "')(asked) and not scripted('"299 "')(asked)),
    "Text comes slower than it is made.", "filters that look at each event with a model of their own")
row("provider-not-left", "UPS-011", deaf, "Operators pay for answers that nobody reads.",
    "gateways that do not cancel")
_front, _back = sending_on("authorization", "x-client-authorization")
row("client-key-sent-on", "UPS-012", _front, "The provider can act as the client.", "pass-through gateways",
    behind=_back)
_front, _back = telling("authorization")
row("provider-key-told", "UPS-012", _front, "Any client can act as the gateway's owner.", behind=_back)
row("texts-trimmed", "UPS-013", asked_as(in_texts(str.strip), scripted()), "Answers to something else than was asked.")
row("texts-normalised", "UPS-013", asked_as(in_texts(lambda text: unicodedata.normalize("NFC", text)), scripted()),
    "Answers to something else than was asked.")
row("texts-unescaped", "UPS-013", asked_as(in_texts(lambda text: text.replace("&amp;", "&")), scripted()),
    "Prompts about code and HTML are garbled.")
row("tool-results-written-anew", "UPS-013",
    asked_as(in_texts(lambda text: rounded(text) if text.startswith("{") else text.replace("\u2028", "\n")),
        scripted()),
    "Answers to something else than was asked.")
row("seed-read-as-a-double", "UPS-014",
    asked_as(lambda body: put("seed", lambda seed: int(float(seed)))(body) if "seed" in body else None, scripted()),
    "Seeds and ids change silently.", "gateways in JavaScript round large integers")
row("unknown-fields-fatal", "UPS-015",
    answers(lambda x: replace(x, status=502).with_json(EXTRA), lambda asked, x: scripted("x_provider")(asked)),
    "Each new field of a provider is an outage.")
row("provider-model-shown", "UPS-016", reply(model_of_the_provider, scripted("internal-model")),
    "Bills and logs by model fall apart.", "pass-through gateways")
row("provider-model-shown-in-streams", "UPS-016", chunk(model_of_the_provider, scripted("internal-model")),
    "Bills and logs by model fall apart.")
row("unknown-finish-passed-on", "UPS-017",
    chunk(put("choices[].finish_reason", lambda old: "eos" if old else old), scripted('"eos"')),
    "SDKs refuse the answer's end.", "providers that end with eos")
row("fragments-without-index-passed-on", "UPS-017",
    chunk(drop("choices[].delta.tool_calls[].index"), scripted("call_gateproof1", '"stream": true')),
    "SDKs can't put the calls together.", "providers that leave index out", may="UPS-026")
row("compression-not-undone", "UPS-018", nothing, "SDKs fail with errors of decoding.",
    "gateways that drop Content-Encoding",
    behind=lambda app: headed(app, lambda asked, head: head.with_header("content-encoding", None)))
row("provider-cookies-kept", "UPS-019", nothing, "Clients share a session with one provider.", "LiteLLM 1.106.2",
    behind=keeping_cookies())
row("provider-cookies-passed-on", "UPS-019",
    header("set-cookie", "session=gateproof-marked; Path=/; Secure; HttpOnly",
        lambda asked, x: scripted("X-Internal-Host")(asked)),
    "Clients share a session with one provider.", "pass-through gateways")
row("error-object-with-200", "UPS-020", error("failed", 200), "Programs crash far from the cause.")
row("failing-provider-asked-twelve-times", "UPS-021", nothing, "A failing provider is flooded.",
    behind=asked_again(12))
row("failing-provider-asked-six-times", "UPS-021", nothing, "A failing provider is flooded.",
    "retries of gateways times those of SDKs", behind=asked_again(6))
_front, _back = sending_on("proxy-authorization", "proxy-authorization")
row("proxy-credentials-sent-on", "UPS-022", _front, "Credentials for the gateway reach its provider.", behind=_back)
_front, _back = sending_on("x-gateproof-hop", "x-gateproof-hop")
row("hop-headers-sent-on", "UPS-022", _front, "Two proxies read one request differently.", behind=_back)
row("temperature-made-whole", "UPS-023",
    asked_as(lambda body: put("temperature", round)(body) if "temperature" in body else None, scripted()),
    "Answers of another kind than was asked for.")
row("stop-not-sent-on", "UPS-023", asked_as(drop("stop"), scripted()), "Answers run past their end.",
    "LiteLLM's drop_params")
row("broken-stream-asked-again", "UPS-024 UPS-029", nothing, "Two answers in one.",
    "https://github.com/BerriAI/litellm/issues/32086", behind=asked_again(2, in_the_middle=True), may="UPS-005")
row("usage-counted-twice", "UPS-025 UPS-028", reply(usage_twice, scripted()), "Clients pay twice.")
row("usage-of-streams-counted-twice", "UPS-025 UPS-028", chunk(usage_twice, scripted()), "Clients pay twice.")
row("arguments-written-anew", "UPS-026", arguments(rounded), "Tools run with other arguments than were chosen.")
row("call-ids-made-new", "UPS-026", reply(put("choices[].message.tool_calls[].id", "call_new"), scripted()),
    "Results can't be matched with what was called.")
# fmt: on
