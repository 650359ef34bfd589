"""No shape of an answer is an error of ours: each JSON node of lists, models, chats and chunks becomes something odd.

Most of it is done on a recording, which is judged again for each value; what probes read is changed on the wire.
"""

import asyncio
import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from conformance import profiles
from conformance.exchange import Exchange, Response, exchanges_in
from conformance.judging.in_process import needed
from conformance.probe import streamed
from conformance.reading.traffic import endpoint
from conformance.sending.recording import Recording, Result, record
from conformance.target import Target
from conformance.verdict import Verdict

from ..defects import Answer, Asked
from ..edits import Wrap, judge_with, listing, model, reply
from ..judged import KEY, gateway_app, judge, judge_recording, on_stage
from ..refusals import with_answers

Path = tuple[str | int, ...]
DELETED = object()
ODD = {
    "null": None, "0": 0, "-1": -1, "1.5": 1.5, '""': "", "x": "x", "[]": [], "{}": {}, "true": True, "[null]": [None],
    "an object": {"x": 1}, "a huge number": 10**400, "half a pair": "\ud83d", "deep": "a deep array",
    "nothing": DELETED,
}  # fmt: skip
LOOKED_AT = (
    "chat_reply", "chat_n2", "chat_tool_auto", "chat_tool_required", "chat_tool_named", "chat_stop",
    "chat_tool_strict", "chat_tool_n2", "chat_tool_cut", "chat_logprobs", "chat_json_object", "chat_json_schema",
    "chat_stream", "chat_stream_usage", "chat_stream_n2", "chat_stream_tools", "chat_stream_stop",
)  # fmt: skip
"""The probes whose answers the rules for every answer of a run are held against; all of them would take minutes."""
each_value = pytest.mark.parametrize("name", ODD)


@pytest.fixture(scope="session")
def recording() -> Recording:
    """One run over the correct gateway."""
    with on_stage(gateway_app()) as url:
        target = Target(f"{url}/v1", api_key=KEY)
        probes = needed(target, "LIST", "MODEL", "CHAT", "STREAM")
        return asyncio.run(record(target, profiles.profile("openai"), probes))


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The places of all nodes, of arrays those of the first two items."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def odd(document: Any, path: Path, value: Any) -> Any:
    """The document with this value at the path, if it has such a place."""
    if not path:
        return {} if value is DELETED else value
    document = deepcopy(document)
    parent = document
    try:
        for step in path[:-1]:
            parent = parent[step]
        _ = parent[path[-1]]
    except (KeyError, IndexError, TypeError):
        return document
    if value is DELETED:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return document


def changed(recording: Recording, edit: Any) -> Recording:
    """The recording with other bodies."""
    by_id = {x.id: replace(x, response=Response(x.status, x.headers, ((0.1, edit(x)),))) for x in recording.exchanges}

    def other(value: Any) -> Any:
        if isinstance(value, Exchange):
            return by_id[value.id]
        if isinstance(value, dict):
            return {key: other(item) for key, item in value.items()}
        return [other(item) for item in value] if isinstance(value, list) else value

    results = {name: Result(other(result.value), result.unusable) for name, result in recording.results.items()}
    looked_at = [name for each in LOOKED_AT for name in (each, streamed(each)) if name in results]
    exchanges = {x.id: x for name in looked_at for x in exchanges_in(results[name].value)}
    return replace(recording, exchanges=list(exchanges.values()), results=results)


def dumped(value: Any) -> bytes:
    """The JSON text; a deep array is written by hand, as no serialiser would."""
    return json.dumps(value).encode().replace(b'"a deep array"', b"[" * 900 + b"]" * 900)


def in_replies(path: Path, value: Any) -> Any:
    def edit(exchange: Exchange) -> bytes:
        plain = endpoint(exchange) == "chat/completions" and exchange.ok and exchange.is_json
        return dumped(odd(exchange.json, path, value)) if plain else exchange.content

    return edit


def in_chunks(path: Path, value: Any) -> Any:
    def edit(exchange: Exchange) -> bytes:
        if exchange.media_type != "text/event-stream":
            return exchange.content
        return b"".join(
            b"data: %b\n\n" % (b"[DONE]" if chunk is None else dumped(odd(chunk, path, value)))
            for _, chunk in exchange.parsed_events
        )

    return edit


def errors(recording: Recording, *areas: str) -> dict[str, Any]:
    judged = judge_recording(recording, Target("http://recorded/v1"), *areas)
    return {id: said for id, said in judged.items() if said.verdict is Verdict.ERROR}


@each_value
def test_no_odd_value_in_a_chat_answer_is_an_error_of_ours(recording: Recording, name: str) -> None:
    answers = [recording.results[name].value.json for name in ("chat_reply", "chat_tool_named", "chat_logprobs")]
    for path in dict.fromkeys(path for answer in answers for path in paths(answer)):
        assert errors(changed(recording, in_replies(path, ODD[name])), "CHAT") == {}, path


@each_value
def test_no_odd_value_in_a_chunk_is_an_error_of_ours(recording: Recording, name: str) -> None:
    text, calls = recording.results["chat_stream_usage"].value, recording.results["chat_stream_tools"].value["required"]
    seen = [text.chunks[0], text.chunks[-1], calls.chunks[1], calls.chunks[2]]
    for path in dict.fromkeys(path for chunk in seen for path in paths(chunk)):
        assert errors(changed(recording, in_chunks(path, ODD[name])), "STREAM", "CHAT") == {}, path


@each_value
def test_no_odd_value_in_a_list_is_an_error_of_ours(recording: Recording, name: str) -> None:
    for path in paths(recording.results["models"].value.json):
        judged = judge_with(listing(lambda d, path=path: odd(d, path, ODD[name])), "LIST", "MODEL", model="gpt-4o-mini")
        assert not [said for said in judged.values() if said.verdict is Verdict.ERROR], path


@each_value
def test_no_odd_value_in_a_model_is_an_error_of_ours(recording: Recording, name: str) -> None:
    for path in paths(next(iter(recording.results["models_by_id"].value.values()))[0].json):
        judged = judge_with(model(lambda d, path=path: odd(d, path, ODD[name])), "MODEL", model="gpt-4o-mini")
        assert not [said for said in judged.values() if said.verdict is Verdict.ERROR], path


@each_value
def test_no_odd_message_given_back_is_an_error_of_ours(recording: Recording, name: str) -> None:
    answer = recording.results["chat_tool_required"].value[0].json
    for path in paths(answer):
        if path[:1] == ("choices",):
            judged = judge_with(reply(lambda d, path=path: odd(d, path, ODD[name])), "CHAT-068", "CHAT-001")
            assert not [said for said in judged.values() if said.verdict is Verdict.ERROR], path


def serving_all() -> Wrap:
    """Whatever is refused is answered as the last request of its kind that was served."""
    served: dict[tuple[str, bool], Answer] = {}

    def act(asked: Asked, answer: Answer) -> Answer:
        kind = (asked.path.rstrip("/"), asked.streams)
        if asked.method == "POST" and 400 <= answer.status < 500 and asked.header("authorization") == f"Bearer {KEY}":
            return served.get(kind, answer)
        if answer.status == 200:
            served[kind] = answer
        return answer

    return with_answers(act)


def test_no_answer_to_what_is_to_be_refused_is_an_error_of_ours() -> None:
    """A gateway with a model, a prompt and all else by default."""
    judged = judge(serving_all()(gateway_app()), *("ERR", "CHAT", "STREAM", "COMP", "EMB", "SEC", "SDK", "NAME"))
    assert {id: said for id, said in judged.items() if said.verdict is Verdict.ERROR} == {}
    assert judged["ERR-007"].verdict is Verdict.FAIL
