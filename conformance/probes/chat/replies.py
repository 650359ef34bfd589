"""Probes of plain chat completions. Prompts are tiny and caps low: a real and slow model may stand behind the
gateway."""

import json
import secrets
from asyncio import gather
from contextlib import suppress
from typing import Any

from conformance.exchange import Exchange, Unusable
from conformance.probe import Phase, probe
from conformance.probes.chat.tools import TOOLS, chat_tool_auto
from conformance.sending.gateway import ABSENT, Gateway, together, user
from conformance.shape import dig, objects

STORY = "Tell me a long story about a traveller."
SMALL_CAP = 5
MOST_CAPPED_TEXT = 100
"""Characters that five tokens can hardly have."""
STOP_CAP = 64
NULLABLE = (
    "temperature", "top_p", "n", "stop", "seed", "stream", "stream_options", "logit_bias", "logprobs", "top_logprobs",
    "frequency_penalty", "presence_penalty", "metadata", "store",
)  # fmt: skip
UNICODE = (
    "e\u0301 ü ß 日本語 한국어 \N{ARABIC LETTER SEEN}\N{ARABIC LETTER LAM}\N{ARABIC LETTER ALEF} "
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308 \u2028 \u2029 \x01 \x7f \t end"
)


@probe(both_modes=True)
async def chat_reply(gateway: Gateway) -> Exchange:
    """The smallest chat there is."""
    return await gateway.chat()


@probe()
async def chat_replies_again(gateway: Gateway) -> list[Exchange]:
    """The smallest chat three times: twice with the same words, once with words never sent before."""
    other = [user(f"Reply with OK. {secrets.token_hex(4)}")]
    return list(await gather(gateway.chat(), gateway.chat({"repeat": 1}), gateway.chat(messages=other)))


@probe()
async def chat_same_prompt(gateway: Gateway) -> list[Exchange]:
    return list(await gather(gateway.chat(), gateway.chat({"repeat": 1}), gateway.chat({"repeat": 2})))


@probe(both_modes=True)
async def chat_longer_prompt(gateway: Gateway) -> Exchange:
    """A prompt of 200 more words than the smallest."""
    return await gateway.chat(messages=[user("Reply with the word OK. " + "apple " * 200)])


@probe(tokens=32)
async def chat_n2(gateway: Gateway) -> Exchange:
    return await gateway.chat(n=2)


@probe(tokens=32)
async def chat_stop(gateway: Gateway) -> Exchange:
    """Stops at two common letters, so that almost any text a model can produce would be cut."""
    return await gateway.chat(messages=[user(STORY)], stop=["e", "a"], cap=STOP_CAP)


@probe(tokens=32, both_modes=True)
async def chat_stop_n2(gateway: Gateway) -> Exchange:
    return await gateway.chat(messages=[user(STORY)], stop=["e", "a"], n=2, cap=STOP_CAP)


@probe()
async def chat_stop_forms(gateway: Gateway) -> dict[str, Exchange]:
    forms: dict[str, Any] = {"a string": "e", "four strings": ["e", "a", "i", "o"]}
    return await together(
        {
            case: gateway.chat({"case": case}, messages=[user(STORY)], stop=stop, cap=STOP_CAP)
            for case, stop in forms.items()
        }
    )


@probe()
async def chat_caps(gateway: Gateway) -> dict[str, Exchange]:
    """A story capped at five tokens, with each of the two keys that can say so."""
    keys = ("max_completion_tokens", "max_tokens")
    story = [user("Write an essay of 500 words about rivers.")]
    return await together(
        {
            key: gateway.chat({"case": key}, messages=story, **({gateway.facts.token_key: ABSENT} | {key: SMALL_CAP}))
            for key in keys
        }
    )


@probe(phase=Phase.HOSTILE)
async def chat_bad_caps(gateway: Gateway) -> dict[str, Exchange]:
    caps: dict[str, Any] = {"0": 0, "-1": -1, "1.5": 1.5, '"10"': "10"}
    return await together({case: gateway.chat({"case": case}, cap=cap) for case, cap in caps.items()})


@probe()
async def chat_text_parts(gateway: Gateway) -> Exchange:
    parts = [{"type": "text", "text": "Say"}, {"type": "text", "text": "OK"}]
    return await gateway.chat(messages=[user(parts)])


@probe()
async def chat_turns(gateway: Gateway) -> Exchange:
    turns = [{"role": "system", "content": "Be brief."}, user("Hi"), {"role": "assistant", "content": "Hello."}]
    return await gateway.chat(messages=[*turns, user("Say OK.")])


@probe(tokens=56)
async def chat_given_back(gateway: Gateway) -> dict[str, Exchange]:
    """Each message that the gateway produced, sent back unchanged, as the SDKs do."""
    first = await gateway.chat()
    message = dig(first.document, "choices", 0, "message")
    sent_back = {"an answer": await gateway.chat(messages=[user("Hi"), message, user("Say OK.")])}
    called = await chat_tool_auto(gateway)
    with suppress(Unusable):  # without a call of the model there is nothing to send back
        calling = dig(called.document, "choices", 0, "message")
        ids = [dig(call, "id") for call in objects(calling, "tool_calls")]
        results = [{"role": "tool", "tool_call_id": id, "content": "21"} for id in ids]
        if results:
            history = [user("What is the weather in Oslo?"), calling, *results]
            sent_back["a tool call"] = await gateway.chat({"case": "a tool call"}, messages=history, tools=TOOLS)
    return sent_back


@probe()
async def chat_no_messages(gateway: Gateway) -> Exchange:
    return await gateway.chat(messages=[])


@probe()
async def chat_wrong_types(gateway: Gateway) -> dict[str, Exchange]:
    fields: dict[str, Any] = {
        "temperature": "hot",
        gateway.facts.token_key: [],
        "tools": {},
        "stream_options": 7,
        "stream": {},
    }
    return await together(
        {f"{key}: {json.dumps(value)}": gateway.chat({"case": key}, **{key: value}) for key, value in fields.items()}
    )


@probe()
async def chat_nulls(gateway: Gateway) -> Exchange:
    """Every option that the API declares nullable, as null; the cap stays, for the cost's sake."""
    return await gateway.chat(**dict.fromkeys(NULLABLE))


@probe()
async def chat_stream_nulls(gateway: Gateway) -> Exchange:
    return await gateway.stream(**dict.fromkeys(name for name in NULLABLE if name != "stream"))


@probe()
async def chat_unknown_field(gateway: Gateway) -> Exchange:
    return await gateway.chat(x_conformance={"a": 1})


@probe()
async def chat_unicode(gateway: Gateway) -> dict[str, Exchange]:
    """The same prompt, once as UTF-8 and once with every character escaped."""
    body = gateway.chat_body(messages=[user(UNICODE)])
    escaped = json.dumps(body).encode()
    return await together(
        {
            "as UTF-8": gateway.post("/chat/completions", body, case="as UTF-8"),
            "escaped": gateway.send("POST", "/chat/completions", body=escaped, case="escaped"),
        }
    )


@probe(phase=Phase.HOSTILE)
async def chat_lone_surrogate(gateway: Gateway) -> dict[str, Exchange]:
    body = json.dumps(gateway.chat_body(messages=[user("half \ud83d")], cap=1)).encode()
    half = await gateway.send("POST", "/chat/completions", body=body)
    return {"a lone surrogate": half, "a chat after it": await gateway.chat({"repeat": "after a surrogate"})}


@probe()
async def chat_accepts(gateway: Gateway) -> dict[str, Exchange]:
    accepts: dict[str, str | None] = {"*/*": "*/*", "none": None, "text/event-stream": "text/event-stream"}
    accepts["of a browser"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    return await together(
        {case: gateway.chat({"case": case, "headers": {"Accept": value}}) for case, value in accepts.items()}
    )


@probe()
async def chat_charset(gateway: Gateway) -> Exchange:
    return await gateway.chat({"headers": {"Content-Type": "application/json; charset=utf-8"}})


@probe()
async def chat_stream_off(gateway: Gateway) -> dict[str, Exchange]:
    return await together({"false": gateway.chat(stream=False), "null": gateway.chat(stream=None)})


@probe(phase=Phase.HOSTILE)
async def chat_stream_text(gateway: Gateway) -> Exchange:
    return await gateway.chat(stream="true")


@probe(phase=Phase.HOSTILE)
async def chat_empty_content(gateway: Gateway) -> dict[str, Exchange]:
    contents = {"empty": "", "a space": " "}
    return await together(
        {case: gateway.chat({"case": case}, messages=[user(content)], cap=1) for case, content in contents.items()}
    )
