"""Probes of the Responses API. Where the gateway serves none, and none is claimed, one request is sent."""

import secrets
from typing import Any

from conformance.exchange import Exchange, Unusable
from conformance.features import is_claimed, is_doubtful, serves_nothing
from conformance.probe import Phase, probe
from conformance.probes.chat.formats import JSON_CAP, REPORT
from conformance.probes.chat.replies import STORY
from conformance.probes.chat.tools import OSLO, TOOL_CAP, closed
from conformance.probes.errors import unserved_model
from conformance.probes.upstream import PIECES
from conformance.sending.gateway import ABSENT, Gateway, together
from conformance.sending.upstream import Told, told_by

PATH = "/responses"
PROMPT = "Say OK."
CAP = 16
"""The least that the API allows."""
FUNCTION = "get_weather"
TOOL: dict[str, Any] = {
    "type": "function",
    "name": FUNCTION,
    "description": "The weather in a city.",
    "parameters": closed(city={"type": "string"}),
    "strict": True,
}
CALL = {"type": "function_call", "call_id": "call_gp1234567", "name": FUNCTION, "arguments": '{"city":"Oslo"}'}
RESULT = {"type": "function_call_output", "call_id": CALL["call_id"], "output": "21 degrees"}
SAID = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": PROMPT}]}
ANSWERED = {
    "type": "message",
    "id": "msg_gateproof1",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "OK", "annotations": []}],
}
INPUTS: dict[str, dict[str, Any]] = {
    "a message": {"input": [{"role": "user", "content": PROMPT}]},
    "parts": {"input": [SAID]},
    "a conversation": {"input": [SAID, ANSWERED, {"role": "user", "content": "Once more."}]},
    "instructions": {"instructions": "Answer in one word."},
}


def body_of(gateway: Gateway, **fields: Any) -> dict[str, Any]:
    """The smallest request with these fields added, replaced, or left out (ABSENT)."""
    body = {"model": gateway.facts.model, "input": PROMPT, "max_output_tokens": CAP} | fields
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


@probe(tokens=48)
async def response_call(gateway: Gateway) -> dict[str, Exchange]:
    """A function that has to be called, and one that was."""
    asked: dict[str, Any] = {"input": OSLO, "tools": [TOOL], "max_output_tokens": TOOL_CAP}
    forced = asked | {"tool_choice": {"type": "function", "name": FUNCTION}}
    question = {"role": "user", "content": OSLO}
    answered = asked | {"input": [question, CALL, RESULT], "max_output_tokens": CAP}
    return await together(
        {
            "plain": response(gateway, case="plain", **forced),
            "streamed": response(gateway, case="streamed", stream=True, **forced),
            "answered": response(gateway, case="answered", **answered),
        }
    )


@probe(tokens=48)
async def response_schema(gateway: Gateway) -> Exchange:
    wanted = {"type": "json_schema", "name": "report", "strict": True, "schema": REPORT}
    fields: dict[str, Any] = {"input": "How is the weather in Oslo?", "max_output_tokens": JSON_CAP}
    return await response(gateway, text={"format": wanted}, **fields)


@probe(tokens=32)
async def response_kept(gateway: Gateway) -> dict[str, Exchange]:
    """What is known of responses later: of one that is not to be kept, of none at all, and of the first."""
    unknown = f"resp_{secrets.token_hex(24)}"
    first = await response(gateway)
    found = {
        "store false": await response(gateway, case="store false", store=False),
        "unknown": await gateway.get(f"{PATH}/{unknown}", case="unknown"),
        "after an unknown one": await response(gateway, case="after an unknown one", previous_response_id=unknown),
    }
    id = first.document.get("id")
    if isinstance(id, str):
        found["after the first"] = await response(gateway, case="after the first", previous_response_id=id)
    return found


# What must be refused


@probe(phase=Phase.HOSTILE)
async def response_refused(gateway: Gateway) -> dict[str, Exchange]:
    model = unserved_model(gateway)
    cases = {
        "unknown model": response(gateway, case="unknown model", model=model),
        "unknown model, streamed": response(gateway, case="unknown model, streamed", model=model, stream=True),
        "no input": response(gateway, case="no input", input=ABSENT),
    }
    if gateway.target.api_key:
        cases["no key"] = response(gateway, case="no key", key=None)
    return await together(cases)


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
