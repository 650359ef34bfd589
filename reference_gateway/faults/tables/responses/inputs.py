"""Requests for responses that are refused for what they hold, or of which a part never comes to the model."""

import json
from typing import Any

from reference_gateway.faults.asgi import Asked
from reference_gateway.faults.edits import asks, drop, put
from reference_gateway.faults.fault import table
from reference_gateway.faults.responses import asked_as, has_list, has_parts, refusing

INPUTS = table("responses")
row = INPUTS.add


def of_role(role: str) -> Any:
    return lambda asked: has_list(asked) and any(item.get("role") == role for item in asked.object["input"])


def has_other_letters(asked: Asked) -> bool:
    given = asked.object.get("input")
    return isinstance(given, str) and given.encode("ascii", "ignore") != given.encode("utf-8", "ignore")


def is_long(asked: Asked) -> bool:
    return isinstance(asked.object.get("input"), str) and len(asked.object["input"]) > 2000


def has_null(asked: Asked) -> bool:
    return None in asked.object.values()


def has_logprobs(asked: Asked) -> bool:
    """A part of a message as it was put out, not as a client would write it."""
    return has_parts(asked) and '"logprobs"' in json.dumps(asked.object["input"])


def only_instructions(body: Any) -> None:
    body["input"] = body.pop("instructions")


def last_alone(given: Any) -> Any:
    return given[-1:] if isinstance(given, list) else given


def first_alone(content: Any) -> Any:
    return content[:1] if isinstance(content, list) else content


row(
    "response-input-only-text",
    "RESP-006 RESP-025 RESP-030",
    refusing(has_list),
    "There are no conversations.",
)
row(
    "response-input-parts-refused",
    "RESP-006 RESP-025",
    refusing(has_parts),
    "Messages of the SDK's own form are refused.",
    "SGLang #17853",
)
row(
    "response-input-parts-crash",
    "RESP-006 RESP-025",
    refusing(has_parts, 500),
    "Messages of the SDK's own form crash it.",
    "SGLang #17853",
)
row(
    "response-instructions-refused",
    "RESP-006",
    refusing(asks("instructions", "Answer in one word.")),
    "Agents can't be told what they are.",
)
row("response-system-message-refused", "RESP-006", refusing(of_role("system")), "Programs that moved from chats fail.")
row(
    "response-developer-message-refused",
    "RESP-006",
    refusing(of_role("developer")),
    "Agents can't be told what they are.",
)
row("response-other-scripts-crash", "RESP-022", refusing(has_other_letters, 500), "Only English is understood.")
row("response-long-text-refused", "RESP-022", refusing(is_long, 413), "Documents can't be asked about.")
row(
    "response-optional-field-crashes",
    "RESP-023",
    refusing(asks("truncation", "disabled"), 500),
    "Agents fail at the first request.",
)
row("response-null-refused", "RESP-023", refusing(has_null), "Options that the SDK passes on as null are refused.")
row(
    "response-instructions-dropped", "RESP-024", asked_as(drop("instructions")), "Models follow no rule of the program."
)
row(
    "response-instructions-for-input",
    "RESP-024",
    asked_as(only_instructions, lambda asked: bool(asked.object.get("instructions"))),
    "Models don't get the question.",
)
row(
    "response-earlier-turns-dropped",
    "RESP-024",
    asked_as(put("input", last_alone), has_parts),
    "Models forget what was said.",
)
row(
    "response-parts-dropped",
    "RESP-024",
    asked_as(put("input[].content", first_alone)),
    "Models get the question without the document.",
)
row("response-own-message-refused", "RESP-025", refusing(has_logprobs), "Conversations end with the second turn.")
