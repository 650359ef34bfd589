"""The fields that chat and completion requests have in common, and what must hold between them."""

from collections.abc import Mapping

from reference_gateway.call import Json
from reference_gateway.validation.checks import (
    Check,
    Integer,
    MapOf,
    Number,
    Text,
    check_fields,
    invalid,
    is_flag,
    is_object,
    is_stop,
)

SAMPLING: Mapping[str, Check] = {
    "temperature": Number(0, 2),
    "top_p": Number(0, 1),
    "frequency_penalty": Number(-2, 2),
    "presence_penalty": Number(-2, 2),
    "n": Integer(1, 128),
    "max_tokens": Integer(1),
    "stop": is_stop,
    "seed": Integer(),
    "logit_bias": MapOf(Text(pattern="[0-9]+"), Number(-100, 100)),
    "user": Text(),
    "stream": is_flag,
    "stream_options": is_object,
}
STREAM_OPTIONS: Mapping[str, Check] = {"include_usage": is_flag, "include_obfuscation": is_flag}


def check_stream_options(body: Json) -> None:
    options = body.get("stream_options")
    if options is None:
        return
    if body.get("stream") is not True:
        raise invalid("stream_options", "it is only allowed when 'stream' is true.")
    check_fields(options, STREAM_OPTIONS, "stream_options.")
