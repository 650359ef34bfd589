"""Probes of the Responses API. Where the gateway serves none, and none is claimed, one request is sent."""

import json
import secrets
from typing import Any

from conformance.exchange import Exchange, Unusable
from conformance.features import is_claimed, is_doubtful, serves_nothing
from conformance.probe import Phase, probe
from conformance.probes.chat.formats import JSON_CAP, SIGNED
from conformance.probes.chat.prompts import PER_TURN, WORD
from conformance.probes.chat.replies import STORY, UNICODE
from conformance.probes.chat.tools import TOOL_CAP, closed
from conformance.probes.errors import embedding_model, response_post, unserved_model
from conformance.probes.upstream import PIECES
from conformance.sending.gateway import ABSENT, TOKEN_CAP, Gateway, segment, together
from conformance.sending.upstream import Told, told_by

PATH = "/responses"
PROMPT = "Say OK."
CAP = TOKEN_CAP
"""The least that the API allows."""
FUNCTION = "get_weather"
CITIES = ["Zürich", "Łódź", "東京"]
"""Letters that are easily lost in answers; what is asked has none of them, as RESP-022 tells of inputs."""
TOOL: dict[str, Any] = {
    "type": "function",
    "name": FUNCTION,
    "description": "The weather in a city.",
    "parameters": closed(city={"type": "string", "enum": CITIES}),
    "strict": True,
}
CLOCK = TOOL | {"name": "get_time", "description": "The time in a city."}
TOOLS = [CLOCK, TOOL]
"""The one that has to be called is not the first."""
WEATHER = "What is the weather in Zurich?"
ASKED: dict[str, Any] = {"input": WEATHER, "tools": TOOLS, "max_output_tokens": TOOL_CAP}
FORCED = ASKED | {"tool_choice": {"type": "function", "name": FUNCTION}}
QUESTION = {"role": "user", "content": WEATHER}
ARGUMENTS = json.dumps({"city": CITIES[0]})
CALL = {"type": "function_call", "call_id": "call_gp1234567", "name": FUNCTION, "arguments": ARGUMENTS}
RESULT = {"type": "function_call_output", "call_id": CALL["call_id"], "output": "21 degrees"}
SAID = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": PROMPT}]}
ANSWERED = {
    "type": "message",
    "id": "msg_gateproof1",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "OK", "annotations": []}],
}
ONCE_MORE = {"role": "user", "content": "Once more."}
INPUTS: dict[str, dict[str, Any]] = {
    "a message": {"input": [{"role": "user", "content": PROMPT}]},
    "parts": {"input": [SAID]},
    "a conversation": {"input": [SAID, ANSWERED, ONCE_MORE]},
    "instructions": {"instructions": "Answer in one word."},
    "a system message": {"input": [{"role": "system", "content": "Answer in one word."}, SAID]},
    "a developer message": {"input": [{"role": "developer", "content": "Answer in one word."}, SAID]},
}
LONGER_BY = 400
"""Words that the longer input has more than the smallest: more than 2 kB."""
LONGER = f"{PROMPT} {WORD * LONGER_BY}".rstrip()
PLACES = 5
"""Where the longer conversation has more words than the short one."""
USUAL: dict[str, Any] = {
    "truncation": "disabled",
    "parallel_tool_calls": True,
    "temperature": 1,
    "top_p": 1,
    "include": [],
    "service_tier": "auto",
    "prompt_cache_key": "gateproof",
}
"""What agents send along, with the values that the API has for what is left out."""
NULLABLE = (
    *("instructions", "previous_response_id", "metadata", "parallel_tool_calls", "store", "stream"),
    *("temperature", "top_p", "truncation", "include", "reasoning"),
)


def body_of(gateway: Gateway, **fields: Any) -> dict[str, Any]:
    """The smallest request with these fields added, replaced, or left out (ABSENT)."""
    body = response_post(gateway).body | fields
    return {key: value for key, value in body.items() if value is not ABSENT}


async def response(gateway: Gateway, *, case: str = "", key: Any = ABSENT, **fields: Any) -> Exchange:
    """A response to that. Raises Unusable, and sends nothing, where the gateway turns responses away."""
    if not is_claimed("responses", gateway.target, gateway.profile):
        if "responses" in gateway.target.declined:
            raise Unusable("the gateway was declared to have no responses")
        if await _is_turned_away(gateway):
            raise Unusable("the gateway turns responses away")
    return await gateway.post(PATH, body_of(gateway, **fields), case=case, key=key)


async def _first(gateway: Gateway) -> Exchange:
    return await gateway.post(PATH, body_of(gateway))


async def _is_turned_away(gateway: Gateway) -> bool:
    return serves_nothing([await _first(gateway)], await response_nowhere(gateway))


# The smallest ones


@probe()
async def response_first(gateway: Gateway) -> Exchange:
    return await _first(gateway)


@probe()
async def response_nowhere(gateway: Gateway) -> list[Exchange]:
    """What a path is answered with that can't exist, where the first response does not tell whether there are any."""
    return [await gateway.nowhere()] if is_doubtful([await _first(gateway)]) else []


@probe()
async def response_reply(gateway: Gateway) -> Exchange:
    return await response(gateway)


@probe()
async def response_stream(gateway: Gateway) -> Exchange:
    return await response(gateway, stream=True)


# What a response may ask for


@probe()
async def response_capped(gateway: Gateway) -> dict[str, Exchange]:
    """A story that is longer than its cap."""
    return await together(
        {
            "plain": response(gateway, input=STORY),
            "streamed": response(gateway, case="streamed", input=STORY, stream=True),
        }
    )


@probe()
async def response_inputs(gateway: Gateway) -> dict[str, Exchange]:
    return await together({case: response(gateway, case=case, **fields) for case, fields in INPUTS.items()})


@probe()
async def response_texts(gateway: Gateway) -> dict[str, Exchange]:
    """Texts that are longer, or of other letters, than the smallest."""
    other = response(gateway, case="other scripts", input=f"{PROMPT} {UNICODE}")
    return await together({"other scripts": other, "2.4 kB": response_longer(gateway)})


@probe()
async def response_longer(gateway: Gateway) -> Exchange:
    return await response(gateway, input=LONGER)


@probe()
async def response_conversations(gateway: Gateway) -> dict[str, Exchange]:
    """A conversation with short instructions and messages, and one with 40 more words in each of their texts."""

    def conversation(words: int) -> dict[str, Any]:
        def text(said: str) -> str:
            return f"{said} {WORD * words}".rstrip()

        question = {"role": "user", "content": [{"type": "input_text", "text": text(said)} for said in ("Say", "OK.")]}
        answer = ANSWERED | {"content": [{"type": "output_text", "text": text("Fine."), "annotations": []}]}
        earlier = {"role": "user", "content": text("How are you?")}
        return {"instructions": text("Be brief."), "input": [earlier, answer, question]}

    return await together(
        {
            "short": response(gateway, case="short", **conversation(0)),
            "long": response(gateway, case="long", **conversation(PER_TURN)),
        }
    )


@probe()
async def response_fields(gateway: Gateway) -> dict[str, Exchange]:
    """Fields that nobody has to act on."""
    return await together(
        {
            "usual values": response(gateway, case="usual values", **USUAL),
            "null": response(gateway, case="null", **dict.fromkeys(NULLABLE)),
        }
    )


@probe()
async def response_tool(gateway: Gateway) -> Exchange:
    """Functions that may be called."""
    return await response(gateway, **ASKED)


@probe(tokens=48)
async def response_forced(gateway: Gateway) -> Exchange:
    """A function that has to be called."""
    return await response(gateway, **FORCED)


@probe(tokens=48)
async def response_call(gateway: Gateway) -> dict[str, Exchange]:
    """Functions that have to be called: the second of two, and any."""
    return await together(
        {
            "plain": response_forced(gateway),
            "streamed": response(gateway, case="streamed", stream=True, **FORCED),
            "required": response(gateway, case="required", tool_choice="required", **ASKED),
        }
    )


@probe()
async def response_results(gateway: Gateway) -> dict[str, Exchange]:
    """A call that was made and its result, which is a short and a long text."""

    def answered(words: int) -> dict[str, Any]:
        result = RESULT | {"output": f"{RESULT['output']} {WORD * words}".rstrip()}
        return ASKED | {"input": [QUESTION, CALL, result], "max_output_tokens": CAP}

    return await together(
        {
            "short": response(gateway, case="short", **answered(0)),
            "long": response(gateway, case="long", **answered(PER_TURN)),
        }
    )


@probe(tokens=32)
async def response_given_back(gateway: Gateway) -> list[Exchange]:
    """The conversation goes on behind what the first response has put out, if that is a message."""
    said = _put_out(await response(gateway))
    if not any(item["type"] == "message" for item in said):
        return []
    return [await response(gateway, input=[SAID, *said, ONCE_MORE])]


@probe(tokens=64)
async def response_call_given_back(gateway: Gateway) -> list[Exchange]:
    """The conversation goes on with the result of a call that a response has put out, if it has."""
    calls = _put_out(await response_forced(gateway))
    ids = [item["call_id"] for item in calls if isinstance(item.get("call_id"), str)]
    if not ids:
        return []
    results = [RESULT | {"call_id": id} for id in ids]
    return [await response(gateway, **ASKED | {"input": [QUESTION, *calls, *results], "max_output_tokens": CAP})]


def _put_out(exchange: Exchange) -> list[dict[str, Any]]:
    """What a response has put out that every client knows, thoughts among it."""
    body = exchange.json if exchange.ok and exchange.is_json else None
    found = body.get("output") if isinstance(body, dict) else None
    known = ("message", "reasoning", "function_call")
    every = found if isinstance(found, list) else []
    return [item for item in every if isinstance(item, dict) and item.get("type") in known]


@probe(tokens=48)
async def response_schema(gateway: Gateway) -> Exchange:
    return await response(gateway, **_signed())


@probe(tokens=48)
async def response_schema_streamed(gateway: Gateway) -> Exchange:
    return await response(gateway, stream=True, **_signed())


def _signed() -> dict[str, Any]:
    """Values that no model answers with unless it is made to, full of letters that are easily lost."""
    wanted = {"type": "json_schema", "name": "sign", "strict": True, "schema": SIGNED}
    return {"input": "Which sign is on the door?", "max_output_tokens": JSON_CAP, "text": {"format": wanted}}


@probe(tokens=32)
async def response_kept(gateway: Gateway) -> dict[str, Exchange]:
    """What is known of responses later: of one that is not to be kept, of none at all, and of one with a long input."""
    unknown = f"resp_{secrets.token_hex(24)}"
    long = await response_longer(gateway)
    unkept = await response(gateway, case="store false", store=False)
    found = {
        "store false": unkept,
        "unknown": await gateway.get(f"{PATH}/{unknown}", case="unknown"),
        "after an unknown one": await response(gateway, case="after an unknown one", previous_response_id=unknown),
    }
    if id := id_of(long):
        found["kept"] = await gateway.get(f"{PATH}/{id}", case="kept")
        found["after a long one"] = await response(gateway, case="after a long one", previous_response_id=id)
        if found["kept"].ok:
            found["deleted"] = await gateway.send("DELETE", f"{PATH}/{id}", case="deleted")
            found["read when deleted"] = await gateway.get(f"{PATH}/{id}", repeat="deleted", case="read when deleted")
    if id := id_of(unkept):
        found["not kept"] = await gateway.get(f"{PATH}/{id}", case="not kept")
    return found


@probe()
async def response_after_a_story(gateway: Gateway) -> list[Exchange]:
    """The conversation goes on behind the capped story, by its id, if it has one."""
    id = id_of((await response_capped(gateway))["plain"])
    return [await response(gateway, previous_response_id=id, input=[ONCE_MORE])] if id else []


def id_of(exchange: Exchange) -> str:
    """The id of a response as it stands in a path, "" where there is none."""
    body = exchange.json if exchange.ok and exchange.is_json else None
    id = body.get("id") if isinstance(body, dict) else None
    return segment(id) if isinstance(id, str) else ""


# What must be refused


@probe(phase=Phase.HOSTILE)
async def response_refused(gateway: Gateway) -> dict[str, Exchange]:
    model = unserved_model(gateway)
    cases = {
        "unknown model": response(gateway, case="unknown model", model=model),
        "unknown model, streamed": response(gateway, case="unknown model, streamed", model=model, stream=True),
        "no input": response(gateway, case="no input", input=ABSENT),
        "no model": response(gateway, case="no model", model=ABSENT),
    }
    if (embedder := embedding_model(gateway)) not in ("", gateway.facts.model):
        cases["an embedding model"] = response(gateway, case="an embedding model", model=embedder)
    if gateway.target.api_key:
        cases["no key"] = response(gateway, case="no key", key=None)
        cases["no key, streamed"] = response(gateway, case="no key, streamed", key=None, stream=True)
    return await together(cases)


@probe(phase=Phase.HOSTILE)
async def response_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """The first response as it is read and deleted by somebody who has no key."""
    path = f"{PATH}/{id_of(await response(gateway)) or 'resp_0'}"
    return {
        "GET": await gateway.get(path, key=None, case="GET"),
        "GET input_items": await gateway.get(f"{path}/input_items", key=None, case="GET input_items"),
        "DELETE": await gateway.send("DELETE", path, key=None, case="DELETE"),
    }


# With a provider that does as it is told


@probe(phase=Phase.FAILING)
async def scripted_response(gateway: Gateway) -> dict[str, Told]:
    """A provider that answers, and one that breaks off in the middle."""
    if await _is_turned_away(gateway):
        raise Unusable("the gateway turns responses away")

    async def asked(case: str, **answer: Any) -> Told:
        def body(script: str) -> dict[str, Any]:
            return body_of(gateway, input=f"{PROMPT} {script}", stream=True, max_output_tokens=64)

        return await told_by(gateway, case, body, {"pieces": PIECES, **answer}, path=PATH)

    return {"whole": await asked("whole"), "cut": await asked("cut", events=3, then="cut")}
