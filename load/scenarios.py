"""What is asked of the gateway: prompts, and the bodies made of them. Imports neither gevent nor locust."""

import json
from typing import Any

PROMPTS = (
    "Explain how a tide table is made, in plain words.",
    "Write a short letter of thanks to a librarian.",
    "List the steps of changing a bicycle tyre.",
    "Describe the water cycle to a ten-year-old.",
    "What should be in a first-aid kit, and why?",
    "Tell a story about a lighthouse keeper and a lost cat.",
    "Compare baking bread with yeast and with sourdough.",
    "Schreibe ein kurzes Gedicht über den Herbst am Meer.",
)


def chat_body(model: str, prompt: str, max_tokens: int, *, stream: bool, token_key: str = "max_tokens") -> bytes:
    """A chat completion request; a streamed one asks for usage, so that tokens can be counted without a tokenizer."""
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": prompt}], token_key: max_tokens}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body, ensure_ascii=False).encode()
