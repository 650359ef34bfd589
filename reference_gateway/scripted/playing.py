"""What an answer of a script looks like on the wire: pure, but for the time that is let pass."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

from reference_gateway.call import Json
from reference_gateway.responses import answering
from reference_gateway.responses.streaming import Telling
from reference_gateway.scripted.script import Answer

ID = "chatcmpl-scripted"
DONE = "[DONE]"


def body(answer: Answer, asked: Json, *, is_response: bool = False) -> bytes:
    """The body of an answer that is no stream; `is_response` where the Responses API was asked."""
    if answer.body is not None:
        return answer.body.encode("utf-8", "surrogatepass")
    if answer.status >= 400:
        kind = "invalid_request_error" if answer.status < 500 else "server_error"
        error = {"message": f"The script says {answer.status}.", "type": kind, "param": None, "code": None}
        return json.dumps({"error": error}).encode()
    text = "".join(answer.pieces or [])
    message = {"role": "assistant", "content": text, "refusal": None} | answer.message
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
    document = _head(asked, "chat.completion") | {"choices": [choice], "usage": _usage(answer)} | answer.extra
    if is_response:
        document = answering.whole(_begun(asked), document)
    return json.dumps(document, ensure_ascii=False).encode()


def events(answer: Answer, asked: Json, *, is_response: bool = False) -> Iterator[bytes]:
    """The events of a stream, one by one, as they are written. Those of a response have one form only."""
    if is_response:
        yield from _told(answer, asked)
        return
    for chunk in _chunks(answer, asked):
        indent = 1 if answer.multiline else None
        yield _event(answer, chunk if isinstance(chunk, str) else json.dumps(chunk, indent=indent, ensure_ascii=False))
    if answer.done:
        yield _event(answer, DONE)


def compressed(whole: bytes) -> bytes:
    return gzip.compress(whole, mtime=0)


def _told(answer: Answer, asked: Json) -> Iterator[bytes]:
    """The same stream in the words of the Responses API."""
    telling = Telling(_begun(asked))
    yield from telling.begin()
    for chunk in _chunks(answer, asked | {"stream_options": {"include_usage": True}}):
        if not isinstance(chunk, str):
            yield from telling.chunk(chunk)
    yield from telling.end()


def _begun(asked: Json) -> Json:
    return answering.begun(asked, str(asked.get("model")))


def _chunks(answer: Answer, asked: Json) -> Iterator[Json | str]:
    head = _head(asked, "chat.completion.chunk") | answer.extra
    if answer.chunks is not None:
        for chunk in answer.chunks:
            yield chunk if isinstance(chunk, str) else head | chunk
        return
    wanted = bool((asked.get("stream_options") or {}).get("include_usage"))
    rest: Json = {"usage": None} if wanted else {}
    deltas: list[tuple[Json, Any]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": piece}, None) for piece in answer.pieces or []]
    deltas += [({}, answer.finish_reason)]
    for delta, reason in deltas:
        yield head | rest | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]}
    if wanted:
        yield head | {"choices": [], "usage": _usage(answer)}


def _event(answer: Answer, data: str) -> bytes:
    space = " " if answer.space else ""
    lines = [": a comment"] if answer.comments else []
    lines += ["event: message", "id: 7", "retry: 3000"] if answer.fields else []
    lines += [f"data:{space}{line}" for line in data.split("\n")]
    return "".join(line + answer.newline for line in [*lines, ""]).encode("utf-8", "surrogatepass")


def _head(asked: Json, kind: str) -> Json:
    return {
        "id": ID,
        "object": kind,
        "created": int(time.time()),
        "model": asked.get("model"),
        "system_fingerprint": "fp_s",
    }


def _usage(answer: Answer) -> Json:
    spent = len(answer.pieces or []) + 1
    return answer.usage or {"prompt_tokens": 9, "completion_tokens": spent, "total_tokens": 9 + spent}
