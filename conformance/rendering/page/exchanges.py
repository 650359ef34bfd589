"""Exchanges as the page shows them: bodies laid out to be read, the events of a stream on a time axis."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import escape

WIDE = 1000
"""Units of the axis from the sending of the request to the end of the answer."""
SAME = 24
"""What two events have in common is set apart from so many characters on."""
MARKUP = 2000
"""About as many characters stand around what one exchange says."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its number, its arrival in seconds, what passed since the one before it (None for the first, and after
    events that were left out), where it stands on the axis. Its text is in three parts: `new` is what differs from the
    event before it."""

    n: int
    at_s: float
    gap_s: float | None
    x: float
    before: str
    new: str
    after: str
    whole: bool

    @property
    def text(self) -> str:
        return self.before + self.new + self.after


@dataclass(frozen=True)
class Stream:
    """Events in their order, some in the middle left out."""

    events: list[Event]
    left_out: int
    headers_x: float
    headers_s: float
    ended_s: float

    @property
    def total(self) -> int:
        return len(self.events) + self.left_out

    @cached_property
    def gap(self) -> tuple[float, float] | None:
        """From where to where on the axis events were left out."""
        for before, after in zip(self.events, self.events[1:], strict=False):
            if after.n > before.n + 1:
                return before.x, after.x
        return None

    @cached_property
    def summary(self) -> str:
        """What the axis shows, in words."""
        if not self.events:
            return f"No event; headers after {seconds(self.headers_s)}, end after {seconds(self.ended_s)}"
        first, last = self.events[0], self.events[-1]
        many = f"{self.total} event{'s' if self.total > 1 else ''}"
        words = [f"{many}: the first after {seconds(first.at_s)}, the last after {seconds(last.at_s)}"]
        gaps = [event for event in self.events if event.gap_s is not None]
        if gaps and not self.left_out:
            longest = max(gaps, key=lambda event: event.gap_s or 0.0)
            words.append(f"longest gap {seconds(longest.gap_s or 0.0)}, before event {longest.n}")
        return ", ".join(words)


@dataclass(frozen=True)
class Shown:
    """One exchange. `request` and `response` are None where the requirement is kept."""

    name: str
    probe: str
    line: str
    came: str
    request: "Message | None"
    response: "Message | None"
    stream: Stream | None
    curl: str
    python: str
    note: str

    @cached_property
    def size(self) -> int:
        """About how many characters of HTML it takes."""
        texts = [self.probe, self.line, self.curl, self.python, self.note]
        for message in (self.request, self.response):
            if message:
                texts += [message.body, *(text for pair in message.headers for text in pair)]
        count = sum(len(escape(text)) for text in texts)
        if self.stream:
            count += sum(len(escape(event.text)) + 300 for event in self.stream.events)
        return count + (MARKUP if self.request else MARKUP // 3)


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response: `laid_out` says that a JSON body was indented here."""

    headers: list[tuple[str, str]]
    body: str
    laid_out: bool


def shown(evidence: dict[str, Any]) -> Shown:
    """An exchange of the document, made ready for the page."""
    response = evidence["response"]
    return Shown(
        name=evidence["exchange"],
        probe=evidence["probe"],
        line=f"{evidence['method']} {evidence['url']}",
        came=_came(evidence),
        request=_message(evidence["request"]),
        response=_message(response),
        stream=_stream(response) if response and "events" in response else None,
        curl=evidence["curl"],
        python=evidence.get("python", ""),
        note=evidence["note"],
    )


def seconds(value: float) -> str:
    """A time as a person reads it.

    >>> seconds(0.0123), seconds(1.5)
    ('12.3 ms', '1.50 s')
    """
    return f"{value * 1000:.1f} ms" if abs(value) < 1 else f"{value:.2f} s"


def _came(evidence: dict[str, Any]) -> str:
    response = evidence["response"] or {}
    if not evidence["status"]:
        return "no answer"
    words = f"{response.get('http_version', 'HTTP')} {evidence['status']}"
    return f"{words} after {seconds(response['headers_s'])}" if "headers_s" in response else words


def _message(found: dict[str, Any] | None) -> Message | None:
    if found is None:
        return None
    body = _laid_out(found["body"])
    return Message([(name, value) for name, value in found["headers"]], body or found["body"], bool(body))


def _laid_out(text: str) -> str:
    """JSON over several lines; "" unless that leaves every character but white space as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return ""
    bare = "".join(text.split())
    for ascii_only in (False, True):
        try:
            found = json.dumps(json.loads(text), indent=2, ensure_ascii=ascii_only)
        except (ValueError, RecursionError):
            return ""
        if "".join(found.split()) == bare and found.count("\n") < 400:
            return found
    return ""


def _stream(response: dict[str, Any]) -> Stream:
    events = response["events"]
    headers_s, ended_s = float(response.get("headers_s", 0.0)), float(response.get("ended_s", 0.0))
    whole_s = max([ended_s, headers_s, *(event["at_s"] for event in events)]) or 1.0
    found: list[Event] = []
    for event in events:
        follows = found and found[-1].n == event["n"] - 1
        gap_s = event["at_s"] - found[-1].at_s if follows else None
        x = round(event["at_s"] / whole_s * WIDE, 1)
        text = _compared(found[-1].text if found else "", event["text"])
        found.append(Event(event["n"], event["at_s"], gap_s, x, *text, event.get("complete", True)))
    left_out = int(response.get("events_left_out", 0))
    return Stream(found, left_out, round(headers_s / whole_s * WIDE, 1), headers_s, ended_s)


def _compared(last: str, text: str) -> tuple[str, str, str]:
    """The text in three: how it begins as the last one did, what is new, how it ends as the last one did."""
    begin = _alike(last, text)
    begin = begin if begin >= SAME else 0
    end = _alike(last[begin:][::-1], text[begin:][::-1])
    end = len(text) - end if end >= SAME else len(text)
    return text[:begin], text[begin:end], text[end:]


def _alike(one: str, other: str) -> int:
    """With how many equal characters both begin."""
    shorter = min(len(one), len(other))
    return next((n for n in range(shorter) if one[n] != other[n]), shorter)
