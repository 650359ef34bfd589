"""Requests for responses that are broken, or are for a model that can't answer them, and are not refused as they should
be: what errors.py is to chats."""

import re
from typing import Any

from reference_gateway.faults.asgi import Asked
from reference_gateway.faults.edits import asks, is_response, put
from reference_gateway.faults.exchanges import answering, as_bytes, taking
from reference_gateway.faults.fault import table
from reference_gateway.faults.responses import asked_as, refusing

REFUSALS = table("responses")
row = REFUSALS.add


def named(asked: Asked) -> str:
    return str(asked.object.get("model", ""))


def having(pattern: bytes) -> Any:
    """Requests for responses whose body matches this."""
    return lambda asked: is_response(asked) and re.search(pattern, asked.body)


row(
    "response-truncated-json-crashes",
    "ERR-004",
    answering(having(rb'^\{"model":$'), 500),
    "A mistake in the client counts as an outage.",
)
row(
    "response-empty-body-crashes",
    "ERR-005",
    answering(having(rb"^$"), 500),
    "A proxy that loses the body looks like an outage.",
)
row("response-array-crashes", "ERR-006", answering(having(rb"^\[\]$"), 500), "SDKs try again in vain.")
row(
    "response-model-of-another-type-served",
    "ERR-008",
    asked_as(put("model", "gpt-4o-mini"), asks("model", 1)),
    "A mistake is paid for.",
)
row(
    "response-bad-utf8-replaced",
    "ERR-018",
    taking(having(rb"O\xffK"), as_bytes(lambda body: body.decode("utf-8", "replace").encode())),
    "The model reads something else than was written.",
)
row("response-deep-json-crashes", "ERR-019", answering(having(rb"^\[{2000}"), 500), "One request takes a worker down.")
row(
    "response-huge-cap-crashes",
    "ERR-020",
    answering(having(rb"0{300}"), 500),
    "One request takes a worker down.",
    "Python's limit on digits",
)
row(
    "response-long-name-crashes",
    "ERR-031",
    refusing(lambda asked: len(named(asked)) > 9000, 500),
    "A wrong model name takes a worker down.",
)
row(
    "response-name-with-nul-crashes",
    "ERR-031",
    refusing(lambda asked: "\0" in named(asked), 500),
    "A wrong model name takes a worker down.",
    "PostgreSQL refuses NUL in texts",
)
row(
    "response-half-a-character-crashes",
    "ERR-038",
    answering(having(rb"\\ud83d(?!\\ud)"), 500),
    "Programs that cut texts to pieces get no answer.",
    "UTF-8 encoders refuse halves",
)
row(
    "response-charset-refused",
    "ERR-039",
    answering(lambda asked: is_response(asked) and ";" in (asked.header("content-type") or ""), 415),
    "Clients in .NET are refused on every call.",
)
row("response-unknown-field-crashes", "ERR-040", refusing(asks("x_conformance"), 500), "SDKs try again in vain.")
row(
    "response-of-an-embedding-model-crashes",
    "RESP-016",
    refusing(lambda asked: "embed" in named(asked), 500),
    "Who has confused two models is told that the gateway is down.",
)
