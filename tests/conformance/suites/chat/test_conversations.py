"""What becomes of results, of one request after another and of unusual turns: defects are seen, and what a correct
gateway may do otherwise is not blamed."""

from typing import Any

import pytest

from conformance.verdict import Verdict
from reference_gateway.faults import FAULTS

from ..defects import Answer, Asked, changed, error
from ..edits import Wrap, answered, asked_as, asks, chained, drop, judge_with, put, refusing, reply
from ..judged import red
from .calls import has_role, messages

FAIL, WARN = Verdict.FAIL, Verdict.WARN
IDS = ("CHAT-116", "CHAT-117", "CHAT-118", "CHAT-119", "CHAT-120", "CHAT-121")


def without_words_beside_calls(found: list[Any]) -> list[Any]:
    return [message | {"content": None} if message.get("tool_calls") else message for message in found]


def silent(document: Any) -> None:
    """All of the cap was spent on thoughts."""
    for choice in document["choices"]:
        choice["message"] |= {"content": "", "reasoning_content": "Let me think. "}


def counting_words(app: Any) -> Any:
    """A prompt costs its words, whatever they are."""

    def change(asked: Asked, answer: Answer) -> Answer | None:
        if answer.is_stream or answer.status != 200 or not messages(asked):
            return None
        words = len(str(messages(asked)).split())
        document = answer.json
        usage = document["usage"] | {"prompt_tokens": words}
        usage["total_tokens"] = words + usage["completion_tokens"]
        return answer.with_json(document | {"usage": usage})

    return changed(app, change, streams=lambda asked: False)


def caching(app: Any) -> Any:
    """An answer is given again to the same request, byte for byte."""
    kept: dict[bytes, Any] = {}

    def change(asked: Asked, answer: Answer) -> Answer | None:
        if answer.is_stream or answer.status != 200 or not messages(asked):
            return None
        return answer.with_json(answer.json | {"choices": kept.setdefault(asked.body, answer.json)["choices"]})

    return changed(app, change, streams=lambda asked: False)


def says(text: str) -> Any:
    return put("choices[].message.content", text)


GREEN: dict[str, Wrap] = {
    "the gateway as it is": lambda app: app,
    "no usage": reply(drop("usage")),
    "prompts counted by words": counting_words,
    "a cache of whole requests": caching,
    "a model that thinks until its cap": reply(silent),
    "no user": refusing(asks("user")),
    "no stop sequences": refusing(asks("stop")),
    "no JSON": refusing(asks("response_format")),
    "no results of tools": refusing(has_role("tool")),
    "a model that never calls a tool": asked_as(put("tool_choice", "none"), asks("tool_choice", "required")),
    "a model that has one answer for all": chained(
        reply(says("Once upon a time there was a traveller.")),
        asked_as(put("tool_choice", "none"), asks("tool_choice", "required")),
        asked_as(drop("stop")),
    ),
    "a model that always speaks JSON": reply(says('{"story": "once"}'), lambda asked: not asks("stop")(asked)),
    "a model with short answers": reply(says("OK")),
}


@pytest.mark.parametrize("name", GREEN)
def test_what_may_be_otherwise_is_not_blamed(name: str) -> None:
    assert red(judge_with(GREEN[name], *IDS)) == {}


WARNED: dict[str, tuple[Wrap, str]] = {
    "templates without words beside calls": (
        asked_as(put("messages", without_words_beside_calls), has_role("tool")),
        "CHAT-116",
    ),
    "templates that want a user first": (
        answered(lambda asked: messages(asked)[0].get("role") == "assistant", error(400, "user first")),
        "CHAT-121",
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_what_templates_of_models_leave_out_or_refuse_is_a_warning(name: str) -> None:
    wrap, id = WARNED[name]
    assert {key: said.verdict for key, said in red(judge_with(wrap, *IDS)).items()} == {id: WARN}


@pytest.mark.parametrize(
    "name", ["tool-results-cut", "prompts-in-ascii", "conversations-go-on-by-user", "stop-sequences-stay"]
)
def test_what_is_lost_or_left_is_a_failure(name: str) -> None:
    fault = FAULTS[name]
    assert {key: said.verdict for key, said in red(judge_with(fault.wrap, *IDS)).items()} == {fault.breaks[0]: FAIL}


@pytest.mark.parametrize("name", ["cache-knows-no-options", "cache-by-the-beginning-of-prompts"])
def test_an_answer_to_another_request_is_a_failure(name: str) -> None:
    assert {key: said.verdict for key, said in red(judge_with(FAULTS[name].wrap, *IDS)).items()} == {"CHAT-119": FAIL}
