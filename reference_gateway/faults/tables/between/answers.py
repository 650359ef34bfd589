"""What a gateway does wrong with the answers of its provider."""

from dataclasses import replace

from reference_gateway.faults.asgi import Answer, Wrap
from reference_gateway.faults.behind import (
    asked_again,
    every,
    late_logprobs,
    mixed_up,
    scripted,
    sending_on,
    telling,
)
from reference_gateway.faults.edits import Edit, chunk, drop, event, events, put, reply
from reference_gateway.faults.exchanges import answers
from reference_gateway.faults.fault import nothing
from reference_gateway.faults.tables.between.basics import FINISHED, of_content, row

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
row("cut-answers-end-with-stop", "UPS-032", chunk(ended("length"), scripted('"length"')),
    "A cut answer is taken for a whole one.")
row("filtered-answers-end-with-stop", "UPS-032", reply(ended("content_filter"), scripted('"content_filter"')),
    "Nobody learns that an answer was filtered.")
row("calls-end-with-stop", "UPS-032", reply(ended("tool_calls"), CALLS), "Tools are not run.")
row("refusal-lost", "UPS-033", reply(put("choices[].message.refusal", None), scripted("help with that")),
    "A refusal is an empty answer.", "LiteLLM 1.106.2")
row("logprobs-lost", "UPS-033", reply(put("choices[].logprobs", None), scripted('"logprob"')),
    "There is nothing to compute.")
row("logprobs-with-the-next-event", "UPS-033", events(late_logprobs, scripted('"logprob"')),
    "Tokens get the probabilities of others.")
row("logprobs-rounded", "UPS-033",
    chunk(put("choices[].logprobs.content[].logprob", lambda value: round(value, 1)), scripted('"logprob"')),
    "What is computed from probabilities is wrong.")
row("second-choice-lost", "UPS-033", reply(put("choices", lambda found: found[:1]), scripted("Another one.")),
    "Clients pay for choices that they do not get.")
row("usage-lost", "UPS-025", reply(drop("usage"), scripted()), "Nobody knows what to pay.")
row("usage-of-streams-lost", "UPS-025", event(lambda piece: b"" if b'"prompt_tokens"' in piece else piece, scripted()),
    "Nobody knows what to pay.")
row("usage-of-streams-told-twice", "UPS-025", event(twice, scripted()), "Clients that add usage up pay twice.")
row("cached-tokens-not-told", "UPS-025", reply(put("usage.prompt_tokens_details.cached_tokens", 0), scripted()),
    "Clients pay for cached tokens in full.")
row("clients-fault-as-500", "UPS-030 UPS-034", at_status(400, 500), "SDKs try again what can't succeed.")
row("clients-fault-as-502", "UPS-034", at_status(422, 502), "SDKs try again what can't succeed.")
row("code-of-a-clients-fault-lost", "UPS-034",
    answers(without_code, lambda asked, x: scripted("context_length_exceeded")(asked) and x.status == 400),
    "Programs can't tell that a conversation is too long.", "LiteLLM 1.106.2")
row("garbled-event-left-out", "UPS-003",
    event(lambda piece: FINISHED if b'"error"' in piece else piece, scripted("chatcmpl-1", '"cho')),
    "Words are missing, and nobody is told.")
_front, _back = sending_on("cookie", "cookie")
row("client-cookies-sent-on", "UPS-022", _front, "The provider gets what was told the gateway alone.",
    "pass-through gateways", behind=_back)
row("answers-mixed-up", "UPS-035", mixed_up(8), "Clients read what others were answered.",
    "OpenAI's outage of March 20, 2023", may="UPS-013 UPS-015 UPS-016 UPS-018 UPS-020 UPS-023 UPS-024 UPS-025 UPS-026 "
    "UPS-027 UPS-028 UPS-032 UPS-033 UPS-039 UPS-042 UPS-043 SDK-018")
_front, _back = telling("authorization", least=500, hidden=4)
row("provider-key-told-in-errors", "UPS-012", _front, "Any client can act as the gateway's owner.", behind=_back)
_front, _back = telling("host", least=500)
row("provider-address-told-in-errors", "UPS-019 ERR-023", _front, "What stands behind the gateway is disclosed.",
    behind=_back)
row("refused-requests-sent-again", "UPS-021", nothing, "A provider that says no is asked again and again.",
    behind=asked_again(3, least=400))
row("spent-quota-as-500", "UPS-002", at_status(429, 500, "insufficient_quota"),
    "Clients take a full provider for a broken one.")
# fmt: on
