"""Where the simulator's randomness comes from: the request itself when it is seeded, the system otherwise."""

import hashlib
import json
import secrets
from random import Random
from typing import Any

_NOT_THE_TEXT = frozenset(
    ("stream", "stream_options", "max_tokens", "max_completion_tokens", "stop", "n", "best_of", "echo", "logprobs",
     "top_logprobs", "user", "metadata", "store", "service_tier", "safety_identifier")
)  # fmt: skip
"""Members of a request that cut, shape or label the text but don't change what would be said."""


class Chance:
    """The random sources of one answer, one per choice, all from one key."""

    __slots__ = ("_key",)

    def __init__(self, body: dict[str, Any], seed: int | None) -> None:
        """Keyed by the request if it has a `seed` or the simulator has one (`seed`), else by the system's entropy."""
        if seed is None and body.get("seed") is None:
            self._key = secrets.token_hex(16)
            return
        said = {name: value for name, value in body.items() if name not in _NOT_THE_TEXT}
        self._key = hashlib.sha256(json.dumps([seed, said], sort_keys=True).encode()).hexdigest()

    def source(self, index: int, purpose: str = "text") -> Random:
        """The source for one choice, apart from those of other choices and purposes."""
        return Random(f"{self._key}/{purpose}/{index}")
