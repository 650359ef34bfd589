"""The simulator's one token model: how text falls into tokens, and what a prompt costs.

A token is a word with the space before it, up to three digits, a run of ASCII punctuation, one CJK character, one
whole emoji sequence, or a run of white space. So English costs about one token per word, no token is half a character
and the tokens of a text joined are the text.
"""

import json
import re
from collections.abc import Iterable
from sys import intern
from typing import Any

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_MARKS = "\u0300-\u036f\u0483-\u0487\u064b-\u065f\ufe0e\ufe0f"
_EMOJI = rf"[\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff][{_MARKS}\U0001f3fb-\U0001f3ff]*"
_TOKEN = re.compile(
    rf" ?(?:['’]?[^\W\d_{_CJK}][^\W\d_{_CJK}{_MARKS}]{{0,15}}[{_MARKS}]*"
    rf"(?:[^\W\d_{_CJK}]{{1,15}}[{_MARKS}]+)*"
    r"|\d{1,3}"
    r"|[!-/:-@\[-`{-~]{1,4})"
    rf"|[{_CJK}][{_MARKS}\u3099\u309a]*"
    r"|[\U0001f1e6-\U0001f1ff]{2}"
    rf"|{_EMOJI}(?:\u200d{_EMOJI})*"
    r"|\s+"
    rf"|.[{_MARKS}]*",
    re.DOTALL,
)

_MESSAGE_COST = 3
"""Tokens that frame a message, its role included."""
_REPLY_COST = 3
"""Tokens that open the assistant's turn."""
_PART_COST = {"image_url": 85, "input_audio": 50, "file": 100}
"""What a content part costs that is not text."""


def tokenise(text: str) -> list[str]:
    """The tokens of `text`, in order; joined they are `text` again. Equal ones are kept once, as texts repeat them."""
    return list(map(intern, _TOKEN.findall(text)))


def count(text: str) -> int:
    """How many tokens `text` has."""
    return len(_TOKEN.findall(text))


def count_chat_prompt(messages: Iterable[dict[str, Any]], tools: Iterable[dict[str, Any]] | None = None) -> int:
    """What a conversation and the tools offered with it cost, in tokens. Sampling options have no part in it."""
    total = _REPLY_COST
    for message in messages:
        total += _MESSAGE_COST + _count_content(message.get("content"))
        if isinstance(name := message.get("name"), str):
            total += 1 + count(name)
        for call in message.get("tool_calls") or ():
            function = call.get("function") or {}
            total += 1 + count(str(function.get("name", ""))) + count(str(function.get("arguments", "")))
    for tool in tools or ():
        total += count(json.dumps(tool, ensure_ascii=False, sort_keys=True))
    return total


def count_prompt(prompt: str | list[int]) -> int:
    """What one prompt or embedding input costs: a text by its tokens, a token array by its length; at least 1."""
    return max(count(prompt) if isinstance(prompt, str) else len(prompt), 1)


def text_of(content: Any) -> str:
    """The text in a message's content, be it a string, a list of parts or nothing."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _count_content(content: Any) -> int:
    if isinstance(content, list):
        other = sum(_PART_COST.get(part.get("type", ""), 0) for part in content if isinstance(part, dict))
        return other + sum(count(text_of([part])) for part in content)
    return count(text_of(content))
