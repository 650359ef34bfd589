"""Decides what the pretended model says: text cut by token caps and stop strings. No JSON of the API here."""

from dataclasses import dataclass
from random import Random
from typing import Any

from reference_gateway.backends import prose
from reference_gateway.backends.tokens import text_of, tokenise


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said for one choice, and why it ended."""

    tokens: list[str]
    finish_reason: str

    @property
    def text(self) -> str:
        """The tokens joined."""
        return "".join(self.tokens)

    @property
    def token_count(self) -> int:
        """Tokens that this choice cost."""
        return len(self.tokens)


def cut(text: str, cap: int | None, stops: list[str]) -> Reply:
    """`text` as far as a model would get with a cap of `cap` tokens and these stop strings.

    A stop string that the cap would have let through ends the text before its first occurrence, even within a token.
    """
    tokens = tokenise(text)
    finish_reason = "stop"
    if cap is not None and len(tokens) > cap:
        tokens, finish_reason = tokens[:cap], "length"
    if stops:
        said = "".join(tokens)
        ends = [at for stop in stops if stop and (at := said.find(stop)) >= 0]
        if ends:
            return Reply(tokenise(said[: min(ends)]), "stop")
    return Reply(tokens, finish_reason)


def stops_of(body: dict[str, Any]) -> list[str]:
    """The stop strings of a request, whichever form they came in."""
    stop = body.get("stop")
    return [stop] if isinstance(stop, str) else list(stop or ())


def chat_reply(body: dict[str, Any], rng: Random) -> Reply:
    """One choice of a chat completion."""
    cap = body.get("max_completion_tokens")
    if cap is None:
        cap = body.get("max_tokens")
    return cut(prose.write(rng, prose.asked_tokens(last_user_text(body["messages"]), rng)), cap, stops_of(body))


def last_user_text(messages: list[dict[str, Any]]) -> str:
    """The text of the last user message; empty if there is none."""
    return next((text_of(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")
