"""What a prompt tells the upstream to do: `[[gateproof:{"id": "a1", "answers": [{"status": 429}]}]]`, anywhere in
it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from reference_gateway.call import Json
from schemas import violations

MARK = "[[gateproof:"
_decoder = json.JSONDecoder()


class NoScript(Exception):
    """There is a marker, and what follows it is no script; the message tells what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one request is answered. Without `body`, `pieces` or `chunks` the simulator answers, and all else is of no
    effect but `delay_s`; a `status` that is an error has a usual body then.

    A `body` is sent as it stands, to who asks for a stream as well, unless there are `chunks`. `pieces` are the text,
    in one piece or one event each; `message` has other members of the message. `chunks` are the events of a stream,
    laid over id, object, created and model; a text among them is sent as it stands. `then` the answer ends; or it is
    cut off or hangs, a stream after so many `events`, all else before its head. `split` is how many bytes are written
    at a time. Between two events there are the seconds of `gaps_s`, one by one, and `gap_s` when these are used up.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    pieces: list[str] | None = None
    message: Json = field(default_factory=dict)
    chunks: list[Json | str] | None = None
    finish_reason: str | None = "stop"
    usage: Json | None = None
    extra: Json = field(default_factory=dict)
    delay_s: float = 0.0
    gap_s: float = 0.0
    gaps_s: list[float] = field(default_factory=list)
    newline: str = "\n"
    space: bool = True
    comments: bool = False
    fields: bool = False
    multiline: bool = False
    done: bool = True
    split: int | None = None
    gzip: bool = False
    events: int | None = None
    then: str = "end"

    @property
    def can_stream(self) -> bool:
        """Whether there are events for who asks for a stream."""
        return (self.body is None or self.chunks is not None) and self.status < 400

    @property
    def is_the_simulators(self) -> bool:
        says_nothing = self.body is None and self.pieces is None and self.chunks is None
        return says_nothing and self.then == "end" and self.status == 200


@dataclass(frozen=True, slots=True)
class Script:
    """What happens to the requests that carry this id: the first gets the first answer; the last is repeated. `other`
    is the same for those that come to another provider than the first of them did."""

    id: str
    answers: tuple[Answer, ...] = (Answer(),)
    other: tuple[Answer, ...] = ()

    def answer(self, providers: Sequence[str]) -> Answer:
        """The answer to the last of these requests, of which the providers are given that they came to."""
        is_other = bool(self.other) and providers[-1] != providers[0]
        answers = self.other if is_other else self.answers
        number = (providers.count(providers[-1]) if self.other else len(providers)) - 1
        return answers[min(number, len(answers) - 1)]


def find(body: Any) -> Script | None:
    """The script in the last text of this body that has one, None without. Raises NoScript."""
    for text in _texts(body):
        at = text.rfind(MARK)
        if at >= 0:
            return _read(text, at + len(MARK))
    return None


def _read(text: str, start: int) -> Script:
    try:
        found, _ = _decoder.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise NoScript(f"behind {MARK} there is no JSON: {error}") from None
    if wrong := violations("script", found):
        raise NoScript("; ".join(wrong))
    return Script(found["id"], _answers(found.get("answers", [{}])), _answers(found.get("other", [])))


def _answers(found: list[Json]) -> tuple[Answer, ...]:
    return tuple(Answer(**_whole(answer)) for answer in found)


def _whole(answer: Json) -> Json:
    """An answer with its pieces written out."""
    if "pieces" not in answer:
        return answer
    return answer | {"pieces": [p if isinstance(p, str) else p["text"] * p["times"] for p in answer["pieces"]]}


def _texts(value: Any) -> Iterator[str]:
    """All texts in a body, the last first."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, str):
            yield here
        elif isinstance(here, dict):
            waiting.extend(here.values())
        elif isinstance(here, list):
            waiting.extend(here)
