"""What a gateway does wrong with the requests that it sends on to its provider, and with what is answered."""

from dataclasses import replace
from typing import Any

from reference_gateway.faults.asgi import Answer, Wrap
from reference_gateway.faults.behind import (
    asked_again,
    asked_twice,
    every,
    in_texts,
    late_logprobs,
    mixed_up,
    scripted,
    sending_on,
    telling,
)
from reference_gateway.faults.edits import Edit, asked_as, chunk, drop, event, events, put, reply
from reference_gateway.faults.exchanges import answers
from reference_gateway.faults.fault import nothing
from reference_gateway.faults.tables.behind import BEHIND, FINISHED, of_content, row

__all__ = ["BEHIND"]

CALLS = scripted("call_gateproof2")
ARGUMENTS = "choices[].delta.tool_calls[].function.arguments"
TOO_BIG = b'data: {"error":{"message":"Chunk too big","type":"server_error","param":null,"code":null}}\n\n'


def at_status(status: int, new: int, *words: str) -> Wrap:
    """Errors of the provider get another status."""
    return answers(lambda x: replace(x, status=new), lambda asked, x: scripted(*words)(asked) and x.status == status)


def without_code(answer: Answer) -> Answer:
    document = answer.json
    document["error"]["code"] = None
    return answer.with_json(document)


def ended(reason: str, new: str = "stop") -> Edit:
    return put("choices[].finish_reason", lambda old: new if old == reason else old)


def twice(piece: bytes) -> bytes:
    """The event with the usage, two times."""
    return 2 * piece if b'"prompt_tokens"' in piece else piece


def once_spoken(messages: list[Any]) -> list[Any]:
    """Turns of one role that follow each other are one."""
    found: list[Any] = []
    for message in messages:
        plain = isinstance(message["content"], str) and "[[gateproof" not in message["content"]
        if found and plain and message["role"] == found[-1]["role"] == "user":
            found[-1] = found[-1] | {"content": found[-1]["content"] + "\n" + message["content"]}
        else:
            found.append(message)
    return found


def unconstrained(tools: Any) -> Any:
    """Schemas without what only some providers take."""
    if isinstance(tools, dict):
        return {key: unconstrained(value) for key, value in tools.items() if key not in ("enum", "pattern")}
    return [unconstrained(each) for each in tools] if isinstance(tools, list) else tools


def false_lost(body: dict[str, Any]) -> None:
    for key in [key for key, value in body.items() if value in (0, False)]:
        del body[key]


# fmt: off
row("provider-text-long-pieces-cut", "UPS-027", chunk(of_content(lambda text: text[:4096]), scripted()),
    "Long pieces lose their end.", "buffers of a fixed size")
row("provider-text-long-lines-fatal", "UPS-027",
    event(lambda piece: TOO_BIG if len(piece) > 64 * 1024 else piece, scripted()),
    "Images and whole calls break the stream.", "aiohttp and asyncio: readline ends at 64 KiB")
row("provider-text-an-event-lost", "UPS-027", events(every(30, lambda piece: b"" if b'"content"' in piece else piece),
    scripted()), "A word is missing on every page.")
row("provider-text-last-piece-lost", "UPS-027",
    event(lambda piece: b"" if b'"five."' in piece else piece, scripted()), "The last word is missing.")
row("provider-text-long-answer-cut", "UPS-027",
    reply(put("choices[].message.content", lambda text: text and text[:16384]), scripted()), "Answers lose their end.")
row("second-call-lost", "UPS-026", reply(put("choices[].message.tool_calls", lambda found: found[:1]), CALLS),
    "Half of what the model asked for is done.")
row("second-call-of-streams-lost", "UPS-026",
    chunk(lambda d: put("choices[].delta.tool_calls", lambda found: [x for x in found if x["index"] == 0])(d)
        if "tool_calls" in str(d) and "index" in str(d["choices"][0]["delta"]) else None, CALLS),
    "Half of what the model asked for is done.")
row("calls-with-one-index", "UPS-026", chunk(put("choices[].delta.tool_calls[].index", 0), CALLS),
    "The arguments of two calls run into one another.")
row("late-fragments-lost", "UPS-026", chunk(drop("choices[].delta.tool_calls"), CALLS, slice(9, None)),
    "Arguments are cut off.")
row("text-beside-calls-lost", "UPS-026", reply(put("choices[].message.content", None), CALLS),
    "What the model says of its calls is lost.", "gateways that set content to null beside calls")
row("names-of-calls-in-lower-case", "UPS-026",
    chunk(put("choices[].delta.tool_calls[].function.name", lambda name: name and name.lower()), CALLS),
    "The tool is not found.")
row("escapes-of-arguments-doubled", "UPS-026",
    chunk(put(ARGUMENTS, lambda text: text and text.replace("\\u", "\\\\u")), CALLS), "Tools get garbled texts.")
row("cut-answers-end-with-stop", "UPS-028", chunk(ended("length"), scripted('"length"')),
    "A cut answer is taken for a whole one.")
row("filtered-answers-end-with-stop", "UPS-028", reply(ended("content_filter"), scripted('"content_filter"')),
    "Nobody learns that an answer was filtered.")
row("calls-end-with-stop", "UPS-028", reply(ended("tool_calls"), CALLS), "Tools are not run.")
row("refusal-lost", "UPS-029", reply(put("choices[].message.refusal", None), scripted("help with that")),
    "A refusal is an empty answer.")
row("logprobs-lost", "UPS-029", reply(put("choices[].logprobs", None), scripted('"logprob"')),
    "There is nothing to compute.")
row("logprobs-with-the-next-event", "UPS-029", events(late_logprobs, scripted('"logprob"')),
    "Tokens get the probabilities of others.")
row("logprobs-rounded", "UPS-029",
    chunk(put("choices[].logprobs.content[].logprob", lambda value: round(value, 1)), scripted('"logprob"')),
    "What is computed from probabilities is wrong.")
row("second-choice-lost", "UPS-029", reply(put("choices", lambda found: found[:1]), scripted("Another one.")),
    "Clients pay for choices that they do not get.")
row("usage-lost", "UPS-025", reply(drop("usage"), scripted()), "Nobody knows what to pay.")
row("usage-of-streams-lost", "UPS-025", event(lambda piece: b"" if b'"prompt_tokens"' in piece else piece, scripted()),
    "Nobody knows what to pay.")
row("usage-of-streams-told-twice", "UPS-025", event(twice, scripted()), "Clients that add usage up pay twice.")
row("cached-tokens-not-told", "UPS-025", reply(put("usage.prompt_tokens_details.cached_tokens", 0), scripted()),
    "Clients pay for cached tokens in full.")
row("clients-fault-as-500", "UPS-030", at_status(400, 500), "SDKs try again what can't succeed.")
row("clients-fault-as-502", "UPS-030", at_status(422, 502), "SDKs try again what can't succeed.")
row("code-of-a-clients-fault-lost", "UPS-030",
    answers(without_code, lambda asked, x: scripted("context_length_exceeded")(asked) and x.status == 400),
    "Programs can't tell that a conversation is too long.")
row("garbled-event-left-out", "UPS-003",
    event(lambda piece: FINISHED if b'"error"' in piece else piece, scripted("chatcmpl-1", '"cho')),
    "Words are missing, and nobody is told.")
_front, _back = sending_on("cookie", "cookie")
row("client-cookies-sent-on", "UPS-022", _front, "The provider gets what was told the gateway alone.",
    "facts: pass-through gateways", behind=_back)
row("provider-asked-twice", "UPS-031", nothing, "Operators pay twice.", behind=asked_twice, may="UPS-024 UPS-021")
row("answers-mixed-up", "UPS-032", mixed_up(8), "Clients read what others were answered.",
    "OpenAI's outage of March 20, 2023", may="UPS-013 UPS-015 UPS-016 UPS-018 UPS-020 UPS-023 UPS-024 UPS-025 UPS-026 "
    "UPS-027 UPS-028 UPS-029")
_front, _back = telling("authorization", least=500, hidden=4)
row("provider-key-told-in-errors", "UPS-012", _front, "Any client can act as the gateway's owner.", behind=_back)
_front, _back = telling("host", least=500)
row("provider-address-told-in-errors", "UPS-019", _front, "What stands behind the gateway is disclosed.", behind=_back)
row("refused-requests-sent-again", "UPS-021", nothing, "A provider that says no is asked again and again.",
    behind=asked_again(3, least=400))
row("spent-quota-as-500", "UPS-002", at_status(429, 500, "insufficient_quota"),
    "Clients take a full provider for a broken one.")
row("names-of-messages-lost", "UPS-013", asked_as(drop("messages[].name"), scripted()),
    "The model can't tell who speaks.")
row("turns-of-one-role-made-one", "UPS-013", asked_as(put("messages", once_spoken), scripted()),
    "Answers to something else than was asked.")
row("long-messages-cut", "UPS-013", asked_as(in_texts(lambda text: text[:8192]), scripted()),
    "Answers to a part of what was asked.")
row("old-messages-dropped", "UPS-013", asked_as(put("messages", lambda found: found[-10:]), scripted()),
    "The model forgets what was said.")
row("line-breaks-of-prompts-changed", "UPS-013",
    asked_as(in_texts(lambda text: text.replace("\r\n", "\n")), scripted()), "Prompts about files are garbled.")
row("image-detail-lost", "UPS-013", asked_as(drop("messages[].content[].image_url.detail"), scripted()),
    "Images cost more than was chosen.")
row("high-temperature-clamped", "UPS-023",
    asked_as(lambda body: put("temperature", lambda value: min(value, 1))(body) if "temperature" in body else None,
        scripted()),
    "Answers of another kind than was asked for.")
row("stops-after-the-second-lost", "UPS-023",
    asked_as(lambda body: put("stop", lambda found: found[:2])(body) if "stop" in body else None, scripted()),
    "Answers run past their end.")
row("nought-and-false-lost", "UPS-023", asked_as(false_lost, scripted()), "A temperature of 0 is one of 1.",
    "values that are left out where they are false")
row("schemas-of-tools-simplified", "UPS-023",
    asked_as(lambda body: put("tools", unconstrained)(body) if "tools" in body else None, scripted()),
    "Tools are called with what they can't take.", "gateways that fit schemas to their provider")
row("second-tool-lost", "UPS-023",
    asked_as(lambda body: put("tools", lambda found: found[:1])(body) if "tools" in body else None, scripted()),
    "Tools are never called.", may="UPS-026")
row("tool-choice-not-sent-on", "UPS-023", asked_as(drop("tool_choice"), scripted()), "Another tool is called, or none.")
# fmt: on
