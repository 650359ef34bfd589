"""Conversations that go wrong: parts that the model never sees, what is left of other requests, what is refused."""

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from reference_gateway.faults.asgi import Answer, Asked, Wrap, changed, error
from reference_gateway.faults.chats import has_role, in_messages, messages
from reference_gateway.faults.edits import answered, asked_as, asks, drop, is_chat, never
from reference_gateway.faults.fault import table

CONVERSATIONS = table("conversations")
row = CONVERSATIONS.add
KEPT = 40
"""Characters that are kept of a result."""
LARGE = 4000
"""Characters of a message beyond which it is cut."""
BEGINNING = 80
"""Characters of a prompt that a careless cache looks at."""
Json = dict[str, Any]


def results(edit: Callable[[int, str], str]) -> Callable[[list[Any]], list[Any]]:
    """The texts of results become others, by their number."""

    def change(found: list[Any]) -> list[Any]:
        numbers = {id(m): n for n, m in enumerate(m for m in found if m.get("role") == "tool")}
        texts = {at for at, m in enumerate(found) if id(m) in numbers and isinstance(m.get("content"), str)}
        return [m | {"content": edit(numbers[id(m)], m["content"])} if at in texts else m for at, m in enumerate(found)]

    return change


def in_ascii(found: list[Any]) -> list[Any]:
    """What is not ASCII is left out."""
    return [m | {"content": m["content"].encode("ascii", "ignore").decode()} for m in found]


def cyrillic(asked: Asked) -> bool:
    texts = [m.get("content") for m in messages(asked)]
    return bool(texts) and all(isinstance(text, str) for text in texts) and any("\u043e" in str(t) for t in texts)


def large(asked: Asked) -> bool:
    return any(isinstance(m.get("content"), str) and len(m["content"]) > LARGE for m in messages(asked))


def without_middle(found: list[Any]) -> list[Any]:
    """What is longer keeps its ends alone."""
    cut = [m["content"][: LARGE // 2] + m["content"][-LARGE // 2 :] for m in found]
    return [m | {"content": text} for m, text in zip(found, cut, strict=True)]


def schema(asked: Asked) -> bool:
    return (asked.object.get("response_format") or {}).get("type") == "json_schema"


def of_a_user(asked: Asked) -> bool:
    return is_chat(asked) and isinstance(asked.object.get("user"), str)


def remembered(use: Callable[[Json, Json], Json]) -> Wrap:
    """What users asked before is kept, and has a part in what they ask next."""

    def wrap(app: ASGIApp) -> ASGIApp:
        kept: dict[str, Json] = {}

        def edit(given: Json) -> Json:
            return use(given, kept.setdefault(given["user"], {}))

        return asked_as(edit, of_a_user)(app)

    return wrap


def conversation_goes_on(given: Json, kept: Json) -> Json:
    """Messages of earlier requests are put before those of the next."""
    before = kept.setdefault("messages", [])
    kept["messages"] = [*before, *given["messages"]]
    return given | {"messages": kept["messages"]}


def stop_stays(given: Json, kept: Json) -> Json:
    """Stop sequences hold until others are given."""
    kept["stop"] = given.get("stop") or kept.get("stop")
    return given | {"stop": kept["stop"]}


def cached(key: Callable[[Asked], Any], where: Callable[[Asked], bool]) -> Wrap:
    """Plain answers are given again where the keys of two requests are equal."""

    def wrap(app: ASGIApp) -> ASGIApp:
        kept: dict[str, Json] = {}

        def edit(asked: Asked, answer: Answer) -> Answer | None:
            if not (is_chat(asked) and where(asked) and answer.status == 200 and not asked.streams):
                return None
            document: Json = answer.json
            first = kept.setdefault(str(key(asked)), document)
            return answer.with_json(document | {member: first[member] for member in ("choices", "usage")})

        return changed(app, edit, streams=never)

    return wrap


def beginning(asked: Asked) -> Any:
    return asked.object["model"], asked.object["max_completion_tokens"], messages(asked)[0]["content"][:BEGINNING]


def alone(asked: Asked) -> bool:
    """A prompt of one text and no options."""
    texts = [m.get("content") for m in messages(asked)]
    return asked.object.keys() == {"model", "messages", "max_completion_tokens"} and [type(t) for t in texts] == [str]


# fmt: off
row("tool-results-but-the-first-dropped", "CHAT-116",
    in_messages(results(lambda number, text: "" if number else text), has_role("tool")),
    "Agents make up what their tools said.", "adapters that join results by the wrong key")
row("tool-results-cut", "CHAT-116", in_messages(results(lambda _, text: text[:KEPT]), has_role("tool")),
    "Agents read the beginning of each file.", "gateways that limit what tools may say")
row("prompts-in-ascii", "CHAT-117", in_messages(in_ascii, cyrillic),
    "Who does not write English is not read.", "filters that keep ASCII alone")
row("middle-of-large-prompts-cut", "CHAT-079", in_messages(without_middle, large),
    "Answers come from half of a document, and nobody is told.", "gateways that cut prompts to fit")
row("conversations-go-on-by-user", "CHAT-118", remembered(conversation_goes_on),
    "Users read what was said in other conversations.", "histories kept by the name of a user")
row("stop-sequences-stay", "CHAT-118", remembered(stop_stays), "Answers are cut at random.",
    "option objects that requests share")
row("cache-knows-no-options", "CHAT-119",
    cached(lambda asked: [asked.object["model"], asked.object.get("messages")], of_a_user),
    "Tools that are required are not called, as somebody asked the same without them.",
    "caches by model and messages")
row("cache-by-the-beginning-of-prompts", "CHAT-119",
    cached(beginning, alone),
    "The second document is summarised as the first one.", "caches that cut long keys")
row("schemas-dropped-beside-tools", "CHAT-122",
    asked_as(drop("response_format"), lambda asked: bool(asked.object.get("tools")) and schema(asked)),
    "Agents get prose for the structured answer they end with.", "adapters that make a tool of the schema")
row("many-tools-refused", "CHAT-120",
    answered(lambda asked: isinstance(asked.object.get("tools"), list) and len(asked.object["tools"]) > 16, error(400)),
    "Agents with a few servers of tools are refused.", "limits below the API's 128")
row("many-messages-refused", "CHAT-120", answered(lambda asked: len(messages(asked)) > 50, error(400)),
    "Long conversations end.")
row("assistant-last-crashes", "CHAT-121",
    answered(lambda asked: messages(asked)[-1:] != [] and messages(asked)[-1].get("role") == "assistant"
             and not messages(asked)[-1].get("tool_calls"), error(500)),
    "An answer that is to be continued looks like an outage.")
row("empty-results-refused", "CHAT-094",
    answered(lambda asked: any(m.get("role") == "tool" and m.get("content") == "" for m in messages(asked)),
             error(400)),
    "Agents end at the first command without output.")
row("empty-stream-options-crash", "STREAM-001 STREAM-035", answered(asks("stream_options", {}), error(500)),
    "Clients that build their options step by step see an outage.")
# fmt: on
