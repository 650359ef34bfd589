"""Events that are known by their bytes count as if they had been parsed, and nothing else passes for one."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from load.client import events as module
from load.client.envelope import envelope_of
from load.client.events import EventStream
from load.client.reply import Reply
from load.stream_rules import Ids, Judge

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def event(delta: Any, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1770000000, "model": "content"}
    text = json.dumps(head | {"choices": [choice]} | fields, separators=(",", ":"), ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def text(value: str) -> bytes:
    return event({"content": value})


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def reply(leave_after: int | None = None) -> Reply:
    found = Reply(EventStream(Judge("chat stream", b"{}", Ids())), leave_after)
    found.feed(HEAD, 0.0)
    found.catch_up()
    return found


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The payloads that were parsed as JSON."""
    found: list[str] = []

    def loads(data: str) -> Any:
        found.append(data)
        return json.loads(data)

    monkeypatch.setattr(module, "json", SimpleNamespace(loads=loads))
    return found


def test_after_the_first_a_plain_event_is_known_without_json(parsed: list[str]) -> None:
    found = reply()
    for number in range(20):
        found.feed(framed(text(f" word{number}")), number / 10)
        found.catch_up()
    assert found.stream is not None
    assert (found.stream.events, len(found.stream.stamps), len(parsed)) == (20, 20, 1)
    assert found.stream.stamps == [number / 10 for number in range(20)]
    assert (found.reads, found.bytes_read) == (21, len(HEAD) + sum(len(framed(text(f" word{n}"))) for n in range(20)))


def test_several_plain_events_of_one_read_are_known_too_and_have_its_time(parsed: list[str]) -> None:
    found = reply()
    for at, data in enumerate((framed(text("one")), framed(text("two")) + framed(text("three")))):
        if found.feed(data, float(at)):
            found.catch_up()
    found.catch_up()
    assert found.stream is not None and found.stream.stamps == [0.0, 1.0, 1.0]
    assert (found.reads, len(parsed)) == (3, 1)


@pytest.mark.parametrize("value", ['say "hi"', "two\nlines", "back\\slash", "über", "🌍", "\x07"])
def test_a_text_that_is_not_plain_is_parsed_and_counted(value: str, parsed: list[str]) -> None:
    found = reply()
    for piece in ("one", "two", value, "three"):
        found.feed(framed(text(piece)), 1.0)
        found.catch_up()
    assert found.stream is not None
    assert (len(found.stream.stamps), len(parsed)) == (4, 2)


@pytest.mark.parametrize(
    "data",
    [
        text("x").replace(b'"x"', b'"x","role":"assistant"'),
        text("x").replace(b"}\n\n", b"\n\n"),
        text("x").replace(b'"x"', b'"\x01"'),
        text("x").replace(b'"x"', b'"\\q"'),
    ],
    ids=["another member", "cut JSON", "control character", "no escape"],
)
def test_what_only_looks_plain_is_parsed(data: bytes, parsed: list[str]) -> None:
    found = reply()
    for piece in (text("one"), text("two"), data):
        found.feed(framed(piece), 1.0)
        found.catch_up()
    assert len(parsed) == 2


@pytest.mark.parametrize("line", [b"1%x\r\n", b"%x;x=1\r\n", b"0%x\r\n"], ids=["too long", "extension", "zero"])
def test_a_chunk_that_is_not_the_whole_read_goes_to_the_parser(line: bytes) -> None:
    found = reply()
    data = text("two")
    for piece in (framed(text("one")), line % len(data) + data + b"\r\n"):
        found.feed(piece, 1.0)
        found.catch_up()
    assert found.stream is not None and (found.stream.events, found.failure) == (2, None)


def test_events_behind_one_that_waits_for_its_turn_keep_their_order_and_times() -> None:
    found = reply()
    found.feed(framed(text("one")), 1.0)
    found.catch_up()
    for at, data in enumerate((event({"role": "assistant", "content": "two"}), text("three"), text("four")), 2):
        found.feed(framed(data), float(at))
    assert found.stream is not None and found.stream.stamps == [1.0]
    found.catch_up()
    assert found.stream.stamps == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("odd", ['a "quoted" word', "über", ""], ids=["quotes", "UTF-8", "none"])
@pytest.mark.parametrize("cut", [0, 40], ids=["whole", "cut"])
def test_what_is_looked_at_late_and_at_once_has_the_time_of_its_own_read(odd: str, cut: int) -> None:
    found = reply()
    found.feed(framed(text("one")), 1.0)
    found.catch_up()
    texts = ["two", "three and four", odd, "five"] if odd else ["two", "three and four", "five"]
    reads, times, at = [], [1.0], 2.0
    for value in texts:
        if value == "three and four":
            pieces = [text("three"), text("four")]
            times += [at, at]
        else:
            pieces = [text(value)]
            times.append(at)
        reads.append((b"".join(map(framed, pieces)), at))
        at += 1.0
    if cut:
        whole, when = reads[1]
        reads[1:2] = [(whole[:cut], when - 0.5), (whole[cut:], when)]
    soon = [found.feed(data, when) for data, when in reads]
    found.catch_up()
    assert found.stream is not None and found.stream.stamps == times
    assert (soon[0], found.reads, found.stream.failure) == (False, 2 + len(reads), None)


def test_a_stream_that_is_looked_at_on_its_way_counts_each_event_once_with_its_time() -> None:
    found = reply()
    found.feed(framed(text("one")), 1.0)
    found.catch_up()
    for at, value in enumerate(("two", "drei", 'a "quoted" word', "fünf", "six"), 2):
        found.feed(framed(text(value)), float(at))
        found.settle()
        assert found.stream is not None and found.last_s == float(at)
    found.catch_up()
    assert found.stream.stamps == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert found.stream.text.decode() == 'onetwodreia "quoted" wordfünfsix'
    assert (found.stream.events, found.reads) == (6, 7)


def test_an_event_that_looked_plain_and_ended_the_stream_is_judged_so(parsed: list[str]) -> None:
    found = reply()
    for piece in ("one", "two"):
        found.feed(framed(text(piece)), 1.0)
        found.catch_up()
    last = text("x").replace(b'"x"', b'"x","reason":"y"}\n\ndata: [DONE]\n\ndata: {"x":"z"')
    found.feed(framed(last), 2.0)
    found.settle()
    assert found.stream is not None and found.stream.done_s == 2.0


@pytest.mark.parametrize("first", ["one", 'a "quoted" word'], ids=["plain", "behind one that waits"])
def test_what_is_held_takes_little_memory(first: str) -> None:
    found = reply()
    found.feed(framed(text("none")), 0.0)
    found.catch_up()
    found.feed(framed(text(first)), 0.0)
    for at in range(500):
        found.feed(framed(text("more")), float(at))
    assert found.stream is not None and len(found.stream.stamps) > 300


def test_it_leaves_after_as_many_events_as_it_was_told() -> None:
    found = reply(leave_after=2)
    for at in range(3):
        found.feed(framed(text("one")), float(at))
        found.catch_up()
    result = found.result(0.0)
    assert (result.left, result.failure, found.ended, found.reusable) == (True, None, True, False)


@pytest.mark.parametrize(
    ("delta", "count"),
    [
        ({"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}, 1),
        ({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "f", "arguments": ""}}]}, 1),
        ({"reasoning_content": "hm"}, 1),
        ({"role": "assistant", "content": ""}, 0),
        ({"content": None}, 0),
    ],
)
def test_what_was_generated_is_more_than_content(delta: Any, count: int) -> None:
    found = reply()
    found.feed(framed(event(delta)), 1.0)
    found.catch_up()
    assert found.stream is not None and len(found.stream.stamps) == count


@pytest.mark.parametrize("value", ["content", "m", "chatcmpl-1", "assistant", ",", ":"])
def test_the_envelope_is_that_of_the_text_and_not_of_an_equal_word_elsewhere(value: str) -> None:
    block = event({"content": value}, model=value)[:-2]
    envelope = envelope_of(block, json.loads(block[6:]))
    assert envelope is not None
    assert envelope.before.endswith(b'"content":"') and envelope.before + value.encode() + envelope.after == block


@pytest.mark.parametrize(
    "members", [b'"content":",","m":"x"', b'"m":"x","content":","', b'"content":"A","content":","']
)
def test_the_envelope_is_that_of_the_text_where_the_bytes_around_it_look_alike(members: bytes) -> None:
    block = b'data: {"choices":[{"delta":{%b}}]}' % members
    envelope = envelope_of(block, json.loads(block[6:]))
    assert envelope is not None and envelope.before.endswith(b'"content":"') and envelope.after[:1] == b'"'


def test_a_text_that_is_written_with_escapes_is_not_taken_for_an_equal_word_elsewhere() -> None:
    block = b'data: {"model":"A","choices":[{"delta":{"content":"\\u0041"}}]}'
    assert envelope_of(block, json.loads(block[6:])) is None
