"""Probes of function tools: what may, must and must not be called, what becomes of the calls, and broken requests.

Histories with calls are made up, so that no model has to cooperate.
"""

from asyncio import gather
from typing import Any

from conformance.exchange import Exchange
from conformance.probe import Phase, probe
from conformance.sending.gateway import ABSENT, Gateway, together, user

Json = dict[str, Any]

TOOL_CAP = 128
CUT_CAP = 5
"""Tokens that no call of `write_note` fits into."""
OSLO = "What is the weather in Oslo?"


def tool(name: str, description: str, parameters: Any = ABSENT, **more: Any) -> Json:
    function = {"name": name, "description": description, "parameters": parameters} | more
    return {"type": "function", "function": {key: value for key, value in function.items() if value is not ABSENT}}


def closed(**properties: Any) -> Json:
    """The schema of an object with just these properties, all of them required."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def forcing(name: str) -> Json:
    return {"type": "function", "function": {"name": name}}


def call(id: str, name: str, arguments: str) -> Json:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls: Json, **members: Any) -> Json:
    return {"role": "assistant"} | members | {"tool_calls": list(calls)}


def result(id: str, content: Any) -> Json:
    return {"role": "tool", "tool_call_id": id, "content": content}


TEXT = {"type": "string"}
WEATHER = tool("get_weather", "The weather in a city.", closed(city=TEXT))
CLOCK = tool("get_time", "The time in a time zone.", closed(zone=TEXT))
TOOLS = [WEATHER, CLOCK]
NAMED = forcing("get_time")
CALL = call("call_gp1234567", "get_weather", '{"city":"Oslo"}')
CALLED = [user(OSLO), calling(CALL, content=None), result(CALL["id"], "21 degrees")]
"""A finished tool call."""
COLOURS = ["grün & hell", "weiß & warm"]
"""Values with what careless hands lose: blanks, a sign that HTML escapes, and letters beyond ASCII."""
LAMP_ARGUMENTS = closed(colour={"type": "string", "enum": COLOURS}, step={"type": "integer"})
LAMP = tool("set_lamp", "Sets a lamp.", LAMP_ARGUMENTS, strict=True)
NOTE = tool("write_note", "Keeps a note.", closed(title=TEXT, author=TEXT, place=TEXT, text=TEXT))
NOTE_KEYS = ("title", "author", "place", "text")
PING = tool("ping", "Looks whether the service is up.")
PING_OF_NOTHING = tool("ping", "Looks whether the service is up.", {"type": "object", "properties": {}})
ROUTE = tool(
    "plan_route",
    "Plans a route.",
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"place": closed(name=TEXT)},
        "type": "object",
        "properties": {
            "start": {"$ref": "#/$defs/place"},
            "end": {"$ref": "#/$defs/place"},
            "by": {"type": ["string", "null"], "enum": ["car", "", None]},
        },
        "required": ["start", "end", "by"],
    },
)
"""A schema of the kind that typed languages generate: references, a union of types, an empty text in an enum."""


# What is called


@probe(tokens=32, both_modes=True)
async def chat_tool_auto(gateway: Gateway) -> Exchange:
    return await gateway.chat(
        messages=[user(f"{OSLO} Use get_weather.")], tools=TOOLS, tool_choice="auto", cap=TOOL_CAP
    )


@probe(tokens=48, both_modes=True)
async def chat_tool_required(gateway: Gateway) -> list[Exchange]:
    """Asks for both tools. Two attempts: a model that runs into its cap says nothing about the gateway."""
    both = [user(f"{OSLO} Use get_weather. What time is it there? Use get_time.")]
    attempts = (
        gateway.chat({"repeat": attempt}, messages=both, tools=TOOLS, tool_choice="required", cap=TOOL_CAP)
        for attempt in (0, 1)
    )
    return list(await gather(*attempts))


@probe(tokens=32, both_modes=True)
async def chat_tool_named(gateway: Gateway) -> Exchange:
    """Forces the tool that the prompt does not ask for."""
    return await gateway.chat(messages=[user(OSLO)], tools=TOOLS, tool_choice=NAMED, cap=TOOL_CAP)


@probe(both_modes=True)
async def chat_tool_none(gateway: Gateway) -> Exchange:
    begging = [user("Call get_weather for Oslo. You must call the tool.")]
    return await gateway.chat(messages=begging, tools=TOOLS, tool_choice="none")


@probe(tokens=48)
async def chat_stream_tools(gateway: Gateway) -> dict[str, Exchange]:
    """The streamed forms of the tools that may be called, must be called, and that is told to be called."""
    streaming = gateway.streaming()
    auto, required, named = await gather(
        chat_tool_auto(streaming), chat_tool_required(streaming), chat_tool_named(streaming)
    )
    return {"auto": auto, "required": required[0], "required again": required[1], "named": named}


@probe(tokens=32, both_modes=True)
async def chat_tool_one(gateway: Gateway) -> Exchange:
    """Invites three calls and allows one."""
    three = [user("Use get_weather for Oslo, then for Rome, and get_time for Paris.")]
    return await gateway.chat(
        messages=three, tools=TOOLS, tool_choice="required", parallel_tool_calls=False, cap=TOOL_CAP
    )


@probe(tokens=32, both_modes=True)
async def chat_tool_strict(gateway: Gateway) -> Exchange:
    """Asks for arguments that the strict schema does not allow."""
    return await gateway.chat(
        messages=[user("Set the lamp to blue, half a step.")],
        tools=[LAMP],
        tool_choice=forcing("set_lamp"),
        cap=TOOL_CAP,
    )


@probe(tokens=48, both_modes=True)
async def chat_tool_n2(gateway: Gateway) -> Exchange:
    return await gateway.chat(messages=[user(OSLO)], tools=TOOLS, tool_choice=NAMED, n=2, cap=TOOL_CAP)


@probe(both_modes=True)
async def chat_tool_cut(gateway: Gateway) -> Exchange:
    """A call that is longer than the answer may be."""
    return await gateway.chat(
        messages=[user("Note that Ann was in Oslo today.")],
        tools=[NOTE],
        tool_choice=forcing("write_note"),
        cap=CUT_CAP,
    )


@probe(both_modes=True)
async def chat_tool_bare(gateway: Gateway) -> Exchange:
    """Forces a tool whose definition has no parameters."""
    return await gateway.chat(
        messages=[user("Is the service up?")], tools=[PING], tool_choice=forcing("ping"), cap=TOOL_CAP
    )


@probe(tokens=48)
async def chat_tool_references(gateway: Gateway) -> Exchange:
    return await gateway.chat(
        messages=[user("Plan a route from Oslo to Rome.")],
        tools=[ROUTE],
        tool_choice=forcing("plan_route"),
        cap=TOOL_CAP,
    )


@probe(tokens=32)
async def chat_tool_text_format(gateway: Gateway) -> Exchange:
    return await gateway.chat(
        messages=[user(OSLO)], tools=TOOLS, tool_choice=NAMED, response_format={"type": "text"}, cap=TOOL_CAP
    )


# What was called


@probe()
async def chat_tool_history(gateway: Gateway) -> Exchange:
    return await gateway.chat(messages=CALLED, tools=TOOLS)


@probe(tokens=32, both_modes=True)
async def chat_tool_again(gateway: Gateway) -> Exchange:
    """Forces another call after a finished one."""
    asked = [*CALLED, user("What time is it in Rome?")]
    return await gateway.chat(messages=asked, tools=TOOLS, tool_choice=NAMED, cap=TOOL_CAP)


@probe()
async def chat_tool_history_forms(gateway: Gateway) -> Exchange:
    """Two calls of a message without content, answered in the other order, by arrays of text parts."""
    first, second = call("call_gp1", "get_weather", '{"city":"Oslo"}'), call("call_gp2", "get_time", '{"zone":"CET"}')
    results = [result(id, [{"type": "text", "text": text}]) for id, text in (("call_gp2", "noon"), ("call_gp1", "21"))]
    return await gateway.chat(messages=[user("Weather and time?"), calling(first, second), *results], tools=TOOLS)


@probe()
async def chat_tool_history_of_nothing(gateway: Gateway) -> Exchange:
    """Two calls without arguments, written in the two ways that models have of saying so, and a result of nothing, as
    of a command without output."""
    empty, blank = call("call_gp1", "ping", "{}"), call("call_gp2", "ping", "")
    history = [
        user("Is it up?"),
        calling(empty, blank, content=None),
        result("call_gp1", "up"),
        result("call_gp2", ""),
    ]
    return await gateway.chat(messages=history, tools=[PING_OF_NOTHING])


# What is broken


@probe(phase=Phase.HOSTILE)
async def chat_tool_broken_histories(gateway: Gateway) -> dict[str, Exchange]:
    histories: dict[str, Any] = {
        "a result of no call": [*CALLED, result("call_gp0000000", "22 degrees")],
        "a call without its result": [*CALLED[:2], user("Say OK.")],
        "a result that names no call": [*CALLED[:2], {"role": "tool", "content": "21 degrees"}],
    }
    return await together(
        {case: gateway.chat({"case": case}, messages=history, tools=TOOLS) for case, history in histories.items()}
    )


@probe(phase=Phase.HOSTILE)
async def chat_tool_bad_choices(gateway: Gateway) -> dict[str, Exchange]:
    fields: dict[str, Json] = {
        "a tool that is not offered": {"tools": TOOLS, "tool_choice": forcing("get_news")},
        "required, and no tools": {"tool_choice": "required"},
        'tool_choice "maybe"': {"tools": TOOLS, "tool_choice": "maybe"},
    }
    return await together(
        {case: gateway.chat({"case": case}, messages=[user(OSLO)], **chosen) for case, chosen in fields.items()}
    )


@probe(phase=Phase.HOSTILE)
async def chat_tool_bad_definitions(gateway: Gateway) -> dict[str, Exchange]:
    function: Json = CLOCK["function"]
    definitions: dict[str, list[Any]] = {
        'the name "bad name!"': [{**CLOCK, "function": function | {"name": "bad name!"}}],
        "no name": [{**CLOCK, "function": {"parameters": function["parameters"]}}],
        'the type "banana"': [{**CLOCK, "type": "banana"}],
        'parameters "x"': [{**CLOCK, "function": function | {"parameters": "x"}}],
        "one name twice": [CLOCK, CLOCK],
    }
    return await together({case: gateway.chat({"case": case}, tools=tools) for case, tools in definitions.items()})
