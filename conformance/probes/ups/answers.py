"""Answers that a scripted provider gives, whole of which are to reach the client: texts, calls, reasons, counts."""

import json
from asyncio import gather
from typing import Any

from conformance.probe import probe
from conformance.probes.upstream import CALL, CAP, PIECES, TOOL, call_in_fragments, chunk, completion
from conformance.sending.gateway import Gateway
from conformance.sending.upstream import Answer, Told, told

LETTERS = [
    *("\n\n  ", "def f(x):", "\n", "\t", 'return "<b>&amp;</b>"', " ", " ", "+ '\\n'  "),
    *("🙂", "e\u0301é", "\r\n", "\u2028", "%20 ${x}", "a:\n", "  b\r\n", "c\n\n", " \n"),
]
"""Pieces of text of which careless hands lose or change something."""
NUMBERED = [f"{number} " for number in range(300)]
"""As many pieces as an answer of a page has."""
BLOCK = "0123456789abcde "
BLOCKS = (600, 4_500, 13_000)
"""Of how many blocks of 16 letters long pieces are made: more than 8, 64 and 128 KiB, where buffers for a line end."""
SECOND = {
    "id": "call_gateproof2",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"path": "C:\\\\Temp\\\\\\u00e9", "n": 9007199254740993}'},
}
CALLS = [CALL, SECOND]
BESIDE = "Let me see."
"""What is said beside tool calls."""
TOOLS = [
    TOOL,
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "parameters": {"type": "object", "properties": {"path": {"type": "string"}, "n": {"type": "integer"}}},
        },
    },
]
REASONS = ("stop", "length", "content_filter")
REFUSAL = "I can't help with that."
TOKENS = [("One", -0.0123456789), (" two", -1.25), (" three", -2.7182818), (".", -0.5)]
"""Tokens and their log probabilities."""
CHOICES = ("The first.", "Another one.")
MANY, MANY_STREAMS = 24, 8
"""Answers that are given at a time, each with a text of its own."""


@probe()
async def scripted_calls(gateway: Gateway) -> dict[str, Told]:
    """Two tool calls with arguments that encoders trip over, and a text beside them: plain, in fragments, and at once
    in one event."""
    message = {"role": "assistant", "content": BESIDE, "tool_calls": CALLS}
    streamed = [
        chunk({"role": "assistant", "content": BESIDE}),
        *call_in_fragments(0, CALL),
        *call_in_fragments(1, SECOND),
        chunk({}, "tool_calls"),
    ]
    whole = [{"index": number, **call} for number, call in enumerate(CALLS)]
    at_once = [chunk({"role": "assistant", "content": BESIDE}), chunk({"tool_calls": whole}), chunk({}, "tool_calls")]
    answer: Answer = {"body": json.dumps(completion(message, "tool_calls")), "chunks": streamed}
    answers: dict[str, Answer] = {"plain": answer, "streamed": answer, "in one event, streamed": {"chunks": at_once}}
    return await _each(gateway, answers, tools=TOOLS)


@probe()
async def scripted_letters(gateway: Gateway) -> dict[str, Told]:
    """A text with all that is easily lost."""
    return await _each(gateway, {"plain": {"pieces": LETTERS}, "streamed": {"pieces": LETTERS}})


@probe()
async def scripted_lengths(gateway: Gateway) -> dict[str, Told]:
    """A long answer, one of many pieces and one of long pieces."""
    long: list[Any] = [{"text": BLOCK, "times": times} for times in BLOCKS]
    return await _each(
        gateway,
        {
            "plain": {"pieces": long[1:2]},
            "many pieces, streamed": {"pieces": NUMBERED},
            **{f"a piece of {16 * n} letters, streamed": {"pieces": [p]} for n, p in zip(BLOCKS, long, strict=True)},
        },
    )


@probe()
async def scripted_reasons(gateway: Gateway) -> dict[str, Told]:
    """Answers that end for each reason."""
    answers: dict[str, Answer] = {reason: {"pieces": PIECES, "finish_reason": reason} for reason in REASONS}
    return await _each(gateway, answers | {f"{reason}, streamed": answers[reason] for reason in REASONS})


@probe()
async def scripted_members(gateway: Gateway) -> dict[str, Told]:
    """A refusal, log probabilities, and two choices."""
    refused = {"role": "assistant", "content": None, "refusal": REFUSAL}
    pieces = [REFUSAL[:8], REFUSAL[8:]]
    logprobs = {"content": [_logprob(token, value) for token, value in TOKENS], "refusal": None}
    plain = completion({"role": "assistant", "content": "".join(token for token, _ in TOKENS)}, "stop")
    plain["choices"][0]["logprobs"] = logprobs
    told_tokens = [
        chunk({"content": token}, logprobs={"content": [_logprob(token, value)], "refusal": None})
        for token, value in TOKENS
    ]
    first = chunk({"role": "assistant", "content": ""})
    two = completion({"role": "assistant", "content": CHOICES[0]}, "stop")
    two["choices"].append(two["choices"][0] | {"index": 1, "message": {"role": "assistant", "content": CHOICES[1]}})
    in_turn = [chunk({"role": "assistant", "content": text}, index=n) for n, text in enumerate(CHOICES)]
    ends = [chunk({}, "stop", index=n) for n in range(len(CHOICES))]
    refusal: Answer = {
        "body": json.dumps(completion(refused, "stop")),
        "chunks": [
            chunk({"role": "assistant", "content": None}),
            *(chunk({"refusal": piece}) for piece in pieces),
            chunk({}, "stop"),
        ],
    }
    tokens: Answer = {"body": json.dumps(plain), "chunks": [first, *told_tokens, chunk({}, "stop")]}
    both: Answer = {"body": json.dumps(two), "chunks": [*in_turn, *ends]}
    found = await gather(
        _each(gateway, {"refusal": refusal, "refusal, streamed": refusal}),
        _each(gateway, {"logprobs": tokens, "logprobs, streamed": tokens}, logprobs=True, top_logprobs=1),
        _each(gateway, {"choices": both, "choices, streamed": both}, n=len(CHOICES)),
    )
    return {case: each for cases in found for case, each in cases.items()}


@probe()
async def scripted_many(gateway: Gateway) -> dict[str, Told]:
    """Many answers at a time; each says its own number and nothing else."""
    names = [str(100 + n) for n in range(MANY)] + [f"{200 + n}, streamed" for n in range(MANY_STREAMS)]
    return await _each(gateway, {name: {"pieces": [f"{name[:3]} "] * 4} for name in names})


async def _each(gateway: Gateway, answers: dict[str, Answer], **fields: Any) -> dict[str, Told]:
    """A chat for each of these answers, all at once; a stream where the name of its case says so."""
    sent = (
        told(gateway, case, answer, cap=CAP, **fields | ({"stream": True} if case.endswith("streamed") else {}))
        for case, answer in answers.items()
    )
    return dict(zip(answers, await gather(*sent), strict=True))


def _logprob(token: str, value: float) -> dict[str, Any]:
    one = {"token": token, "logprob": value, "bytes": list(token.encode())}
    return one | {"top_logprobs": [one]}
