"""POST /chat/completions: the request's own fields. Messages and tools have modules of their own."""

from collections.abc import Mapping
from typing import Any

from reference_gateway.call import Json
from reference_gateway.validation.checks import (
    METADATA,
    NAME,
    ArrayOf,
    Check,
    Integer,
    OneOf,
    Text,
    check_fields,
    invalid,
    is_array,
    is_flag,
    is_object,
    is_unsupported,
    require,
)
from reference_gateway.validation.messages import Images, check_messages
from reference_gateway.validation.sampling import SAMPLING, check_stream_options
from reference_gateway.validation.tools import check_tools

FIELDS: Mapping[str, Check] = {
    **SAMPLING,
    "max_completion_tokens": Integer(1),
    "logprobs": is_flag,
    "top_logprobs": Integer(0, 20),
    "tools": is_array,
    "parallel_tool_calls": is_flag,
    "response_format": is_object,
    "metadata": METADATA,
    "store": is_flag,
    "service_tier": OneOf(("auto", "default", "flex", "scale", "priority", "fast")),
    "reasoning_effort": Text(),
    "verbosity": Text(),
    "safety_identifier": Text(),
    "prompt_cache_key": Text(),
    "modalities": ArrayOf(OneOf(("text",)), least=1),
    "audio": is_unsupported,
    "functions": is_unsupported,
    "function_call": is_unsupported,
}
JSON_SCHEMA_FIELDS: Mapping[str, Check] = {"description": Text(), "schema": is_object, "strict": is_flag}


def check_chat(body: Json, images: Images) -> None:
    check_messages(require(body, "messages"), images)
    check_fields(body, FIELDS)
    check_stream_options(body)
    if body.get("top_logprobs") is not None and body.get("logprobs") is not True:
        raise invalid("top_logprobs", "it is only allowed when 'logprobs' is true.")
    check_tools(body)
    if body.get("response_format") is not None:
        _check_response_format(body["response_format"])


def _check_response_format(response_format: Json) -> None:
    OneOf(("text", "json_object", "json_schema"))(
        require(response_format, "type", "response_format."), "response_format.type"
    )
    if response_format["type"] == "json_schema":
        schema: Any = require(response_format, "json_schema", "response_format.")
        is_object(schema, "response_format.json_schema")
        NAME(require(schema, "name", "response_format.json_schema."), "response_format.json_schema.name")
        check_fields(schema, JSON_SCHEMA_FIELDS, "response_format.json_schema.")
