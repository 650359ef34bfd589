"""Plain chats that are answered wrongly, and chats that are taken for others than they are."""

import itertools
import json
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from reference_gateway.faults.asgi import Answer, Asked, changed, error
from reference_gateway.faults.chats import (
    MESSAGE,
    bare,
    content,
    counts,
    has_role,
    holding,
    holds,
    in_messages,
    in_parts,
    messages,
    of_text,
    plain,
    talking,
)
from reference_gateway.faults.edits import (
    Where,
    answered,
    asked_as,
    asks,
    both,
    drop,
    edited,
    is_chat,
    plainly,
    put,
    reply,
)
from reference_gateway.faults.exchanges import SSE
from reference_gateway.faults.fault import table

CHATS = table("chat")
USAGE = table("usage")
row = CHATS.add
EVENTS = replace(SSE, body=b'data: {"choices": []}\n\ndata: [DONE]\n\n')


def of_two(asked: Asked) -> bool:
    return of_text(asked) and not asked.streams and asked.object.get("n") == 2


def second_left_empty(document: Any) -> None:
    """As if the first had used up the cap of both."""
    choice = document["choices"][1]
    choice["message"]["content"], choice["finish_reason"] = "", "length"
    if choice.get("logprobs"):
        choice["logprobs"]["content"] = []


def drifting(app: ASGIApp) -> ASGIApp:
    """Each answer to the smallest chat costs one prompt token more than the one before."""
    times = itertools.count()

    def edit(asked: Asked, answer: Answer) -> Answer | None:
        if not (is_chat(asked) and plainly(asked) and answer.status == 200):
            return None
        return answer.with_json(edited(counts(prompt_tokens=lambda n: n + next(times)), answer.json) or answer.json)

    return changed(app, edit)


def doubled(document: Any) -> None:
    document["choices"].append(document["choices"][0] | {"index": 1})


def in_latin1(asked: Asked, answer: Answer) -> Answer | None:
    """Prompts in other scripts are answered in Latin-1."""
    if not holds("日本語")(asked) or answer.status != 200 or answer.is_stream:
        return None
    document = answer.json
    document["choices"][0]["message"]["content"] = "déjà vu"
    return replace(answer, body=json.dumps(document, ensure_ascii=False).encode("latin-1"))


def accepting(value: str | None) -> Where:
    return lambda asked: asked.header("accept") == value and not asked.streams


def capped(*caps: Any) -> Where:
    def where(asked: Asked) -> bool:
        cap = asked.object.get("max_completion_tokens")
        return any(type(cap) is type(each) and cap == each for each in caps)

    return where


def only_the_last(found: list[Any]) -> list[Any]:
    """Of the turns only the last; what a developer says stays."""
    return [m for m in found[:-1] if m.get("role") == "developer"] + found[-1:]


# fmt: off
row("chat-member-of-wrong-type", "CHAT-001 CHAT-068 SDK-021 SDK-022",
    reply(put(f"{MESSAGE}.annotations", "none"), plainly), "Typed clients refuse the answer.")
row("chat-object-of-another-kind", "CHAT-002 SDK-021", reply(put("object", "chat.completions")),
    "Typed clients refuse the answer.")
row("chat-without-object", "CHAT-002 SDK-021", reply(drop("object")), "Typed clients refuse the answer.",
    "lm-proxy 3.3.2")
row("chat-ids-constant", "CHAT-003", reply(put("id", "chatcmpl-1")), "Logs and traces of all users become one.")
row("chat-id-empty", "CHAT-003", reply(put("id", "")), "An answer can't be named in a complaint.")
row("chat-ids-of-another-form", "CHAT-004", reply(put("id", lambda id: id.removeprefix("chatcmpl-"))),
    "Tools that tell answers by their prefix skip them.", "Mistral's hexadecimal ids")
row("chat-created-is-a-fraction", "CHAT-005 SDK-021", reply(put("created", lambda s: s + 0.5)),
    "Strictly typed clients refuse the answer.", "LiteLLM issue 476")
row("chat-created-in-milliseconds", "CHAT-005 CHAT-006", reply(put("created", lambda s: s * 1000)),
    "Dates lie in the year 57,000.")
row("chat-created-an-hour-ago", "CHAT-006", reply(put("created", lambda s: s - 3600)),
    "Answers are sorted before their questions.")
row("chat-without-model", "CHAT-007 SDK-021",
    reply(drop("model")), "Bills by model lose the answer.", "lm-proxy 3.3.2")
row("chat-model-of-the-provider", "CHAT-008", reply(put("model", "prod-eu-4711")),
    "Budgets by model name don't find what they pay for.", "LiteLLM issues 19943 and 22709")
row("chat-model-dated-only-when-plain", "STREAM-070",
    reply(put("model", lambda id: f"{id}-2024-07-18"), lambda asked: asked.object.get("model") == "gpt-4o-mini"),
    "Bills by model are split over two names.", "LiteLLM issues 19943 and 22709")
row("chat-two-choices-for-one", "CHAT-009", reply(doubled, asks("stream", False)),
    "Clients that join choices show the answer twice.")
row("chat-without-choices", "CHAT-001 CHAT-009",
    reply(put("choices", []), lambda asked: asks("stream", False)(asked) and of_text(asked)),
    "choices[0] raises.")
row("chat-choices-counted-from-one", "CHAT-010", reply(put("choices[].index", lambda n: n + 1)),
    "Clients that look for index 0 find no answer.")
row("chat-role-of-another-api", "CHAT-011 CHAT-068 SDK-021 SDK-022", reply(put(f"{MESSAGE}.role", "model")),
    "The message can't be given back.", "the role of Gemini's own API")
row("chat-content-in-parts", "CHAT-012 SDK-021",
    reply(put(f"{MESSAGE}.content", lambda old: [{"type": "text", "text": old}] if isinstance(old, str) else old),
        of_text),
    "Programs that print the answer print a list.", "Mistral's reasoning models")
row("chat-without-refusal", "CHAT-013", reply(drop(f"{MESSAGE}.refusal")),
    "Strictly typed clients refuse the message.", "LiteLLM 1.106 and most others")
row("chat-content-null-at-a-normal-end", "CHAT-014",
    reply(both(put(f"{MESSAGE}.content", None), put("choices[].finish_reason", "stop")),
        lambda asked: asks("stop")(asked) and asks("stop", "e")(asked)),
    "content.strip() raises.")
row("chat-finish-reason-of-the-engine", "CHAT-015 SDK-021", reply(put("choices[].finish_reason", "eos"), plainly),
    "Strictly typed clients refuse the answer.", "eos, eos_token, end_turn of other APIs")
row("chat-without-finish-reason", "CHAT-015", reply(put("choices[].finish_reason", None), asks("stream", False)),
    "A cut answer can't be told from a whole one.")
row("chat-logprobs-not-asked-for", "CHAT-016", reply(put("choices[].logprobs", {"content": []}), asks("stream", False)),
    "Answers grow many times for nothing.")
row("chat-one-choice-for-two", "CHAT-023", reply(put("choices", lambda found: found[:1]), plain(asks("n"))),
    "One answer where two were paid for.", "many backends ignore n")
row("chat-text-comes-twice", "CHAT-105 STREAM-068",
    reply(put(f"{MESSAGE}.content", lambda text: text + text if isinstance(text, str) else text), bare),
    "Users read the answer twice.", "answers sent in pieces and once more as a whole")
row("chat-letters-lost", "CHAT-108",
    reply(put(f"{MESSAGE}.content", lambda text: "".join(c if c.isascii() else "\ufffd" for c in text)),
          bare),
    "Emoji and Chinese turn into replacement characters.", "each TCP chunk decoded alone")
row("chat-stop-sequence-in-the-text", "CHAT-026",
    reply(put(f"{MESSAGE}.content", lambda text: text + "e"), asks("stop", ["e", "a"])),
    "Parsers that rely on the stop sequence read one field too many.", "engines with include_stop_str")
row("chat-stop-reported-as-length", "CHAT-027", reply(put("choices[].finish_reason", "length"), plain(asks("stop"))),
    "Clients ask for more of an answer that is whole.")
row("chat-stop-as-text-ignored", "CHAT-028", asked_as(drop("stop"), asks("stop", "e")),
    "Answers run on beyond their end.", "MLflow 3.17.2 refuses it as a text")
row("chat-stop-as-text-refused", "CHAT-028", answered(lambda asked: isinstance(asked.object.get("stop"), str),
                                                    error(422)),
    "Clients that write stop as a text are refused.", "MLflow gateway 3.17.2")
row("chat-stops-cut-to-one", "CHAT-028",
    asked_as(put("stop", ["¶"]), asks("stop", ["e", "a", "i", "o"])),
    "The fourth stop sequence does nothing.", "LiteLLM 1.106 cuts stop lists")
row("chat-stops-ignored-for-two-choices", "CHAT-026",
    asked_as(drop("stop"), lambda asked: not asked.streams and asks("n", 2)(asked)),
    "Agents that draw two answers find what they stop at in both.")
row("chat-stops-ignored-for-two-choices-in-streams", "STREAM-055",
    asked_as(drop("stop"), lambda asked: asked.streams and asks("n", 2)(asked)),
    "Agents that draw two answers find what they stop at in both, in streams alone.")
row("chat-second-choice-left-empty", "CHAT-023",
    reply(both(second_left_empty, counts(completion_tokens=lambda n: max(n // 2, 1))), of_two),
    "Who asks for two answers gets one and an empty one.")
row("chat-caps-of-another-answer", "CHAT-107",
    asked_as(put("max_completion_tokens", 8), lambda asked: not asked.streams and holds("mountains")(asked)),
    "Who asks for more gets what was cut for others, by a cache whose key lacks the cap.")
row("chat-nulls-refused-in-streams", "CHAT-073 STREAM-035",
    answered(lambda asked: asked.streams and None in asked.object.values(), error(400)),
    "Clients that write all members, null or not, are refused as soon as they stream.")
row("chat-caps-ignored", "CHAT-029 CHAT-030",
    asked_as(both(drop("max_completion_tokens"), drop("max_tokens")),
           lambda asked: not asked.streams and 5 in asked.object.values()),
    "Users pay for tokens that they had capped.")
row("chat-max-tokens-ignored", "CHAT-030",
    asked_as(drop("max_tokens"), lambda asked: not asked.streams and asks("max_tokens", 5)(asked)),
    "Older clients get answers without a limit.", "o-series and older servers know only one of the two")
row("chat-cap-of-none-served", "CHAT-032", asked_as(put("max_completion_tokens", 4), capped(0, -1, 1.5, "10")),
    "A mistake in the client is hidden by an answer.", "llama.cpp takes -1 for unlimited")
row("chat-cap-of-none-crashes", "CHAT-032", answered(capped(-1), error(503)),
    "Clients retry a request that can never be served.", "LiteLLM issue 18689")
row("chat-cap-reported-as-stop", "CHAT-106",
    reply(put("choices[].finish_reason", lambda old: "stop" if old == "length" else old), of_text),
    "Half answers are taken for whole ones.")
row("chat-text-parts-refused", "CHAT-060", answered(in_parts, error(400)),
    "Clients that always send parts don't work at all.", "LibreChat issue 3111")
row("chat-text-parts-but-the-first-dropped", "CHAT-101",
    in_messages(lambda found: [m | {"content": m["content"][:1]} if isinstance(m.get("content"), list) else m
                             for m in found], in_parts),
    "Half of the question never reaches the model.", "sglang issue 17853")
row("chat-images-refused", "CHAT-061", answered(holding("data:image"), error(400)),
    "A model that sees is blind.", "gateways that pass on texts only")
row("chat-images-crash", "CHAT-062", answered(holding("data:image"), error(500)),
    "A picture in a chat takes the chat down.")
row("chat-system-turns-refused", "CHAT-064", answered(has_role("system"), error(400)),
    "No program with a system prompt works.", "templates without a system role", may="CHAT-121")
row("chat-system-turns-dropped", "CHAT-100",
    in_messages(lambda found: [m for m in found if m.get("role") != "system"] or found, has_role("system")),
    "The rules of the assistant never reach the model.")
row("chat-only-the-last-message-counts", "CHAT-100",
    in_messages(only_the_last, talking),
    "The assistant forgets everything at every turn.")
row("chat-developer-dropped", "CHAT-103",
    in_messages(lambda found: [m for m in found if m.get("role") != "developer"] or found, has_role("developer")),
    "Newer clients' instructions never reach the model.", "templates that do not know the role")
row("chat-developer-refused", "CHAT-065", answered(has_role("developer"), error(400)),
    "Newer clients' instructions are refused.", "widely refused by templates")
row("chat-names-refused", "CHAT-067", answered(lambda asked: any("name" in m for m in messages(asked)), error(400)),
    "Chats of several people are refused.", "vLLM issue 12864")
row("chat-own-message-refused", "CHAT-068 SDK-022",
    answered(lambda asked: any("refusal" in m for m in messages(asked)), error(400)),
    "The second turn of every conversation fails.", "strict validators refuse null members")
row("chat-no-messages-served", "CHAT-069 SDK-015",
    asked_as(put("messages", [{"role": "user", "content": "Hi"}]), asks("messages", [])),
    "An empty conversation costs money.")
row("chat-wrong-types-ignored", "CHAT-072", asked_as(drop("temperature"), asks("temperature", "hot")),
    "A mistake in the client is never noticed.")
row("chat-temperature-out-of-range-served", "CHAT-071",
    asked_as(put("temperature", 1), lambda asked: isinstance(asked.object.get("temperature"), int | float)
           and asked.object["temperature"] > 2),
    "The model answers by another temperature than asked for.", "llama.cpp serves it")
row("chat-nulls-refused", "CHAT-073", answered(asks("temperature", None), error(400)),
    "Clients that write all members, null or not, are refused.")
row("chat-unknown-fields-crash", "CHAT-074 SDK-023", answered(asks("x_conformance"), error(500)),
    "Every new client option takes the chat down.")
row("chat-other-scripts-refused", "CHAT-076", answered(holds("日本語"), error(400)), "Most of the world can't use it.")
row("chat-other-scripts-in-latin1", "CHAT-001 CHAT-076", lambda app: changed(app, in_latin1),
    "Answers outside ASCII can't be read.")
row("chat-half-surrogates-crash", "CHAT-077", answered(holds("\ud83d"), error(500)),
    "A cut emoji takes the chat down.", "Python's encoders raise")
row("chat-accept-decides-on-streaming", "CHAT-084",
    answered(accepting("text/event-stream"), EVENTS),
    "Clients that accept both get events for an answer.", may="AUTH-024")
row("chat-without-accept-refused", "CHAT-084", answered(accepting(None), error(406)), "curl-like clients are refused.")
row("chat-charset-refused", "CHAT-085",
    answered(lambda asked: "charset" in (asked.header("content-type") or ""), error(415)),
    "Java and .NET clients, which name the charset, are refused.")
row("chat-stream-false-refused", "CHAT-086 SDK-007 SDK-008", answered(asks("stream", False), error(400)),
    "Clients that write the default are refused.")
row("chat-stream-null-is-a-stream", "CHAT-086 SDK-023",
    answered(lambda asked: is_chat(asked) and asked.object.get("stream", 0) is None and of_text(asked), EVENTS),
    "Clients that write null get events for an answer.")
row("chat-blank-content-crashes", "CHAT-087", answered(content(lambda text: text == " "), error(500)),
    "A space takes the chat down.")
row("chat-user-message-null-served", "CHAT-088",
    in_messages(lambda found: [m | {"content": "None"} if m.get("role") == "user" and m.get("content") is None else m
                             for m in found], lambda asked: True),
    "The model is asked 'None'.", "template engines print None")
# fmt: on

row = USAGE.add

# fmt: off
row("chat-without-usage", "CHAT-017", reply(drop("usage")), "Nothing can be billed.", "lm-proxy 3.3.2")
row("chat-usage-does-not-add-up", "CHAT-018", reply(put("usage.total_tokens", lambda n: n + 1)),
    "Bills differ from the sums of their parts.", "totals derived from Gemini's")
row("chat-usage-negative", "CHAT-018", reply(put("usage.completion_tokens", -1)), "Budgets grow by spending.")
row("chat-usage-empty", "CHAT-018 SDK-021", reply(put("usage", {}), of_text), "usage.total_tokens raises.")
row("chat-usage-zero", "CHAT-019",
    reply(counts(prompt_tokens=0, completion_tokens=0), asks("stream", False)),
    "Answers are free of charge.", "gateways whose upstream leaves usage out")
row("chat-usage-cached-beyond-the-prompt", "CHAT-020",
    reply(put("usage.prompt_tokens_details", {"cached_tokens": 10**6})), "Discounts exceed the price.")
row("chat-usage-drifts", "CHAT-021", drifting, "The same question costs more each time.",
    "prompts into which a date is put")
row("chat-usage-constant", "CHAT-022", reply(counts(prompt_tokens=lambda n: min(n, 30))),
    "Long prompts are charged like short ones.", "mocks in production")
row("chat-usage-of-one-choice", "CHAT-024 CHAT-107", reply(counts(completion_tokens=1), plain(asks("n"))),
    "The second choice is free of charge.")
row("chat-usage-beyond-the-cap", "CHAT-031", reply(counts(completion_tokens=lambda n: n + 40), of_text),
    "Users pay for tokens that they had capped.", "speculative decoders overshoot")
# fmt: on
