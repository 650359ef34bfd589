"""Tool calls, structured output and log-probabilities that are wrong, plain and streamed."""

import html
import json
from typing import Any

from reference_gateway.faults.asgi import Asked, Wrap, error
from reference_gateway.faults.chats import (
    CALLS,
    MESSAGE,
    auto,
    called,
    has_role,
    messages,
    named,
    none,
    plain,
    required,
)
from reference_gateway.faults.edits import DONE, answered, asked_as, asks, both, chunk, drop, events, put, reply
from reference_gateway.faults.fault import table
from reference_gateway.faults.streams import (
    Document,
    first_fragments,
    fragments_of,
    later_fragments,
    of_text,
    on_chats,
    remembering,
    with_tools,
)

TOOLS = table("tools")
FORMATS = table("formats")
row = TOOLS.add
FRAGMENT = "choices[].delta.tool_calls[]"


def repeating(key: str) -> Wrap:
    """Each fragment repeats what the first one of its call said."""

    def edit(given: Document, said: dict[Any, Any]) -> None:
        for fragment in fragments_of(given):
            source = fragment if key == "id" else fragment["function"]
            place = given["choices"][0]["index"], fragment["index"]
            source.setdefault(key, said.get(place))
            said[place] = source[key]

    return remembering(edit, with_tools)


def cumulative_arguments(given: Document, memory: dict[Any, Any]) -> None:
    for each in fragments_of(given):
        memory[each["index"]] = memory.get(each["index"], "") + each["function"].get("arguments", "")
        each["function"]["arguments"] = memory[each["index"]]


def whole_calls_again(given: Document, memory: dict[Any, Any]) -> None:
    """The arguments come once in pieces, and once more as a whole with the end."""
    for each in fragments_of(given):
        memory[each["index"]] = memory.get(each["index"], "") + each["function"].get("arguments", "")
    for each in given["choices"]:
        if each.get("finish_reason") == "tool_calls":
            calls = [{"index": n, "function": {"arguments": text}} for n, text in memory.items()]
            each["delta"]["tool_calls"] = calls


def logprobs_of_the_first(document: Any) -> None:
    for choice in document["choices"][1:]:
        choice["logprobs"] = None


def in_code_points(document: Any) -> None:
    for choice in document["choices"]:
        for entry in choice["logprobs"]["content"]:
            entry["bytes"] = [ord(c) & 255 for c in entry["token"]]


def numbered_calls(document: Any) -> None:
    """The calls of each answer are counted from 0 anew."""
    for choice in document["choices"]:
        for number, call in enumerate(choice["message"].get("tool_calls") or ()):
            call["id"] = f"call_{number}"


def exchanged(document: Any) -> None:
    """Two calls of one answer have each other's arguments."""
    for choice in document["choices"]:
        one, other, *_ = [call["function"] for call in choice["message"].get("tool_calls") or ()] + [{}, {}]
        if one and other:
            one["arguments"], other["arguments"] = other["arguments"], one["arguments"]


def without_beginning(fragment: Document) -> None:
    """The piece of the arguments that begins the object is lost."""
    if fragment["function"].get("arguments", "").startswith("{"):
        fragment["function"]["arguments"] = ""


def second_calls_cut(given: Document) -> None:
    for fragment in fragments_of(given):
        if fragment["index"]:
            without_beginning(fragment)


def second_choices_cut(given: Document) -> None:
    for each in given["choices"]:
        for fragment in each["delta"].get("tool_calls") or () if each["index"] else ():
            without_beginning(fragment)


def counted_on(given: Document) -> None:
    """The calls of a second choice are counted on from those of the first."""
    for each in given["choices"]:
        for fragment in each["delta"].get("tool_calls") or () if each["index"] else ():
            fragment["index"] += 1


def stripped(given: Document) -> None:
    """Blanks at the ends of a fragment are lost."""
    for fragment in fragments_of(given):
        fragment["function"]["arguments"] = fragment["function"].get("arguments", "").strip()


def calls_look_finished(document: Any) -> None:
    for choice in document["choices"]:
        if choice["message"].get("tool_calls") and choice["finish_reason"] == "length":
            choice["finish_reason"] = "tool_calls"


def calls_of_the_first(document: Any) -> None:
    """The second choice has none."""
    for choice in document["choices"][1:]:
        choice["message"] |= {"content": ""}
        choice["message"].pop("tool_calls", None)


# fmt: off
row("tool-fragments-without-index", "STREAM-037 SDK-006", on_chats(drop(f"{FRAGMENT}.index"), with_tools),
    "openai-python raises, and two calls can't be told apart.", "openai-python issue 2806; ollama issue 7881")
row("tool-call-without-id-in-streams", "STREAM-038 SDK-006", first_fragments(put("id", "")),
    "Agents can't answer a call that has no id.")
row("tool-call-without-type-in-streams", "STREAM-038 SDK-006", first_fragments(drop("type")),
    "Typed clients refuse the call.")
row("tool-call-without-name-in-streams", "STREAM-038", first_fragments(drop("function.name")),
    "Agents don't know what to call.")
row("tool-ids-repeated", "STREAM-039 SDK-006", repeating("id"),
    "Clients that join what comes get the id many times over.", "several adapters repeat ids")
row("tool-names-repeated", "STREAM-039 SDK-006", repeating("name"),
    "openai-python's helper ends with 'get_weatherget_weather'.", "several adapters repeat names")
row("tool-type-null-later", "STREAM-040 SDK-006", later_fragments(put("type", None)),
    "openai-python's helper raises a TypeError.", "serialisers that write every member")
row("tool-calls-counted-from-one", "STREAM-041 SDK-006",
    on_chats(put(f"{FRAGMENT}.index", lambda old: old + 1), with_tools),
    "Clients that keep calls in a list fail at the first.")
row("tool-calls-all-at-index-0", "STREAM-041 SDK-006", on_chats(put(f"{FRAGMENT}.index", 0), with_tools),
    "Two calls are joined to one with broken arguments.", "any-llm issue 1148")
row("tool-arguments-as-object-in-streams", "STREAM-043 SDK-006",
    later_fragments(put("function.arguments", {"city": "Oslo"})),
    "Clients join objects to texts and crash.")
row("tool-arguments-null-in-streams", "STREAM-043 SDK-006", later_fragments(put("function.arguments", None)),
    "Clients join null to a text and crash.")
row("tool-calls-of-the-second-choice-count-on", "STREAM-041", on_chats(counted_on, with_tools),
    "Clients that keep calls in a list fail at the second choice.")
row("tool-arguments-of-second-calls-cut", "STREAM-042", on_chats(second_calls_cut, with_tools),
    "Every second call of an agent fails.")
row("tool-arguments-of-second-choices-cut", "STREAM-042", on_chats(second_choices_cut, with_tools),
    "The calls of the second choice can't be read.")
row("tool-arguments-stripped-in-streams", "CHAT-055", on_chats(stripped, with_tools),
    "Words of arguments run together.", "adapters that strip each piece of an engine's output")
row("tool-arguments-with-entities", "CHAT-055",
    reply(called(put("function.arguments", lambda old: old.replace("&", "&amp;"))), with_tools),
    "Tools get what a browser would.")
row("tool-arguments-exchanged", "CHAT-114", reply(exchanged, with_tools),
    "Agents call each tool with what was meant for the other.")
row("tool-arguments-cumulative", "STREAM-042 CHAT-055", remembering(cumulative_arguments, with_tools),
    "The arguments, joined, are no JSON: every streamed call fails.", "argument text sent as delta and as whole")
row("tool-arguments-sent-twice", "STREAM-042", remembering(whole_calls_again, with_tools),
    "The arguments, joined, are no JSON.", "argument text sent as delta and as whole")
row("tool-arguments-after-an-empty-object", "STREAM-042 CHAT-055 CHAT-093",
    first_fragments(put("function.arguments", lambda old: "{}" + (old or ""))),
    "The arguments, joined, are no JSON: every streamed call fails.", "bridges from Anthropic's events")
row("tool-arguments-without-their-end", "STREAM-042 CHAT-055 CHAT-093",
    on_chats(put(f"{FRAGMENT}.function.arguments", lambda old: old.rstrip("}\n ")), with_tools),
    "The arguments, joined, are no JSON: every streamed call fails.", "adapters that drop the last event")
row("tool-arguments-json-twice-over", "CHAT-044 CHAT-055 CHAT-093",
    reply(called(put("function.arguments", json.dumps)), with_tools),
    "json.loads(arguments) gives a text.", "adapters that write what is JSON already",
    may="SDK-008")
row("tool-streams-end-with-stop", "STREAM-044",
    on_chats(put("choices[].finish_reason", lambda old: "stop" if old == "tool_calls" else old), with_tools),
    "Agents that wait for tool_calls never call.", "a large split among servers")
row("tool-streams-of-nothing", "STREAM-030 STREAM-065",
    events(lambda: lambda piece: piece if piece == DONE else b"",
           lambda asked: asks("tool_choice", "auto")(asked)),
    "Agents hang as soon as they stream with tools.")
row("tool-calls-for-nobody", "CHAT-090",
    reply(lambda document: [each["message"].update(tool_calls=[
      {"id": "call_x", "type": "function", "function": {"name": "search", "arguments": "{}"}}])
      for each in document["choices"]] and document,
          lambda asked: asks("stream", False)(asked) and of_text(asked)),
    "Agents call a tool that they do not have.")
row("tool-call-without-id", "CHAT-042", reply(called(put("id", "")), named),
    "Agents can't answer the call.")
row("tool-call-without-type", "CHAT-042 SDK-008", reply(called(drop("type")), named),
    "Typed clients refuse the call.")
row("tool-call-of-another-name", "CHAT-042 CHAT-047 SDK-008",
    reply(called(put("function.name", "functions.get_time")), named),
    "Agents don't know what to call.", "engines that put a prefix before the name")
row("tool-required-ignored", "CHAT-041", asked_as(put("tool_choice", "none"), required),
    "Agents that force a call get prose.")
row("tool-none-ignored", "CHAT-048", asked_as(put("tool_choice", "required"), none),
    "Tools are called that were forbidden.")
row("tool-named-ignored", "CHAT-047",
    reply(called(put("function.name", lambda old: "get_weather" if old == "get_time" else old)),
        lambda asked: named(asked) and len(asked.object["tools"]) > 1),
    "The wrong tool is called.")
row("tool-arguments-as-object", "CHAT-043 SDK-008", reply(called(put("function.arguments", {"city": "Oslo"})), named),
    "json.loads(arguments) raises.", "the native API of Ollama")
row("tool-arguments-null", "CHAT-043 SDK-008", reply(called(put("function.arguments", None)), named),
    "json.loads(arguments) raises.")
row("tool-arguments-with-a-comma-too-many", "CHAT-044",
    reply(called(put("function.arguments", lambda old: old[:-1] + ",}")), plain(auto)),
    "json.loads(arguments) raises.")
row("tool-finish-without-calls", "CHAT-045 CHAT-104",
    reply(both(put(CALLS, []), put("choices[].finish_reason", "tool_calls")), plain(auto)),
    "Agents wait for calls that never come.", "vLLM issues 53255 and 53363")
row("tool-calls-end-with-stop", "CHAT-046", reply(put("choices[].finish_reason", "stop"), plain(required)),
    "Agents that wait for tool_calls never call.", "a large split among servers")
row("tool-ids-constant", "CHAT-098", reply(numbered_calls, with_tools),
    "The results of two turns are taken for one.", "adapters that count calls anew in each answer")
row("tool-calls-that-are-a-text", "CHAT-040", reply(put(CALLS, "none"), plain(auto)), "Iterating over calls raises.")
row("tool-calls-of-the-first-choice-only", "CHAT-091",
    reply(calls_of_the_first,
          lambda asked: asks("n", 2)(asked) and with_tools(asked)), "The second choice does nothing.")
row("tool-results-refused", "CHAT-051 CHAT-068", answered(has_role("tool"), error(400)),
    "No agent gets to its second step.")
row("tool-results-in-parts-crash", "CHAT-052 ERR-041",
    answered(lambda asked: any(m.get("role") == "tool" and isinstance(m.get("content"), list)
                               for m in messages(asked)), error(500)),
    "Agents crash at their second step.", "sglang issue 17853")
row("tool-parallel-calls-despite-false", "CHAT-050",
    reply(put(CALLS, lambda calls: [*calls, calls[0] | {"id": "call_second"}] if calls else calls),
        asks("parallel_tool_calls", False)),
    "Agents that can do one thing at a time do two.")
row("tool-parallel-calls-despite-false-in-streams", "CHAT-050",
    asked_as(drop("parallel_tool_calls"), lambda asked: asked.streams and asks("parallel_tool_calls", False)(asked)),
    "Agents that can do one thing at a time do two, in streams alone.")
row("tool-calls-cut-short-look-finished", "CHAT-092",
    reply(calls_look_finished, with_tools),
    "Agents call tools with half of their arguments.")
row("tool-definitions-unchecked", "CHAT-054",
    asked_as(drop("tools"), lambda asked: any(
        isinstance(tool, dict) and tool.get("type") == "banana" for tool in asked.object.get("tools") or ())),
    "A broken tool is never noticed.")
# fmt: on


def has_signs(asked: Asked) -> bool:
    return "sign" in json.dumps(asked.object.get("response_format"))


def html_escaped(text: Any) -> Any:
    return html.escape(text, quote=False) if isinstance(text, str) else text


row = FORMATS.add

# fmt: off
row("format-json-in-a-fence", "CHAT-056 CHAT-057 SDK-007",
    reply(put(f"{MESSAGE}.content", lambda text: f"```json\n{text}\n```"),
        lambda asked: (asked.object.get("response_format") or {}).get("type") in ("json_object", "json_schema")),
    "json.loads(content) raises.", "models that are merely asked for JSON")
row("format-json-object-ignored", "CHAT-056",
    reply(put(f"{MESSAGE}.content", "Sure! Here it is."),
        lambda asked: (asked.object.get("response_format") or {}).get("type") == "json_object"),
    "json.loads(content) raises.")
row("format-schema-ignored", "CHAT-057 SDK-007",
    reply(put(f"{MESSAGE}.content", '{"town": 4}'),
        lambda asked: (asked.object.get("response_format") or {}).get("type") == "json_schema"),
    "Programs read members that are not there.", "engines without guided decoding")
row("text-escaped-for-html", "CHAT-115", reply(put(f"{MESSAGE}.content", html_escaped), has_signs),
    "Code that a model writes is garbled.", "gateways that write answers into pages")
row("text-of-streams-escaped-for-html", "CHAT-115", chunk(put("choices[].delta.content", html_escaped), has_signs),
    "Code that a model writes is garbled.")
row("text-without-emoji", "CHAT-115",
    reply(put(f"{MESSAGE}.content", lambda text: "".join(c for c in text if ord(c) < 0x10000)), has_signs),
    "Emoji are lost.", "databases with three bytes a character")
row("text-in-ascii", "CHAT-115",
    reply(put(f"{MESSAGE}.content", lambda text: text.encode("ascii", "ignore").decode()), has_signs),
    "All who do not write English read half of it.")
row("text-with-single-blanks", "CHAT-115",
    reply(put(f"{MESSAGE}.content", lambda text: " ".join(text.split())), has_signs),
    "Indented code loses its indentation.")
row("format-malformed-ignored", "CHAT-059",
    asked_as(drop("response_format"),
           lambda asked: "response_format" in asked.object and (
               not isinstance(asked.object["response_format"], dict)
               or asked.object["response_format"].get("type") not in ("text", "json_object", "json_schema"))),
    "A mistake in the client is never noticed.")
row("logprobs-missing", "CHAT-036 CHAT-099",
    reply(put("choices[].logprobs", None), plain(asks("logprobs", True))),
    "Scores are missing that were asked for.", "often ignored")
row("logprobs-of-half-the-text", "CHAT-037",
    reply(put("choices[].logprobs.content", lambda found: found[: len(found) // 2]), plain(asks("logprobs", True))),
    "Scores belong to other words.")
row("logprobs-of-the-first-choice-only", "CHAT-036",
    reply(logprobs_of_the_first, plain(asks("logprobs", True))),
    "The best of two can't be told by its score.")
row("logprobs-with-bytes-of-code-points", "CHAT-037",
    reply(in_code_points, plain(asks("logprobs", True))), "Texts are put together from other bytes than their own.")
row("logprobs-positive", "CHAT-037",
    reply(put("choices[].logprobs.content[].logprob", lambda old: -old + 0.1), plain(asks("logprobs", True))),
    "Probabilities above one.")
row("logprobs-one-alternative-too-many", "CHAT-038",
    reply(put("choices[].logprobs.content[].top_logprobs", lambda old: [*old, *old[:1]]),
        lambda asked: plain(asks("logprobs", True))(asked) and bool(asked.object.get("top_logprobs"))),
    "Arrays of a fixed size overflow.", "vLLM adds the sampled token as one more")
# fmt: on
