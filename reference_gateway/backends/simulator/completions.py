"""Renders the pretended model's replies as legacy completions and as their chunks."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from reference_gateway.backends.simulator import vocabulary as words
from reference_gateway.backends.simulator.chance import Chance
from reference_gateway.backends.simulator.envelope import head, usage, wants_usage
from reference_gateway.backends.simulator.logprobs import completion_arrays
from reference_gateway.backends.simulator.pace import Pace, Turn, in_turns, paced
from reference_gateway.backends.simulator.replies import Reply, cut, prose_for, stops_of
from reference_gateway.backends.simulator.tokens import count_prompt, tokenise
from reference_gateway.call import Call, Json

_DEFAULT_CAP = 16
_DECODED = tuple(f" {word}" for word in (*words.VERBS, *words.EMOJI))
"""What token ids stand for: an id is taken modulo the length of this."""

Prompt = str | list[int]


@dataclass(frozen=True, slots=True)
class _Choice:
    """One choice: what the prompt had, and what is said to it."""

    index: int
    prompt: list[str]
    """The echoed tokens of the prompt; empty without `echo`."""
    reply: Reply
    logprobs: Json | None

    @property
    def text(self) -> str:
        return "".join(self.prompt) + self.reply.text


async def answer(call: Call, seed: int | None) -> Json:
    """The whole completion, after the time that its tokens take."""
    pace = Pace(call.settings)
    choices = _choices(call.body, seed)
    await pace.whole(sum(choice.reply.token_count for choice in choices))
    return {
        **head(call, "text_completion", "cmpl"),
        "choices": [
            {"text": c.text, "index": c.index, "logprobs": c.logprobs, "finish_reason": c.reply.finish_reason}
            for c in choices
        ],
        "usage": _usage(call.body, choices),
    }


def stream(call: Call, seed: int | None) -> AsyncIterator[Json]:
    """The completion's chunks, one token each, the choices in turn; an echoed prompt is one chunk before them."""
    pace = Pace(call.settings)
    choices = _choices(call.body, seed)
    turns = in_turns([_turns(choice) for choice in choices])
    cost = _usage(call.body, choices) if wants_usage(call.body) else None
    return paced(pace, head(call, "text_completion", "cmpl"), turns, cost)


def _turns(choice: _Choice) -> Iterator[Turn]:
    """The `choices` members of one choice's chunks; the flag tells those that carry a generated token."""
    index, echoed = choice.index, len(choice.prompt)
    if echoed:
        logprobs = _slice(choice.logprobs, 0, echoed)
        yield {"text": "".join(choice.prompt), "index": index, "logprobs": logprobs, "finish_reason": None}, False
    for at, token in enumerate(choice.reply.tokens, echoed):
        logprobs = _slice(choice.logprobs, at, at + 1)
        yield {"text": token, "index": index, "logprobs": logprobs, "finish_reason": None}, True
    yield {"text": "", "index": index, "logprobs": None, "finish_reason": choice.reply.finish_reason}, False


def _slice(logprobs: Json | None, start: int, end: int) -> Json | None:
    return logprobs and {name: values[start:end] for name, values in logprobs.items()}


def _choices(body: Json, seed: int | None) -> list[_Choice]:
    """`n` choices for each prompt, in the order of the prompts."""
    chance = Chance(body, seed)
    n = body.get("n") or 1
    return [
        _choice(body, prompt, index, chance)
        for nth, prompt in enumerate(_prompts(body.get("prompt", "")))
        for index in range(nth * n, nth * n + n)
    ]


def _choice(body: Json, prompt: Prompt, index: int, chance: Chance) -> _Choice:
    cap = body.get("max_tokens")
    told = prompt if isinstance(prompt, str) else "".join(_decode(prompt))
    reply = cut(prose_for(told, chance.source(index)), _DEFAULT_CAP if cap is None else cap, stops_of(body))
    echoed = (tokenise(prompt) if isinstance(prompt, str) else _decode(prompt)) if body.get("echo") else []
    logprobs = None
    if body.get("logprobs") is not None and body["logprobs"] is not False:
        logprobs = completion_arrays(
            echoed + reply.tokens, int(body["logprobs"]), chance.source(index, "logprobs"), prompt_tokens=len(echoed)
        )
    return _Choice(index, echoed, reply, logprobs)


def _prompts(prompt: str | list[str] | list[int] | list[list[int]] | None) -> list[Prompt]:
    if prompt is None or isinstance(prompt, str):
        return [prompt or ""]
    if prompt and isinstance(prompt[0], int):
        return [[token for token in prompt if isinstance(token, int)]]
    return [one for one in prompt if not isinstance(one, int)]


def _decode(ids: list[int]) -> list[str]:
    return [_DECODED[token % len(_DECODED)] for token in ids]


def _usage(body: Json, choices: list[_Choice]) -> Json:
    prompt = sum(count_prompt(one) for one in _prompts(body.get("prompt", "")))
    return usage(prompt, sum(choice.reply.token_count for choice in choices))
