"""Probes of `response_format`: answers that are to be JSON, or JSON of a schema."""

from typing import Any

from conformance.exchange import Exchange
from conformance.probe import Phase, probe
from conformance.probes.chat.tools import TOOLS, closed
from conformance.sending.gateway import Gateway, together, user

JSON_CAP = 128
REPORT = closed(level={"type": "string", "enum": ["low-1", "high-9"]}, count={"type": "integer"})
"""What no model answers to a question about the weather, unless it is made to."""
OUTFIT = {"$defs": {"size": {"type": "string", "enum": ["size-s", "size-m"]}}} | closed(
    shirt={"$ref": "#/$defs/size"}, coat={"$ref": "#/$defs/size"}
)

SIGNS = ['<one> Zoë & "日本" 🙂  end', "<two> Łódź & 'ñ' 🙃  end"]
"""Values with what careless hands escape, fold, or lose; their plain letters tell which is meant all the same."""
SIGNED = closed(sign={"type": "string", "enum": SIGNS})


def strictly(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "report", "strict": True, "schema": schema}}


@probe(tokens=48, both_modes=True)
async def chat_json_object(gateway: Gateway) -> Exchange:
    """The prompt holds the word JSON, without which some models refuse the format."""
    greeting = [user('Greet Ann. Answer in JSON with one key, "greeting".')]
    return await gateway.chat(messages=greeting, response_format={"type": "json_object"}, cap=JSON_CAP)


@probe(tokens=48, both_modes=True)
async def chat_json_schema(gateway: Gateway) -> Exchange:
    weather = [user("How is the weather in Oslo?")]
    return await gateway.chat(messages=weather, response_format=strictly(REPORT), cap=JSON_CAP)


@probe(tokens=48, both_modes=True)
async def chat_json_signs(gateway: Gateway) -> Exchange:
    """The values that can be answered are full of letters that are easily lost."""
    asked = [user("Which sign is on the door?")]
    return await gateway.chat(messages=asked, response_format=strictly(SIGNED), cap=JSON_CAP)


@probe(tokens=48)
async def chat_json_references(gateway: Gateway) -> Exchange:
    return await gateway.chat(
        messages=[user("What shall I wear today?")], response_format=strictly(OUTFIT), cap=JSON_CAP
    )


@probe(tokens=48)
async def chat_json_beside_tools(gateway: Gateway) -> Exchange:
    """The same schema where tools are offered that are not to be called."""
    weather = [user("How is the weather in Oslo?")]
    return await gateway.chat(
        messages=weather, response_format=strictly(REPORT), tools=TOOLS, tool_choice="none", cap=JSON_CAP
    )


@probe()
async def chat_text_format(gateway: Gateway) -> Exchange:
    return await gateway.chat(response_format={"type": "text"})


@probe(phase=Phase.HOSTILE)
async def chat_bad_formats(gateway: Gateway) -> dict[str, Exchange]:
    formats: dict[str, Any] = {
        'the type "xml"': {"type": "xml"},
        "a schema without a name": {"type": "json_schema", "json_schema": {"strict": True, "schema": REPORT}},
        "a schema that is a text": {
            "type": "json_schema",
            "json_schema": {"name": "report", "schema": "not-an-object"},
        },
    }
    return await together(
        {case: gateway.chat({"case": case}, response_format=wanted) for case, wanted in formats.items()}
    )
