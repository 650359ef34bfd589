"""Rules of error answers: their envelope, what they reveal, and errors that are sent as successes."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from conformance.exchange import clip
from conformance.rules import Json
from conformance.shape import is_int, show
from schemas import recognise, violations

COMMON = "error.lenient"
FRONT_STATUSES = (413, 414, 431, 502, 503, 504)
"""What a proxy in front of the gateway answers by itself, often as HTML."""

_PRIVATE = r"(?:10\.\d{1,3}|127\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}"
_INTERNALS = {
    "a stack trace": r"Traceback \(most recent call last\)|File \\?\"[^\"\n]{1,300}\", line \d+"
    r"|goroutine \d+ \[|\bpanic: "
    r"|\bpanicked at\b|\bat [\w$.<>]+\([\w$]+\.(?:java|kt|scala|groovy):\d+\)|\bat [^\n]{1,200}:\d+:\d+\)"
    r"|\bat [\w.]+\([^\n]{0,200}\) in [^\n]{1,200}:line \d+|<[\w.]+ object at 0x[0-9a-f]+>",
    "a path of the server": r"(?<![\w./:%~-])/(?:home|usr|opt|root|srv|var|etc|tmp|Users|mnt)/[\w.@+/-]+"
    r"|(?<![\w./:%~-])(?:/[\w.@+-]+)+/[\w.@+-]+\.(?:py|go|rs|js|ts|java|kt|rb|php|cs|cpp|cc|c|h)\b"
    r"|\b[A-Z]:\\\\?(?:Users|Program|Windows|inetpub)\b|\bnode_modules\b|\b(?:site|dist)-packages\b",
    "the words of an exception": r"'\w+' object (?:has no attribute|is not (?:iterable|subscriptable|callable))\b"
    r"|\bunexpected keyword argument\b|\bpositional arguments? but\b"
    r"|\bCannot read propert(?:y|ies) of (?:undefined|null)|\bundefined is not an? (?:object|function)\b"
    r"|\bnil pointer dereference\b|\binvalid memory address\b|\bNullPointerException\b|\bNullReferenceException\b"
    r"|\bindex out of range \[\d+\]|\bfunction \w+ at 0x[0-9a-f]+"
    r"|\b(?:Type|Value|Key|Attribute|Index|Name|Assertion|Recursion|Reference|Range|ZeroDivision|UnboundLocal)Error: "
    r"|\bunsupported operand type\(s\) for\b|\bnot supported between instances of '|\bobject of type '\w+' has no len\b"
    r"|\bcould not convert string to (?:float|int)\b|\binvalid literal for int\(\)|\bunhashable type: '"
    r"|\b(?:list|string|tuple|byte) ind(?:ices|ex) (?:must be integers|out of range)|\bvalues to unpack \("
    r"|\bargument of type '\w+' is not iterable|\bcan only concatenate \w+ \(not \"|\bCannot destructure property\b"
    r"|\.(?:map|forEach|filter|trim|split|toLowerCase|replace|join|includes|find|some|startsWith) is not a function"
    r"|\bCannot convert undefined or null to object\b|\bMaximum call stack size exceeded\b"
    r"|\bruntime error: |\binterface conversion: |\bassignment to entry in nil map\b|\bslice bounds out of range\b"
    r"|\bcalled `(?:Option|Result)::\w+\(\)`|\bObject reference not set to an instance\b"
    r"|\b(?:java|javax|kotlin|scala|org|com|io)\.(?:\w+\.)+[A-Z]\w*(?:Exception|Error)\b"
    r"|\bjson\.decoder\.JSONDecodeError\b|\bpydantic_core\.\w+\.\w+Error\b"
    r"|\b\w+\.(?:py|go|rs|js|ts|java|rb|php|cs):\d+\b",
    "SQL": r"\bSELECT\b[^\n]{1,300}\bFROM\b|\bINSERT INTO\b|\bUPDATE \w+ SET\b|\bDELETE FROM\b"
    r"|\bSQLSTATE\b|\bORA-\d{5}\b|\bsqlite3\.\w+Error\b|\bpsycopg|\bsqlalchemy\b|syntax error at or near",
    "an internal address": rf"(?<![\d.])(?:{_PRIVATE}|localhost):\d{{2,5}}\b|\('{_PRIVATE}', \d+\)"
    r"|\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}\.svc(?:\.cluster\.local)?\b|\bhost\.docker\.internal\b",
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _INTERNALS.items()}


def envelope(body: Any) -> Json | None:
    """The error object of a body of the OpenAI family, None if it has none."""
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else None


def shape(body: Any, schema: str) -> Iterator[str]:
    """What an error body lacks of its schema; or the family it belongs to, where it is of another one. OpenAI's own
    form is right in every dialect, as all their clients can read it."""
    found = violations(schema, body)
    if found and not violations(COMMON, body):
        return
    foreign = recognise("error_foreign", body) if found else None
    yield from [f"it is {foreign}"] if foreign else found


def param_and_code(body: Any) -> Iterator[str]:
    error = envelope(body) or {}
    for key in ("param", "code"):
        if key not in error:
            yield f"error.{key} is missing"
        elif not isinstance(error[key], str | None):
            yield f"error.{key} is {show(error[key])}, not a string or null"


def unknown_model(body: Any) -> Iterator[str]:
    """What the error for an unknown model does not say for programs."""
    error = envelope(body) or {}
    for key, wanted in (("code", "model_not_found"), ("type", "invalid_request_error")):
        if error.get(key) != wanted:
            yield f"error.{key} is {show(error.get(key))}"


def numeric_code(body: Any, status: int) -> Iterator[str]:
    code = (envelope(body) or {}).get("code")
    if (is_int(code) or (isinstance(code, str) and code.isdecimal())) and str(code) != str(status):
        yield f"error.code is {show(code)} with status {status}"


TYPES = frozenset((
    "invalid_request_error", "authentication_error", "permission_error", "permission_denied_error",
    "not_found_error", "conflict_error", "unprocessable_entity_error", "request_too_large", "rate_limit_error",
    "rate_limit_exceeded", "insufficient_quota", "requests", "tokens", "server_error", "api_error",
    "internal_error", "internal_server_error", "overloaded_error", "service_unavailable",
    "service_unavailable_error", "timeout", "timeout_error", "bad_gateway", "gateway_timeout", "upstream_error",
    "billing_error", "billing_not_active", "access_terminated", "engine_overloaded_error",
    "invalid_authentication_error", "content_filter", "content_policy_violation", "context_length_exceeded",
))  # fmt: skip
"""What programs know `error.type` by, of OpenAI's words and those of its relatives."""
LONGEST_BODY = 64 * 1024
_REPEAT = 1000
_STRIDE = 24
_SEARCHED = 256 * 1024
"""Characters of one text that are looked through for what it reveals."""


def type_is_known(body: Any) -> Iterator[str]:
    """What is no string is the business of shape."""
    said = (envelope(body) or {}).get("type")
    if isinstance(said, str) and said not in TYPES:
        yield f"error.type is {show(said)}"


def message_is_told(body: Any) -> Iterator[str]:
    """A message, in any dialect's place for it, that says nothing."""
    places = {"error.message": (envelope(body) or {}).get("message")}
    if isinstance(body, dict) and body.get("detail") != "":  # what is empty there does not fit the dialect's schema
        places["detail"] = body.get("detail")
    for place, said in places.items():
        if isinstance(said, str) and not any(c.isprintable() and not c.isspace() for c in said):
            yield f"{place} is {show(said)}"


def param_names(body: Any, field: str, *, null_is_fine: bool) -> Iterator[str]:
    """Where an error blames another field than the one that is wrong, or none."""
    said = (envelope(body) or {}).get("param")
    if isinstance(said, str) and field not in said:
        yield f"error.param is {show(said)}"
    elif said is None and not null_is_fine:
        yield "error.param is null"


def said_to_programs(body: Any) -> Json:
    """The members of an error that programs branch on."""
    error = envelope(body) or {}
    return {key: error.get(key) for key in ("type", "code")}


def is_bounded(size: int, text: str, sent: str) -> Iterator[str]:
    """An error body that is very long, or that holds a long piece of the request."""
    if size > LONGEST_BODY:
        yield f"its body is {size} bytes long"
    if len(text) < _REPEAT:
        return
    text, starts = text[:LONGEST_BODY], range(0, len(sent) - _REPEAT + 1, _STRIDE)
    if any(sent[start : start + _REPEAT] in text for start in starts):
        yield f"its body repeats more than {_REPEAT} characters of the request"


def internals(text: str, sent: str) -> Iterator[str]:
    """What a text tells of the gateway's inside. What the client itself has `sent` is no secret."""
    for kind, pattern in _COMPILED.items():
        match = next((found for found in pattern.finditer(text, 0, _SEARCHED) if found[0] not in sent), None)
        if match:
            yield f"{kind}: {clip(match[0], 100)}"


_INNER = {
    "the words of a validator": r"\bvalidation errors? for [A-Z]\w+|\berrors\.pydantic\.dev\b|\binput_type=\w+"
    r"|\bjson: cannot unmarshal \w+ into Go\b|\bGo struct field\b|\bcom\.fasterxml\.jackson\b"
    r"|\bmissing field `\w+` at line \d+",
    "the name of an inner exception": r"\b(?:litellm|openai|httpx|aiohttp|anthropic|botocore|pydantic)\.[\w.]*"
    r"(?:Error|Exception|Timeout)\b",
}
_INNER_COMPILED = {kind: re.compile(pattern) for kind, pattern in _INNER.items()}


def inner_words(text: str, message: str, sent: str) -> Iterator[str]:
    """What an error says in the words of a library behind it, or by wrapping another error's JSON in its message."""
    for kind, pattern in _INNER_COMPILED.items():
        found = next((match for match in pattern.finditer(text, 0, _SEARCHED) if match[0] not in sent), None)
        if found:
            yield f"{kind}: {clip(found[0], 100)}"
    try:
        inner = json.loads(message) if message.lstrip()[:1] == "{" else None
    except (ValueError, RecursionError):
        return
    if isinstance(inner, dict) and inner.keys() & {"error", "detail", "errors", "message"}:
        yield f"the message is another error's JSON: {clip(message, 100)}"


def strings(value: Any) -> Iterator[str]:
    """All strings in a JSON value, keys too."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            pending += [*value, *value.values()]
        elif isinstance(value, list):
            pending += value


def error_in_success(bodies: Iterable[Any]) -> Iterator[str]:
    """An error in a plain answer, or in a stream before its first content; `bodies` are its JSON objects in order."""
    for body in bodies:
        if not isinstance(body, dict):
            continue
        is_response = body.get("object") == "response"  # which tells by its status that it has failed
        if body.get("error") and not is_response:
            yield f"error is {show(body['error'])}"
        if body.get("error") or _has_content(body):
            return


def _has_content(chunk: Json) -> bool:
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            delta = choice.get("delta")
            parts = delta if isinstance(delta, dict) else {}
            if choice.get("text") or choice.get("message") or any(parts.get(key) for key in ("content", "tool_calls")):
                return True
    return False
