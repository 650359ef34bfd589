"""What the answers of several endpoints have in common: identity, usage and the wish for it."""

import secrets
import time

from reference_gateway.call import Call, Json

_FINGERPRINT = "fp_gateproof01"
"""Names the simulator's version; it changes when equal seeds would give another text."""


def head(call: Call, kind: str, id_prefix: str) -> Json:
    """The members that every chunk of an answer repeats; the id is new with every call of this."""
    return {
        "id": f"{id_prefix}-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": call.body["model"],
        "system_fingerprint": _FINGERPRINT,
    }


def wants_usage(body: Json) -> bool:
    """Whether the client of a stream asked for the usage chunk."""
    return bool((body.get("stream_options") or {}).get("include_usage"))


def usage(prompt: int, completion: int) -> Json:
    """The usage object of an answer that cost this many tokens."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
