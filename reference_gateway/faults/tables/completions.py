"""Legacy completions that are wrong, plain and streamed."""

import itertools
from dataclasses import replace
from typing import Any

from reference_gateway.faults.asgi import Answer, Asked, Events, Wrap, changed, error
from reference_gateway.faults.edits import DONE, Edit, Where, asks, chunk, chunks, drop, edited, event, never, put
from reference_gateway.faults.exchanges import answering, answers, posts, taking, with_fields
from reference_gateway.faults.fault import table

_numbers = itertools.count(1)
COMPLETIONS = table("completions")
row = COMPLETIONS.add


def completes(asked: Asked) -> bool:
    return posts(asked, "/completions") and not posts(asked, "/chat/completions")


def completion(edit: Edit, where: Where = lambda asked: True) -> Wrap:
    """Every plain completion."""

    def fits(asked: Asked, x: Answer) -> bool:
        return completes(asked) and x.status == 200 and where(asked)

    return answers(lambda x: x.with_json(edited(edit, x.json)), fits)


def pieces(edit: Edit, where: Where = lambda asked: True) -> Wrap:
    """Every chunk of streamed completions."""
    return chunk(edit, lambda asked: completes(asked) and where(asked))


def events(edit: Events) -> Wrap:
    return event(edit, completes)


def as_chat(document: Any) -> None:
    """The answer of a bridge to chats."""
    document["object"] = "chat.completion"
    for choice in document["choices"]:
        choice["message"] = {"role": "assistant", "content": choice.pop("text")}


def uncounted(document: Any) -> None:
    """What was said costs nothing."""
    usage = document.get("usage")
    if usage:
        usage |= {"completion_tokens": 0, "total_tokens": usage["prompt_tokens"]}


def counting(tokens: int) -> Edit:
    """So many tokens, whatever was said, where anything is counted."""

    def edit(document: Any) -> None:
        if usage := document.get("usage"):
            usage |= {"completion_tokens": tokens, "total_tokens": usage["prompt_tokens"] + tokens}

    return edit


def in_bytes(document: Any) -> None:
    """Offsets as places in the text's bytes."""
    for choice in document["choices"]:
        at, places = 0, []
        for token in choice["logprobs"]["tokens"]:
            places.append(at)
            at += len(token.encode())
        choice["logprobs"]["text_offset"] = places


def suffixed(asked: Asked, answer: Answer) -> Answer | None:
    """With the suffix behind the text, as in the whole file."""
    if not (completes(asked) and answer.status == 200 and asked.object.get("suffix")):
        return None
    return answer.with_json(edited(put("choices[].text", lambda text: text + asked.object["suffix"]), answer.json))


def without_last_text(found: list[Any]) -> list[Any]:
    last = next(each for each in reversed(found) if each["choices"] and each["choices"][0]["text"].strip())
    return [each for each in found if each is not last]


def is_refused_for_itself(asked: Asked) -> bool:
    """Not for its best_of, and not for its model."""
    return "best_of" not in asked.object and "embedding" not in str(asked.object.get("model"))


def cut(asked: Asked) -> bool:
    return not asked.object.get("stop")


def batches(asked: Asked) -> bool:
    found = asked.object.get("prompt")
    return isinstance(found, list) and len(found) > 1 and all(isinstance(each, str) for each in found)


# fmt: off
row("completion-as-a-chat", "COMP-001 COMP-002 SDK-020",
    completion(as_chat, lambda asked: not asked.object.get("echo")),
    "choices[0].text raises.",
    "bridges from completions to chats")
row("completion-text-null", "COMP-002",
    completion(put("choices[].text", None), asks("suffix")), "Joining texts raises.")
row("completion-finish-reason-of-the-engine", "COMP-002",
    completion(put("choices[].finish_reason", "eos_token"), asks("suffix")), "Typed clients refuse the answer.",
    "TGI's eos_token")
row("completion-usage-does-not-add-up", "COMP-004", completion(put("usage.total_tokens", lambda n: n + 1)),
    "Bills differ from the sums of their parts.")
row("completion-cut-reported-as-stop", "COMP-005",
    completion(put("choices[].finish_reason", lambda old: "stop" if old == "length" else old), cut),
    "Half texts are taken for whole ones.")
row("completion-prompts-joined", "COMP-006",
    taking(lambda asked: completes(asked) and batches(asked),
         lambda asked: with_fields(prompt=" ".join(asked.object["prompt"]))(asked)),
    "One answer to many questions.", "bridges to chats join the prompts")
row("completion-echo-changes-the-prompt", "COMP-009",
    completion(put("choices[].text", lambda text: text.replace("  ", " ").lower()), asks("echo", True)),
    "Scores are read at the wrong places.", "tokenisers that normalise")
row("completion-logprobs-of-unequal-length", "COMP-011",
    completion(put("choices[].logprobs", lambda old: old and old | {"text_offset": old["text_offset"][:-1]}),
             lambda asked: bool(asked.object.get("logprobs"))),
    "Evaluation harnesses crash or score the wrong token.")
row("completion-stop-sequence-in-the-text", "COMP-014",
    completion(put("choices[].text", lambda text: text + "e"), lambda asked: bool(asked.object.get("stop"))),
    "Parsers that rely on the stop sequence read one field too many.", "engines with include_stop_str")
row("completion-stop-ignored-with-n", "COMP-014",
    completion(put("choices[].text", lambda text: text + "e"),
               lambda asked: bool(asked.object.get("stop")) and asked.object.get("n") == 2),
    "Of several suggestions each has one line too many.", "engines that read stop for the first choice alone")
row("completion-batch-answers-exchanged", "COMP-030",
    completion(put("choices[].index", lambda n: 1 - n), lambda asked: batches(asked) and "echo" in asked.object),
    "Every answer of a batch is filed under another question.")
row("completion-echo-stripped", "COMP-009",
    completion(put("choices[].text", str.lstrip), asks("echo", True)), "Scores are read at the wrong places.")
row("completion-offsets-zero", "COMP-032",
    completion(put("choices[].logprobs.text_offset[]", 0), lambda asked: bool(asked.object.get("logprobs"))),
    "Programs that cut the prompt off by its length cut all or nothing.")
row("completion-echo-counted", "COMP-004", completion(counting(40), asks("echo", True)), "What was sent is paid twice.",
    "bridges that count the tokens of the text")
row("completion-offsets-in-bytes", "COMP-034",
    completion(in_bytes, lambda asked: bool(asked.object.get("logprobs"))),
    "Programs that cut the prompt off by its length cut in the wrong place.")
row("completion-suffix-put-behind", "COMP-010",
    lambda app: changed(app, suffixed, streams=never), "Editors have the end of the file twice.")
row("completion-usage-of-one-choice", "COMP-026", completion(counting(4), asks("n", 2)), "The second text is free.")
row("completion-stream-usage-of-one-choice", "COMP-026", pieces(counting(4), asks("n", 2)),
    "The second text is free, in streams alone.")
row("completion-stream-loses-its-end", "COMP-045",
    chunks(without_last_text, lambda asked: completes(asked) and "seed" in asked.object),
    "Suggestions in code editors lack their last word.")
row("completion-streams-chat-chunks", "COMP-015",
    pieces(put("object", "chat.completion.chunk")), "Typed clients refuse every chunk.",
    "bridges from completions to chats")
row("completion-stream-without-done", "COMP-015", events(lambda piece: b"" if piece == DONE else piece),
    "Go and JavaScript clients wait for the end that never comes.", "LiteLLM issue 1255")
row("completion-stream-usage-zero", "COMP-016",
    pieces(uncounted, asks("stream_options", {"include_usage": True})),
    "Streamed texts are free of charge.", "LiteLLM 1.106 carries zero usage in every chunk")
row("completion-indexes-all-zero", "COMP-022",
    completion(put("choices[].index", 0),
               lambda asked: asks("n", 2)(asked) and isinstance(asked.object["prompt"], str)),
    "Two texts can't be told apart.")
row("completion-ids-constant", "COMP-023", completion(put("id", "cmpl-1")), "Logs and traces of all users become one.")
row("completion-of-another-model", "COMP-024", completion(put("model", "llama")),
    "Budgets by model name don't find what they pay for.")
row("completion-without-usage", "COMP-025", completion(drop("usage")), "Nothing can be billed.")
row("completion-text-lost", "COMP-027", completion(put("choices[].text", ""), asks("suffix")),
    "Tokens are paid for that never come.")
row("completion-stream-ids-anew", "COMP-038",
    pieces(put("id", lambda _: f"cmpl-{next(_numbers)}")),
    "Clients that group by id show one text per word.")
row("completion-stream-ends-in-every-chunk", "COMP-039",
    pieces(put("choices[].finish_reason", lambda old: old or "stop")),
    "Clients stop reading at the first word.")
row("completion-refused-as-a-stream", "COMP-042 ERR-024",
    answers(lambda x: replace(x, status=200, body=b"data: " + x.body + b"\n\n" + DONE).with_header(
      "content-type", "text/event-stream"),
      lambda asked, x: completes(asked) and asked.streams and x.status == 400 and is_refused_for_itself(asked)),
    "A refusal looks like an answer without text.", "LiteLLM issues 6629 and 11236")
row("completion-prompt-of-any-type", "COMP-035",
    taking(lambda asked: completes(asked) and isinstance(asked.object.get("prompt"), dict | int | bool),
         lambda asked: with_fields(prompt="hello")(asked)),
    "A mistake in the client is hidden by an answer.")
row("completion-index-out-of-range", "COMP-021", completion(put("choices[].index", 7), asks("suffix")),
    "Clients that look for index 0 find no text.")
row("completion-wrong-types-ignored", "COMP-036",
    taking(lambda asked: completes(asked) and asked.object.get("temperature") == "hot", with_fields(temperature=1)),
    "A mistake in the client is never noticed.")
row("completion-by-an-embedder-crashes", "COMP-019",
    answers(lambda x: error(500), lambda asked, x: completes(asked) and x.status in (400, 404)
            and "embedding" in str(asked.object.get("model"))),
    "Clients retry a model that can never complete.")
row("completion-unknown-model-served", "COMP-020 ERR-011",
    taking(lambda asked: completes(asked) and "no-such-model" in str(asked.object.get("model"))
         and asked.header("authorization") is not None, lambda asked: with_fields(model="mock/small")(asked)),
    "A misspelt model is paid for under another name.", "engines that serve one model take any name")
row("completion-without-model-crashes", "COMP-017 ERR-007",
    answering(lambda asked: completes(asked) and asked.object and "model" not in asked.object, error(500)),
    "Clients retry a request that can never be served.", "MLflow gateway 3.17.2 answers 500 in text")
# fmt: on
