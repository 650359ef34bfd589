"""What is asked: a small built-in set of prompts, or the lines of a JSONL file. Imports neither gevent nor locust."""

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.target import ConfigError

SHORT = (
    "Explain how a tide table is made, in plain words.",
    "Write a short letter of thanks to a librarian.",
    "List the steps of changing a bicycle tyre.",
    "Describe the water cycle to a ten-year-old.",
    "What should be in a first-aid kit, and why?",
    "Tell a story about a lighthouse keeper and a lost cat.",
    "Compare baking bread with yeast and with sourdough.",
    "Schreibe ein kurzes Gedicht über den Herbst am Meer.",
)
FOLLOW_UPS = (
    "Can you make that shorter?",
    "Which part of it matters most?",
    "Give an example of that.",
    "What would you say to somebody who disagrees?",
)
ANSWERS = (
    "It depends on three things: the place, the season and how much time there is.",
    "Begin with what is at hand, write down what you see, and compare it with last year.",
    "Most people do it the other way round, and are surprised that it takes longer.",
)
"""Stand in for the model's own answers in a conversation, so that a seed names the same bytes whatever it says."""
PARAGRAPH = (
    "The harbour office keeps a book for every year, in which the height of the water is written down each hour, with "
    "the wind, the pressure of the air and the name of whoever was on watch. Where a page is missing, the neighbouring "
    "harbours are asked, and what they send is entered in another ink, so that nobody takes it for our own. "
)
LONG_WORDS = 2000
"""Length of a long prompt, in words: some 2,600 tokens."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line of a prompts file: a text or whole messages, and the length of its answer if that is given."""

    text: str
    messages: tuple[dict[str, Any], ...]
    max_tokens: int | None = None


def short(rng: random.Random) -> str:
    """A question of the built-in set, marked so that no two are equal and no cache of answers can know it."""
    return f"{rng.choice(SHORT)} {_mark(rng)}"


def long(rng: random.Random) -> str:
    """A text of LONG_WORDS words, in paragraphs that are numbered from a random one up, and a question about it."""
    first = rng.randrange(1000)
    count = LONG_WORDS // len(PARAGRAPH.split())
    text = "\n".join(f"{number}. {PARAGRAPH}" for number in range(first, first + count))
    return f"{_mark(rng)}\n{text}\nSum up what is written down, and why."


def from_text(text: str) -> Prompt:
    return Prompt(text, ({"role": "user", "content": text},))


def read(path: Path) -> tuple[Prompt, ...]:
    """The prompts of a JSONL file: a text, {"prompt": "…"} or {"messages": […]}, each with "max_tokens" if wanted.

    Raises ConfigError, with the line that can't be used.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--prompts {path}: it can't be read ({getattr(error, 'strerror', None) or error})") from None
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(_prompt(json.loads(line)))
            except ValueError as error:
                raise ConfigError(f"--prompts {path}: line {number}: {error}") from None
    if not found:
        raise ConfigError(f"--prompts {path}: it holds no prompts")
    return tuple(found)


def _prompt(value: Any) -> Prompt:
    if isinstance(value, str):
        return from_text(value)
    if not isinstance(value, dict):
        raise ValueError("a text or an object was expected")
    limit = value.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise ValueError("max_tokens must be a whole number from 1 up")
    messages = value.get("messages")
    if messages is None and isinstance(value.get("prompt"), str):
        messages = [{"role": "user", "content": value["prompt"]}]
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise ValueError('neither "prompt" (a text) nor "messages" (a list of objects) was found')
    texts = [message["content"] for message in messages if isinstance(message.get("content"), str)]
    return Prompt("\n".join(texts), tuple(messages), limit)


def _mark(rng: random.Random) -> str:
    return f"gp-{rng.getrandbits(64):016x}-pg"
