"""Probes of conversations: what becomes of results of tools, of one request after another, and of unusual turns."""

from typing import Any

from conformance.exchange import Exchange
from conformance.probe import Phase, probe
from conformance.probes.chat.prompts import SAY_OK, WORD
from conformance.probes.chat.replies import STORY
from conformance.probes.chat.tools import TOOLS, call, calling, closed, result, tool
from conformance.sending.gateway import Gateway, together, user

BESIDE, FIRST, SECOND = 40, 80, 160
"""Words that the longer history has more beside its calls, in the first result and in the second."""
FOREIGN = "яблоко "
FOREIGN_WORDS = 60
OF_OTHERS = 60
"""Words of a system message that no other request holds."""
AMONG_OTHERS_CAP = 16
MANY_TOOLS = 32
LONGEST_NAME = 64
MANY_TURNS = 30


@probe(tokens=32, both_modes=True)
async def chat_long_results(gateway: Gateway) -> dict[str, Exchange]:
    """Two calls, words beside them and a result of each, once short and once long."""

    def history(beside: int, first: int, second: int) -> list[dict[str, Any]]:
        said, one, other = (f"Fine. {WORD * words}".rstrip() for words in (beside, first, second))
        calls = [call(id, "get_weather", '{"city":"Oslo"}') for id in ("call_gp1", "call_gp2")]
        results = [result("call_gp1", one), result("call_gp2", other)]
        return [user("How is the weather?"), calling(*calls, content=said), *results]

    long = gateway.chat({"case": "long"}, messages=history(BESIDE, FIRST, SECOND), tools=TOOLS)
    return await together(
        {"short": gateway.chat({"case": "short"}, messages=history(0, 0, 0), tools=TOOLS), "long": long}
    )


@probe()
async def chat_foreign_prompt(gateway: Gateway) -> Exchange:
    """The smallest chat with sixty more words in Cyrillic letters."""
    return await gateway.chat(messages=[user(f"{SAY_OK} {FOREIGN * FOREIGN_WORDS}".rstrip())])


@probe(phase=Phase.TIMED, tokens=6 * AMONG_OTHERS_CAP)
async def chats_after_others(gateway: Gateway) -> dict[str, Exchange]:
    """One prompt of one user, then with options and in other conversations of that user, and then as at first: one
    after another, and with nothing else in flight that could leave something behind."""
    story = [user(STORY)]
    system = {"role": "system", "content": f"Be brief. {WORD * OF_OTHERS}".rstrip()}
    asked: dict[str, dict[str, Any]] = {
        "plain": {"messages": story},
        "with stop": {"messages": story, "stop": ["e", "a"]},
        "with tools": {"messages": story, "tools": TOOLS, "tool_choice": "required"},
        "with a system message": {"messages": [system, *story]},
        "in JSON": {"messages": [user(f"{STORY} Answer in JSON.")], "response_format": {"type": "json_object"}},
        "plain again": {"messages": story},
    }
    return {
        case: await gateway.chat(
            {"case": case, "repeat": f"among others, {case}"}, user="gateproof", cap=AMONG_OTHERS_CAP, **fields
        )
        for case, fields in asked.items()
    }


@probe()
async def chat_many_tools(gateway: Gateway) -> Exchange:
    """As many tools as agents with a few servers of tools have, whose names are as long as they may be. Each has
    parameters, so that their lack, which vllm-router refuses, is no part of this."""
    names = [f"mcp__gate-proof_{number:02}_".ljust(LONGEST_NAME, "x") for number in range(MANY_TOOLS)]
    return await gateway.chat(tools=[tool(name, "Looks.", closed()) for name in names], tool_choice="none")


@probe()
async def chat_many_turns(gateway: Gateway) -> Exchange:
    turns = [user("Hi"), {"role": "assistant", "content": "Hi"}] * MANY_TURNS
    return await gateway.chat(messages=[*turns, user(SAY_OK)])


@probe(phase=Phase.HOSTILE)
async def chat_odd_turns(gateway: Gateway) -> dict[str, Exchange]:
    """Turns in an order that the API allows, and that some models' templates do not know."""
    said = {"role": "assistant", "content": "Hello."}
    odd: dict[str, list[dict[str, Any]]] = {
        "the assistant first": [said, user(SAY_OK)],
        "two users in a row, and a system message between": [
            user("Hi"),
            {"role": "system", "content": "Be brief."},
            user("Hello"),
            user(SAY_OK),
        ],
        "the assistant last": [user(SAY_OK), said],
    }
    return await together({case: gateway.chat({"case": case}, messages=turns) for case, turns in odd.items()})
