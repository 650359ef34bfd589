"""The rules on the load's own streams: silent on a good one, and each heard on a stream that breaks it alone."""

import json
from typing import Any

import pytest

from load.client.events import EventStream
from load.client.request import Kind
from load.stream_rules import Ids, Judge

MARKED = b'{"messages":[{"content":"say gp-00000000000000aa-pg"}]}'


def chunk(delta: Any, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1770000000, "model": "m"}
    return head | {"choices": [choice]} | fields


def text_chunk(text: str, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "text": text, "finish_reason": finish}
    return {"id": "c-1", "object": "text_completion", "created": 1770000000, "model": "m", "choices": [choice]} | fields


USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
GOOD: list[Any] = [
    chunk({"role": "assistant", "content": ""}),
    *(chunk({"content": word}) for word in ("one", " two", ' "three"', " four")),
    chunk({}, "stop"),
    chunk({}, choices=[], usage=USAGE),
    "[DONE]",
]
COMPLETION: list[Any] = [text_chunk("one"), text_chunk(" two"), text_chunk("", "length", usage=USAGE), "[DONE]"]


def sse(events: list[Any]) -> bytes:
    texts = [event if isinstance(event, str) else json.dumps(event, ensure_ascii=False) for event in events]
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def seen(
    events: list[Any] | bytes, kind: Kind = "chat stream", body: bytes = b"{}", ids: Ids | None = None
) -> dict[str, str]:
    stream = EventStream(Judge(kind, body, ids or Ids()))
    stream.feed(events if isinstance(events, bytes) else sse(events), 1.0)
    return dict(stream.violations(whole=stream.missing is None))


def changed(at: int, **fields: Any) -> list[Any]:
    return [*GOOD[:at], GOOD[at] | fields, *GOOD[at + 1 :]]


def test_a_good_stream_breaks_no_rule() -> None:
    assert seen(GOOD) == {} and seen(COMPLETION, "completion stream") == {}


@pytest.mark.parametrize(
    ("events", "rule"),
    [
        (changed(3, object="chat.completion"), "STREAM-013"),
        (changed(3, id="chatcmpl-2"), "STREAM-014"),
        (changed(4, created=1770000001), "STREAM-015"),
        (changed(2, created=1770000000.0), "STREAM-015"),
        (
            [{**GOOD[0], "object": "", "choices": [], "prompt_filter_results": []}, chunk({}, object=""), *GOOD],
            "STREAM-013",
        ),
        (changed(2, model="another"), "STREAM-016"),
        (changed(2, choices=[{"index": 1, "delta": {"content": "x"}, "finish_reason": None}]), "STREAM-018"),
        ([*GOOD[:5], *GOOD[6:]], "STREAM-023"),
        ([*GOOD[:6], *GOOD[5:]], "STREAM-023"),
        (changed(5, choices=[{"index": 0, "delta": {}, "finish_reason": "bored"}]), "STREAM-024"),
        ([*GOOD[:6], GOOD[2], *GOOD[6:]], "STREAM-025"),
        ([*GOOD, "[DONE]"], "STREAM-026"),
        ([*GOOD, GOOD[2]], "STREAM-027"),
        (changed(6, usage=USAGE | {"total_tokens": 8}), "STREAM-033"),
        (sse(GOOD).replace(b" two", b" tw\xff"), "STREAM-003"),
        (sse([*GOOD[:4], *GOOD[4:]]).replace(b" four", b" fo\xc3"), "STREAM-003"),
    ],
)
def test_each_damage_is_seen_by_its_rule(events: Any, rule: str) -> None:
    assert rule in seen(events)


@pytest.mark.parametrize(
    ("events", "rule"),
    [
        ([text_chunk("one", object="chat.completion.chunk"), *COMPLETION[1:]], "COMP-015"),
        ([COMPLETION[0], text_chunk(" two", id="c-2"), *COMPLETION[2:]], "COMP-038"),
        ([*COMPLETION[:3], text_chunk("more"), "[DONE]"], "COMP-039"),
        ([*COMPLETION[:2], text_chunk("", "stop", usage=USAGE | {"total_tokens": 1}), "[DONE]"], "COMP-016"),
    ],
)
def test_each_damage_of_a_completion_is_seen_by_its_rule(events: Any, rule: str) -> None:
    assert rule in seen(events, "completion stream")


def test_two_streams_with_one_id_are_told_but_equal_requests_may_be_answered_from_a_cache() -> None:
    ids = Ids()
    assert seen(GOOD, body=b"a", ids=ids) == {}
    assert seen(GOOD, body=b"a", ids=ids) == {}
    assert list(seen(GOOD, body=b"b", ids=ids)) == ["STREAM-017"]


@pytest.mark.parametrize("pieces", [["gp-00000000000000bb-pg"], ["gp-0000000", "0000000bb", "-pg"]])
def test_the_marker_of_another_prompt_is_foreign(pieces: list[str]) -> None:
    events = [GOOD[0], GOOD[1], *(chunk({"content": piece}) for piece in pieces), *GOOD[5:]]
    assert list(seen(events, body=MARKED)) == ["foreign marker"]


def test_the_marker_of_ones_own_prompt_is_welcome() -> None:
    assert seen([*GOOD[:2], chunk({"content": "gp-00000000000000aa-pg"}), *GOOD[5:]], body=MARKED) == {}


def test_a_stream_that_was_cut_is_not_blamed_for_what_it_could_not_say() -> None:
    assert seen(GOOD[:3]) == {}
