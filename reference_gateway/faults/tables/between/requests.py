"""What a gateway does wrong with the requests that it sends on to its provider."""

import json
from typing import Any

from reference_gateway.faults.asgi import Answer, Asked, Wrap, before, changed
from reference_gateway.faults.behind import in_texts, scripted
from reference_gateway.faults.edits import asked_as, drop, is_chat, never, put
from reference_gateway.faults.tables.between.basics import row


def once_spoken(messages: list[Any]) -> list[Any]:
    """Turns of one role that follow each other are one."""
    found: list[Any] = []
    for message in messages:
        plain = isinstance(message["content"], str) and "[[gateproof" not in message["content"]
        if found and plain and message["role"] == found[-1]["role"] == "user":
            found[-1] = found[-1] | {"content": found[-1]["content"] + "\n" + message["content"]}
        else:
            found.append(message)
    return found


def before_a_long_one(messages: list[Any]) -> list[Any]:
    """The messages up to the first very long one, without those behind it."""
    long = (n for n, message in enumerate(messages) if len(str(message["content"])) > 65536)
    return messages[: next(long, len(messages)) + 1]


def unconstrained(tools: Any) -> Any:
    """Schemas without what only some providers take."""
    if isinstance(tools, dict):
        return {key: unconstrained(value) for key, value in tools.items() if key not in ("enum", "pattern")}
    return [unconstrained(each) for each in tools] if isinstance(tools, list) else tools


def false_lost(body: dict[str, Any]) -> None:
    for key in [key for key, value in body.items() if value in (0, False)]:
        del body[key]


def cached() -> Wrap:
    """What was answered is answered again to the same messages, whatever else is asked."""
    known: dict[str, Answer] = {}

    def key(asked: Asked) -> str:
        return json.dumps(asked.object.get("messages"))

    def learn(asked: Asked, answer: Answer) -> None:
        if scripted()(asked) and is_chat(asked) and answer.status == 200:
            known[key(asked)] = answer

    def recall(asked: Asked) -> Answer | None:
        return known.get(key(asked)) if is_chat(asked) and not asked.streams else None

    return lambda app: before(changed(app, learn, streams=never), recall)


# fmt: off
row("names-of-messages-lost", "UPS-013", asked_as(drop("messages[].name"), scripted()),
    "The model can't tell who speaks.")
row("turns-of-one-role-made-one", "UPS-013", asked_as(put("messages", once_spoken), scripted()),
    "Answers to something else than was asked.")
row("long-messages-cut", "UPS-013", asked_as(in_texts(lambda text: text[:8192]), scripted()),
    "Answers to a part of what was asked.")
row("old-messages-dropped", "UPS-013", asked_as(put("messages", lambda found: found[-10:]), scripted()),
    "The model forgets what was said.")
row("messages-behind-long-ones-dropped", "UPS-013", asked_as(put("messages", before_a_long_one), scripted()),
    "The document is answered, and not the question behind it.")
row("line-breaks-of-prompts-changed", "UPS-013",
    asked_as(in_texts(lambda text: text.replace("\r\n", "\n")), scripted()), "Prompts about files are garbled.")
row("image-detail-lost", "UPS-013", asked_as(drop("messages[].content[].image_url.detail"), scripted()),
    "Images cost more than was chosen.")
row("high-temperature-clamped", "UPS-023",
    asked_as(lambda body: put("temperature", lambda value: min(value, 1))(body) if "temperature" in body else None,
        scripted()),
    "Answers of another kind than was asked for.")
row("stops-after-the-second-lost", "UPS-023",
    asked_as(lambda body: put("stop", lambda found: found[:2])(body) if "stop" in body else None, scripted()),
    "Answers run past their end.")
row("nought-and-false-lost", "UPS-023", asked_as(false_lost, scripted()), "A temperature of 0 is one of 1.",
    "values that are left out where they are false")
row("schemas-of-tools-simplified", "UPS-023",
    asked_as(lambda body: put("tools", unconstrained)(body) if "tools" in body else None, scripted()),
    "Tools are called with what they can't take.", "gateways that fit schemas to their provider")
row("second-tool-lost", "UPS-023",
    asked_as(lambda body: put("tools", lambda found: found[:1])(body) if "tools" in body else None, scripted()),
    "Tools are never called.", may="UPS-026")
row("temperature-not-sent-on", "UPS-023", asked_as(drop("temperature"), scripted()),
    "Answers of another kind than was asked for.")
row("number-of-choices-not-sent-on", "UPS-023", asked_as(drop("n"), scripted()), "Fewer answers than were asked for.")
row("strict-tools-made-loose", "UPS-023",
    asked_as(lambda body: drop("tools[].function.strict")(body) if "tools" in body else None, scripted()),
    "Tools are called with what they can't take.")
row("cap-not-sent-on", "UPS-023", asked_as(drop("max_completion_tokens"), scripted()),
    "Answers cost more than was allowed.")
row("developers-as-users", "UPS-013",
    asked_as(put("messages[].role", lambda role: "user" if role == "developer" else role), scripted()),
    "Instructions are taken for questions.")
row("refusals-of-assistants-lost", "UPS-013", asked_as(drop("messages[].refusal"), scripted()),
    "The model does not know that it refused.")
row("cached-by-messages-alone", "UPS-043", cached(), "Clients get the answer to another question.",
    "caches that are keyed by the prompt", may="UPS-021")
row("tool-choice-not-sent-on", "UPS-023", asked_as(drop("tool_choice"), scripted()), "Another tool is called, or none.")
# fmt: on
