"""The simulator's tool calls: which tools it calls, with which arguments, and how they are streamed."""

import json
from typing import Any

import jsonschema
import pytest

import schemas
from reference_gateway.call import BackendError

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["°C", "°F"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "currentTime"}}
TOOLS = [WEATHER, CLOCK]


def asked(prompt: str, **options: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}], "tools": TOOLS, **options}


def names(simulator: Any, body: dict[str, Any]) -> list[str]:
    message = simulator.answer(body)["choices"][0]["message"]
    return [call["function"]["name"] for call in message.get("tool_calls", ())]


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("prompt", "choice", "expected"),
    [
        ("What is the weather in Rome?", None, ["get_weather"]),
        ("Use get_weather now", "auto", ["get_weather"]),
        ("What TIME is it, and how is the weather?", "auto", ["get_weather", "currentTime"]),
        ("Get me some tea", "auto", []),
        ("What is the weather in Rome?", "none", []),
        ("Hello", "required", ["get_weather"]),
        ("What time is it?", "required", ["currentTime"]),
        ("What is the weather in Rome?", named("currentTime"), ["currentTime"]),
        (
            "What is the weather, at what time?",
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named("currentTime")]}},
            ["currentTime"],
        ),
    ],
)
def test_the_choice_and_the_prompt_decide_which_tools_are_called(
    simulator: Any, prompt: str, choice: Any, expected: list[str]
) -> None:
    assert names(simulator, asked(prompt, tool_choice=choice)) == expected


def test_without_parallel_calls_there_is_one(simulator: Any) -> None:
    assert len(names(simulator, asked("weather and time, please", parallel_tool_calls=False))) == 1


@pytest.mark.parametrize(
    ("choice", "reason"), [("auto", "tool_calls"), ("required", "tool_calls"), (named("get_weather"), "stop")]
)
def test_calls_end_with_the_reason_of_their_choice(simulator: Any, choice: Any, reason: str) -> None:
    answer = simulator.answer(asked("weather", tool_choice=choice))
    assert schemas.violations("chat_completion.strict", answer) == []
    assert answer["choices"][0]["finish_reason"] == reason
    assert answer["choices"][0]["message"]["content"] is None


def test_arguments_are_json_text_that_the_parameters_allow(simulator: Any) -> None:
    for seed in range(20):
        answer = simulator.answer(asked("weather and time", tool_choice="required", n=2, seed=seed))
        calls = [call for choice in answer["choices"] for call in choice["message"]["tool_calls"]]
        assert len({call["id"] for call in calls}) == 4
        for call in calls:
            arguments = json.loads(call["function"]["arguments"])
            parameters = (
                WEATHER["function"]["parameters"] if call["function"]["name"] == "get_weather" else {"maxProperties": 0}
            )
            jsonschema.Draft202012Validator(parameters).validate(arguments)


def test_a_stream_gives_a_call_in_fragments(simulator: Any) -> None:
    body = asked("weather and time", seed=3, stream_options={"include_usage": True})
    plain = simulator.answer(body)
    chunks = simulator.chunks(body)
    assert all(schemas.violations("chat_chunk.strict", chunk) == [] for chunk in chunks)
    deltas = [c["delta"] for chunk in chunks for c in chunk["choices"]]
    assert deltas[0] == {"role": "assistant", "content": None, "refusal": None}
    fragments = [call for delta in deltas for call in delta.get("tool_calls", ())]
    for index, call in enumerate(plain["choices"][0]["message"]["tool_calls"]):
        opening, *rest = [fragment for fragment in fragments if fragment["index"] == index]
        assert set(opening) == {"index", "id", "type", "function"}
        assert opening["function"] == {"name": call["function"]["name"], "arguments": ""}
        assert all(set(f) == {"index", "function"} and set(f["function"]) == {"arguments"} for f in rest)
        assert "".join(f["function"]["arguments"] for f in rest) == call["function"]["arguments"]
    assert [fragment["index"] for fragment in fragments] == sorted(fragment["index"] for fragment in fragments)
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["usage"] == plain["usage"]
    assert plain["usage"]["completion_tokens"] == len(fragments)


@pytest.mark.parametrize("cap", [1, 2, 5])
def test_a_cap_cuts_the_arguments(simulator: Any, cap: int) -> None:
    answer = simulator.answer(asked("weather and time", max_tokens=cap))
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == cap
    assert len(answer["choices"][0]["message"]["tool_calls"]) == 1


def test_after_a_tool_message_the_model_speaks(simulator: Any) -> None:
    body = asked("What is the weather in Rome?")
    message = simulator.answer(body)["choices"][0]["message"]
    call = message["tool_calls"][0]
    body["messages"] += [message, {"role": "tool", "tool_call_id": call["id"], "content": "21"}]
    choice = simulator.answer(body)["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "tool_calls" not in choice["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (asked("Hi", tool_choice=named("missing")), "tool_choice"),
        (asked("a", tools=[{"type": "function", "function": {"name": "a", "parameters": {"type": "no"}}}]), "tools"),
    ],
)
def test_tools_that_cant_be_called_are_the_clients_error(simulator: Any, body: Any, param: str) -> None:
    with pytest.raises(BackendError) as caught:
        simulator.answer(body)
    assert (caught.value.status, caught.value.param) == (400, param)
