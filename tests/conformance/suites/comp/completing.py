"""One-line defects of legacy completions, as `edits` has them of chats; its edits of streams serve both."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.judging.outcome import Outcome

from ..defects import Answer, Asked, before, changed, error
from ..edits import Edit, Where, Wrap, always, edited, judge_with


def judge_completions(wrap: Wrap, **options: Any) -> dict[str, Outcome]:
    """What COMP says of the bundled gateway with this around it, save whether streams come while they are made."""
    return {id: said for id, said in judge_with(wrap, "COMP", **options).items() if id != "COMP-044"}


def is_completion(asked: Asked) -> bool:
    return asked.path.endswith("/completions") and "/chat/" not in asked.path and asked.method == "POST"


def plain(asked: Asked) -> bool:
    return not asked.streams


def streamed(asked: Asked) -> bool:
    return asked.streams


def smallest(asked: Asked) -> bool:
    """The smallest completion, plain or streamed, and nothing else."""
    return not asked.object.keys() - {"model", "prompt", "max_tokens", "stream", "stream_options"} and (
        asked.object.get("prompt") == "Say OK."
    )


def prompt_is(kind: type, inner: type | None = None) -> Where:
    """The prompt is of this type; of arrays also that of the first item."""

    def fits(asked: Asked) -> bool:
        prompt = asked.object.get("prompt")
        return isinstance(prompt, kind) and (inner is None or (prompt != [] and isinstance(prompt[0], inner)))

    return fits


text, batch = prompt_is(str), prompt_is(list, str)
tokens, token_batch = prompt_is(list, int), prompt_is(list, list)


def every(*wheres: Where) -> Where:
    return lambda asked: all(where(asked) for where in wheres)


def answered(where: Where, answer: Callable[[Asked], Answer] | Answer) -> Wrap:
    """Such completions get this answer."""
    given = answer if callable(answer) else lambda asked: answer
    return lambda app: before(app, lambda asked: given(asked) if is_completion(asked) and where(asked) else None)


def refusing(where: Where, status: int = 400) -> Wrap:
    """Such completions are told, cleanly, that this is not supported."""
    return answered(where, lambda asked: error(status, "not supported"))


def asked_as(edit: Edit, where: Where = always) -> Wrap:
    """Such completions are understood as if they were others."""

    def act(asked: Asked) -> Asked | None:
        if not (is_completion(asked) and asked.object and where(asked)):
            return None
        return replace(asked, body=json.dumps(edited(edit, asked.object)).encode())

    return lambda app: before(app, act)


def reply(edit: Edit, where: Where = always) -> Wrap:
    """Every plain answer to such a completion."""

    def change(asked: Asked, answer: Answer) -> Answer:
        if is_completion(asked) and answer.status == 200 and not answer.is_stream and where(asked):
            return answer.with_json(edited(edit, answer.json))
        return answer

    return lambda app: changed(app, change)
