"""Decides what the pretended model says: text or tool calls, cut by token caps and stop strings. No API shapes here."""

from dataclasses import dataclass
from random import Random

from reference_gateway.backends.simulator import prose
from reference_gateway.backends.simulator import vocabulary as words
from reference_gateway.backends.simulator.examples import NoExample, example
from reference_gateway.backends.simulator.tokens import text_of, tokenise
from reference_gateway.backends.simulator.tool_calls import ToolCall, chosen_tools, is_named, make_call, to_json
from reference_gateway.call import BackendError, Json


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said for one choice, and why it ended: text, or calls and no text."""

    tokens: list[str]
    finish_reason: str
    calls: tuple[ToolCall, ...] = ()

    @property
    def text(self) -> str:
        """The tokens joined."""
        return "".join(self.tokens)

    @property
    def token_count(self) -> int:
        """Tokens that this choice cost."""
        return len(self.tokens) + sum(call.token_count for call in self.calls)


def chat_reply(body: Json, rng: Random) -> Reply:
    """One choice of a chat completion. Raises BackendError if a schema in the request allows no answer."""
    cap = body.get("max_completion_tokens")
    if cap is None:
        cap = body.get("max_tokens")
    if tools := chosen_tools(body):
        calls = [make_call(function, rng) for function in tools]
        return _cut_calls(calls, cap, "stop" if is_named(body) else "tool_calls")
    text = _json_text(body, rng)
    tokens = prose_for(_last_user_text(body), rng) if text is None else tokenise(text)
    return cut(tokens, cap, stops_of(body))


def prose_for(prompt: str, rng: Random) -> list[str]:
    """The tokens of a text in answer to `prompt`, as long as it asks for."""
    return prose.write(rng, prose.asked_tokens(prompt, rng))


def cut(tokens: list[str], cap: int | None, stops: list[str]) -> Reply:
    """A text as far as a model would get with a cap of `cap` tokens and these stop strings.

    A stop string that the cap would have let through ends the text before its first occurrence, even within a token.
    """
    finish_reason = "stop"
    if cap is not None and len(tokens) > cap:
        tokens, finish_reason = tokens[:cap], "length"
    if stops:
        said = "".join(tokens)
        ends = [at for stop in stops if stop and (at := said.find(stop)) >= 0]
        if ends:
            return Reply(tokenise(said[: min(ends)]), "stop")
    return Reply(tokens, finish_reason)


def stops_of(body: Json) -> list[str]:
    """The stop strings of a request, whichever form they came in."""
    stop = body.get("stop")
    return [stop] if isinstance(stop, str) else list(stop or ())


def _cut_calls(calls: list[ToolCall], cap: int | None, finish_reason: str) -> Reply:
    if cap is None or sum(call.token_count for call in calls) <= cap:
        return Reply([], finish_reason, tuple(calls))
    kept: list[ToolCall] = []
    for call in calls:
        if cap < 1:
            break
        kept.append(call.within(cap))
        cap -= kept[-1].token_count
    return Reply([], "length", tuple(kept))


def _json_text(body: Json, rng: Random) -> str | None:
    """The answer that `response_format` demands; None if plain text will do."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_object":
        return to_json(_free_object(rng))
    if wanted.get("type") != "json_schema":
        return None
    named = wanted["json_schema"]
    try:
        return to_json(example(named.get("schema", {"type": "object"}), rng))
    except NoExample as problem:
        raise BackendError(
            400, f"Invalid schema for response_format '{named.get('name')}': {problem}.", type="invalid_request_error",
            param="response_format", code="invalid_json_schema",
        ) from None  # fmt: skip


def _free_object(rng: Random) -> Json:
    keys = rng.sample(words.JSON_KEYS, rng.randint(2, 4))
    values = (
        lambda: rng.choice(words.OBJECTS),
        lambda: f"{rng.choice(words.OBJECTS)} {rng.choice(words.TAILS)}",
        lambda: rng.randint(0, 100),
        lambda: rng.random() < 0.5,
        lambda: rng.sample(words.EMOJI, 2),
    )
    return {key: rng.choice(values)() for key in keys}


def _last_user_text(body: Json) -> str:
    return next((text_of(m.get("content")) for m in reversed(body["messages"]) if m.get("role") == "user"), "")
