"""Responses that are answered wrongly, plain or streamed."""

import json
from typing import Any

from reference_gateway.faults.asgi import Asked, Wrap, chained
from reference_gateway.faults.edits import asks, both, drop, is_response, put
from reference_gateway.faults.exchanges import HTML, answering, let_in
from reference_gateway.faults.fault import table
from reference_gateway.faults.responses import (
    Events,
    asked_as,
    ends,
    every_second,
    has_result,
    of_text,
    refusing,
    stream,
    told,
)

RESPONSES = table("responses")
row = RESPONSES.add

MESSAGE = "output[].content"


def completed(document: Any) -> None:
    """As if nothing had been cut."""
    if document["status"] == "incomplete":
        document |= {"status": "completed", "incomplete_details": None}


def incomplete(document: Any) -> None:
    """As if everything had been cut."""
    document |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}


def plain_and_streamed(edit: Any) -> Wrap:
    """A response, and the one that a stream ends with."""
    return chained(told(edit), ends(lambda event: edit(event["response"])))


def of_calls(edit: Any) -> Any:
    """Of the items of an output the calls."""

    def change(document: Any) -> None:
        for item in document["output"]:
            if item["type"] == "function_call":
                edit(item)

    return change


def unknown(asked: Asked) -> bool:
    return "no-such-model" in str(asked.object.get("model"))


def constant_input(document: Any) -> None:
    usage = document["usage"]
    usage |= {"input_tokens": 10, "total_tokens": 10 + usage["output_tokens"]}


def more_output(document: Any) -> None:
    usage = document["usage"]
    usage |= {"output_tokens": usage["output_tokens"] + 128, "total_tokens": usage["total_tokens"] + 128}


def same_id(events: Events) -> None:
    for event in events:
        if "response" in event:
            event["response"]["id"] = "resp_1"


def plain_letters(document: Any) -> None:
    for item in document["output"]:
        for part in item.get("content", ()):
            part["text"] = part["text"].encode("ascii", "replace").decode()


def renamed_usage(document: Any) -> None:
    usage = document["usage"]
    document["usage"] = {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["total_tokens"],
    }


# The response

row("response-without-object", "RESP-001", told(drop("object")), "Clients can't tell what they got.")
row("response-id-empty", "RESP-001", told(put("id", "")), "A conversation can't be gone on with.")
row("response-id-of-a-chat", "RESP-001", told(put("id", lambda id: "chatcmpl-" + id[5:])), "Logs mix up both.")
row("response-time-as-text", "RESP-001", told(put("created_at", str)), "Typed clients raise.")
row("response-time-in-milliseconds", "RESP-031", told(put("created_at", lambda t: t * 1000)), "Logs are wrong.")
row("response-of-another-model", "RESP-031", told(put("model", "gpt-3.5-turbo-instruct")), "Costs are misplaced.")
row("response-is-a-chat", "RESP-001", told(put("object", "chat.completion")), "Typed clients raise.")
row(
    "response-status-of-its-own",
    "RESP-002",
    told(put("status", lambda s: "done" if s == "completed" else s)),
    "Agents wait for an end that they know.",
)
row(
    "response-incomplete-without-reason",
    "RESP-002 RESP-005",
    told(put("incomplete_details", None)),
    "Nobody learns why it ended.",
)
row(
    "response-completed-with-an-error",
    "RESP-002",
    told(put("error", {"code": "server_error", "message": "no"})),
    "Programs raise for a good answer.",
)
row(
    "response-completed-and-incomplete",
    "RESP-002",
    told(put("incomplete_details", lambda old: old or {"reason": "max_output_tokens"})),
    "A whole answer is taken for half of one.",
)
row(
    "response-role-of-its-own",
    "RESP-003 RESP-025",
    told(put("output[].role", "model"), of_text),
    "Clients that show who speaks.",
)
row(
    "response-parts-of-chats",
    "RESP-003 RESP-025",
    told(put(f"{MESSAGE}[].type", "text"), of_text),
    "output_text of the SDK is empty.",
)
row(
    "response-part-without-text",
    "RESP-003 RESP-025 SDK-028",
    told(drop(f"{MESSAGE}[].text"), of_text),
    "output_text of the SDK raises.",
)
row("response-without-a-message", "RESP-003", told(put("output", []), of_text), "The answer is lost.")
row(
    "response-text-empty",
    "RESP-003 SDK-028",
    told(put(f"{MESSAGE}[].text", ""), of_text),
    "The answer is lost.",
)
row(
    "response-message-in-progress",
    "RESP-003",
    told(put("output[].status", "in_progress")),
    "Interfaces wait.",
)
row(
    "response-annotations-missing",
    "RESP-003",
    told(drop(f"{MESSAGE}[].annotations"), of_text),
    "Clients that iterate over them raise.",
)
row(
    "response-usage-of-chats",
    "RESP-004",
    told(renamed_usage),
    "Programs read no usage.",
    "SGLang (its own tests assert these names)",
)
row(
    "response-usage-of-chats-streamed",
    "RESP-004",
    ends(lambda event: renamed_usage(event["response"])),
    "Programs read no usage.",
)
row(
    "response-total-wrong",
    "RESP-004",
    plain_and_streamed(put("usage.total_tokens", lambda n: n + 1)),
    "Bills are wrong.",
)
row("response-usage-missing", "RESP-004", plain_and_streamed(put("usage", None)), "Nobody knows what it cost.")
row(
    "response-usage-without-details",
    "RESP-004",
    told(drop("usage.input_tokens_details")),
    "Typed clients raise.",
)
row("response-cap-ignored", "RESP-005", asked_as(drop("max_output_tokens"), of_text), "Answers cost what they like.")
row("response-cut-told-as-whole", "RESP-005", told(completed), "Half an answer is taken for a whole one.")
row(
    "response-cut-for-another-reason",
    "RESP-005",
    told(put("incomplete_details", lambda old: old and {"reason": "content_filter"})),
    "Programs tell their users that they said something bad.",
)
row(
    "response-input-tokens-constant",
    "RESP-027",
    plain_and_streamed(constant_input),
    "Long inputs are charged like short ones.",
)

# Functions

row(
    "response-call-without-id",
    "RESP-014",
    plain_and_streamed(of_calls(lambda item: item.pop("call_id"))),
    "Results can't be given back.",
)
row(
    "response-arguments-as-object",
    "RESP-014 RESP-030",
    told(of_calls(lambda item: item.update(arguments=json.loads(item["arguments"])))),
    "Programs that parse them raise.",
)
row(
    "response-call-of-a-chat",
    "RESP-014",
    told(of_calls(lambda item: item.update(type="tool_call"))),
    "Agents see no call.",
)
row(
    "response-call-renamed",
    "RESP-014",
    told(of_calls(lambda item: item.update(name="functions." + item["name"]))),
    "Agents know no such function.",
)
row(
    "response-tools-ignored",
    "RESP-014",
    asked_as(both(drop("tools"), drop("tool_choice")), lambda asked: "tool_choice" in asked.object),
    "Agents do nothing.",
)
row(
    "response-arguments-lost",
    "RESP-014",
    stream(every_second("response.function_call_arguments.delta")),
    "What is shown is not what is called.",
)
row(
    "response-other-function-called",
    "RESP-014",
    asked_as(put("tool_choice.name", "get_time"), lambda asked: isinstance(asked.object.get("tool_choice"), dict)),
    "Agents do something else than they were to.",
)
row(
    "response-required-ignored",
    "RESP-014",
    asked_as(drop("tools"), asks("tool_choice", "required")),
    "Agents do nothing.",
)
row(
    "response-arguments-cut",
    "RESP-026",
    told(of_calls(lambda item: item.update(arguments=item["arguments"][:-1]))),
    "Programs that parse them raise.",
)
row(
    "response-call-ids-alike",
    "RESP-021",
    told(of_calls(lambda item: item.update(call_id="call_1"))),
    "Results are given to another call.",
)
row("response-result-dropped", "RESP-029", asked_as(put("input[].output", "")), "Models make up what came of a call.")
row(
    "response-own-call-refused",
    "RESP-030",
    refusing(lambda asked: has_result(asked) and any("status" in item for item in asked.object["input"])),
    "Agents never get to the second step.",
)
row("response-result-refused", "RESP-030", refusing(has_result), "Agents never get to the second step.")

# Ids, and counts

row(
    "response-ids-alike",
    "RESP-021",
    chained(told(put("id", "resp_1")), stream(same_id)),
    "Users read the answers of others.",
)
row("response-usage-beyond-the-cap", "RESP-005", told(more_output), "Programs pay for more than they have allowed.")

row(
    "response-message-ids-alike",
    "RESP-021",
    told(put("output[].id", "msg_1"), of_text),
    "Interfaces write one answer over another.",
)
row(
    "response-incomplete-whatever-it-cost",
    "RESP-005",
    told(incomplete),
    "Programs ask again and again for the rest of what is whole.",
)
row(
    "response-arguments-in-plain-letters",
    "RESP-026",
    told(of_calls(lambda item: item.update(arguments=item["arguments"].encode("ascii", "replace").decode()))),
    "Functions are called with names that nobody has.",
)

# Refusals

row("response-unknown-model-400", "RESP-016", refusing(unknown, 400), "Programs don't learn that the name is wrong.")
row("response-unknown-model-500", "RESP-016", refusing(unknown, 500), "SDKs try again in vain.")
row(
    "response-no-input-served",
    "RESP-016",
    asked_as(put("input", "Hi"), lambda asked: "input" not in asked.object),
    "A mistake is paid for.",
)
row(
    "response-no-input-crashes",
    "RESP-016",
    refusing(lambda asked: "model" in asked.object and "input" not in asked.object, 500),
    "SDKs try again in vain.",
)
row(
    "response-stream-without-a-key",
    "RESP-016",
    let_in(lambda asked, right: is_response(asked) and asked.streams and not asked.header("authorization")),
    "Strangers are served.",
)
row(
    "response-without-a-key",
    "RESP-016 AUTH-019",
    let_in(lambda asked, right: is_response(asked) and not asked.header("authorization")),
    "Strangers are served.",
)
row("responses-absent-in-html", "RESP-017 ERR-001", answering(is_response, HTML), "SDKs can't read why.")
row(
    "responses-absent-with-500",
    "RESP-001 RESP-017 SDK-027 SDK-028 AUTH-019",
    answering(is_response, 500),
    "SDKs try again in vain.",
)
row(
    "response-no-model-crashes",
    "RESP-016",
    refusing(lambda asked: "input" in asked.object and "model" not in asked.object, 500),
    "SDKs try again in vain.",
)
row(
    "response-no-model-served",
    "RESP-016",
    asked_as(put("model", "gpt-4o-mini"), lambda asked: "model" not in asked.object),
    "A mistake is paid for.",
)
row("response-schema-ignored", "RESP-019 SDK-028", asked_as(drop("text")), "Programs that parse the answer raise.")
row(
    "response-schema-ignored-streamed",
    "RESP-019",
    asked_as(drop("text"), asks("stream", True)),
    "Streamed answers can't be parsed.",
)
row(
    "response-schema-crashes",
    "RESP-019 SDK-028",
    refusing(asks("text"), 500),
    "Programs that parse the answer get none.",
)
row("response-letters-lost", "RESP-019", told(plain_letters, asks("text")), "Names are misspelt.")
